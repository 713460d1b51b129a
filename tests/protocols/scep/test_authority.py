"""Which certificate of a server is what: chosen from sets in any order, with wrong usages, and only trusted links."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import permutations

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from certwright.protocols.scep import Authority, MalformedAnswer, SCEPClient, UntrustedAuthority
from certwright.protocols.transport import UnexpectedStatus
from tests.fakes.ca import common_name
from tests.fakes.scep.authority import Holder, certify, rsa_key
from tests.fakes.scep.messages import certs_only
from tests.fakes.scep.server import FakeSCEPServer

NOW = datetime(2030, 1, 1, tzinfo=UTC)
START = NOW - timedelta(days=10)
CA = ("key_cert_sign", "crl_sign")
SIGN, ENCRYPT = ("digital_signature",), ("key_encipherment",)
REQUEST_AGENT = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.1")


@cache
def root() -> Holder:
    return certify(common_name("Root"), rsa_key("root"), now=START, is_ca=True, usages=CA)


@cache
def issuing() -> Holder:
    return certify(common_name("Issuing"), rsa_key("issuing"), now=START, issuer=root(), is_ca=True, usages=CA)


def agent(
    name: str = "RA",
    *,
    usages: tuple[str, ...] | None = SIGN + ENCRYPT,
    issuer: Holder | None = None,
    extended: tuple[x509.ObjectIdentifier, ...] = (),
    start: datetime = START,
    life: timedelta = timedelta(days=100),
) -> x509.Certificate:
    by = issuer or issuing()
    key = rsa_key(name)
    return certify(
        common_name(name), key, now=start, issuer=by, usages=usages, extended=extended, life=life
    ).certificate


def authority(
    *certificates: x509.Certificate, pin: x509.Certificate | None = None, is_plain: bool = False
) -> Authority:
    fingerprint = None if pin is None else pin.fingerprint(hashes.SHA256()).hex()
    return Authority.of(certificates, now=NOW, fingerprint=fingerprint, is_plain=is_plain)


def in_any_order(certificates: Sequence[x509.Certificate]) -> list[Authority]:
    return [authority(*order) for order in permutations(certificates)]


def test_a_ca_alone_does_everything_whatever_its_usages() -> None:
    ca = root().certificate
    found = authority(ca)
    assert (ca, ca, ca, (ca,)) == (found.ca, found.encryption, found.signing, found.signers)


def test_the_lowest_ca_of_a_chain_is_the_one() -> None:
    for found in in_any_order([root().certificate, issuing().certificate]):
        assert found.ca == found.encryption == issuing().certificate
        assert found.chain == (issuing().certificate, root().certificate)


def test_a_pair_of_ra_certificates_is_told_apart_by_its_usages() -> None:
    signing, encryption = agent("RA 1", usages=SIGN), agent("RA 2", usages=ENCRYPT)
    for found in in_any_order([signing, encryption, issuing().certificate, root().certificate]):
        assert (encryption, signing) == (found.encryption, found.signing)
        assert found.ca == issuing().certificate
        assert set(found.signers) == {signing, encryption, issuing().certificate, root().certificate}


@pytest.mark.parametrize("usages", [SIGN, ("content_commitment",), None], ids=["signing", "neither", "no-extension"])
def test_an_ra_alone_does_both_whatever_its_usages(usages: tuple[str, ...] | None) -> None:
    ra = agent(usages=usages)
    for found in in_any_order([ra, issuing().certificate]):
        assert ra == found.encryption
        assert ra in found.signers


def test_a_ca_that_may_encrypt_takes_over_from_an_ra_that_may_not() -> None:
    ca = certify(common_name("CA"), rsa_key("ca"), now=START, is_ca=True, usages=CA + ENCRYPT)
    ra = agent(issuer=ca, usages=SIGN)
    for found in in_any_order([ra, ca.certificate]):
        assert (ca.certificate, ra) == (found.encryption, found.signing)


def test_an_ec_ca_has_an_rsa_agent_encrypt() -> None:
    ca = certify(common_name("EC"), ec.generate_private_key(ec.SECP256R1()), now=START, is_ca=True, usages=CA)
    ra = agent(issuer=ca, usages=SIGN)
    assert ra == authority(ca.certificate, ra).encryption


def test_a_root_that_the_server_only_shows_does_not_decrypt() -> None:
    ca = certify(common_name("EC"), ec.generate_private_key(ec.SECP256R1()), now=START, issuer=root(), is_ca=True)
    assert ca.certificate == authority(root().certificate, ca.certificate).encryption


def test_what_has_expired_does_not_count_and_what_is_to_come_is_second() -> None:
    expired = agent("RA 1", life=timedelta(days=5))
    following = agent("RA 2", start=NOW + timedelta(days=1))
    present = agent("RA 3")
    for found in in_any_order([expired, following, present, issuing().certificate]):
        assert present == found.encryption
        assert expired not in found.certificates
        assert following in found.certificates


def test_a_server_whose_certificates_have_all_expired_cannot_be_used() -> None:
    with pytest.raises(UntrustedAuthority, match="still valid"):
        authority(agent(life=timedelta(days=1)))


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param(str, id="hex"),
        pytest.param(str.upper, id="upper-case"),
        pytest.param(lambda text: ":".join(text[at : at + 2] for at in range(0, 64, 2)), id="colons"),
        pytest.param(lambda text: f"SHA256:{text}", id="prefix"),
    ],
)
def test_a_fingerprint_may_be_spelled_in_many_ways(spelled: Callable[[str], str]) -> None:
    ca = root().certificate
    found = Authority.of([ca], now=NOW, fingerprint=spelled(ca.fingerprint(hashes.SHA256()).hex()))
    assert ca == found.pinned


def test_a_server_without_the_pinned_certificate_is_somebody_else() -> None:
    with pytest.raises(UntrustedAuthority, match="pinned"):
        authority(root().certificate, pin=issuing().certificate)


@pytest.mark.parametrize("pin", [root, issuing], ids=["root", "issuing-ca"])
def test_a_pinned_ca_vouches_for_what_is_below_it(pin: Callable[[], Holder]) -> None:
    stranger = certify(common_name("Issuing"), rsa_key("stranger"), now=START, is_ca=True).certificate
    below = agent()
    for order in permutations([stranger, below, issuing().certificate, root().certificate]):
        found = authority(*order, pin=pin().certificate)
        assert stranger not in found.certificates
        assert (issuing().certificate, below) == (found.ca, found.encryption)


def test_a_pinned_ca_does_not_vouch_for_what_an_end_entity_signed() -> None:
    leaf = certify(common_name("Leaf"), rsa_key("leaf"), now=START, issuer=issuing(), usages=SIGN)
    forged = agent(issuer=leaf)
    found = authority(forged, leaf.certificate, issuing().certificate, pin=issuing().certificate)
    assert forged not in found.certificates


def test_a_pinned_ra_is_the_one_and_brings_its_issuers_along() -> None:
    pinned, other = agent("RA 1"), agent("RA 2")
    found = authority(other, root().certificate, pinned, issuing().certificate, pin=pinned)
    assert (pinned, issuing().certificate) == (found.encryption, found.ca)
    assert other not in found.certificates


ORDINARY = [
    pytest.param((ExtendedKeyUsageOID.SERVER_AUTH,), id="web-server"),
    pytest.param((ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH), id="machine"),
]


@pytest.mark.parametrize("extended", ORDINARY)
def test_over_plain_http_an_ordinary_certificate_of_the_ca_is_no_ra(
    extended: tuple[x509.ObjectIdentifier, ...],
) -> None:
    anybody, ca = agent("Anybody", extended=extended), issuing().certificate
    with pytest.raises(UntrustedAuthority, match="RA"):
        authority(anybody, ca, pin=ca, is_plain=True)
    found = authority(anybody, agent(), ca, pin=ca, is_plain=True)
    assert anybody not in found.certificates


@pytest.mark.parametrize("extended", ORDINARY)
def test_an_ordinary_certificate_is_the_ra_where_it_is_pinned_or_tls_vouches(
    extended: tuple[x509.ObjectIdentifier, ...],
) -> None:
    ra, ca = agent(extended=extended), issuing().certificate
    assert ra == authority(ra, ca, pin=ra, is_plain=True).encryption
    assert ra == authority(ra, ca, pin=ca, is_plain=False).encryption


@pytest.mark.parametrize(
    "extended",
    [
        pytest.param((), id="unmarked"),
        pytest.param((ExtendedKeyUsageOID.CLIENT_AUTH, REQUEST_AGENT), id="request-agent"),
    ],
)
def test_over_plain_http_an_ra_is_not_marked_as_ordinary(extended: tuple[x509.ObjectIdentifier, ...]) -> None:
    ra, ca = agent(extended=extended), issuing().certificate
    assert ra == authority(ra, ca, pin=ca, is_plain=True).encryption


def test_an_issuer_that_the_server_keeps_to_itself_is_known_by_name() -> None:
    found = authority(agent())
    assert issuing().certificate.subject == found.issuer_name


def test_of_two_cas_side_by_side_the_younger_issues() -> None:
    old = certify(common_name("CA"), rsa_key("old"), now=START, is_ca=True).certificate
    new = certify(common_name("CA"), rsa_key("new"), now=START + timedelta(days=1), is_ca=True).certificate
    for found in in_any_order([old, new]):
        assert new == found.ca
        assert set(found.signers) == {old, new}


@pytest.mark.parametrize(
    "media_type", ["application/x-x509-ca-cert", "application/x-x509-ca-ra-cert", "text/html", None]
)
@pytest.mark.parametrize("form", ["certificate", "set"])
async def test_the_form_is_read_from_the_bytes(
    client: SCEPClient, server: FakeSCEPServer, media_type: str | None, form: str
) -> None:
    ca = server.authority.ca.certificate
    body = ca.public_bytes(Encoding.DER) if form == "certificate" else certs_only([ca])
    headers = {} if media_type is None else {"Content-Type": media_type}
    server.answers = [lambda: httpx.Response(200, content=body, headers=headers)]
    assert ca == (await client.get_ca_cert()).ca


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        pytest.param(httpx.Response(404, text="nothing here"), UnexpectedStatus, id="error"),
        pytest.param(httpx.Response(200, text="Welcome"), MalformedAnswer, id="page"),
        pytest.param(httpx.Response(200), MalformedAnswer, id="empty"),
        pytest.param(httpx.Response(200, content=certs_only()), UntrustedAuthority, id="empty-set"),
    ],
)
async def test_what_holds_no_certificates_is_no_ca(
    client: SCEPClient, server: FakeSCEPServer, response: httpx.Response, expected: type[Exception]
) -> None:
    server.answers = [lambda: response]
    with pytest.raises(expected):
        await client.get_ca_cert()


async def test_the_client_pins(client: SCEPClient, server: FakeSCEPServer) -> None:
    ca = server.authority.ca.certificate
    assert ca == (await client.get_ca_cert(fingerprint=ca.fingerprint(hashes.SHA256()).hex())).pinned
    with pytest.raises(UntrustedAuthority):
        await client.get_ca_cert(fingerprint="00" * 32)
