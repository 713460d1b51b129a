"""The features: what a Certificate's spec says, and what must be true of what is delivered for it.

To add one: its name, the spec, and what must hold, in the words of ``Delivered``::

    feature("IPv4 address", {"ipAddresses": ["127.0.0.1"]}, ip_addresses=["127.0.0.1"])

It is then run through every driver, and has a row in ``docs/reference/support.md``. Where a protocol cannot have it,
its driver says so in ``drivers``.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from e2e.conformance.delivered import KEYSTORE_PASSWORD, PRIVATE_EXTENSION, UNSTRUCTURED_NAME
from e2e.tenant import Object, secret

HOST = "www.example.test"
LONG_LABEL = f"{'a' * 63}.example.test"
MANY_NAMES = [f"n{number:02}.example.test" for number in range(100)]

UPN = "1.3.6.1.4.1.311.20.2.3"
TLS_FEATURE = "1.3.6.1.5.5.7.1.24"

_NAMES = frozenset({"commonName", "literalSubject", "dnsNames", "ipAddresses", "uris", "emailAddresses", "otherNames"})


class Act(Enum):
    """What is done with a Certificate that has become ready."""

    NOTHING = auto()
    RENEW = auto()
    DELETE = auto()
    RELABEL = auto()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feature:
    """One row. ``expects`` are properties of ``Delivered``; ``beside`` are the objects that the spec names."""

    name: str
    spec: Mapping[str, Any]
    expects: Mapping[str, Any]
    then: Act = Act.NOTHING
    beside: Sequence[Object] = field(default=(), repr=False)

    def __str__(self) -> str:
        return self.name

    @property
    def slug(self) -> str:
        """Its name as an object's: ``IPv4 address`` is ``ipv4-address``."""
        kept = (letter if letter.isalnum() else "-" for letter in self.name.lower())
        return "-".join(part for part in "".join(kept).split("-") if part)


def feature(
    name: str, spec: Mapping[str, Any], *, then: Act = Act.NOTHING, beside: Sequence[Object] = (), **expects: Any
) -> Feature:
    """A row; a spec without any name is for ``HOST``."""
    named = spec if _NAMES & spec.keys() else {"dnsNames": [HOST], **spec}
    return Feature(name=name, spec=named, expects=expects, then=then, beside=beside)


def _key(algorithm: str, size: int | None = None, **more: Any) -> Mapping[str, Any]:
    return {"privateKey": {"algorithm": algorithm, **({"size": size} if size else {}), **more}}


def _base64(der: str) -> str:
    return base64.b64encode(bytes.fromhex(der)).decode()


_NAME_FEATURES = (
    feature("DNS name", {"dnsNames": [HOST]}, dns_names=[HOST], is_ca=False, key_fits=True),
    feature("common name alone", {"commonName": HOST}, common_name=HOST, dns_names=[]),
    feature("common name and DNS name", {"commonName": HOST, "dnsNames": [HOST]}, common_name=HOST, dns_names=[HOST]),
    feature("wildcard", {"dnsNames": ["*.example.test"]}, dns_names=["*.example.test"]),
    feature("internationalized name", {"dnsNames": ["bücher.example.test"]}, dns_names=["xn--bcher-kva.example.test"]),
    feature("label of 63 characters", {"dnsNames": [LONG_LABEL]}, dns_names=[LONG_LABEL]),
    feature("100 DNS names", {"dnsNames": MANY_NAMES}, dns_names=MANY_NAMES),
    feature("IPv4 address", {"ipAddresses": ["127.0.0.1"]}, ip_addresses=["127.0.0.1"]),
    feature("IPv6 address", {"ipAddresses": ["::1"]}, ip_addresses=["::1"]),
    feature("URI", {"uris": ["spiffe://example.test/ns/shop"]}, uris=["spiffe://example.test/ns/shop"]),
    feature("email address", {"emailAddresses": ["ada@example.test"]}, email_addresses=["ada@example.test"]),
    feature(
        "otherName and email address",
        {"otherNames": [{"oid": UPN, "utf8Value": "ada@example.test"}], "emailAddresses": ["ada@example.test"]},
        other_names={UPN: b"\x0c\x10ada@example.test"},
        email_addresses=["ada@example.test"],
    ),
)

