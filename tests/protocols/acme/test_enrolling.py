"""The steps of RFC 8555 against a server that checks what a strict one checks."""

import asyncio

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.acme import (
    AccountKey,
    AccountStatus,
    ACMEClient,
    AuthorizationStatus,
    ChallengeStatus,
    ErrorType,
    ExternalAccountBinding,
    Identifier,
    Order,
    OrderStatus,
    Problem,
)
from tests.fakes.acme import ORIGIN, URN, FakeACMEServer
from tests.fakes.clock import FakeClock

NAMES = ("example.test", "*.example.test", "www.example.test")


def csr_for(*names: str) -> x509.CertificateSigningRequest:
    sans = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(sans, critical=True)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())


async def proved_order(client: ACMEClient, *names: str) -> Order:
    order = await client.new_order([Identifier.dns(name) for name in names])
    for url in order.authorizations:
        challenge = (await client.get_authorization(url)).challenge("dns-01")
        assert challenge is not None
        await client.respond(challenge)
        await client.get_authorization(url)
    return await client.get_order(order.url)


async def test_a_certificate_from_account_to_chain(client: ACMEClient) -> None:
    order = await proved_order(client, *NAMES)
    assert {Identifier.dns(name) for name in NAMES} == set(order.identifiers)
    assert order.status is OrderStatus.READY
    csr = csr_for(*NAMES)
    order = await client.finalize(order, csr)
    assert order.status is OrderStatus.VALID
    assert order.certificate is not None
    chain = await client.download(order.certificate)
    assert csr.public_key() == chain.leaf.public_key()
    chain.leaf.verify_directly_issued_by(chain.intermediates[0])


async def test_things_that_take_time_say_so_and_nobody_waits_for_them(
    client: ACMEClient, server: FakeACMEServer
) -> None:
    server.retry_after = "7"
    server.validation_polls = server.issuance_polls = 1
    order = await client.new_order([Identifier.dns("example.test")])
    challenge = (await client.get_authorization(order.authorizations[0])).challenge("http-01")
    assert challenge is not None
    answered = await client.respond(challenge)
    assert answered.status is ChallengeStatus.PROCESSING
    polls = [await client.get_authorization(order.authorizations[0]) for _ in range(2)]
    assert [poll.status for poll in polls] == [AuthorizationStatus.PENDING, AuthorizationStatus.VALID]
    finalized = await client.finalize(await client.get_order(order.url), csr_for("example.test"))
    later = [await client.get_order(order.url) for _ in range(2)]
    states = [entry.status for entry in (finalized, *later)]
    assert states == [OrderStatus.PROCESSING, OrderStatus.PROCESSING, OrderStatus.VALID]
    waits = {answered.retry_after, *(poll.retry_after for poll in polls), *(entry.retry_after for entry in later)}
    assert {7.0} == {wait.total_seconds() for wait in waits if wait is not None}


async def test_the_order_keeps_its_url_through_finalize(client: ACMEClient) -> None:
    order = await proved_order(client, "example.test")
    finalized = await client.finalize(order, csr_for("example.test"))
    assert order.url == finalized.url == f"{ORIGIN}/orders/1"


async def test_polls_are_post_as_get_and_responses_empty_objects(client: ACMEClient, server: FakeACMEServer) -> None:
    await proved_order(client, "example.test")
    payloads = {resource: payload for resource, payload in server.seen if resource in {"authz", "orders", "chall"}}
    assert payloads == {"authz": None, "orders": None, "chall": {}}


async def test_a_wildcard_is_matched_with_what_was_ordered(client: ACMEClient) -> None:
    order = await client.new_order([Identifier.dns("*.example.test")])
    authorization = await client.get_authorization(order.authorizations[0])
    assert Identifier.dns("example.test") == authorization.identifier
    assert Identifier.dns("*.example.test") == authorization.ordered
    assert authorization.challenge("http-01") is None


async def test_a_failed_name_is_named(client: ACMEClient, server: FakeACMEServer) -> None:
    server.failing["bad.example.test"] = {"type": f"{URN}dns", "detail": "no TXT record"}
    order = await proved_order(client, "good.example.test", "bad.example.test")
    assert order.status is OrderStatus.INVALID
    assert order.error is not None
    leaves = [(leaf.identifier, leaf.type, leaf.detail) for leaf in order.error.leaves()]
    assert [(Identifier.dns("bad.example.test"), ErrorType.DNS, "no TXT record")] == leaves
    assert str(order.error) == "failed (compound): bad.example.test: no TXT record (dns)"


async def test_a_refused_name_is_named(client: ACMEClient, server: FakeACMEServer) -> None:
    server.rejected.add("bank.test")
    with pytest.raises(Problem) as caught:
        await client.new_order([Identifier.dns("bank.test"), Identifier.dns("example.test")])
    assert caught.value.type is ErrorType.REJECTED_IDENTIFIER
    assert [Identifier.dns("bank.test")] == [leaf.identifier for leaf in caught.value.document.leaves()]


async def test_profile_and_validity_are_asked_for(client: ACMEClient, server: FakeACMEServer, clock: FakeClock) -> None:
    server.meta["profiles"] = {"short": "six days"}
    order = await client.new_order(
        [Identifier.ip("2001:DB8:0:0::1")], profile="short", not_before=clock.now(), not_after=clock.now()
    )
    assert order.profile == "short"
    assert server.seen[-1][1] == {
        "identifiers": [{"type": "ip", "value": "2001:db8::1"}],
        "profile": "short",
        "notBefore": "2030-01-01T00:00:00Z",
        "notAfter": "2030-01-01T00:00:00Z",
    }


