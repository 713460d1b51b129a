"""A chain is good when every link holds; whatever else a server sends is refused with the certificate's name."""

import base64
from collections.abc import Sequence
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from certwright.model.chain import (
    MAX_CHAIN,
    BrokenChainError,
    fingerprint,
    is_self_issued,
    load_certificates,
    root_of,
    serial_number,
    split_root,
    to_pem,
    verify_chain,
)
from certwright.model.keys import KeyKind
from certwright.model.resources import Usage
from certwright.model.usages import usage_extensions
from tests.model.builders import (
    CA,
    CA_TRUE,
    DAY,
    HOUR,
    KINDS,
    NOW,
    ROOT,
    Authority,
    chain_of,
    common_name,
    key_of,
    root,
    signed,
    spec_of,
)

LEAF = CA.issue(spec_of())
LIFE = (NOW - HOUR, NOW + DAY)
OTHER_ROOT = root("Other root")
ECDSA_SHA256 = bytes.fromhex("06082a8648ce3d040302")
UNKNOWN_ALGORITHM = bytes.fromhex("06082a8648ce3d04037f")


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[3], KINDS[4], KINDS[5], KINDS[6], KINDS[7]], ids=str)
def test_a_chain_of_any_algorithm_verifies(kind: KeyKind) -> None:
    top = root(f"Root {kind}", kind=kind)
    middle = top.intermediate(f"CA {kind}", kind=kind)
    verify_chain(chain_of(middle.issue(spec_of(), key_of(kind)), middle), [top.certificate], NOW)


def test_a_chain_over_several_algorithms_verifies() -> None:
    top = root("Mixed root", kind=KINDS[6])
    middle = top.intermediate("Mixed CA", kind=KINDS[4])
    verify_chain(chain_of(middle.issue(spec_of(), key_of(KINDS[0])), middle), [top.certificate], NOW)


@pytest.mark.parametrize(
    ("chain", "anchors"),
    [
        pytest.param(chain_of(LEAF, CA, ROOT), chain_of(ROOT), id="with the root"),
        pytest.param(chain_of(LEAF, CA), chain_of(ROOT), id="without the root"),
        pytest.param(chain_of(LEAF), chain_of(CA), id="an intermediate as the anchor"),
        pytest.param(chain_of(LEAF, CA), chain_of(OTHER_ROOT, ROOT), id="one anchor of several"),
        pytest.param(chain_of(LEAF, CA), (), id="no anchors known"),
        pytest.param(chain_of(LEAF), (), id="the leaf alone, no anchors known"),
        pytest.param(chain_of(LEAF), [LEAF], id="the leaf itself is trusted"),
        pytest.param(chain_of(ROOT), chain_of(ROOT), id="self-signed and trusted"),
    ],
)
def test_a_good_chain_verifies(chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]) -> None:
    verify_chain(chain, anchors, NOW)


def cross_signed() -> Authority:
    """The same root, certified by another: the chain a CA sends while its root is young."""
    certificate = OTHER_ROOT.sign(ROOT.certificate.subject, ROOT.key, [(CA_TRUE, True)])
    return Authority(certificate, ROOT.key)


def test_a_chain_through_a_cross_sign_verifies_with_either_root() -> None:
    chain = chain_of(LEAF, CA, cross_signed())
    verify_chain(chain, chain_of(OTHER_ROOT), NOW)
    verify_chain(chain, chain_of(ROOT), NOW)


def no_ca() -> Authority:
    key = key_of(number=1)
    return Authority(
        CA.sign(common_name("No CA"), key, [(x509.BasicConstraints(ca=False, path_length=None), True)]), key
    )


def no_constraints() -> Authority:
    key = key_of(number=1)
    return Authority(CA.sign(common_name("Bare"), key), key)


def imposter() -> Authority:
    """Named like the CA, with another key."""
    key = key_of(number=2)
    return Authority(ROOT.sign(CA.certificate.subject, key, [(CA_TRUE, True)]), key)


EXPIRED = ROOT.intermediate("Expired CA", life=HOUR)
EARLY = Authority(
    ROOT.sign(common_name("Early CA"), key_of(number=3), [(CA_TRUE, True)], not_before=NOW + HOUR), key_of(number=3)
)
SELF_SIGNED = signed(common_name("me"), key_of(), by=(common_name("me"), key_of()), valid=(NOW, NOW + DAY))


