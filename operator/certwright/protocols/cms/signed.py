"""Reading SignedData (RFC 5652 §5): what was signed, by whom, and whether the signatures hold.

SCEP reads CertRep with it, CMP and EST the packages of keys that a CA made. Whether the certificate of a signer is to
be trusted is not decided here.
"""

import hmac
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from certwright.protocols.cms import der
from certwright.protocols.cms.algorithms import digest_algorithm
from certwright.protocols.cms.certificates import certificate_elements, readable_certificates, signed_data
from certwright.protocols.cms.errors import BadSignature, LegacyAlgorithm, MalformedCMS, UnknownSigner
from certwright.protocols.cms.identity import Identity, find, read_identity
from certwright.protocols.cms.signatures import verify_signature
from certwright.protocols.cms.structures import (
    ID_CONTENT_TYPE,
    ID_DATA,
    ID_MESSAGE_DIGEST,
    Algorithm,
    SignedData,
    bounded,
    is_absent,
    load,
    octets,
    raw,
    reading,
    sole,
)

# The messages of SCEP and CMP have one, a message of several CAs' has a few. Each costs a verification.
MAX_SIGNERS = 10
MAX_CRLS = 100
# SCEP has seven, CMP none of its own.
MAX_ATTRIBUTES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One SignerInfo. ``attributes`` are the signed ones, each value as the DER that was received."""

    identity: Identity
    digest: str
    signature_algorithm: Algorithm
    attributes: Mapping[str, tuple[bytes, ...]]
    content_type: str
    _content: bytes | None = field(repr=False)
    _signed: bytes | None = field(repr=False)
    _signature: bytes = field(repr=False)

    def attribute(self, oid: str) -> bytes | None:
        """The DER of the only value of the signed attribute ``oid``; None without one, MalformedCMS for several."""
        values = self.attributes.get(oid)
        if values is None:
            return None
        if len(values) != 1:
            raise MalformedCMS(f"The signed attribute {oid} has not exactly one value.")
        return values[0]

    def identifies(self, certificate: x509.Certificate) -> bool:
        """Whether the SignerInfo names ``certificate``."""
        return self.identity.names(certificate)

    def find(self, certificates: Iterable[x509.Certificate]) -> x509.Certificate | None:
        """The first of ``certificates`` that the SignerInfo names."""
        return find(self.identity, certificates)

    def verify(
        self,
        by: x509.Certificate | PublicKeyTypes,
        *,
        content: bytes | None = None,
        accept: Collection[LegacyAlgorithm] = (),
        require_content_type: bool = True,
    ) -> None:
        """Return if ``by``, a certificate or public key, signed the content, else raise CMSRefused.

        ``content`` is for a detached signature. ``require_content_type=False`` is for old SCEP servers that leave
        the contentType attribute out; one that is there and wrong is never tolerated.
        """
        signed_content = self._content if content is None else content
        if signed_content is None:
            raise BadSignature("The signed content is not there.")
        digest = digest_algorithm(self.digest, accept=accept)
        if self._signed is None:
            self._check_bare(signed_content)
        else:
            self._check_content_type(is_required=require_content_type)
            self._check_digest(digest.digest(signed_content))
        verify_signature(
            by.public_key() if isinstance(by, x509.Certificate) else by,
            self._signature,
            signed_content if self._signed is None else self._signed,
            algorithm=self.signature_algorithm,
            digest=digest,
            accept=accept,
        )

    def _check_bare(self, content: bytes) -> None:
        """Without signed attributes the content itself is signed, which RFC 5652 §5.3 allows for id-data only.

        A content that starts like a SET could be the signed attributes of another message of that signer, given out
        as a content that he never signed.
        """
        if self.content_type != ID_DATA or content[:1] == bytes((der.SET,)):
            raise BadSignature("The message has no signed attributes, and its content needs them.")

    def _check_content_type(self, *, is_required: bool) -> None:
        value = self.attribute(ID_CONTENT_TYPE)
        if value is None and is_required:
            raise BadSignature("The contentType attribute is missing.")
        if value is not None and value != der.oid(self.content_type):
            raise BadSignature("The contentType attribute differs from the content's type.")

    def _check_digest(self, expected: bytes) -> None:
        value = self.attribute(ID_MESSAGE_DIGEST)
        if value is None or not hmac.compare_digest(octets(value), expected):
            raise BadSignature("The messageDigest attribute is not the digest of the content.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedMessage:
    """A SignedData. ``content`` is None where it is detached, as in a certs-only message; ``crls`` are DER."""

    content_type: str
    content: bytes | None = field(repr=False)
    certificates: tuple[x509.Certificate, ...]
    crls: tuple[bytes, ...] = field(repr=False)
    signers: tuple[Signer, ...]

    @classmethod
    def parse(cls, encoded: bytes) -> "SignedMessage":
        """From DER or BER of a ContentInfo or a bare SignedData; MalformedCMS if it is none."""
        bare = signed_data(der.definite(encoded))
        with reading("SignedData"):
            value = load(SignedData, bare)
            content_type = value["encapsulated"]["content_type"].dotted
            content = _content(value["encapsulated"]["content"])
            return cls(
                content_type=content_type,
                content=content,
                certificates=readable_certificates(certificate_elements(value["certificates"])),
                crls=tuple(raw(each) for each in bounded(value["crls"], limit=MAX_CRLS, what="CRLs")),
                signers=tuple(
                    _signer(each, content_type=content_type, content=content)
                    for each in bounded(value["signer_infos"], limit=MAX_SIGNERS, what="signers")
                ),
            )

    def verify(
        self,
        *,
        certificates: Iterable[x509.Certificate] = (),
        content: bytes | None = None,
        accept: Collection[LegacyAlgorithm] = (),
        require_content_type: bool = True,
    ) -> tuple[tuple[Signer, x509.Certificate], ...]:
        """Every signer with the certificate that its signature holds for; CMSRefused if one does not, or none is there.

        Certificates are looked for among those given, then in the message. **They are not validated.**
        """
        if not self.signers:
            raise UnknownSigner("The message is not signed.")
        known = (*certificates, *self.certificates)
        verified = []
        for signer in self.signers:
            certificate = signer.find(known)
            if certificate is None:
                raise UnknownSigner("The certificate of a signer is neither in the message nor known.")
            signer.verify(certificate, content=content, accept=accept, require_content_type=require_content_type)
            verified.append((signer, certificate))
        return tuple(verified)


def _content(field_value: Any) -> bytes | None:
    """The octets that are digested: the value of the OCTET STRING, or in PKCS #7 that of any other type (§5.2.1)."""
    if is_absent(field_value):
        return None
    encoded = sole(field_value)
    tag, start, _ = der.header(encoded, 0, len(encoded))
    return octets(encoded) if tag & ~der.CONSTRUCTED == der.OCTET_STRING else encoded[start:]


def _signer(value: Any, *, content_type: str, content: bytes | None) -> Signer:
    attributes = value["signed_attributes"]
    return Signer(
        identity=read_identity(raw(value["sid"])),
        digest=Algorithm.read(value["digest_algorithm"]).oid,
        signature_algorithm=Algorithm.read(value["signature_algorithm"]),
        attributes=MappingProxyType(_attributes(attributes)),
        content_type=content_type,
        _content=content,
        # The signature is over the bytes received, with the tag of a SET OF in place of the [0] (RFC 5652 §5.4).
        _signed=None if is_absent(attributes) else bytes((der.SET,)) + raw(attributes)[1:],
        _signature=value["signature"].native,
    )


def _attributes(attributes: Any) -> dict[str, tuple[bytes, ...]]:
    found: dict[str, tuple[bytes, ...]] = {}
    for attribute in bounded(attributes, limit=MAX_ATTRIBUTES, what="signed attributes"):
        oid = attribute["type"].dotted
        values = bounded(attribute["values"], limit=MAX_ATTRIBUTES, what="values of an attribute")
        # Two attributes of a type are two values, and whoever wants the only one refuses both.
        found[oid] = found.get(oid, ()) + tuple(raw(each) for each in values)
    return found
