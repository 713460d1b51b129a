"""Of what a CA answers only what was asked for is taken, and nothing that was taken is ever called wrong later."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from certwright.model import policy
from certwright.model.errors import RejectedError
from certwright.model.keys import PrivateKey
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec, Usage
from certwright.model.tls_secret import KeyPair
from certwright.model.usages import usage_extensions
from certwright.model.verification import verify
from tests.model.builders import (
    CA,
    CA_TRUE,
    DAY,
    HOUR,
    KINDS,
    NOW,
    ROOT,
    certificate_of,
    common_name,
    issued_status,
    key_of,
    observed_of,
    root,
    secret_of,
    signed,
    spec_of,
)

MINUTE = timedelta(minutes=1)


def check(
    spec: CertificateSpec,
    leaf: x509.Certificate,
    *,
    key: PrivateKey | None = None,
    anchors: Sequence[x509.Certificate] = (ROOT.certificate,),
    now: datetime = NOW,
) -> None:
    verify(spec, (leaf, CA.certificate), key or key_of(), anchors=anchors, now=now)


OBEDIENT: dict[str, dict[str, Any]] = {
    "a name": {},
    "a wildcard beside its apex": {"dnsNames": ["example.com", "*.example.com"]},
    "Unicode": {"dnsNames": ["bücher.example"]},
    "addresses": {"dnsNames": None, "ipAddresses": ["2001:DB8::0:1", "10.0.0.1"]},
    "a common name alone": {"dnsNames": None, "commonName": "device 1"},
    "a subject": {"subject": {"organizations": ["Example"], "countries": ["AT"]}},
    "usages": {"usages": ["client auth", "key agreement"]},
    "a CA": {"isCA": True},
    "name constraints": {"isCA": True, "nameConstraints": {"permitted": {"dnsDomains": ["example.com"]}}},
    "a literal subject": {"literalSubject": "CN=web,O=Example+L=Wien,2.5.4.5=42"},
    "an e-mail address": {"emailAddresses": ["pki@BÜCHER.example"], "dnsNames": None},
    "other names": {"otherNames": [{"oid": "1.2.3", "utf8Value": "ü"}], "uris": ["spiffe://x/y"]},
}
CHANGED: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "a name is missing": (
        {"dnsNames": ["a.example.com", "b.example.com"]},
        {"dnsNames": ["a.example.com"]},
        "name b.example.com is missing",
        "Names",
    ),
    "a name was added": (
        {},
        {"dnsNames": ["a.example.com", "www.example.com"]},
        "name www.example.com was not asked for",
        "Names",
    ),
    "an address became a DNS name": (
        {"dnsNames": None, "ipAddresses": ["10.0.0.1"]},
        {"dnsNames": ["10.0.0.1"], "ipAddresses": None},
        "name 10.0.0.1 is missing; name 10.0.0.1 was not asked for",
        "Names",
    ),
    "the common name is missing": (
        {"commonName": "a.example.com"},
        {"commonName": None},
        "subject CN=a.example.com is missing",
        "Subject",
    ),
    "the organization is another": (
        {"subject": {"organizations": ["Example"]}},
        {"subject": {"organizations": ["Other"]}},
        "subject O=Example is missing",
        "Subject",
    ),
    "a usage that was kept out of the request is missing": (
        {"usages": ["server auth", "client auth"], "encodeUsagesInRequest": False},
        {"usages": ["server auth"]},
        "usage client auth is missing",
        "Usages",
    ),
    "a usage is missing": (
        {"usages": ["server auth", "client auth"]},
        {"usages": ["server auth"]},
        "usage client auth is missing",
        "Usages",
    ),
}


@pytest.mark.parametrize("fields", OBEDIENT.values(), ids=list(OBEDIENT))
def test_what_was_asked_for_is_taken(fields: dict[str, Any]) -> None:
    spec = spec_of(**fields)
    check(spec, CA.issue(spec))


@pytest.mark.parametrize(("fields", "changes", "told", "accepted"), CHANGED.values(), ids=list(CHANGED))
class TestWhatTheCAChanged:
    def test_it_is_refused_in_words(
        self, fields: dict[str, Any], changes: dict[str, Any], told: str, accepted: str
    ) -> None:
        others = [change for change in ("Names", "Validity", "Subject", "Usages") if change != accepted]
        with pytest.raises(RejectedError) as caught:
            check(spec_of(**fields, acceptChanges=others), CA.issue(spec_of(**{**fields, **changes})))
        assert caught.value.reason is Reason.UNEXPECTED_CERTIFICATE
        assert told in caught.value.message
        assert f"spec.acceptChanges: [{accepted}]" in caught.value.message

    def test_it_is_taken_where_that_is_accepted(
        self, fields: dict[str, Any], changes: dict[str, Any], told: str, accepted: str
    ) -> None:
        del told
        check(spec_of(**fields, acceptChanges=[accepted]), CA.issue(spec_of(**{**fields, **changes})))


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        pytest.param({}, {"subject": {"organizations": ["Added by the CA"]}}, id="a subject was added"),
        pytest.param({}, {"usages": ["client auth"]}, id="usages where none were set"),
        pytest.param({"usages": ["client auth"]}, {"usages": ["client auth", "server auth"]}, id="a usage was added"),
        pytest.param({"duration": "24h"}, {"duration": "48h"}, id="another duration"),
    ],
)
def test_what_a_ca_may_change_without_being_asked(fields: dict[str, Any], changes: dict[str, Any]) -> None:
    check(spec_of(**fields), CA.issue(spec_of(**{**fields, **changes})))


@pytest.mark.parametrize(
    ("asked", "granted", "told"),
    [
        pytest.param(True, False, "isCA is missing", id="an end entity instead of a CA"),
        pytest.param(False, True, "isCA was not asked for", id="a CA instead of an end entity"),
    ],
)
def test_whether_it_is_a_ca_is_never_the_cas_choice(*, asked: bool, granted: bool, told: str) -> None:
    accepted = ["Names", "Validity", "Subject", "Usages"]
    with pytest.raises(RejectedError, match=told) as caught:
        check(spec_of(isCA=asked, acceptChanges=accepted), CA.issue(spec_of(isCA=granted)))
    assert "acceptChanges" not in caught.value.message
    assert "have the CA corrected" in caught.value.message


def test_what_two_changes_need_is_told_at_once() -> None:
    asked, granted = spec_of(commonName="a.example.com"), spec_of(dnsNames=["b.example.com"])
    with pytest.raises(RejectedError, match=r"spec\.acceptChanges: \[Names, Subject\]"):
        check(asked, CA.issue(granted))


def test_what_cannot_be_accepted_is_not_called_a_matter_of_accepting() -> None:
    with pytest.raises(RejectedError) as caught:
        check(spec_of(), CA.issue(spec_of(dnsNames=["b.example.com"], isCA=True)))
    assert "acceptChanges" not in caught.value.message


def test_every_refusal_names_a_remedy() -> None:
    stranger = CA.issue(spec_of(), not_before=NOW - DAY, not_after=NOW - HOUR)
    for leaf, key, anchors in (
        (CA.issue(spec_of()), key_of(number=1), (ROOT.certificate,)),
        (stranger, key_of(), (ROOT.certificate,)),
        (CA.issue(spec_of()), key_of(), (root("another").certificate,)),
    ):
        with pytest.raises(RejectedError, match="have the CA corrected"):
            check(spec_of(), leaf, key=key, anchors=anchors)


CONSTRAINED = {"isCA": True, "nameConstraints": {"permitted": {"dnsDomains": ["example.com"]}}}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"nameConstraints": None}, "nameConstraints are missing", id="none"),
        pytest.param(
            {"nameConstraints": {"excluded": {"dnsDomains": ["example.org"]}}},
            "nameConstraints.permitted dnsDomains example.com is missing",
            id="others",
        ),
    ],
)
def test_what_a_ca_may_certify_is_never_the_cas_choice(changes: dict[str, Any], told: str) -> None:
    accepted = ["Names", "Validity", "Subject", "Usages"]
    with pytest.raises(RejectedError, match=told):
        check(spec_of(**CONSTRAINED, acceptChanges=accepted), CA.issue(spec_of(**{**CONSTRAINED, **changes})))


def test_other_string_types_are_no_other_subject() -> None:
    """PrintableString here, UTF8String there, and several attributes in one RDN or in one each."""
    written = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"), x509.NameAttribute(NameOID.LOCALITY_NAME, "Wien")]
    )
    check(spec_of(dnsNames=None, literalSubject="O=#13074578616d706c65+L=Wien"), CA.sign(written, key_of()))


def test_a_ca_certificate_that_could_sign_nothing_is_refused() -> None:
    usage = usage_extensions([Usage.DIGITAL_SIGNATURE])
    leaf = CA.sign(common_name("Team CA"), key_of(), [*usage, (CA_TRUE, True)])
    with pytest.raises(RejectedError, match="its keyUsage lacks cert sign"):
        check(spec_of(dnsNames=None, commonName="Team CA", isCA=True), leaf)


def test_a_ca_certificate_below_a_ca_that_allows_none_is_refused() -> None:
    spec = spec_of(isCA=True)
    last = ROOT.intermediate("Last CA", path_length=0)
    with pytest.raises(RejectedError, match="'CN=Last CA' allows 0 CA certificates below it, and there are 1"):
        verify(spec, (last.issue(spec), last.certificate), key_of(), now=NOW)
    verify(spec_of(), (last.issue(spec_of()), last.certificate), key_of(), now=NOW)


@pytest.mark.parametrize("anchors", [(), None], ids=["no anchors known", "its own anchor"])
def test_a_certificate_that_only_its_own_key_vouches_for_is_refused(anchors: tuple[()] | None) -> None:
    name = common_name("web")
    names = (x509.SubjectAlternativeName([x509.DNSName("a.example.com")]), False)
    leaf = signed(name, key_of(), [names], by=(name, key_of()), valid=(NOW, NOW + DAY))
    with pytest.raises(RejectedError, match="signed with its own key: no CA vouches for it"):
        verify(spec_of(), (leaf,), key_of(), anchors=(leaf,) if anchors is None else anchors, now=NOW)


def test_a_certificate_for_another_key_is_refused() -> None:
    with pytest.raises(RejectedError, match="for another key"):
        check(spec_of(), CA.issue(spec_of()), key=key_of(number=1))


def test_a_key_that_the_server_made_must_be_of_the_wanted_kind() -> None:
    made = key_of(KINDS[2])
    check(spec_of(privateKey={"algorithm": "ECDSA"}), CA.issue(spec_of(), made), key=made)
    with pytest.raises(RejectedError, match=r"ECDSA 384, and spec\.privateKey asks for RSA 2048"):
        check(spec_of(privateKey={"algorithm": "RSA"}), CA.issue(spec_of(), made), key=made)


def test_a_key_that_the_server_made_must_be_able_to_sign_as_asked() -> None:
    made = key_of(KINDS[2])
    with pytest.raises(RejectedError, match=r"ECDSA 384, and spec\.signatureAlgorithm asks for Ed25519"):
        check(spec_of(signatureAlgorithm="PureEd25519"), CA.issue(spec_of(), made), key=made)


def test_an_answer_without_a_certificate_is_refused() -> None:
    with pytest.raises(RejectedError, match="without a certificate"):
        verify(spec_of(), (), key_of(), now=NOW)


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        pytest.param(NOW - HOUR, NOW, "expired at 2030-01-01T00:00:00Z already", id="expired"),
        pytest.param(NOW + MINUTE, NOW + MINUTE, "ends at 2030-01-01T00:01:00Z, before it begins", id="no life at all"),
        pytest.param(NOW + 11 * MINUTE, NOW + DAY, "not valid before 2030-01-01T00:11:00Z", id="not yet valid"),
    ],
)
def test_a_certificate_that_is_not_valid_now_is_refused(start: datetime, end: datetime, told: str) -> None:
    with pytest.raises(RejectedError, match=told):
        check(spec_of(), CA.issue(spec_of(), not_before=start, not_after=end))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(NOW + 10 * MINUTE, NOW + DAY, id="the CA's clock runs ahead"),
        pytest.param(NOW - 365 * DAY, NOW + MINUTE, id="it ends soon"),
        pytest.param(NOW - HOUR, datetime(9999, 12, 31, 23, 59, 59, tzinfo=NOW.tzinfo), id="it has no end"),
    ],
)
def test_a_certificate_that_is_valid_now_is_taken(start: datetime, end: datetime) -> None:
    check(spec_of(), CA.issue(spec_of(), not_before=start, not_after=end))


@pytest.mark.parametrize(
    ("asked", "fields", "is_taken"),
    [
        pytest.param(None, {}, True, id="the CA was left to decide"),
        pytest.param(90 * DAY, {}, True, id="as long as was asked for"),
        pytest.param(365 * DAY, {}, True, id="shorter"),
        pytest.param(87 * DAY, {}, True, id="a little longer"),
        pytest.param(80 * DAY, {}, False, id="much longer"),
        pytest.param(80 * DAY, {"acceptChanges": ["Validity"]}, True, id="much longer, and accepted"),
    ],
)
def test_a_lifetime_beyond_what_was_asked_for_is_refused(
    asked: timedelta | None, fields: dict[str, Any], *, is_taken: bool
) -> None:
    spec = spec_of(**fields)
    chain = (CA.issue(spec, not_before=NOW, not_after=NOW + 90 * DAY), CA.certificate)
    refusal = (
        contextlib.nullcontext() if is_taken else pytest.raises(RejectedError, match=r"acceptChanges: \[Validity\]")
    )
    with refusal:
        verify(spec, chain, key_of(), asked_validity=asked, now=NOW)


def test_a_chain_that_does_not_hold_is_refused() -> None:
    with pytest.raises(RejectedError, match="the chain does not verify: certificate 'CN=Intermediate'"):
        check(spec_of(), CA.issue(spec_of()), anchors=[root("Other").certificate])


SAN = x509.SubjectAlternativeName.oid
HOSTILE = {
    "a kind of name that cannot be read": bytes.fromhex("3002a300"),
    "an address of three bytes": bytes.fromhex("30058703010203"),
    "a DNS name that is no text": bytes.fromhex("30048202c3ff"),
    "no names at all": b"junk",
    "nothing": b"",
}


def hostile_leaf(value: bytes) -> x509.Certificate:
    return CA.sign(common_name("x"), key_of(), [(x509.UnrecognizedExtension(SAN, value), False)])


@pytest.mark.parametrize("value", HOSTILE.values(), ids=list(HOSTILE))
def test_a_certificate_that_cannot_be_read_is_refused(value: bytes) -> None:
    with pytest.raises(RejectedError, match="the certificate cannot be read"):
        check(spec_of(acceptChanges=["Names", "Subject", "Usages"]), hostile_leaf(value))


@given(st.binary(max_size=60))
def test_any_bytes_in_place_of_the_names_are_refused(value: bytes) -> None:
    with pytest.raises(RejectedError) as caught:
        check(spec_of(), hostile_leaf(value))
    assert caught.value.reason is Reason.UNEXPECTED_CERTIFICATE


@pytest.mark.parametrize("value", HOSTILE.values(), ids=list(HOSTILE))
def test_a_certificate_that_cannot_be_read_is_replaced_when_someone_puts_it_into_the_secret(value: bytes) -> None:
    certificate = certificate_of()
    whole = secret_of(certificate)
    hostile = KeyPair(chain=(hostile_leaf(value),), key=key_of())
    pem = hostile.leaf.public_bytes(Encoding.PEM)
    found = policy.first(policy.TRIGGERS, observed_of(secret=replace(whole, data={**whole.data, "tls.crt": pem})))
    assert found is not None
    assert found.reason is Reason.INVALID_CERTIFICATE


def test_two_extensions_of_the_same_kind_are_refused() -> None:
    extensions = [(x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.2.3.{n}"), b"\x05\x00"), False) for n in (4, 5)]
    der = CA.sign(common_name("x"), key_of(), extensions).public_bytes(Encoding.DER)
    twice = x509.load_der_x509_certificate(der.replace(b"\x2a\x03\x05", b"\x2a\x03\x04"))
    with pytest.raises(RejectedError, match="the certificate cannot be read"):
        check(spec_of(), twice)


Wishes: TypeAlias = st.SearchStrategy[dict[str, Any]]
NAME_LISTS = st.lists(st.sampled_from(["a.example.com", "b.example.com", "*.example.com"]), min_size=1, unique=True)
SUBJECTS: Wishes = st.sampled_from([{}, {"commonName": "a.example.com"}, {"subject": {"organizations": ["Example"]}}])
USAGES: Wishes = st.sampled_from([{}, {"usages": ["client auth"]}, {"usages": ["server auth", "key encipherment"]}])
RENEWALS: Wishes = st.sampled_from([{}, {"renewBefore": "2159h"}, {"renewBeforePercentage": 99}])
ACCEPTED = st.lists(st.sampled_from(["Names", "Validity", "Subject", "Usages"]), unique=True)


@st.composite
def wishes(draw: st.DrawFn) -> dict[str, Any]:
    shape = {"dnsNames": draw(NAME_LISTS), "isCA": draw(st.booleans()), **draw(SUBJECTS), **draw(USAGES)}
    return {**shape, **draw(RENEWALS)}


@given(wishes(), wishes(), ACCEPTED, st.booleans(), st.integers(0, 60))
def test_what_is_taken_is_never_found_wrong_afterwards(
    asked: Mapping[str, Any],
    granted: Mapping[str, Any],
    accepted: list[str],
    obeys: bool,  # noqa: FBT001 - hypothesis gives arguments by name
    age: int,
) -> None:
    """Otherwise the CA would be asked without end: the one check lets it in, the other throws it out."""
    spec = spec_of(**asked, acceptChanges=accepted)
    leaf = CA.issue(spec if obeys else spec_of(**granted), not_before=NOW - age * HOUR, not_after=NOW + 90 * DAY)
    try:
        check(spec, leaf)
    except RejectedError:
        assert not obeys
        return
    certificate = certificate_of(spec)
    secret = secret_of(certificate, KeyPair(chain=(leaf, CA.certificate), key=key_of(), anchors=(ROOT.certificate,)))
    delivered = replace(certificate, status=issued_status(certificate, secret))
    assert policy.first(policy.TRIGGERS, observed_of(delivered, secret=secret)) is None
    assert policy.first(policy.READINESS, observed_of(delivered, secret=secret)) is None