_SUBJECT_FEATURES = (
    feature(
        "subject with every field",
        {
            "commonName": HOST,
            "dnsNames": [HOST],
            "subject": {
                "organizations": ["Example & Söhne", "Second"],
                "organizationalUnits": ["Shop"],
                "countries": ["DE"],
                "provinces": ["Berlin"],
                "localities": ["Mitte"],
                "streetAddresses": ["Unter den Linden 1"],
                "postalCodes": ["10117"],
                "serialNumber": "SN-4711",
            },
        },
        subject_parts=sorted(
            [
                *(f"CN={HOST}", "O=Example & Söhne", "O=Second", "OU=Shop", "C=DE", "ST=Berlin", "L=Mitte"),
                *("STREET=Unter den Linden 1", "2.5.4.17=10117", "2.5.4.5=SN-4711"),
            ]
        ),
    ),
    feature(
        "literal subject",
        {"literalSubject": f"CN={HOST}+UID=4711,2.5.4.97=VATDE-123,DC=example,DC=test", "dnsNames": [HOST]},
        subject=[f"CN={HOST}+UID=4711", "2.5.4.97=VATDE-123", "DC=example", "DC=test"],
    ),
)

_KEY_FEATURES = (
    feature("RSA 2048", _key("RSA", 2048), key_kind="RSA 2048", key_header="RSA PRIVATE KEY"),
    feature("RSA 4096", _key("RSA", 4096), key_kind="RSA 4096"),
    feature("ECDSA P-256", _key("ECDSA", 256), key_kind="secp256r1", key_header="EC PRIVATE KEY"),
    feature("ECDSA P-384", _key("ECDSA", 384), key_kind="secp384r1"),
    feature("ECDSA P-521", _key("ECDSA", 521), key_kind="secp521r1"),
    feature("Ed25519", _key("Ed25519"), key_kind="Ed25519", key_header="PRIVATE KEY"),
    feature("ML-DSA-44", _key("ML-DSA-44"), key_kind="MLDSA44"),
    feature("ML-DSA-65", _key("ML-DSA-65"), key_kind="MLDSA65", key_header="PRIVATE KEY"),
    feature("ML-DSA-87", _key("ML-DSA-87"), key_kind="MLDSA87"),
    feature("PKCS8 encoding", _key("ECDSA", 256, encoding="PKCS8"), key_header="PRIVATE KEY"),
    feature(
        "signature algorithm of the request",
        {**_key("RSA", 2048), "signatureAlgorithm": "SHA384WithRSA"},
        request_signature="sha384",
    ),
)

