"""Key usages and extended key usages: cert-manager's words on one side, RFC 5280's bits and OIDs on the other."""

from collections.abc import Collection

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from certwright.model.chain import UNREADABLE
from certwright.model.resources import CertificateSpec, KeyAlgorithm, Usage

_BITS = {
    Usage.SIGNING: "digital_signature",
    Usage.DIGITAL_SIGNATURE: "digital_signature",
    Usage.CONTENT_COMMITMENT: "content_commitment",
    Usage.KEY_ENCIPHERMENT: "key_encipherment",
    Usage.KEY_AGREEMENT: "key_agreement",
    Usage.DATA_ENCIPHERMENT: "data_encipherment",
    Usage.CERT_SIGN: "key_cert_sign",
    Usage.CRL_SIGN: "crl_sign",
    Usage.ENCIPHER_ONLY: "encipher_only",
    Usage.DECIPHER_ONLY: "decipher_only",
}
_PURPOSES = {
    Usage.ANY: ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    Usage.SERVER_AUTH: ExtendedKeyUsageOID.SERVER_AUTH,
    Usage.CLIENT_AUTH: ExtendedKeyUsageOID.CLIENT_AUTH,
    Usage.CODE_SIGNING: ExtendedKeyUsageOID.CODE_SIGNING,
    Usage.EMAIL_PROTECTION: ExtendedKeyUsageOID.EMAIL_PROTECTION,
    Usage.S_MIME: ExtendedKeyUsageOID.EMAIL_PROTECTION,
    Usage.IPSEC_END_SYSTEM: x509.ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    Usage.IPSEC_TUNNEL: x509.ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    Usage.IPSEC_USER: x509.ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    Usage.TIMESTAMPING: ExtendedKeyUsageOID.TIME_STAMPING,
    Usage.OCSP_SIGNING: ExtendedKeyUsageOID.OCSP_SIGNING,
    Usage.MICROSOFT_SGC: x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    Usage.NETSCAPE_SGC: x509.ObjectIdentifier("2.16.840.1.113730.4.1"),
}
_ALL_BITS = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def wanted_usages(spec: CertificateSpec, algorithm: KeyAlgorithm) -> frozenset[Usage]:
    """What a request asks for: the spec's usages, else digital signature and server auth, as the key allows."""
    usages = set(spec.usages or (Usage.DIGITAL_SIGNATURE, Usage.SERVER_AUTH))
    if not spec.usages and algorithm is KeyAlgorithm.RSA:
        usages.add(Usage.KEY_ENCIPHERMENT)
    if spec.is_ca:
        usages.add(Usage.CERT_SIGN)
    return frozenset(usages)


def meaning(usage: Usage) -> str:
    """The bit's name, or the purpose's OID: the same for two words that stand for one thing."""
    return _BITS[usage] if usage in _BITS else _PURPOSES[usage].dotted_string


def same_meaning(one: Usage, other: Usage) -> bool:
    """Whether two words stand for the same bit or purpose, as ``signing`` and ``digital signature`` do."""
    return meaning(one) == meaning(other)


def usage_extensions(usages: Collection[Usage]) -> list[tuple[x509.ExtensionType, bool]]:
    """KeyUsage (critical) and extKeyUsage, each only where something is in it."""
    bits = {_BITS[usage] for usage in usages if usage in _BITS}
    if bits & {"encipher_only", "decipher_only"}:
        # RFC 5280 §4.2.1.3: both have a meaning only beside keyAgreement.
        bits.add("key_agreement")
    purposes = {_PURPOSES[usage] for usage in usages if usage in _PURPOSES}
    extensions: list[tuple[x509.ExtensionType, bool]] = []
    if bits:
        extensions.append((x509.KeyUsage(**{bit: bit in bits for bit in _ALL_BITS}), True))
    if purposes:
        ordered = sorted(purposes, key=lambda oid: oid.dotted_string)
        extensions.append((x509.ExtendedKeyUsage(ordered), False))
    return extensions


def missing_usages(extensions: x509.Extensions, wanted: Collection[Usage]) -> list[Usage]:
    """Which of the wanted usages a certificate does not allow. A certificate without the extension allows all."""
    bits = _bits_of(extensions)
    purposes = _purposes_of(extensions)
    return sorted(
        usage
        for usage in wanted
        if (usage in _BITS and bits is not None and _BITS[usage] not in bits)
        or (usage in _PURPOSES and purposes is not None and _PURPOSES[usage] not in purposes)
    )


def _bits_of(extensions: x509.Extensions) -> set[str] | None:
    try:
        value = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
    agreement = ("encipher_only", "decipher_only") if value.key_agreement else ()
    return {bit for bit in _ALL_BITS[:7] if getattr(value, bit)} | {bit for bit in agreement if getattr(value, bit)}


def _purposes_of(extensions: x509.Extensions) -> set[x509.ObjectIdentifier] | None:
    try:
        return set(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return None


def may_receive_keys(leaf: x509.Certificate) -> bool:
    """Whether a key that the CA makes can be encrypted for this certificate (RFC 7030 §4.4, RFC 9483 §4.1.6)."""
    try:
        key = leaf.public_key()
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    except UNREADABLE:
        return False
    if isinstance(key, rsa.RSAPublicKey):
        return usage.key_encipherment
    return isinstance(key, ec.EllipticCurvePublicKey) and usage.key_agreement
