"""A request says what the spec says, for every kind of key, or is refused with the reason."""

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.model import keys
from certwright.model.csr import build_csr, refuse_unsayable
from certwright.model.enrolment import Prepared
from certwright.model.errors import RejectedError
from certwright.model.keys import KeyKind
from certwright.model.names import names_of, requested_names
from certwright.model.reasons import Reason
from certwright.model.resources import KeyAlgorithm, Usage
from certwright.model.usages import missing_usages
from tests.model.builders import KINDS, key_of, spec_of


def request_of(kind: KeyKind = KINDS[1], **fields: Any) -> x509.CertificateSigningRequest:
    return x509.load_der_x509_csr(build_csr(spec_of(**fields), key_of(kind)))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_request_is_signed_with_its_own_key(kind: KeyKind) -> None:
    request = request_of(kind)
    assert request.is_signature_valid
    assert request.public_key() == key_of(kind).public_key()


@pytest.mark.parametrize(
    ("fields", "kind", "expected"),
    [
        pytest.param({}, KINDS[0], hashes.SHA256, id="RSA by default"),
        pytest.param({"signatureAlgorithm": "SHA512WithRSA"}, KINDS[0], hashes.SHA512, id="RSA with SHA-512"),
        pytest.param({}, KINDS[1], hashes.SHA256, id="P-256 by default"),
        pytest.param({}, KINDS[2], hashes.SHA384, id="P-384 by default"),
        pytest.param({}, KINDS[3], hashes.SHA512, id="P-521 by default"),
        pytest.param({"signatureAlgorithm": "ECDSAWithSHA384"}, KINDS[1], hashes.SHA384, id="P-256 with SHA-384"),
    ],
)
def test_a_request_is_signed_as_asked_for(
    fields: dict[str, Any], kind: KeyKind, expected: type[hashes.HashAlgorithm]
) -> None:
    assert isinstance(request_of(kind, **fields).signature_hash_algorithm, expected)


def test_a_key_on_an_uncommon_curve_can_sign_a_request() -> None:
    key = ec.generate_private_key(ec.BrainpoolP512R1())
    assert x509.load_der_x509_csr(build_csr(spec_of(), key)).is_signature_valid


ALL_NAMES: dict[str, Any] = {
    "dnsNames": ["a.example.com", "*.bücher.example"],
    "ipAddresses": ["10.0.0.1", "2001:db8::1"],
    "uris": ["spiffe://example.com/a"],
    "emailAddresses": ["pki@example.com"],
    "otherNames": [{"oid": "1.2.3", "utf8Value": "user"}],
}


def test_a_request_holds_every_kind_of_name() -> None:
    assert requested_names(spec_of(**ALL_NAMES)) == names_of(request_of(**ALL_NAMES).extensions)


@pytest.mark.parametrize(
    ("fields", "is_critical"),
    [
        pytest.param({}, True, id="without a subject"),
        pytest.param({"commonName": "a.example.com"}, False, id="with a common name"),
        pytest.param({"subject": {"organizations": ["Example"]}}, False, id="with another subject"),
    ],
)
def test_the_names_are_critical_where_they_are_all_there_is(fields: dict[str, Any], *, is_critical: bool) -> None:
    names = request_of(**fields).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert is_critical is names.critical


def test_a_request_without_names_has_no_such_extension() -> None:
    request = request_of(dnsNames=None, commonName="web")
    assert not names_of(request.extensions)
    assert request.subject.rfc4514_string() == "CN=web"


def test_usages_are_asked_for() -> None:
    wanted = [Usage.DIGITAL_SIGNATURE, Usage.CLIENT_AUTH]
    extensions = request_of(usages=[str(usage) for usage in wanted]).extensions
    assert not missing_usages(extensions, wanted)
    assert missing_usages(extensions, [Usage.SERVER_AUTH])


def test_usages_can_be_left_out_of_the_request() -> None:
    oids = {extension.oid for extension in request_of(encodeUsagesInRequest=False).extensions}
    assert {x509.SubjectAlternativeName.oid} == oids


@pytest.mark.parametrize("is_ca", [True, False], ids=["CA", "end entity"])
def test_a_ca_certificate_is_asked_for_only_with_is_ca(*, is_ca: bool) -> None:
    extensions = list(request_of(isCA=is_ca).extensions)
    assert is_ca is any(isinstance(extension.value, x509.BasicConstraints) for extension in extensions)


def raw(oid: str, value: bytes = b"\x05\x00", *, critical: bool = False) -> dict[str, Any]:
    extension = {"oid": oid, "critical": critical, "value": base64.b64encode(value).decode()}
    return {"csr": {"extensions": [extension]}}


