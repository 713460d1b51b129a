"""Revocation, an RA's envelope, and what HTTP adds."""

from collections.abc import Callable

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.cmp import (
    CMPClient,
    Confirmed,
    ErrorMessage,
    FailInfo,
    Interop,
    MACProtection,
    MalformedAnswer,
    Rejection,
    Revoked,
    Settings,
    SignatureProtection,
    ask_ca_certs,
    well_known_url,
)
from certwright.protocols.transport import RedirectRefused, TransportError, UnexpectedStatus
from tests.fakes.ca import common_name
from tests.fakes.cmp import FakeCMPServer, Pair, Refuse
from tests.protocols.cmp.asking import enrol, granted, make_request
from tests.protocols.cmp.conftest import MakeClient

Key = ec.EllipticCurvePrivateKey


class TestRevocation:
    @pytest.mark.parametrize("reason", list(x509.ReasonFlags), ids=[reason.name for reason in x509.ReasonFlags])
    async def test_every_reason_arrives(
        self, reason: x509.ReasonFlags, server: FakeCMPServer, signing: CMPClient, key: Key
    ) -> None:
        certificate = granted(await signing.cr(make_request(key))).certificate

        assert isinstance(await signing.rr(certificate, reason=reason), Revoked)
        assert server.authority.revoked == {certificate.serial_number: reason}

    async def test_a_second_time_is_told_by_its_bit(self, signing: CMPClient, key: Key) -> None:
        certificate = granted(await signing.cr(make_request(key))).certificate
        await signing.rr(certificate)

        with pytest.raises(Rejection) as no:
            await signing.rr(certificate)

        assert no.value.status.fail_info == (FailInfo.CERT_REVOKED,)
        assert no.value.authenticated

    async def test_an_unknown_certificate_is_rejected(self, signing: CMPClient, device: Pair) -> None:
        with pytest.raises(Rejection, match="badCertId"):
            await signing.rr(device.certificate)


class TestRegistrationAuthority:
    @pytest.fixture
    def authority(self, server: FakeCMPServer) -> SignatureProtection:
        pair = server.authority.pair("Registration Authority")
        return SignatureProtection(key=pair.key, certificate=pair.certificate, chain=pair.chain)

    @pytest.fixture(params=["mac", "signature"])
    def client(
        self, request: pytest.FixtureRequest, make_client: MakeClient, authority: SignatureProtection
    ) -> CMPClient:
        protection = request.getfixturevalue(request.param)
        return make_client(protection, settings=Settings(registration_authority=authority))

    async def test_it_vouches_for_every_message(
        self, server: FakeCMPServer, client: CMPClient, authority: SignatureProtection, key: Key
    ) -> None:
        server.grants_implicit_confirm = False

        outcome = granted(await client.ir(make_request(key)))

        assert isinstance(await client.confirm(outcome.transaction), Confirmed)
        assert [one.authority for _, one in server.seen] == [authority.certificate, authority.certificate]


class TestHeader:
    @pytest.mark.parametrize(("configured", "sent"), [(None, b"device-1"), ("other", b"other"), ("", None)])
    async def test_the_sender_kid_is_what_was_configured(
        self,
        configured: str | None,
        sent: bytes | None,
        server: FakeCMPServer,
        make_client: MakeClient,
        mac: MACProtection,
    ) -> None:
        server.secrets |= {"other": b"sesame", "": b"sesame"}
        client = make_client(mac, settings=Settings(interop=Interop(sender_kid=configured)))

        await client.genm([ask_ca_certs()])

        assert server.seen[0][1].header["senderKID"].native == sent

    async def test_names_are_what_was_configured(
        self, server: FakeCMPServer, make_client: MakeClient, mac: MACProtection
    ) -> None:
        settings = Settings(sender=common_name("Me"), recipient=common_name("You"))

        await make_client(mac, settings=settings).genm([ask_ca_certs()])

        header = server.seen[0][1].header
        assert header["sender"].chosen.untag().dump() == common_name("Me").public_bytes()
        assert header["recipient"].chosen.untag().dump() == common_name("You").public_bytes()

    async def test_names_are_the_profiles_otherwise(
        self, server: FakeCMPServer, client: CMPClient, signing: CMPClient, device: Pair
    ) -> None:
        await client.genm([ask_ca_certs()])
        await signing.genm([ask_ca_certs()])

        (_, by_mac), (_, by_signature) = server.seen
        assert by_mac.header["sender"].chosen.untag().dump() == common_name("device-1").public_bytes()
        assert by_mac.header["recipient"].chosen.untag().dump() == b"\x30\x00"
        assert by_signature.header["recipient"].chosen.untag().dump() == device.certificate.issuer.public_bytes()
        assert by_signature.extra_certs == [device.certificate, *device.chain]


class TestHTTP:
    @pytest.fixture
    def pathfinder(self, make_client: MakeClient, mac: MACProtection) -> CMPClient:
        url = well_known_url("http://cmp.test/", profile="device")
        return make_client(mac, url=url, settings=Settings(use_operation_paths=True))

    @pytest.mark.parametrize(
        ("operation", "path"),
        [("ir", "initialization"), ("cr", "certification"), ("p10cr", "pkcs10")],
    )
    async def test_an_operation_has_its_path(
        self, operation: str, path: str, server: FakeCMPServer, pathfinder: CMPClient, key: Key
    ) -> None:
        server.grants_implicit_confirm = False

        outcome = granted(await enrol(pathfinder, operation, key))
        await pathfinder.confirm(outcome.transaction)

        assert server.paths == [f"/.well-known/cmp/p/device/{path}"] * 2

    async def test_any_url_is_used_as_it_is(self, server: FakeCMPServer, client: CMPClient, key: Key) -> None:
        await client.ir(make_request(key))

        assert server.paths == ["/pkix/"]
        assert well_known_url("https://ca.test") == "https://ca.test/.well-known/cmp"

    @pytest.mark.parametrize("status", [400, 403, 500, 503])
    async def test_an_error_message_counts_under_any_status(
        self, status: int, server: FakeCMPServer, client: CMPClient, key: Key
    ) -> None:
        server.http_status = status
        server.refusals.append(Refuse("no", is_error=True))

        with pytest.raises(ErrorMessage):
            await client.ir(make_request(key))

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            pytest.param(lambda: httpx.Response(404), UnexpectedStatus, id="unknown alias"),
            pytest.param(lambda: httpx.Response(200, html="<p>hello"), UnexpectedStatus, id="a page"),
            pytest.param(lambda: httpx.Response(302, headers={"Location": "/x"}), RedirectRefused, id="redirect"),
            pytest.param(lambda: _message(202, b"0\x00"), UnexpectedStatus, id="accepted"),
            pytest.param(lambda: _message(200, b""), UnexpectedStatus, id="empty"),
            pytest.param(lambda: _message(200, b"hello"), MalformedAnswer, id="no DER"),
            pytest.param(lambda: _message(200, b"0\x00"), MalformedAnswer, id="no message"),
        ],
    )
    async def test_what_is_no_message_is_no_answer(
        self,
        answer: Callable[[], httpx.Response],
        error: type[Exception],
        server: FakeCMPServer,
        client: CMPClient,
        key: Key,
    ) -> None:
        server.next_answers.append(answer)

        with pytest.raises((TransportError, MalformedAnswer)) as failed:
            await client.ir(make_request(key))

        assert type(failed.value) is error


def _message(status: int, body: bytes) -> httpx.Response:
    return httpx.Response(status, content=body, headers={"Content-Type": "application/pkixcmp"})
