"""What is given raw is in the request as it was given, or is refused with the reason and the field to use instead."""

import base64
from typing import Any

import pytest
from cryptography import x509

from certwright.model.csr import NOTHING_MORE, build_csr, refuse_unsayable
from certwright.model.enrolment import Prepared
from certwright.model.errors import RejectedError
from certwright.model.keys import KeyKind
from certwright.model.names import names_of
from certwright.model.reasons import Reason
from tests.model.builders import KINDS, key_of, spec_of

NULL, NUMBER, INDEFINITE = b"\x05\x00", b"\x02\x01\x2a", b"\x30\x80\x05\x00\x00\x00"
MUST_STAPLE = b"\x30\x03\x02\x01\x05"
DECRYPT_KEY = "1.2.840.113549.1.9.16.2.37"


def extension(oid: str, value: bytes = NULL) -> dict[str, Any]:
    return {"oid": oid, "value": base64.b64encode(value).decode()}


def attribute(oid: str, *values: bytes) -> dict[str, Any]:
    return {"oid": oid, "values": [base64.b64encode(value).decode() for value in values or (NULL,)]}


def extensions(*each: dict[str, Any]) -> dict[str, Any]:
    return {"csr": {"extensions": list(each)}}


def attributes(*each: dict[str, Any]) -> dict[str, Any]:
    return {"csr": {"attributes": list(each)}}


def request_of(
    kind: KeyKind = KINDS[1], prepared: Prepared = NOTHING_MORE, **fields: Any
) -> x509.CertificateSigningRequest:
    return x509.load_der_x509_csr(build_csr(spec_of(**fields), key_of(kind), prepared))


def test_must_staple_reaches_the_request() -> None:
    found = request_of(**extensions(extension("1.3.6.1.5.5.7.1.24", MUST_STAPLE))).extensions
    features = found.get_extension_for_class(x509.TLSFeature).value
    assert list(features) == [x509.TLSFeatureType.status_request]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_attributes_reach_the_request_of_any_key(kind: KeyKind) -> None:
    request = request_of(kind, **attributes(attribute("1.2.3.4", NUMBER), attribute("1.2.3.5", NULL)))
    assert request.is_signature_valid
    assert request.attributes.get_attribute_for_oid(x509.ObjectIdentifier("1.2.3.4")).value == NUMBER[2:]
    assert names_of(request.extensions).describe() == ["a.example.com"]


def test_an_attribute_may_have_several_values() -> None:
    der = build_csr(spec_of(**attributes(attribute("1.2.3.4", NUMBER, NULL))), key_of())
    assert b"\x06\x03\x2a\x03\x04\x31\x05" + NUMBER + NULL in der


def test_an_attribute_stands_beside_a_challenge() -> None:
    request = request_of(prepared=Prepared(challenge_password="secret"), **attributes(attribute("1.2.3.4", NUMBER)))
    assert {one.oid.dotted_string for one in request.attributes} == {
        "1.2.840.113549.1.9.14",
        "1.2.840.113549.1.9.7",
        "1.2.3.4",
    }


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param(extensions(extension("2.5.29.14")), "2.5.29.14 cannot be given raw: the CA makes it", id="SKI"),
        pytest.param(extensions(extension("2.5.29.35")), "2.5.29.35 cannot be given raw: the CA makes it", id="AKI"),
        pytest.param(extensions(extension("1.2.3"), extension("1.2.3")), "1.2.3 is there twice", id="an extension"),
        pytest.param(extensions(extension("9.9.9")), "9.9.9 is not an object identifier", id="an impossible OID"),
        pytest.param(extensions(extension("1.2.3", b"\x30")), "the value of 1.2.3 is not DER", id="half a value"),
        pytest.param(extensions(extension("1.2.3", NULL + NULL)), "the value of 1.2.3 is not DER", id="two values"),
        pytest.param(extensions(extension("1.2.3", INDEFINITE)), "is BER and not DER", id="no length"),
        pytest.param(
            extensions(extension("1.2.3", b"\x30\x80" * 20_000)), "the value of 1.2.3 is not DER", id="too deep"
        ),
        pytest.param(
            extensions(extension("1.3.6.1.5.5.7.1.24", NULL)), "what is in one of them cannot be read", id="no feature"
        ),
        pytest.param(
            attributes(attribute("1.2.840.113549.1.9.14")), "use the fields for them", id="an extension request"
        ),
        pytest.param(
            attributes(attribute("1.3.6.1.4.1.311.2.1.14")), "as Microsoft has it", id="Microsoft's extension request"
        ),
        pytest.param(attributes(attribute("1.2.840.113549.1.9.7")), "use scep.challengeSecretRef", id="a challenge"),
        pytest.param(attributes(attribute("1.2.3"), attribute("1.2.3")), "1.2.3 is there twice", id="an attribute"),
        pytest.param(attributes(attribute("9.9.9")), "9.9.9 is not an object", id="an impossible attribute"),
        pytest.param(attributes(attribute("1.2.3", NULL, b"\x05")), "the value of 1.2.3 is not DER", id="one broken"),
    ],
)
def test_what_cannot_be_given_raw_is_refused_before_the_ca_is_asked(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(RejectedError) as caught:
        refuse_unsayable(spec_of(**fields))
    assert told in caught.value.message
    assert caught.value.reason is Reason.INVALID_SPEC


def test_what_the_ca_puts_into_an_attribute_itself_is_not_overwritten() -> None:
    wanted = Prepared(attributes=((DECRYPT_KEY, (NULL,)),))
    with pytest.raises(RejectedError, match="the CA says itself what is in it"):
        request_of(prepared=wanted, **attributes(attribute(DECRYPT_KEY, NUMBER)))


def test_a_request_without_anything_raw_can_be_made() -> None:
    refuse_unsayable(spec_of())