async def test_finalizing_too_early_is_refused(client: ACMEClient) -> None:
    order = await client.new_order([Identifier.dns("example.test")])
    with pytest.raises(Problem) as caught:
        await client.finalize(order, csr_for("example.test"))
    assert caught.value.type is ErrorType.ORDER_NOT_READY


async def test_an_abandoned_authorization_is_given_up(client: ACMEClient) -> None:
    order = await client.new_order([Identifier.dns("example.test")])
    given_up = await client.deactivate_authorization(order.authorizations[0])
    assert given_up.status is AuthorizationStatus.DEACTIVATED


class TestChains:
    @pytest.fixture
    async def url(self, client: ACMEClient) -> str:
        order = await client.finalize(await proved_order(client, "example.test"), csr_for("example.test"))
        assert order.certificate is not None
        return order.certificate

    @pytest.mark.parametrize(
        ("preferred", "root", "is_preferred"),
        [
            pytest.param(None, "Fake Root", True, id="whatever-the-server-likes"),
            pytest.param("Fake Root", "Fake Root", True, id="the-default"),
            pytest.param("Older Root", "Older Root", True, id="an-alternate"),
            pytest.param("Nobody's Root", "Fake Root", False, id="none-fits"),
            pytest.param("0" * 64, "Fake Root", False, id="no-fingerprint-fits"),
        ],
    )
    async def test_the_preferred_one_is_taken(
        self, client: ACMEClient, url: str, preferred: str | None, root: str, *, is_preferred: bool
    ) -> None:
        chain = await client.download(url, preferred_chain=preferred)
        assert chain.certificates[-1].issuer.rfc4514_string() == f"CN={root}"
        assert chain.is_preferred is is_preferred

    async def test_a_ca_is_found_by_its_fingerprint(self, client: ACMEClient, server: FakeACMEServer, url: str) -> None:
        wanted = server.ca.intermediates["Old Root"]
        text = wanted.fingerprint(hashes.SHA256()).hex(":").upper()
        assert wanted in (await client.download(url, preferred_chain=text)).intermediates

    async def test_alternates_are_absolute(self, client: ACMEClient, url: str) -> None:
        alternates = (await client.download(url)).alternates
        assert alternates == (f"{ORIGIN}/cert/1/1", f"{ORIGIN}/cert/1/2")


class TestAccounts:
    async def test_a_new_one_is_known_afterwards(self, stranger: ACMEClient) -> None:
        account = await stranger.new_account(contact=["mailto:a@example.test"], terms_agreed=True)
        assert (account.created, account.status) == (True, AccountStatus.VALID)
        assert account.url == stranger.account_url
        found = await stranger.find_account()
        assert (account.url, False, ("mailto:a@example.test",)) == (found.url, found.created, found.contact)

    async def test_there_is_none_before(self, stranger: ACMEClient) -> None:
        with pytest.raises(Problem) as caught:
            await stranger.find_account()
        assert caught.value.type is ErrorType.ACCOUNT_DOES_NOT_EXIST

    async def test_nothing_is_agreed_to_silently(self, stranger: ACMEClient) -> None:
        with pytest.raises(Problem) as caught:
            await stranger.new_account()
        assert caught.value.type is ErrorType.USER_ACTION_REQUIRED
        assert caught.value.document.instance == f"{ORIGIN}/terms"

    async def test_contacts_change(self, client: ACMEClient) -> None:
        assert (await client.update_account(contact=["mailto:b@example.test"])).contact == ("mailto:b@example.test",)

    async def test_given_up_for_good(self, client: ACMEClient) -> None:
        assert (await client.deactivate_account()).status is AccountStatus.DEACTIVATED
        with pytest.raises(Problem):
            await client.new_order([Identifier.dns("example.test")])

    async def test_bound_to_one_at_the_ca(self, stranger: ACMEClient, server: FakeACMEServer) -> None:
        server.binding_keys["kid-1"] = b"k" * 32
        with pytest.raises(Problem) as caught:
            await stranger.new_account(terms_agreed=True)
        assert caught.value.type is ErrorType.EXTERNAL_ACCOUNT_REQUIRED
        binding = ExternalAccountBinding(key_id="kid-1", mac_key=b"k" * 32)
        assert (await stranger.new_account(terms_agreed=True, binding=binding)).created

    async def test_a_wrong_binding_is_refused(self, stranger: ACMEClient, server: FakeACMEServer) -> None:
        server.binding_keys["kid-1"] = b"k" * 32
        with pytest.raises(Problem) as caught:
            await stranger.new_account(
                terms_agreed=True, binding=ExternalAccountBinding(key_id="kid-1", mac_key=b"x" * 32)
            )
        assert caught.value.type is ErrorType.UNAUTHORIZED

    async def test_nothing_is_asked_without_one(self, stranger: ACMEClient) -> None:
        with pytest.raises(RuntimeError, match="has no account yet"):
            await stranger.new_order([Identifier.dns("example.test")])


async def test_many_orders_at_once_share_a_directory_and_no_nonce(
    http: httpx.AsyncClient, key: AccountKey, clock: FakeClock, server: FakeACMEServer
) -> None:
    first = ACMEClient(server.directory_url, key, http=http, clock=clock.now)
    url = (await first.new_account(terms_agreed=True)).url
    server.requests.clear()
    client = ACMEClient(server.directory_url, key, http=http, clock=clock.now, account_url=url)
    names = [f"n{number}.example.test" for number in range(20)]
    orders = await asyncio.gather(*(proved_order(client, name) for name in names))
    assert {OrderStatus.READY} == {order.status for order in orders}
    assert [request.url.path for request in server.requests].count("/dir") == 1
