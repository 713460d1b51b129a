"""Attributes of a PKCS#10 request (RFC 2986 §4.1): put into a request that is there, which is then signed anew.

The library that builds requests knows only attributes that are texts, and only while it builds. A challenge password
over EST must be added to the staged request on each connection, and whatever a CA's template wants may have any type.
"""

from collections.abc import Iterable
from typing import ClassVar, TypeAlias

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from certwright.model.distinguished_name import is_printable
from certwright.model.keys import PrivateKey

Attribute: TypeAlias = tuple[str, tuple[bytes, ...]]
"""A dotted OID and its values in DER."""

CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7"  # noqa: S105 - an object identifier


def challenge_password(text: str) -> Attribute:
    """The PKCS#9 challengePassword (RFC 2985 §5.4.1), in the older of its types where the text allows it.

    Servers from the days of PrintableString do not read UTF8String.
    """
    try:
        value: bytes = core.PrintableString(text).dump() if is_printable(text) else core.UTF8String(text).dump()
    except (ValueError, TypeError) as error:
        raise ValueError("the challenge password cannot be encoded") from error
    return CHALLENGE_PASSWORD, (value,)


def with_attributes(csr: bytes, key: PrivateKey, attributes: Iterable[Attribute]) -> bytes:
    """The same request with these attributes beside its own, or in place of those of the same type.

    ``csr`` is one of ours: the hash that it was signed with is used again. Raises ``ValueError``.
    """
    request = _Request.load(csr, strict=True)
    info = request["info"]
    added = dict(attributes)
    values = {one["type"].native: tuple(each.dump() for each in one["values"]) for one in info["attributes"]} | added
    info["attributes"] = [
        _Attribute({"type": oid, "values": [core.Any.load(value) for value in ders]}) for oid, ders in values.items()
    ]
    signature = _signed(key, info.dump(force=True), x509.load_der_x509_csr(csr))
    result: bytes = _Request(
        {"info": info, "algorithm": request["algorithm"], "signature": core.OctetBitString(signature)}
    ).dump()
    return result


def _signed(key: PrivateKey, data: bytes, like: x509.CertificateSigningRequest) -> bytes:
    algorithm = like.signature_hash_algorithm
    match key:
        case rsa.RSAPrivateKey():
            assert algorithm is not None  # noqa: S101 - an RSA signature has a hash
            return key.sign(data, padding.PKCS1v15(), algorithm)
        case ec.EllipticCurvePrivateKey():
            assert algorithm is not None  # noqa: S101 - as above
            return key.sign(data, ec.ECDSA(algorithm))
        case _:
            return key.sign(data)


class _Values(core.SetOf):  # type: ignore[misc]  # asn1crypto has no types
    _child_spec = core.Any


class _Attribute(core.Sequence):  # type: ignore[misc]  # as above
    _fields: ClassVar = [("type", core.ObjectIdentifier), ("values", _Values)]


class _Attributes(core.SetOf):  # type: ignore[misc]  # as above
    _child_spec = _Attribute


class _Info(core.Sequence):  # type: ignore[misc]  # as above
    """CertificationRequestInfo (RFC 2986 §4.1); what is only carried over stays the bytes that it was."""

    _fields: ClassVar = [
        ("version", core.Integer),
        ("subject", core.Any),
        ("subject_public_key_info", core.Any),
        ("attributes", _Attributes, {"implicit": 0}),
    ]


class _Request(core.Sequence):  # type: ignore[misc]  # as above
    _fields: ClassVar = [("info", _Info), ("algorithm", core.Any), ("signature", core.OctetBitString)]
