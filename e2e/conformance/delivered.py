"""A Certificate, its Secret and its requests, in the words in which ``features`` says what must be true of them.

Every public property may stand in a feature's expectations. They are written without certwright's own code, which is
what is being tested.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from e2e.tenant import Object

KEYSTORE_PASSWORD = "changeit"
UNSTRUCTURED_NAME = x509.ObjectIdentifier("1.2.840.113549.1.9.2")
PRIVATE_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")

_OWN = "certwright.io/"
_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign"),
)
_MAGIC_OF_JKS = b"\xfe\xed\xfe\xed"
_SALT_OF_JKS = b"Mighty Aphrodite"
_SHA1_LENGTH = 20


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """``requests`` are the CSRs of all its enrolments; ``before`` is the Secret's data before it was renewed.

    ``events`` are their reasons; they and ``is_revoked`` are for what was deleted.
    """

    status: Object
    metadata: Object
    data: Mapping[str, bytes] = field(repr=False)
    requests: Sequence[x509.CertificateSigningRequest]
    before: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    events: Sequence[str] = ()
    is_revoked: bool = False

    # The certificate.

    @cached_property
    def chain(self) -> Sequence[x509.Certificate]:
        return x509.load_pem_x509_certificates(self.data["tls.crt"])

    @property
    def leaf(self) -> x509.Certificate:
        return self.chain[0]

    @property
    def subject(self) -> list[str]:
        """Its relative names, the last first as RFC 4514 writes them, each with its parts sorted: they are a set."""
        names = reversed(self.leaf.subject.rdns)
        return ["+".join(sorted(part.rfc4514_string() for part in name)) for name in names]

    @property
    def subject_parts(self) -> list[str]:
        return sorted(attribute.rfc4514_string() for attribute in self.leaf.subject)

    @property
    def common_name(self) -> str:
        return "".join(str(found.value) for found in self.leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME))

    @property
    def dns_names(self) -> list[str]:
        return sorted(self._names.get_values_for_type(x509.DNSName))

    @property
    def ip_addresses(self) -> list[str]:
        return sorted(map(str, self._names.get_values_for_type(x509.IPAddress)))

    @property
    def uris(self) -> list[str]:
        return sorted(self._names.get_values_for_type(x509.UniformResourceIdentifier))

    @property
    def email_addresses(self) -> list[str]:
        return sorted(self._names.get_values_for_type(x509.RFC822Name))

    @property
    def other_names(self) -> Mapping[str, bytes]:
        """The DER of each by its OID."""
        return {name.type_id.dotted_string: name.value for name in self._names.get_values_for_type(x509.OtherName)}

    @property
    def _names(self) -> x509.SubjectAlternativeName:
        found = _extension(self.leaf.extensions, x509.SubjectAlternativeName)
        return found or x509.SubjectAlternativeName([])

    @property
    def hours(self) -> int:
        """The lifetime, without what CAs add for late clocks."""
        return round((self.leaf.not_valid_after_utc - self.leaf.not_valid_before_utc) / timedelta(hours=1))

    @property
    def key_usages(self) -> list[str]:
        return _key_usages(self.leaf.extensions)

    @property
    def purposes(self) -> list[str]:
        return _purposes(self.leaf.extensions)

    @property
    def is_ca(self) -> bool:
        found = _extension(self.leaf.extensions, x509.BasicConstraints)
        return found is not None and found.ca

    @property
    def permitted_names(self) -> list[Any]:
        found = _extension(self.leaf.extensions, x509.NameConstraints)
        return [name.value for name in (found and found.permitted_subtrees) or ()]

    @property
    def excluded_names(self) -> list[str]:
        found = _extension(self.leaf.extensions, x509.NameConstraints)
        return [str(name.value) for name in (found and found.excluded_subtrees) or ()]

    @property
    def private_extension(self) -> bytes | None:
        """The DER of our own, which the library has no class for."""
        values = (extension.value for extension in self.leaf.extensions if extension.oid == PRIVATE_EXTENSION)
        return next((value.value for value in values if isinstance(value, x509.UnrecognizedExtension)), None)

    @property
    def must_staple(self) -> bool:
        found = _extension(self.leaf.extensions, x509.TLSFeature)
        return found is not None and x509.TLSFeatureType.status_request in list(found)

    # The request.

    @property
    def request_signature(self) -> str:
        algorithm = self.requests[-1].signature_hash_algorithm
        return algorithm.name if algorithm else "none"

    @property
    def requested_usages(self) -> list[str]:
        extensions = self.requests[-1].extensions
        return [*_key_usages(extensions), *_purposes(extensions)]

    @property
    def requested_unstructured_name(self) -> bytes:
        return self.requests[-1].attributes.get_attribute_for_oid(UNSTRUCTURED_NAME).value

    # The key.

    @cached_property
    def _key(self) -> Any:
        return serialization.load_pem_private_key(self.data["tls.key"], None)

    @property
    def key_kind(self) -> str:
        """Such as ``RSA 2048``, ``secp256r1`` or ``Ed25519``."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return f"RSA {self._key.key_size}"
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.curve.name
        return type(self._key).__name__.removesuffix("PrivateKey")

    @property
    def key_header(self) -> str:
        return self.data["tls.key"].decode().splitlines()[0].strip("-").removeprefix("BEGIN ")

    @property
    def key_fits(self) -> bool:
        return _public(self._key.public_key()) == _public(self.leaf.public_key())

    # The Secret.

    @property
    def chain_length(self) -> int:
        return len(self.chain)

    @property
    def ends_in_root(self) -> bool:
        return self.chain[-1].issuer == self.chain[-1].subject

    @property
    def ca_is_told(self) -> bool:
        """Whether the first of ``ca.crt`` has signed the chain's last, or is it."""
        if "ca.crt" not in self.data:
            return False
        anchor, last = x509.load_pem_x509_certificates(self.data["ca.crt"])[0], self.chain[-1]
        if anchor != last:
            last.verify_directly_issued_by(anchor)
        return True

    @property
    def der_is_the_key(self) -> bool:
        loaded: Any = serialization.load_der_private_key(self.data["key.der"], None)
        return _public(loaded.public_key()) == _public(self._key.public_key())

    @property
    def combined_is_both(self) -> bool:
        return self.data["tls-combined.pem"] == self.data["tls.key"] + b"\n" + self.data["tls.crt"]

    @property
    def jks_is_both(self) -> bool:
        """Whether the Java keystore ends in the digest with our password, and has the certificate in it."""
        store = self.data["keystore.jks"]
        secret = KEYSTORE_PASSWORD.encode("utf-16-be") + _SALT_OF_JKS
        digest = hashlib.sha1(secret + store[:-_SHA1_LENGTH], usedforsecurity=False).digest()
        is_whole = store.startswith(_MAGIC_OF_JKS) and store.endswith(digest)
        return is_whole and self.leaf.public_bytes(serialization.Encoding.DER) in store

    @property
    def pkcs12_is_both(self) -> bool:
        loaded: Any = pkcs12.load_pkcs12(self.data["keystore.p12"], KEYSTORE_PASSWORD.encode())
        return bool(loaded.cert.certificate == self.leaf and _public(loaded.key.public_key()) == _public(self._public))

    @property
    def _public(self) -> Any:
        return self._key.public_key()

    @property
    def labels(self) -> Mapping[str, str]:
        return _foreign(self.metadata["labels"])

    @property
    def annotations(self) -> Mapping[str, str]:
        return _foreign(self.metadata["annotations"])

    # What happened to it.

    @property
    def revision(self) -> int:
        return int(self.status["revision"])

    @property
    def key_was_kept(self) -> bool:
        return self.before["tls.key"] == self.data["tls.key"]

    @property
    def certificate_was_kept(self) -> bool:
        return self.before["tls.crt"] == self.data["tls.crt"]

    @property
    def is_said_unrevoked(self) -> bool:
        return "RevocationImpossible" in self.events


def _extension(extensions: x509.Extensions, kind: type[x509.ExtensionType]) -> Any:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _key_usages(extensions: x509.Extensions) -> list[str]:
    found = _extension(extensions, x509.KeyUsage)
    return [usage for usage in _USAGES if found is not None and getattr(found, usage)]


def _purposes(extensions: x509.Extensions) -> list[str]:
    """RFC 5280's names, which the library has but does not show."""
    return sorted(oid._name for oid in _extension(extensions, x509.ExtendedKeyUsage) or ())  # noqa: SLF001 - as above


def _public(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _foreign(entries: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in entries.items() if not name.startswith(_OWN)}
