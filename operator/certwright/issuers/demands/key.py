"""The key and the signature that a CA wants: an algorithm, a curve or size, a hash (RFC 7030 §4.5.2)."""

from collections.abc import Mapping

from certwright.issuers.demands.contradiction import Contradiction
from certwright.model.enrolment import CurrentCertificate
from certwright.model.keys import DEFAULT_SIZES, KeyKind, asking_field, demanded, kind_of, new_kind
from certwright.model.resources import CertificateSpec, KeyAlgorithm, RotationPolicy, SignatureAlgorithm
from certwright.protocols import est
from certwright.protocols.est import CSRAttributes, KeyRequirement

KINDS: Mapping[est.KeyAlgorithm, KeyAlgorithm] = {
    est.KeyAlgorithm.RSA: KeyAlgorithm.RSA,
    est.KeyAlgorithm.EC: KeyAlgorithm.ECDSA,
    est.KeyAlgorithm.ED25519: KeyAlgorithm.ED25519,
    est.KeyAlgorithm.ML_DSA_44: KeyAlgorithm.ML_DSA_44,
    est.KeyAlgorithm.ML_DSA_65: KeyAlgorithm.ML_DSA_65,
    est.KeyAlgorithm.ML_DSA_87: KeyAlgorithm.ML_DSA_87,
}
"""All that can be made here; Ed448 cannot."""

CURVES: Mapping[str, int] = {"secp256r1": 256, "secp384r1": 384, "secp521r1": 521}
RSA_SIZES = range(2048, 8193)
"""Bits, as in the Certificate's own schema: a CA must not have us compute for minutes."""

SIGNATURES: Mapping[str, tuple[KeyAlgorithm, SignatureAlgorithm]] = {
    "1.2.840.113549.1.1.11": (KeyAlgorithm.RSA, SignatureAlgorithm.SHA256_WITH_RSA),
    "1.2.840.113549.1.1.12": (KeyAlgorithm.RSA, SignatureAlgorithm.SHA384_WITH_RSA),
    "1.2.840.113549.1.1.13": (KeyAlgorithm.RSA, SignatureAlgorithm.SHA512_WITH_RSA),
    "1.2.840.10045.4.3.2": (KeyAlgorithm.ECDSA, SignatureAlgorithm.ECDSA_WITH_SHA256),
    "1.2.840.10045.4.3.3": (KeyAlgorithm.ECDSA, SignatureAlgorithm.ECDSA_WITH_SHA384),
    "1.2.840.10045.4.3.4": (KeyAlgorithm.ECDSA, SignatureAlgorithm.ECDSA_WITH_SHA512),
}
"""RFC 8017 and 5758. What is not here (SHA-1, PSS) is not made here, and the CA is left to insist on it."""

HASHES: Mapping[tuple[KeyAlgorithm, str], SignatureAlgorithm] = {
    (KeyAlgorithm.RSA, "sha256"): SignatureAlgorithm.SHA256_WITH_RSA,
    (KeyAlgorithm.RSA, "sha384"): SignatureAlgorithm.SHA384_WITH_RSA,
    (KeyAlgorithm.RSA, "sha512"): SignatureAlgorithm.SHA512_WITH_RSA,
    (KeyAlgorithm.ECDSA, "sha256"): SignatureAlgorithm.ECDSA_WITH_SHA256,
    (KeyAlgorithm.ECDSA, "sha384"): SignatureAlgorithm.ECDSA_WITH_SHA384,
    (KeyAlgorithm.ECDSA, "sha512"): SignatureAlgorithm.ECDSA_WITH_SHA512,
}


def key_kind(
    attributes: CSRAttributes, spec: CertificateSpec, current: CurrentCertificate | None = None
) -> KeyKind | None:
    """The kind of key that the CA wants, None where it leaves the choice to us; raises `Contradiction`."""
    wanted = _required(attributes.key) or _implied(attributes)
    if wanted is None:
        return None
    _refuse_other_kind(wanted, spec, is_sized=_is_sized(attributes.key))
    _refuse_kept_key(wanted, spec, current)
    return wanted