@pytest.mark.parametrize(
    ("chain", "anchors", "told"),
    [
        pytest.param(chain_of(CA, LEAF), (), "'CN=Intermediate' is not signed by certificate ''", id="turned around"),
        pytest.param(chain_of(LEAF, ROOT, CA), (), "'' is not signed by certificate 'CN=Root'", id="in disorder"),
        pytest.param(chain_of(LEAF, ROOT), (), "'' is not signed by certificate 'CN=Root'", id="a link is missing"),
        pytest.param(chain_of(LEAF, imposter()), (), "is not signed by certificate 'CN=Inter", id="another key"),
        pytest.param(chain_of(no_ca().issue(spec_of()), no_ca()), (), "'CN=No CA' is not a CA", id="not a CA"),
        pytest.param(
            chain_of(no_constraints().issue(spec_of()), no_constraints()), (), "'CN=Bare' is not a CA", id="bare"
        ),
        pytest.param(
            chain_of(EXPIRED.issue(spec_of()), EXPIRED), (), "'CN=Expired CA' expired at 2030-01-01", id="expired"
        ),
        pytest.param(chain_of(EARLY.issue(spec_of()), EARLY), (), "'CN=Early CA' is not valid before", id="early"),
        pytest.param(chain_of(LEAF, CA), chain_of(OTHER_ROOT), "signed by none of the known CA", id="other anchors"),
        pytest.param([SELF_SIGNED], chain_of(ROOT), "signed by none of the known CA", id="a self-signed leaf"),
        pytest.param([LEAF] * (MAX_CHAIN + 1), (), "has 11 certificates, more than 10", id="too long"),
    ],
)
def test_a_broken_chain_is_told_by_the_certificates_name(
    chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], told: str
) -> None:
    with pytest.raises(BrokenChainError) as caught:
        verify_chain(chain, anchors, NOW)
    assert told.replace("''", f"with the serial number {LEAF.serial_number:x}") in str(caught.value)


def limited(path_length: int) -> Authority:
    key = key_of(number=5)
    name = common_name(f"Limit {path_length}")
    limit = (x509.BasicConstraints(ca=True, path_length=path_length), True)
    return Authority(signed(name, key, [limit], by=(name, key), valid=(NOW - HOUR, NOW + DAY)), key)


def chain_below(authority: Authority, *lengths: int | None) -> list[x509.Certificate]:
    """A leaf below that many intermediate CAs, each with its own limit, the uppermost first."""
    certificates: list[x509.Certificate] = []
    for number, length in enumerate(lengths):
        authority = authority.intermediate(f"Below {number}", path_length=length)
        certificates.insert(0, authority.certificate)
    return [authority.issue(spec_of()), *certificates]


TOO_LONG = "allows {} CA certificates below it, and there are {}"


@pytest.mark.parametrize(
    ("root_allows", "lengths", "told"),
    [
        pytest.param(0, (), None, id="no CA below one that allows none"),
        pytest.param(1, (0,), None, id="as many as are allowed"),
        pytest.param(2, (1, 0), None, id="each with its own limit"),
        pytest.param(0, (None,), TOO_LONG.format(0, 1), id="one below a root that allows none"),
        pytest.param(1, (None, None), TOO_LONG.format(1, 2), id="two below a root that allows one"),
        pytest.param(5, (0, None), TOO_LONG.format(0, 1), id="one below an intermediate that allows none"),
    ],
)
@pytest.mark.parametrize("is_known", [True, False], ids=["the root is known", "the root came along"])
def test_no_more_cas_follow_than_each_allows(
    root_allows: int, lengths: tuple[int | None, ...], told: str | None, *, is_known: bool
) -> None:
    top = limited(root_allows)
    chain = chain_below(top, *lengths)
    given = (chain, [top.certificate]) if is_known else ([*chain, top.certificate], [])
    if told is None:
        verify_chain(*given, NOW)
        return
    with pytest.raises(BrokenChainError, match=told):
        verify_chain(*given, NOW)


def test_a_self_issued_certificate_is_not_counted() -> None:
    """A root with a new key, certified with the old one, is the same CA."""
    old, new = limited(0), key_of(number=6)
    link = signed(old.certificate.subject, new, [(CA_TRUE, True)], by=(old.certificate.subject, old.key), valid=LIFE)
    leaf = Authority(link, new).issue(spec_of())
    verify_chain([leaf, link], [old.certificate], NOW)


def test_one_anchor_that_allows_it_is_enough() -> None:
    key = key_of(number=5)
    strict, generous = limited(0), limited(1)
    twin = signed(strict.certificate.subject, key, [(CA_TRUE, True)], by=(strict.certificate.subject, key), valid=LIFE)
    chain = chain_below(strict, None)
    verify_chain(chain, [strict.certificate, twin], NOW)
    with pytest.raises(BrokenChainError, match="allows 0"):
        verify_chain(chain, [strict.certificate, generous.certificate], NOW)


@pytest.mark.parametrize(
    ("usages", "is_taken"),
    [
        pytest.param([Usage.CERT_SIGN, Usage.CRL_SIGN], True, id="cert sign among them"),
        pytest.param([Usage.DIGITAL_SIGNATURE], False, id="without cert sign"),
    ],
)
def test_a_ca_signs_certificates_only_if_its_key_may(usages: list[Usage], *, is_taken: bool) -> None:
    ((usage, _),) = usage_extensions(usages)
    assert isinstance(usage, x509.KeyUsage)
    middle = ROOT.intermediate("With usages", usage=usage)
    chain = chain_of(middle.issue(spec_of()), middle)
    if is_taken:
        verify_chain(chain, chain_of(ROOT), NOW)
        return
    with pytest.raises(BrokenChainError, match="'CN=With usages' may not sign certificates"):
        verify_chain(chain, chain_of(ROOT), NOW)


