"""What an answer of the API server is called."""

from typing import Any

import pytest

from certwright.kube import errors
from certwright.kube.errors import KubeError, error_for

TOO_LONG = 'Secret "web-tls" is invalid: data: Too long: may not be more than 1048576 bytes'
TERMINATING: dict[str, Any] = {
    "message": 'secrets "web-tls" is forbidden: unable to create new content in namespace shop',
    "details": {"causes": [{"reason": "NamespaceTerminating", "message": "namespace shop is being terminated"}]},
}
ANSWERS: dict[str, tuple[int, Any, type[KubeError]]] = {
    "not there": (404, {}, errors.NotFoundError),
    "a conflict": (409, {}, errors.ConflictError),
    "a rule": (422, {"message": "spec.x: Invalid value"}, errors.InvalidError),
    "too much data": (422, {"message": TOO_LONG}, errors.TooLargeError),
    "too large a request": (413, {}, errors.TooLargeError),
    "too large for etcd": (500, {"message": "etcdserver: request is too large"}, errors.TooLargeError),
    "a fault of the server": (500, {"message": "etcdserver: request timed out"}, errors.UnavailableError),
    "a role": (403, {"message": "forbidden"}, errors.ForbiddenError),
    "a namespace that goes": (403, TERMINATING, errors.TerminatingError),
    "odd details": (403, {"details": {"causes": ["odd", None]}}, errors.ForbiddenError),
    "no details": (403, {"details": None}, errors.ForbiddenError),
    "no object": (403, ["odd"], errors.ForbiddenError),
}


@pytest.mark.parametrize(("status", "answer", "kind"), ANSWERS.values(), ids=ANSWERS.keys())
def test_each_answer_has_its_kind(status: int, answer: Any, kind: type[KubeError]) -> None:
    error = error_for(status, answer, call="PATCH /x")
    assert type(error) is kind
    assert error.status == status
