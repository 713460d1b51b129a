"""Whatever ends the process: one line that says why and what helps, or a traceback where it is our own fault."""

import pytest

from certwright.handlers.failures import explain
from certwright.kube.connection import ConnectionSettingsError
from certwright.kube.errors import ConflictError, ForbiddenError, UnavailableError
from certwright.kube.installation import MissingDefinitionsError
from certwright.runtime.leader import LeadershipLost
from certwright.runtime.serving import ListenError
from certwright.runtime.supervise import ServiceDied


def died(cause: BaseException | None) -> ServiceDied:
    """As ``supervise`` raises it."""
    error = ServiceDied("the sweep", cause)
    error.__cause__ = cause
    return error


FAILURES: dict[str, tuple[BaseException, str]] = {
    "no kubeconfig": (ConnectionSettingsError("no usable Kubernetes credentials in x"), "no usable Kubernetes"),
    "no CRDs": (MissingDefinitionsError("install the CRDs"), "install the CRDs"),
    "a port in use": (ListenError("", 8089, OSError(98, "in use")), "Cannot listen on * port 8089"),
    "no API server": (UnavailableError("GET /apis: refused"), "the API server cannot be reached: GET /apis: refused"),
    "no rights": (ForbiddenError("GET /apis: no"), "the API server refuses the operator's credentials or role"),
    "another answer": (ConflictError("PATCH /x: changed"), "PATCH /x: changed"),
    "leadership lost": (died(LeadershipLost("the Lease was not renewed")), "the Lease was not renewed; this process"),
    "a service without an API server": (died(UnavailableError("GET /apis: refused")), "cannot be reached"),
}


@pytest.mark.parametrize(("error", "words"), FAILURES.values(), ids=FAILURES.keys())
def test_what_others_can_mend_is_one_line(error: BaseException, words: str) -> None:
    line = explain(error)

    assert line is not None
    assert words in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), died(ZeroDivisionError()), died(None)], ids=["raised", "in a service", "it returned"]
)
def test_our_own_fault_keeps_its_traceback(error: BaseException) -> None:
    assert explain(error) is None
