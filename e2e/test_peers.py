"""The peers answer as certwright's tests need them to."""

import ssl

import dns.query
import dns.rcode
import dns.tsig
import dns.update
import httpx
import pytest

from e2e.peers import Bind9, ChallengeTestServer, Pebble
from e2e.peers.bind9 import TSIGKey


def test_pebble_serves_its_directory_under_its_trust_anchor(pebble: Pebble) -> None:
    with httpx.Client(verify=ssl.create_default_context(cadata=pebble.trust_anchor)) as client:
        directory = client.get(pebble.url).json()

    assert {"newNonce", "newAccount", "newOrder", "renewalInfo"} <= directory.keys()
    assert directory["meta"]["profiles"].keys() == {"default", "shortlived"}


def test_pebble_gives_every_root_and_has_issued_nothing(bind9: Bind9) -> None:
    with Pebble(bind9.url, alternate_roots=2) as pebble:
        assert len(set(pebble.roots())) == 3
        assert pebble.issued_serials() == []


def test_pebble_keeps_its_address_when_it_comes_back(bind9: Bind9) -> None:
    pebble = Pebble(bind9.url)
    with pebble:
        first_url, first_roots = pebble.url, pebble.roots()

    with pebble:
        assert pebble.url == first_url
        assert pebble.roots() != first_roots


def test_bind9_serves_what_a_signed_update_adds(bind9: Bind9) -> None:
    bind9.add("_acme-challenge.signed.example.test", "TXT", '"value"')
    assert bind9.query("_acme-challenge.signed.example.test") == ['"value"']

    bind9.remove("_acme-challenge.signed.example.test", "TXT")
    assert bind9.query("_acme-challenge.signed.example.test") == []


@pytest.mark.parametrize(
    "name",
    [pytest.param("certwright-e2e", id="wrong secret"), pytest.param("stranger", id="unknown key")],
)
def test_bind9_refuses_an_update_with_the(name: str, bind9: Bind9) -> None:
    update = dns.update.UpdateMessage("example.test", keyring=TSIGKey.generate(name).keyring)
    update.add("intruder", 1, "TXT", '"value"')

    with pytest.raises(dns.tsig.PeerError):
        dns.query.tcp(update, "127.0.0.1", port=bind9.port, timeout=5)

    assert bind9.query("intruder.example.test") == []


def test_bind9_refuses_an_unsigned_update(bind9: Bind9) -> None:
    update = dns.update.UpdateMessage("example.test")
    update.add("intruder", 1, "TXT", '"value"')

    answer = dns.query.tcp(update, "127.0.0.1", port=bind9.port, timeout=5)

    assert answer.rcode() == dns.rcode.REFUSED


def test_bind9_follows_a_delegation_into_its_other_zone(bind9: Bind9) -> None:
    bind9.add("_acme-challenge.shop.example.test", "CNAME", "shop.delegated.test.")
    bind9.add("shop.delegated.test", "TXT", '"value"')

    assert bind9.query("_acme-challenge.shop.example.test") == ['"value"']
    assert bind9.query("_acme-challenge.shop.example.test", "CNAME") == ["shop.delegated.test."]


@pytest.mark.parametrize(
    ("name", "rdtype", "expected"),
    [
        pytest.param("any.name.example.test", "A", ["127.0.0.1"], id="every name has the loopback address"),
        pytest.param("any.name.example.test", "AAAA", [], id="and no other"),
        pytest.param("example.test", "NS", ["ns1.example.test."], id="the apex names its server"),
        pytest.param("ns1.example.test", "A", ["127.0.0.1"], id="which has an address"),
        pytest.param("www.elsewhere.test", "A", [], id="the rest of the world does not exist"),
    ],
)
def test_bind9_answers(name: str, rdtype: str, expected: list[str], bind9: Bind9) -> None:
    assert bind9.query(name, rdtype) == expected


def test_the_challenge_test_server_takes_orders() -> None:
    with ChallengeTestServer() as server:
        server.manage("set-txt", host="_acme-challenge.www.example.test.", value="value")
        host, _, port = server.dns.partition(":")
        question = dns.message.make_query("_acme-challenge.www.example.test", "TXT")

        answer = dns.query.udp(question, host, port=int(port), timeout=5)

    assert [record.to_text() for rrset in answer.answer for record in rrset] == ['"value"']