_CERTIFICATE_FEATURES = (
    feature("duration", {"duration": "6h"}, hours=6),
    feature(
        "arbitrary usages",
        {"usages": ["digital signature", "content commitment", "client auth", "code signing", "email protection"]},
        key_usages=["digital_signature", "content_commitment"],
        purposes=["clientAuth", "codeSigning", "emailProtection"],
    ),
    feature(
        "usages that the CA may change",
        {"usages": ["digital signature", "client auth"], "acceptChanges": ["Usages"]},
        requested_usages=["digital_signature", "clientAuth"],
        key_fits=True,
    ),
    feature("usages left out of the request", {"encodeUsagesInRequest": False}, requested_usages=[]),
    feature(
        "CA certificate",
        {"isCA": True, "commonName": "Example CA", "usages": ["digital signature", "cert sign", "crl sign"]},
        is_ca=True,
        key_usages=["digital_signature", "key_cert_sign", "crl_sign"],
    ),
    feature(
        "CA with name constraints",
        {
            "isCA": True,
            "commonName": "Example CA",
            "usages": ["digital signature", "cert sign"],
            "nameConstraints": {
                "critical": True,
                "permitted": {"dnsDomains": ["example.test"]},
                "excluded": {"dnsDomains": ["bad.example.test"]},
            },
        },
        is_ca=True,
        permitted_names=["example.test"],
        excluded_names=["bad.example.test"],
    ),
    feature(
        "OCSP must-staple",
        {"csr": {"extensions": [{"oid": TLS_FEATURE, "value": _base64("3003020105")}]}},
        must_staple=True,
    ),
    feature(
        "extension with an OID of one's own",
        {"csr": {"extensions": [{"oid": PRIVATE_EXTENSION.dotted_string, "value": _base64("0c026869")}]}},
        private_extension=bytes.fromhex("0c026869"),
    ),
    feature(
        "attribute of the request",
        {"csr": {"attributes": [{"oid": UNSTRUCTURED_NAME.dotted_string, "values": [_base64("0c026869")]}]}},
        requested_unstructured_name=b"hi",
    ),
)

_PASSWORD = {"create": True, "passwordSecretRef": {"name": "keystores", "key": "password"}}
_PASSWORD_SECRET = secret("keystores", password=KEYSTORE_PASSWORD)

_SECRET_FEATURES = (
    feature("chain without root", {}, chain_length=2, ends_in_root=False),
    feature("chain.leafOnly", {"chain": {"leafOnly": True}}, chain_length=1),
    feature("chain.includeRoot", {"chain": {"includeRoot": True}}, chain_length=3, ends_in_root=True),
    feature("ca.crt", {}, ca_is_told=True),
    feature("DER", {"additionalOutputFormats": [{"type": "DER"}]}, der_is_the_key=True),
    feature("CombinedPEM", {"additionalOutputFormats": [{"type": "CombinedPEM"}]}, combined_is_both=True),
    feature("Java keystore", {"keystores": {"jks": _PASSWORD}}, beside=(_PASSWORD_SECRET,), jks_is_both=True),
    feature(
        "PKCS#12 keystore",
        {"keystores": {"pkcs12": {**_PASSWORD, "profile": "Modern2023"}}},
        beside=(_PASSWORD_SECRET,),
        pkcs12_is_both=True,
    ),
    feature(
        "secretTemplate",
        {"secretTemplate": {"labels": {"team": "shop"}, "annotations": {"example.test/owner": "ada"}}},
        labels={"team": "shop"},
        annotations={"example.test/owner": "ada"},
    ),
)

_LIFECYCLE_FEATURES = (
    feature("renewal with another key", {}, then=Act.RENEW, revision=2, key_was_kept=False, certificate_was_kept=False),
    feature(
        "renewal with the same key",
        {"privateKey": {"rotationPolicy": "Never"}},
        then=Act.RENEW,
        revision=2,
        key_was_kept=True,
        certificate_was_kept=False,
    ),
    feature(
        "another label without another certificate",
        {"secretTemplate": {"labels": {"team": "shop"}}},
        then=Act.RELABEL,
        revision=1,
        labels={"team": "other"},
        key_was_kept=True,
        certificate_was_kept=True,
    ),
    feature(
        "revocation on deletion",
        {"revocation": {"onDelete": True}},
        then=Act.DELETE,
        is_revoked=True,
        is_said_unrevoked=False,
    ),
)

GROUPS: Mapping[str, Sequence[Feature]] = {
    "Names": _NAME_FEATURES,
    "Subject": _SUBJECT_FEATURES,
    "Keys": _KEY_FEATURES,
    "Certificate and request": _CERTIFICATE_FEATURES,
    "Secret": _SECRET_FEATURES,
    "Lifecycle": _LIFECYCLE_FEATURES,
}
FEATURES = [each for group in GROUPS.values() for each in group]
