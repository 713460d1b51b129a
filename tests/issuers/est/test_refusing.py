"""A refused client certificate is told from a refused request, and from everything else."""

from datetime import timedelta

import pytest

from certwright.issuers.est.refusing import MOST_REMEMBERED, Refusals, is_refusal
from certwright.protocols.est import AuthenticationRequired, MalformedAnswer, Refused
from certwright.protocols.transport import (
    ClientCertificateRefused,
    ConnectionFailed,
    ServerNotVerified,
    TLSFailed,
    UnexpectedStatus,
    UnusableIdentity,
)


def page(status: int) -> UnexpectedStatus:
    return UnexpectedStatus("est.test", status=status, media_type="text/html", length=9, retry_after=timedelta(0))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(ClientCertificateRefused("no"), True, id="an alert about the certificate"),
        pytest.param(TLSFailed("no", is_unsent=True), True, id="a failed handshake"),
        pytest.param(TLSFailed("no"), False, id="an alert after the request"),
        pytest.param(ServerNotVerified("no"), False, id="a server that does not verify"),
        pytest.param(UnusableIdentity("no"), True, id="a key that TLS cannot use"),
        pytest.param(AuthenticationRequired((), was_refused=False), True, id="401"),
        pytest.param(Refused(403, "no"), True, id="403"),
        pytest.param(Refused(405, "no"), True, id="405"),
        pytest.param(Refused(400, "no"), False, id="400"),
        pytest.param(Refused(500, "no"), False, id="500"),
        pytest.param(page(400), True, id="a page with 400"),
        pytest.param(page(429), False, id="a page with 429"),
        pytest.param(page(502), False, id="a page with 502"),
        pytest.param(MalformedAnswer("no"), False, id="nonsense"),
        pytest.param(ConnectionFailed("no"), False, id="a broken connection"),
    ],
)
def test_what_another_credential_may_mend(error: Exception, *, expected: bool) -> None:
    assert expected is is_refusal(error)


def test_refusals_are_remembered_up_to_a_bound() -> None:
    refusals = Refusals()
    for number in range(MOST_REMEMBERED + 1):
        refusals.remember(b"%d" % number, f"note {number}")
    assert refusals.note_of(b"0") == ""
    assert refusals.note_of(b"1") == "note 1"
    refusals.forget(b"1")
    assert refusals.note_of(b"1") == ""
