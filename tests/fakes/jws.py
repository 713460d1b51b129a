"""Reading a JWS the way a server does: written from RFC 7515 and RFC 7518, without a line of the code under test."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

JWK = dict[str, str]


@dataclass(frozen=True, slots=True)
class ReadJWS:
    """A JWS taken apart, its signature not yet verified."""

    header: dict[str, Any]
    payload: bytes
    signed: bytes
    signature: bytes


def unpadded(text: str) -> bytes:
    if "=" in text:
        raise ValueError("base64url in a JWS has no padding")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def read(body: bytes | dict[str, str]) -> ReadJWS:
    fields = json.loads(body) if isinstance(body, bytes) else body
    if set(fields) != {"protected", "payload", "signature"}:
        raise ValueError(f"a flattened JWS with a protected header only, not {sorted(fields)}")
    return ReadJWS(
        header=json.loads(unpadded(fields["protected"])),
        payload=unpadded(fields["payload"]),
        signed=f"{fields['protected']}.{fields['payload']}".encode(),
        signature=unpadded(fields["signature"]),
    )


def is_signed_by(jws: ReadJWS, jwk: JWK) -> bool:
    try:
        _verify(jws, jwk)
    except InvalidSignature:
        return False
    return True


def is_authenticated_by(jws: ReadJWS, key: bytes) -> bool:
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[jws.header["alg"]]
    return hmac.compare_digest(hmac.digest(key, jws.signed, digest), jws.signature)


def thumbprint(jwk: JWK) -> str:
    text = json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(text).digest()).decode().rstrip("=")


def _verify(jws: ReadJWS, jwk: JWK) -> None:
    match jws.header["alg"], jwk:
        case "ES256" | "ES384" as alg, {"kty": "EC", "x": x, "y": y}:
            curve, digest = (ec.SECP256R1(), hashes.SHA256()) if alg == "ES256" else (ec.SECP384R1(), hashes.SHA384())
            width = len(unpadded(x))
            if len(jws.signature) != 2 * width:
                raise InvalidSignature
            r, s = (int.from_bytes(half, "big") for half in (jws.signature[:width], jws.signature[width:]))
            key = ec.EllipticCurvePublicNumbers(_number(x), _number(y), curve).public_key()
            key.verify(encode_dss_signature(r, s), jws.signed, ec.ECDSA(digest))
        case "RS256", {"kty": "RSA", "n": n, "e": e}:
            rsa_key = rsa.RSAPublicNumbers(_number(e), _number(n)).public_key()
            rsa_key.verify(jws.signature, jws.signed, padding.PKCS1v15(), hashes.SHA256())
        case "EdDSA", {"kty": "OKP", "x": x}:
            ed25519.Ed25519PublicKey.from_public_bytes(unpadded(x)).verify(jws.signature, jws.signed)
        case _:
            raise InvalidSignature


def _number(text: str) -> int:
    return int.from_bytes(unpadded(text), "big")
