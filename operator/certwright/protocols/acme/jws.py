"""JSON Web Signatures as ACME uses them (RFC 7515 flattened, RFC 8555 §6.2), account keys and their thumbprints.

``signed`` signs every request with an ``AccountKey``; the challenges need its key authorization. Only signature
algorithms are here: ``none`` and MACs cannot be chosen for a request, and a MAC serves only external account binding.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MIN_RSA_BITS = 2048

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
JSON = Mapping[str, Any]


class SignatureAlgorithm(StrEnum):
    """What an account key signs with (RFC 7518 §3.1, RFC 8037)."""

    ES256 = "ES256"
    ES384 = "ES384"
    RS256 = "RS256"
    EDDSA = "EdDSA"


class MACAlgorithm(StrEnum):
    """What binds an account to one that the CA has elsewhere (RFC 8555 §7.3.4)."""

    HS256 = "HS256"
    HS384 = "HS384"
    HS512 = "HS512"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalAccountBinding:
    """What the CA gave to its customer: ``mac_key`` as bytes, see ``decode_mac_key``. Many serve only once."""

    key_id: str
    mac_key: bytes = field(repr=False)
    algorithm: MACAlgorithm = MACAlgorithm.HS256


class AccountKey:
    """The private key of an account: EC P-256 or P-384, RSA of 2048 bits and more, or Ed25519.

    ``jwk`` is the public half (RFC 7517), ``thumbprint`` its RFC 7638 digest. Raises ValueError for other keys.
    """

    __slots__ = ("_private", "algorithm", "jwk", "thumbprint")

    def __init__(self, private: PrivateKey) -> None:
        self._private = private
        self.algorithm, self.jwk = _describe(private)
        self.thumbprint = thumbprint(self.jwk)

    def __repr__(self) -> str:
        return f"AccountKey({self.algorithm}, thumbprint={self.thumbprint!r})"

    def sign(self, message: bytes) -> bytes:
        """The signature in the form that JWS wants, which for ECDSA is r‖s of fixed width (RFC 7518 §3.4)."""
        match self._private:
            case ec.EllipticCurvePrivateKey():
                return _sign_ecdsa(self._private, message)
            case rsa.RSAPrivateKey():
                return self._private.sign(message, padding.PKCS1v15(), hashes.SHA256())
            case _:
                return self._private.sign(message)

    def key_authorization(self, token: str) -> str:
        """What proves a challenge's token to be answered by this account (RFC 8555 §8.1)."""
        return f"{token}.{self.thumbprint}"


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_mac_key(text: str) -> bytes:
    """The MAC key that a CA handed out, in whichever base64 it chose; ValueError if it is none or empty."""
    plain = "".join(text.split()).rstrip("=").replace("+", "-").replace("/", "_")
    try:
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        # The cause is dropped on purpose: its traceback would hold the secret's text.
        raise ValueError("The MAC key of the external account binding is not base64.") from None
    return key


def thumbprint(jwk: JSON) -> str:
    """The JWK thumbprint with SHA-256: required members only, sorted, without white space (RFC 7638 §3)."""
    required = {name: jwk[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in jwk}
    return base64url(hashlib.sha256(_json(required)).digest())


def flattened(key: AccountKey, payload: bytes, *, protected: JSON) -> dict[str, str]:
    """A flattened JWS with a protected header only. ``alg`` is the key's; the rest of the header is the caller's."""
    header = base64url(_json({"alg": key.algorithm, **protected}))
    body = base64url(payload)
    return {
        "protected": header,
        "payload": body,
        "signature": base64url(key.sign(f"{header}.{body}".encode("ascii"))),
    }


def request_body(key: AccountKey, payload: JSON | None, *, nonce: str, url: str, kid: str | None) -> bytes:
    """The body of an ACME request; None is the empty payload of a POST-as-GET, without ``kid`` the key goes along."""
    identity: JSON = {"jwk": key.jwk} if kid is None else {"kid": kid}
    content = b"" if payload is None else _json(payload)
    return _json(flattened(key, content, protected={"nonce": nonce, "url": url, **identity}))


def bind_external_account(key: AccountKey, binding: ExternalAccountBinding, *, url: str) -> dict[str, str]:
    """The inner JWS that binds an account to one at the CA (RFC 8555 §7.3.4): no nonce, the payload is our JWK."""
    header = base64url(_json({"alg": binding.algorithm, "kid": binding.key_id, "url": url}))
    body = base64url(_json(key.jwk))
    digest = f"sha{binding.algorithm.removeprefix('HS')}"
    mac = hmac.digest(binding.mac_key, f"{header}.{body}".encode("ascii"), digest)
    return {"protected": header, "payload": body, "signature": base64url(mac)}


def _json(value: JSON) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _sign_ecdsa(private: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    digest, width = (hashes.SHA256(), 32) if private.key_size == 256 else (hashes.SHA384(), 48)  # noqa: PLR2004 - P-256
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(digest)))
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def _describe(private: PrivateKey) -> tuple[SignatureAlgorithm, dict[str, str]]:
    match private:
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            return SignatureAlgorithm.ES256, _ec_jwk(private, curve="P-256")
        case ec.EllipticCurvePrivateKey(curve=ec.SECP384R1()):
            return SignatureAlgorithm.ES384, _ec_jwk(private, curve="P-384")
        case rsa.RSAPrivateKey() if private.key_size >= MIN_RSA_BITS:
            return SignatureAlgorithm.RS256, _rsa_jwk(private)
        case ed25519.Ed25519PrivateKey():
            raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            return SignatureAlgorithm.EDDSA, {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}
        case _:
            raise ValueError("An ACME account key is EC P-256 or P-384, RSA of at least 2048 bits, or Ed25519.")


def _ec_jwk(private: ec.EllipticCurvePrivateKey, *, curve: str) -> dict[str, str]:
    numbers = private.public_key().public_numbers()
    width = private.key_size // 8
    x, y = (base64url(number.to_bytes(width, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": curve, "x": x, "y": y}


def _rsa_jwk(private: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = private.public_key().public_numbers()
    e, n = (base64url(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in (numbers.e, numbers.n))
    return {"kty": "RSA", "n": n, "e": e}