@pytest.mark.parametrize("critical", [True, False], ids=["critical", "not critical"])
def test_raw_extensions_are_put_in_as_they_are(*, critical: bool) -> None:
    found = request_of(**raw("1.2.3.4", critical=critical)).extensions.get_extension_for_oid(
        x509.ObjectIdentifier("1.2.3.4")
    )
    assert x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00") == found.value
    assert critical is found.critical


def test_what_the_ca_wants_is_put_in_too() -> None:
    feature = x509.TLSFeature([x509.TLSFeatureType.status_request])
    wanted = x509.Extension(x509.TLSFeature.oid, critical=False, value=feature)
    request = x509.load_der_x509_csr(build_csr(spec_of(), key_of(), Prepared(extensions=(wanted,))))
    assert request.extensions.get_extension_for_class(x509.TLSFeature)


@pytest.mark.parametrize(
    ("oid", "field"),
    [
        pytest.param("2.5.29.17", "dnsNames", id="subject alternative names"),
        pytest.param("2.5.29.15", "usages", id="key usage"),
        pytest.param("2.5.29.37", "usages", id="extended key usage"),
        pytest.param("2.5.29.19", "isCA", id="basic constraints"),
        pytest.param("2.5.29.30", "nameConstraints", id="name constraints"),
    ],
)
def test_what_the_issuer_can_forbid_cannot_come_in_as_a_raw_extension(oid: str, field: str) -> None:
    with pytest.raises(RejectedError, match=field) as caught:
        request_of(dnsNames=None, commonName="web", encodeUsagesInRequest=False, **raw(oid))
    assert caught.value.reason is Reason.INVALID_SPEC


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"dnsNames": ["a..example.com"]}, id="a broken DNS name"),
        pytest.param({"ipAddresses": ["10.0.0.300"]}, id="a broken address"),
        pytest.param({"uris": ["https://bücher.example/"]}, id="a URI that is not ASCII"),
        pytest.param({"emailAddresses": ["müller@example.com"]}, id="an address that is not ASCII"),
        pytest.param({"otherNames": [{"oid": "9.9.9", "utf8Value": "x"}]}, id="an impossible OID of a name"),
        pytest.param({"subject": {"countries": ["AUT"]}}, id="an impossible country"),
        pytest.param({"literalSubject": "nonsense"}, id="an impossible subject"),
        pytest.param({"isCA": True, "nameConstraints": {}}, id="no constraints"),
        pytest.param({"signatureAlgorithm": "SHA256WithRSA"}, id="a signature that the key cannot make"),
        pytest.param(raw("9.9.9"), id="an impossible OID of an extension"),
        pytest.param(
            {"csr": {"extensions": [*raw("1.2.3")["csr"]["extensions"], *raw("1.2.3")["csr"]["extensions"]]}},
            id="the same extension twice",
        ),
    ],
)
def test_what_cannot_be_said_in_a_request_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(RejectedError, match="no request can be made") as caught:
        request_of(**fields)
    assert caught.value.reason is Reason.INVALID_SPEC


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"signatureAlgorithm": "SHA256WithRSA"}, None, id="a signature without a key"),
        pytest.param({"signatureAlgorithm": "SHA256WithRSA", "privateKey": {"algorithm": "RSA"}}, None, id="its key"),
        pytest.param(
            {"signatureAlgorithm": "SHA256WithRSA", "privateKey": {"algorithm": "Ed25519"}},
            "signatureAlgorithm SHA256WithRSA needs a key of the kind RSA, and the key is Ed25519",
            id="another key",
        ),
        pytest.param({"dnsNames": ["a..b"]}, "'a..b' is not a domain name", id="a name that is none"),
        pytest.param(
            {"subject": {"countries": ["AUT"]}}, "C 'AUT' is not a country code of two letters", id="a country"
        ),
    ],
)
def test_what_no_request_can_say_is_known_before_there_is_a_key(fields: dict[str, Any], told: str | None) -> None:
    if told is None:
        refuse_unsayable(spec_of(**fields))
        return
    with pytest.raises(RejectedError, match=told) as caught:
        refuse_unsayable(spec_of(**fields))
    assert caught.value.reason is Reason.INVALID_SPEC


def test_the_request_of_an_rsa_key_asks_for_key_encipherment_too() -> None:
    assert keys.kind_of(key_of(KINDS[0])).algorithm is KeyAlgorithm.RSA
    assert not missing_usages(request_of(KINDS[0]).extensions, [Usage.KEY_ENCIPHERMENT])
    assert missing_usages(request_of(KINDS[1]).extensions, [Usage.KEY_ENCIPHERMENT])
