"""Whatever a Certificate says stands in the request that the CA gets, for each field and each kind of key."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from certwright.model import keys
from certwright.model.csr import build_csr
from certwright.model.resources import KeyAlgorithm, Usage
from certwright.model.usages import missing_usages
from tests.model.builders import KINDS, key_of, spec_of

CSR = x509.CertificateSigningRequest


def names(request: CSR) -> list[str]:
    found = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [f"{type(name).__name__} {_text(name)}" for name in found]


def _text(name: x509.GeneralName) -> str:
    return f"{name.type_id.dotted_string} {name.value.hex()}" if isinstance(name, x509.OtherName) else str(name.value)


def subject(request: CSR) -> list[str]:
    return [request.subject.rfc4514_string()]


def oids(request: CSR) -> list[str]:
    return sorted(extension.oid.dotted_string for extension in request.extensions)


def attributes(request: CSR) -> list[str]:
    return sorted(attribute.oid.dotted_string for attribute in request.attributes)


def constraints(request: CSR) -> list[str]:
    found = request.extensions.get_extension_for_class(x509.BasicConstraints)
    return [f"ca={found.value.ca} path_length={found.value.path_length} critical={found.critical}"]


def signature(request: CSR) -> list[str]:
    return [request.signature_hash_algorithm.name if request.signature_hash_algorithm else "none"]


LONG = "a" * 63
SAN, KEY_USAGE, PURPOSES, STAPLE = "2.5.29.17", "2.5.29.15", "2.5.29.37", "1.3.6.1.5.5.7.1.24"
FIELDS: dict[str, tuple[dict[str, Any], Callable[[CSR], list[str]], list[str]]] = {
    "commonName": ({"commonName": "web 1"}, subject, ["CN=web 1"]),
    "subject": (
        {
            "commonName": "web",
            "subject": {
                "countries": ["AT"],
                "provinces": ["Tirol"],
                "localities": ["Innsbruck"],
                "streetAddresses": ["Inn 1"],
                "postalCodes": ["6020"],
                "organizations": ["Füchsl"],
                "organizationalUnits": ["PKI", "Web"],
                "serialNumber": "A_42",
            },
        },
        subject,
        ["CN=web,2.5.4.5=A_42,OU=Web,OU=PKI,O=Füchsl,2.5.4.17=6020,STREET=Inn 1,L=Innsbruck,ST=Tirol,C=AT"],
    ),
    "literalSubject": (
        {"literalSubject": "CN=web,O=Example+L=Wien,1.3.6.1.4.1.99999.1=x"},
        subject,
        ["CN=web,L=Wien+O=Example,1.3.6.1.4.1.99999.1=x"],  # DER sorts what stands in one place.
    ),
    "dnsNames": ({"dnsNames": ["B.example", "a.example"]}, names, ["DNSName a.example", "DNSName b.example"]),
    "dnsNames, a wildcard": ({"dnsNames": ["*.example.com"]}, names, ["DNSName *.example.com"]),
    "dnsNames, Unicode": ({"dnsNames": ["*.Bücher.example"]}, names, ["DNSName *.xn--bcher-kva.example"]),
    "dnsNames, 63 characters": ({"dnsNames": [f"{LONG}.example"]}, names, [f"DNSName {LONG}.example"]),
    "dnsNames, one label": ({"dnsNames": ["localhost"]}, names, ["DNSName localhost"]),
    "ipAddresses": (
        {"dnsNames": None, "ipAddresses": ["2001:DB8::0:1", "10.0.0.1"]},
        names,
        ["IPAddress 10.0.0.1", "IPAddress 2001:db8::1"],
    ),
    "uris": (
        {"dnsNames": None, "uris": ["spiffe://example.com/ns/a"]},
        names,
        ["UniformResourceIdentifier spiffe://example.com/ns/a"],
    ),
    "emailAddresses": (
        {"dnsNames": None, "emailAddresses": ["P.Ki@BÜCHER.example"]},
        names,
        ["RFC822Name P.Ki@xn--bcher-kva.example"],
    ),
    "otherNames": (
        {"dnsNames": None, "otherNames": [{"oid": "1.3.6.1.4.1.311.20.2.3", "utf8Value": "ü@example.com"}]},
        names,
        ["OtherName 1.3.6.1.4.1.311.20.2.3 0c0e" + "ü@example.com".encode().hex()],
    ),
    "usages": ({"usages": ["client auth"]}, oids, [SAN, PURPOSES]),
    "usages by default": ({}, oids, [KEY_USAGE, SAN, PURPOSES]),
    "encodeUsagesInRequest": ({"usages": ["client auth"], "encodeUsagesInRequest": False}, oids, [SAN]),
    "isCA": ({"isCA": True}, constraints, ["ca=True path_length=None critical=True"]),
    "nameConstraints": (
        {"isCA": True, "encodeUsagesInRequest": False, "nameConstraints": {"permitted": {"dnsDomains": ["x.test"]}}},
        oids,
        [SAN, "2.5.29.19", "2.5.29.30"],
    ),
    "csr.extensions": (
        {"encodeUsagesInRequest": False, "csr": {"extensions": [{"oid": STAPLE, "value": "MAMCAQU="}]}},
        oids,
        [STAPLE, SAN],
    ),
    "csr.attributes": (
        {"csr": {"attributes": [{"oid": "1.2.3.4", "values": ["BQA="]}]}},
        attributes,
        ["1.2.3.4", "1.2.840.113549.1.9.14"],
    ),
    "signatureAlgorithm": ({"signatureAlgorithm": "ECDSAWithSHA384"}, signature, ["sha384"]),
}


@pytest.mark.parametrize(("fields", "read", "expected"), FIELDS.values(), ids=list(FIELDS))
def test_a_field_stands_in_the_request(
    fields: dict[str, Any], read: Callable[[CSR], list[str]], expected: list[str]
) -> None:
    assert expected == read(x509.load_der_x509_csr(build_csr(spec_of(**fields), key_of())))


@pytest.mark.parametrize("usage", Usage, ids=str)
def test_each_usage_stands_in_the_request(usage: Usage) -> None:
    request = x509.load_der_x509_csr(build_csr(spec_of(usages=[str(usage)]), key_of()))
    assert missing_usages(request.extensions, [usage]) == []
    others = {KEY_USAGE, PURPOSES} & set(oids(request))
    assert len(others) == 1


@pytest.mark.parametrize("algorithm", KeyAlgorithm, ids=str)
def test_each_algorithm_makes_a_request(algorithm: KeyAlgorithm) -> None:
    spec = spec_of(privateKey={"algorithm": str(algorithm)})
    kind = keys.new_kind(spec)
    assert kind.algorithm is algorithm
    assert x509.load_der_x509_csr(build_csr(spec, key_of(kind))).is_signature_valid


@pytest.mark.parametrize("size", [256, 384, 521])
def test_each_curve_makes_a_request(size: int) -> None:
    spec = spec_of(privateKey={"algorithm": "ECDSA", "size": size})
    kind = keys.new_kind(spec)
    assert kind in KINDS
    assert kind.size == size


@pytest.mark.parametrize("size", [2048, 3072, 4096, 8192])
def test_each_length_of_an_rsa_key_can_be_asked_for(size: int) -> None:
    """The longest takes seconds to make, off the event loop, so only its kind is looked at."""
    kind = keys.new_kind(spec_of(privateKey={"algorithm": "RSA", "size": size}))
    assert (kind.algorithm, kind.size) == (KeyAlgorithm.RSA, size)
    assert keys.is_slow(kind)
    if size == 3072:
        key = keys.generate(kind)
        request = x509.load_der_x509_csr(build_csr(spec_of(), key))
        public = request.public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        assert public.key_size == size
