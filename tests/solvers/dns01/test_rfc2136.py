"""Dynamic updates: what is added, what is left alone, and what is said when the server refuses."""

import dns.name
import dns.rcode
import pytest

from certwright.model.errors import EnrolmentError, IssuerError, TransientError
from certwright.model.reasons import Reason
from certwright.model.resources import TSIGAlgorithm
from certwright.solvers.dns01.rfc2136 import ON_THE_WIRE, RFC2136, TSIGKey
from tests.fakes.dns import FakeDNS, absolute

PRIMARY = "192.0.2.1"
NAME = absolute("_acme-challenge.www.shop.test")
SECRET = b"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="


def key(*, name: str = "certwright", algorithm: TSIGAlgorithm = TSIGAlgorithm.HMAC_SHA256) -> TSIGKey:
    return TSIGKey.parse(name, SECRET, algorithm=algorithm)


@pytest.fixture
def world() -> FakeDNS:
    world = FakeDNS()
    world.zone("shop.test", PRIMARY)
    return world


async def test_values_stand_side_by_side_and_go_one_by_one(world: FakeDNS) -> None:
    provider = RFC2136(PRIMARY, exchange=world)
    await provider.add(NAME, "apex")
    await provider.add(NAME, "wildcard")
    await provider.add(NAME, "apex")
    assert world.texts(PRIMARY, str(NAME)) == ["apex", "wildcard"]
    await provider.remove(NAME, "apex")
    await provider.remove(NAME, "apex")
    assert world.texts(PRIMARY, str(NAME)) == ["wildcard"]


@pytest.mark.parametrize("algorithm", TSIGAlgorithm)
async def test_updates_are_signed_with_every_algorithm_that_can_be_chosen(
    world: FakeDNS, algorithm: TSIGAlgorithm
) -> None:
    shared = key(algorithm=algorithm)
    world.keys = {absolute("certwright"): shared.for_dnspython()}
    await RFC2136(PRIMARY, key=shared, exchange=world).add(NAME, "value")
    assert world.texts(PRIMARY, str(NAME)) == ["value"]


def test_every_algorithm_has_a_name_on_the_wire() -> None:
    assert set(TSIGAlgorithm) == set(ON_THE_WIRE)


async def test_the_most_specific_zone_is_updated(world: FakeDNS) -> None:
    world.zone("www.shop.test", PRIMARY)
    await RFC2136(PRIMARY, exchange=world).add(NAME, "value")
    assert world.asked[-1] == (PRIMARY, "www.shop.test. IN SOA")


async def test_the_zone_behind_an_alias_is_its_own(world: FakeDNS) -> None:
    world.put(PRIMARY, str(NAME), "CNAME", "elsewhere.test.")
    await RFC2136(PRIMARY, exchange=world).add(NAME, "value")
    assert world.asked[-1] == (PRIMARY, "shop.test. IN SOA")


async def test_the_zone_is_asked_for_once(world: FakeDNS) -> None:
    provider = RFC2136(PRIMARY, exchange=world)
    await provider.add(NAME, "value")
    await provider.remove(NAME, "value")
    assert len(world.asked) == 3


def refusing(code: dns.rcode.Rcode) -> FakeDNS:
    """A server that tells its zones and takes no update."""
    world = FakeDNS()
    world.zone("shop.test", PRIMARY)
    world._update = lambda *_: code  # type: ignore[method-assign]
    return world


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(dns.rcode.REFUSED, IssuerError, id="REFUSED"),
        pytest.param(dns.rcode.NOTAUTH, IssuerError, id="NOTAUTH"),
        pytest.param(dns.rcode.NOTZONE, IssuerError, id="NOTZONE"),
        pytest.param(dns.rcode.NOTIMP, IssuerError, id="NOTIMP"),
        pytest.param(dns.rcode.SERVFAIL, TransientError, id="SERVFAIL"),
        pytest.param(dns.rcode.FORMERR, TransientError, id="FORMERR"),
    ],
)
async def test_a_refused_update_names_the_code(code: dns.rcode.Rcode, expected: type[EnrolmentError]) -> None:
    with pytest.raises(expected, match=r"answers \w+ for the TXT record _acme-challenge\.www\.shop\.test") as caught:
        await RFC2136(PRIMARY, exchange=refusing(code)).add(NAME, "value")
    assert caught.value.code == dns.rcode.to_text(code)


async def test_a_server_without_the_zone_is_a_wrong_setting(world: FakeDNS) -> None:
    with pytest.raises(IssuerError, match=r"serves no zone that holds _acme-challenge\.bank\.test") as caught:
        await RFC2136(PRIMARY, exchange=world).add(absolute("_acme-challenge.bank.test"), "value")
    assert caught.value.reason is Reason.INVALID_CONFIGURATION


async def test_a_key_that_the_server_does_not_know_is_a_wrong_credential() -> None:
    class Strict(FakeDNS):
        async def __call__(self, *_args: object, **_options: object) -> dns.message.Message:
            raise dns.tsig.PeerBadKey

    with pytest.raises(IssuerError, match="does not accept the TSIG key certwright") as caught:
        await RFC2136(PRIMARY, key=key(), exchange=Strict()).add(NAME, "value")
    assert (caught.value.reason, caught.value.code) == (Reason.INVALID_CREDENTIALS, "BADKEY")


async def test_an_unsigned_answer_to_a_signed_request_is_not_believed(world: FakeDNS) -> None:
    world.keys = {absolute("certwright"): key().for_dnspython()}
    world.unsigned = {PRIMARY}
    with pytest.raises(TransientError, match="requires a TSIG but does not have one"):
        await RFC2136(PRIMARY, key=key(), exchange=world).add(NAME, "value")


async def test_a_silent_server_is_a_matter_of_time(world: FakeDNS) -> None:
    world.silent = {PRIMARY}
    with pytest.raises(TransientError, match=r"192\.0\.2\.1 does not answer"):
        await RFC2136(PRIMARY, exchange=world).add(NAME, "value")


async def test_the_server_may_be_a_name_with_a_port(world: FakeDNS) -> None:
    async def addresses(host: str) -> list[str]:
        return [PRIMARY] if host == "ns1.shop.test" else []

    await RFC2136("ns1.shop.test:5353", exchange=world, addresses=addresses).add(NAME, "value")
    assert world.asked[0][0] == f"{PRIMARY}:5353"
    with pytest.raises(TransientError, match="has no address"):
        await RFC2136("nowhere.test", exchange=world, addresses=addresses).add(NAME, "value")


@pytest.mark.parametrize(
    "secret",
    [pytest.param(b"", id="empty"), pytest.param(b"hello world!", id="text"), pytest.param(b"YQ", id="cut off")],
)
def test_a_key_that_is_not_base64_is_refused_without_showing_it(secret: bytes) -> None:
    with pytest.raises(IssuerError, match="must hold it in base64") as caught:
        TSIGKey.parse("certwright", secret, algorithm=TSIGAlgorithm.HMAC_SHA256)
    assert not secret or secret.decode() not in str(caught.value)


def test_a_key_shows_no_secret() -> None:
    shown = repr(key())
    assert "secret" not in shown.removeprefix("TSIGKey(name='certwright', algorithm=")
    assert "c2VjcmV0" not in shown
