"""A server's no: in which words it comes, and when it is believed."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.cmp import (
    CMPClient,
    ErrorMessage,
    FailInfo,
    Interop,
    MACProtection,
    PKIStatus,
    Rejection,
    Settings,
    Trust,
    Unprotected,
    UntrustedSigner,
    WrongNonce,
    WrongTransaction,
    asn1,
)
from certwright.protocols.cmp.status import FAILURES, parse_status
from tests.fakes.cmp import FakeCMPServer, Kind, Refuse
from tests.protocols.cmp.asking import granted, make_request
from tests.protocols.cmp.conftest import MakeClient

Key = ec.EllipticCurvePrivateKey
LENIENT = Settings(interop=Interop(allow_unprotected_errors=True))


async def test_a_rejection_is_told_in_full(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    server.refusals.append(Refuse("no such profile", (15, 19, 40)))

    with pytest.raises(
        Rejection, match=r"^no such profile \(unacceptedPolicy, badCertTemplate, failInfo bit 40\)$"
    ) as no:
        await client.ir(make_request(key))

    assert no.value.authenticated
    assert no.value.status.status is PKIStatus.REJECTION
    assert no.value.status.fail_info == (FailInfo.UNACCEPTED_POLICY, FailInfo.BAD_CERT_TEMPLATE)
    assert no.value.status.unknown_bits == (40,)


async def test_an_error_is_told_in_full(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    refuse = Refuse("try later", (24,), is_error=True, code=42, details=("line one", "line\x1b[31m two"))
    server.refusals.append(refuse)

    with pytest.raises(ErrorMessage) as no:
        await client.ir(make_request(key))

    assert str(no.value) == "try later (systemUnavail); error code 42; line one; line [31m two"
    assert no.value.authenticated
    assert (no.value.error_code, no.value.details) == (42, ("line one", "line [31m two"))


@pytest.mark.parametrize("bit", range(len(FAILURES)), ids=[failure.value for failure in FAILURES])
def test_every_failure_has_its_name(bit: int) -> None:
    value = asn1.PKIStatusInfo({"status": 2, "failInfo": tuple(int(one == bit) for one in range(bit + 1))})

    assert parse_status(asn1.PKIStatusInfo.load(value.dump())).fail_info == (FAILURES[bit],)


@pytest.mark.parametrize("number", [-1, 7, 10**6])
def test_a_status_without_a_name_is_no_success(number: int) -> None:
    status = parse_status(asn1.PKIStatusInfo.load(asn1.PKIStatusInfo({"status": number}).dump()))

    assert (status.status, status.is_granted) == (PKIStatus.UNKNOWN, False)


async def test_a_certificate_with_other_contents_is_granted(server: FakeCMPServer, client: CMPClient, key: Key) -> None:
    server.status = 1

    assert granted(await client.ir(make_request(key))).status.status is PKIStatus.GRANTED_WITH_MODS


class TestUnprotected:
    @pytest.mark.parametrize("is_error", [True, False], ids=["error", "rejection"])
    async def test_a_refusal_is_not_shown(
        self, *, is_error: bool, server: FakeCMPServer, client: CMPClient, key: Key
    ) -> None:
        server.errors_with = Kind.NONE
        server.refusals.append(Refuse("pay a ransom", is_error=is_error))

        with pytest.raises(Unprotected) as no:
            await client.ir(make_request(key))

        assert "ransom" not in str(no.value)

    @pytest.mark.parametrize("is_error", [True, False], ids=["error", "rejection"])
    async def test_a_refusal_is_shown_as_unauthenticated_to_who_wants_it(
        self, *, is_error: bool, server: FakeCMPServer, make_client: MakeClient, mac: MACProtection, key: Key
    ) -> None:
        server.errors_with = Kind.NONE
        server.refusals.append(Refuse("no such device", is_error=is_error))

        with pytest.raises((ErrorMessage, Rejection), match=r"no such device.*\[unauthenticated\]") as no:
            await make_client(mac, settings=LENIENT).ir(make_request(key))

        assert not no.value.authenticated

    async def test_a_refusal_for_another_transaction_is_not_shown(
        self, server: FakeCMPServer, make_client: MakeClient, mac: MACProtection, key: Key
    ) -> None:
        server.errors_with = Kind.NONE
        server.header["transactionID"] = bytes(16)
        server.refusals.append(Refuse(is_error=True))

        with pytest.raises(WrongTransaction):
            await make_client(mac, settings=LENIENT).ir(make_request(key))

    async def test_success_does_not_exist(
        self, server: FakeCMPServer, make_client: MakeClient, mac: MACProtection, key: Key
    ) -> None:
        server.answer_with = Kind.NONE

        with pytest.raises(Unprotected):
            await make_client(mac, settings=LENIENT).ir(make_request(key))

    async def test_waiting_does_not_exist(
        self, server: FakeCMPServer, make_client: MakeClient, mac: MACProtection, key: Key
    ) -> None:
        server.answer_with, server.polls, server.waits_with_error = Kind.NONE, 1, True

        with pytest.raises(Unprotected):
            await make_client(mac, settings=LENIENT).ir(make_request(key))

    async def test_a_confirmation_does_not_exist(
        self, server: FakeCMPServer, make_client: MakeClient, mac: MACProtection, key: Key
    ) -> None:
        server.grants_implicit_confirm = False
        client = make_client(mac, settings=LENIENT)
        outcome = granted(await client.ir(make_request(key)))
        server.answer_with = Kind.NONE

        with pytest.raises(Unprotected):
            await client.confirm(outcome.transaction)


@pytest.mark.parametrize("missing", ["transactionID", "recipNonce", "senderNonce"])
class TestWithoutContext:
    async def test_a_refusal_could_be_an_old_one(
        self, missing: str, server: FakeCMPServer, client: CMPClient, key: Key
    ) -> None:
        server.header[missing] = None
        server.refusals.append(Refuse(is_error=True))

        with pytest.raises(WrongNonce):
            await client.ir(make_request(key))

    async def test_it_is_shown_as_unauthenticated_to_who_wants_it(
        self, missing: str, server: FakeCMPServer, make_client: MakeClient, mac: MACProtection, key: Key
    ) -> None:
        server.header[missing] = None
        server.refusals.append(Refuse("no", is_error=True))

        with pytest.raises(ErrorMessage) as no:
            await make_client(mac, settings=LENIENT).ir(make_request(key))

        assert not no.value.authenticated


class TestSignedRefusalOfARequestUnderAMAC:
    async def test_it_counts_under_an_anchor(self, server: FakeCMPServer, client: CMPClient, key: Key) -> None:
        server.errors_with = Kind.SIGNATURE
        server.refusals.append(Refuse("wrong secret", (1,), is_error=True))

        with pytest.raises(ErrorMessage, match="wrong secret") as no:
            await client.ir(make_request(key))

        assert no.value.authenticated

    async def test_it_does_not_count_without_one(
        self, server: FakeCMPServer, make_client: MakeClient, mac: MACProtection, key: Key
    ) -> None:
        server.errors_with = Kind.SIGNATURE
        server.refusals.append(Refuse(is_error=True))

        with pytest.raises(UntrustedSigner, match="no trust anchor"):
            await make_client(mac, trust=Trust()).ir(make_request(key))