def signature_algorithm(
    attributes: CSRAttributes, spec: CertificateSpec, kind: KeyKind | None
) -> SignatureAlgorithm | None:
    """How the CA wants the request signed, None where it does not say; raises `Contradiction`."""
    made = new_kind(spec, kind)
    found = SIGNATURES.get(attributes.signature_algorithm or "")
    if found is not None and found[0] is not made.algorithm:
        raise Contradiction(
            f"the CA wants the request signed with {found[1]}, which a key of spec.privateKey ({made}) cannot do:"
            " change spec.privateKey.algorithm, or use another issuer"
        )
    wanted = found[1] if found else HASHES.get((made.algorithm, attributes.hash or ""))
    if wanted is not None and spec.signature_algorithm not in {None, wanted}:
        raise Contradiction(
            f"the CA wants the request signed with {wanted}, and spec.signatureAlgorithm is"
            f" {spec.signature_algorithm}: change or remove it, or use another issuer"
        )
    return wanted


def _required(key: KeyRequirement | None) -> KeyKind | None:
    if key is None:
        return None
    algorithm = KINDS.get(key.algorithm) if key.algorithm else None
    if algorithm is None:
        raise Contradiction(f"the CA wants a key of the kind {key.algorithm or key.oid}, which cannot be made here")
    if algorithm is KeyAlgorithm.ECDSA and key.curve is not None:
        if key.curve not in CURVES:
            raise Contradiction(f"the CA wants a key on the curve {key.curve}, which cannot be made here")
        return KeyKind(algorithm, CURVES[key.curve])
    if algorithm is KeyAlgorithm.RSA and key.size is not None:
        if key.size not in RSA_SIZES:
            raise Contradiction(f"the CA wants an RSA key of {key.size} bits, and 2048 to 8192 can be made here")
        return KeyKind(algorithm, key.size)
    return KeyKind(algorithm, DEFAULT_SIZES.get(algorithm, 0))


def _implied(attributes: CSRAttributes) -> KeyKind | None:
    """Who names a signature and no key names the key's algorithm with it."""
    found = SIGNATURES.get(attributes.signature_algorithm or "")
    return None if found is None else KeyKind(found[0], DEFAULT_SIZES.get(found[0], 0))


def _is_sized(key: KeyRequirement | None) -> bool:
    return key is not None and (key.curve is not None or key.size is not None)


def _refuse_other_kind(wanted: KeyKind, spec: CertificateSpec, *, is_sized: bool) -> None:
    own = demanded(spec)
    if own is None or own.algorithm is None:
        return
    if own.algorithm is not wanted.algorithm:
        asks = "asks for" if own is not spec.private_key else "is"
        field = f"{asking_field(spec)}.algorithm" if own is spec.private_key else asking_field(spec)
        raise Contradiction(
            f"the CA wants a key of the kind {wanted if is_sized else wanted.algorithm}, and {field} {asks}"
            f" {own.algorithm}: change or remove it, or use another issuer"
        )
    if is_sized and own.size not in {None, wanted.size} and wanted.size:
        raise Contradiction(
            f"the CA wants a key of the kind {wanted}, and spec.privateKey.size is {own.size}: change or remove it, or"
            " use another issuer"
        )


def _refuse_kept_key(wanted: KeyKind, spec: CertificateSpec, current: CurrentCertificate | None) -> None:
    own = spec.private_key
    if current is None or own is None or own.rotation_policy is not RotationPolicy.NEVER:
        return
    there = kind_of(current.key)
    if there.algorithm is not wanted.algorithm or there.size != wanted.size:
        raise Contradiction(
            f"the CA wants a key of the kind {wanted}, and spec.privateKey.rotationPolicy Never keeps the {there} key:"
            " set it to Always"
        )