def test_an_expired_anchor_signs_nothing_more() -> None:
    old = root("Old root", life=2 * HOUR)
    chain = chain_of(old.intermediate("Young CA"))
    verify_chain(chain, chain_of(old), NOW)
    with pytest.raises(BrokenChainError, match="none of the known"):
        verify_chain(chain, chain_of(old), NOW + 2 * HOUR)


def test_a_ca_whose_clock_runs_ahead_a_little_is_taken() -> None:
    start = NOW + timedelta(minutes=9)
    key = key_of(number=3)
    ahead = Authority(ROOT.sign(common_name("Ahead"), key, [(CA_TRUE, True)], not_before=start), key)
    verify_chain(chain_of(ahead.issue(spec_of(), not_before=start), ahead), (), NOW)


def test_a_chain_signed_with_an_unknown_algorithm_is_broken() -> None:
    """Someone may sign with what this library does not know: that is the chain's fault, not ours."""
    der = LEAF.public_bytes(Encoding.DER)
    unknown = x509.load_der_x509_certificate(der.replace(ECDSA_SHA256, UNKNOWN_ALGORITHM))
    with pytest.raises(BrokenChainError, match="is not signed by"):
        verify_chain(chain_of(unknown, CA), (), NOW)


def test_a_certificate_file_is_read_in_its_order() -> None:
    chain = chain_of(LEAF, CA, ROOT)
    assert chain == load_certificates(to_pem(chain))


def test_text_between_certificates_does_not_matter() -> None:
    pem = b"# the leaf\n" + to_pem([LEAF]) + b"\nsubject=CA\n" + to_pem(chain_of(CA)) + b"bye"
    assert chain_of(LEAF, CA) == load_certificates(pem)


VERSION_3, VERSION_9 = bytes.fromhex("a003020102"), bytes.fromhex("a003020108")


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\x00 no PEM", id="no PEM"),
        pytest.param(to_pem([LEAF])[:-40], id="cut off"),
        pytest.param(to_pem([LEAF]) + to_pem([LEAF]).replace(b"MII", b"AAA"), id="the second is broken"),
        pytest.param(to_pem([LEAF]) * (10 * MAX_CHAIN + 1), id="far too many"),
    ],
)
def test_what_is_no_file_of_certificates_is_refused(pem: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        load_certificates(pem)


def test_a_certificate_of_an_impossible_version_is_refused() -> None:
    der = LEAF.public_bytes(Encoding.DER)
    with pytest.raises(ValueError, match="version"):
        load_certificates(pem_of(der.replace(VERSION_3, VERSION_9)))


@given(st.binary(max_size=200))
def test_any_bytes_in_pem_are_refused(junk: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        load_certificates(pem_of(junk))


def test_the_root_is_told_apart_from_what_is_delivered() -> None:
    kept, roots = split_root(chain_of(LEAF, CA, ROOT))
    assert chain_of(LEAF, CA) == kept
    assert chain_of(ROOT) == roots


def test_a_self_signed_leaf_stays_the_leaf() -> None:
    assert is_self_issued(SELF_SIGNED)
    assert split_root([SELF_SIGNED]) == ((SELF_SIGNED,), ())


def test_fingerprint_and_serial_number_are_lower_case_hexadecimal() -> None:
    assert LEAF.fingerprint(hashes.SHA256()) == bytes.fromhex(fingerprint(LEAF))
    assert fingerprint(LEAF) == fingerprint(LEAF).lower()
    assert int(serial_number(LEAF), 16) == LEAF.serial_number


def pem_of(der: bytes) -> bytes:
    body = base64.encodebytes(der)
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"


def test_the_clock_decides_about_an_expired_ca() -> None:
    short = ROOT.intermediate("Short CA", life=2 * HOUR)
    verify_chain(chain_of(short.issue(spec_of()), short), (), NOW)
    with pytest.raises(BrokenChainError, match="expired"):
        verify_chain(chain_of(short.issue(spec_of()), short), (), NOW + HOUR)


def test_the_root_of_a_chain_is_the_anchor_that_signed_it() -> None:
    namesake = root("Root", kind=KINDS[2])
    anchors = chain_of(OTHER_ROOT, namesake, CA, ROOT)
    assert ROOT.certificate == root_of(chain_of(LEAF, CA), anchors)
    assert root_of(chain_of(LEAF, CA), chain_of(OTHER_ROOT, namesake)) is None
    assert root_of(chain_of(LEAF, CA, ROOT), anchors) is None
