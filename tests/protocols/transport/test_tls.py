"""Which failures of TLS are told apart, and which of all failures say that nothing reached the server.

Real handshakes that fail in these ways are in tests/protocols/est/test_connections.py.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import httpcore
import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols.transport import (
    AddressRefused,
    ClientCertificateRefused,
    ClientIdentity,
    ConnectionFailed,
    NameNotResolved,
    NotHTTP,
    ServerNotVerified,
    TLSFailed,
    TransportError,
    UnusableIdentity,
    UnusableURL,
    tls_context,
    translated,
    unverified_tls_context,
)
from certwright.protocols.transport.errors import CERTIFICATE_ALERTS
from tests.fakes.hierarchy import Root

ROOT = Root("Root")
PEM = ROOT.certificate.public_bytes(Encoding.PEM)


def translation(error: Exception, *, cause: Exception | None = None) -> TransportError:
    with pytest.raises(TransportError) as caught, translated("ca.test"):
        raise error from cause
    return caught.value


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "x")
    error.reason = reason
    return error


class TestFailures:
    @pytest.mark.parametrize("reason", sorted(CERTIFICATE_ALERTS))
    def test_an_alert_about_our_certificate(self, reason: str) -> None:
        for error in (translation(alert(reason)), translation(httpcore.ConnectError(), cause=alert(reason))):
            assert isinstance(error, ClientCertificateRefused)
            assert error.is_unsent

    def test_an_earlier_failure_is_not_the_cause_of_a_later_one(self) -> None:
        """Whoever tries otherwise after a refusal does so while he handles it."""
        try:
            raise translation(alert("TLSV1_ALERT_UNKNOWN_CA"))
        except ClientCertificateRefused:
            later = (translation(httpcore.ReadError()), translation(httpcore.RemoteProtocolError()))
        assert [(type(error), error.is_unsent) for error in later] == [(ConnectionFailed, False), (NotHTTP, False)]

    def test_a_cause_that_a_proxy_pool_hides(self) -> None:
        error = httpcore.ConnectError()
        error.__context__ = ssl.SSLCertVerificationError(1, "x")
        assert isinstance(translation(error), ServerNotVerified)

    def test_any_other_alert(self) -> None:
        late = translation(alert("SSLV3_ALERT_BAD_RECORD_MAC"))
        early = translation(httpcore.ConnectError(), cause=alert("SSLV3_ALERT_HANDSHAKE_FAILURE"))
        assert (type(late), late.is_unsent) == (TLSFailed, False)
        assert (type(early), early.is_unsent) == (TLSFailed, True)
        assert isinstance(early, TLSFailed)
        assert early.reason == "SSLV3_ALERT_HANDSHAKE_FAILURE"

    @pytest.mark.parametrize(("code", "expected"), [(62, True), (64, True), (20, False)])
    def test_a_server_under_another_name(self, code: int, *, expected: bool) -> None:
        cause = ssl.SSLCertVerificationError(1, "x")
        cause.verify_code = code
        error = translation(httpcore.ConnectError(), cause=cause)
        assert isinstance(error, ServerNotVerified)
        assert error.is_name_mismatch is expected

    @pytest.mark.parametrize(
        "error",
        [
            httpcore.ConnectError("refused"),
            httpcore.ConnectTimeout(),
            httpcore.PoolTimeout(),
            httpcore.ProxyError(),
            httpx.ConnectError("refused"),
            httpx.ConnectTimeout(""),
            httpx.PoolTimeout(""),
            httpx.UnsupportedProtocol(""),
        ],
        ids=repr,
    )
    def test_what_never_reached_the_server(self, error: Exception) -> None:
        assert translation(error).is_unsent

    @pytest.mark.parametrize(
        "error",
        [
            httpcore.ReadError(),
            httpcore.ReadTimeout(),
            httpcore.WriteError(),
            httpcore.RemoteProtocolError(),
            httpx.ReadError(""),
            httpx.ReadTimeout(""),
            TimeoutError(),
            ConnectionResetError(104, ""),
        ],
        ids=repr,
    )
    def test_what_may_have_reached_it(self, error: Exception) -> None:
        assert not translation(error).is_unsent

    def test_what_is_known_before_connecting(self) -> None:
        assert all(error.is_unsent for error in (AddressRefused("a", "b"), NameNotResolved("a"), UnusableURL("a")))


class TestContexts:
    def test_versions_are_bounded(self) -> None:
        context = tls_context(PEM, newest=ssl.TLSVersion.TLSv1_2)
        assert (context.minimum_version, context.maximum_version) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
        assert unverified_tls_context().minimum_version is ssl.TLSVersion.TLSv1_2

    def test_a_key_leaves_no_file_and_no_descriptor(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        before = set(Path("/proc/self/fd").iterdir())
        tls_context(PEM, identity=ROOT.identity("client"))
        assert set(Path("/proc/self/fd").iterdir()) == before
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("certificates", "key"),
        [
            pytest.param(b"", b"", id="nothing"),
            pytest.param(b"secret", b"secret", id="text"),
            pytest.param(ROOT.identity("a").certificates, ROOT.identity("b").private_key, id="of-two-pairs"),
        ],
    )
    def test_what_is_no_pair(self, certificates: bytes, key: bytes) -> None:
        with pytest.raises(UnusableIdentity, match="cannot be used for TLS") as caught:
            tls_context(PEM, identity=ClientIdentity(certificates=certificates, private_key=key))
        assert "secret" not in str(caught.value)

    def test_an_expired_certificate_is_still_shown(self) -> None:
        """Whether it is accepted is for the server to say."""
        tls_context(PEM, identity=ROOT.identity("a", not_after=datetime(2020, 1, 1, tzinfo=UTC)))
