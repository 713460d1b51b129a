"""The issuer's credentials, read and seen to fit together before a server is asked."""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from certwright.model import keys
from certwright.model.chain import load_certificates
from certwright.model.errors import IssuerError
from certwright.model.reasons import Reason
from certwright.model.resources import CMPIssuer
from certwright.model.verification import is_key_of
from certwright.protocols.cmp import MACAlgorithm, MACHash, MACProtection, Protection, SignatureProtection

DEFAULT_ITERATIONS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CMPCredentials:
    """What the issuer's references hold, as it stands there; None where the issuer names none.

    ``certificate`` and ``key`` are tls.crt and tls.key of protection.signature, ``ra_certificate`` and ``ra_key`` those
    of protection.registrationAuthority; ``trust`` is the bundle of trust. All of these are PEM.
    """

    mac_secret: bytes | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    ra_certificate: bytes | None = field(default=None, repr=False)
    ra_key: bytes | None = field(default=None, repr=False)
    trust: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the issuer is to its CA. ``authority`` is the registration authority's signature, around those of others."""

    mac: MACProtection | None = None
    signature: SignatureProtection | None = None
    authority: SignatureProtection | None = None

    @property
    def protection(self) -> Protection | None:
        """What requests are protected with that have nothing better; an RA by itself signs them directly."""
        return self.mac or self.signature or self.authority

    def around(self, protection: Protection) -> SignatureProtection | None:
        """The RA's signature around a message, which it does not put around its own."""
        return None if protection is self.authority else self.authority

    def refuse_expired(self, now: datetime) -> None:
        """Raise `IssuerError` where a certificate of the issuer's is not valid any more, or not yet."""
        for name, pair in (("signature", self.signature), ("registrationAuthority", self.authority)):
            if pair is None:
                continue
            start, end = pair.certificate.not_valid_before_utc, pair.certificate.not_valid_after_utc
            if end <= now:
                raise _invalid(name, f"the certificate expired at {end:%Y-%m-%dT%H:%M:%SZ}: renew it")
            if start > now:
                raise _invalid(name, f"the certificate is not valid before {start:%Y-%m-%dT%H:%M:%SZ}")


def read_identity(spec: CMPIssuer, credentials: CMPCredentials) -> Identity:
    """The issuer's credentials as they are used; raises `IssuerError` where they do not fit together."""
    protection = spec.protection
    if protection is None:
        return Identity()
    mac = signature = authority = None
    if protection.mac is not None:
        mac = mac_protection(spec, protection.mac.reference, credentials.mac_secret or b"")
        if mac is None:
            raise _invalid("mac", "the secret is empty")
    if protection.signature is not None:
        signature = _pair("signature", credentials.certificate, credentials.key)
    if protection.registration_authority is not None:
        authority = _pair("registrationAuthority", credentials.ra_certificate, credentials.ra_key)
    return Identity(mac=mac, signature=signature, authority=authority)


def mac_protection(spec: CMPIssuer, reference: str, secret: bytes) -> MACProtection | None:
    """Protection by a secret, in the issuer's way; None for an empty secret.

    Without the line end that ``kubectl create secret --from-file`` brings, which nobody was told over the telephone.
    """
    secret = secret.rstrip(b"\r\n")
    if not secret:
        return None
    mac = spec.protection.mac if spec.protection else None
    return MACProtection(
        reference=reference,
        secret=secret,
        algorithm=MACAlgorithm(str((mac.algorithm if mac else None) or MACAlgorithm.PBM)),
        hash=MACHash(str((mac.hash if mac else None) or MACHash.SHA256)),
        iterations=(mac.iterations if mac else None) or DEFAULT_ITERATIONS,
    )


def read_anchors(trust: bytes | None) -> tuple[x509.Certificate, ...]:
    """The configured anchors for signed answers; raises `IssuerError`."""
    if trust is None:
        return ()
    try:
        return load_certificates(trust)
    except ValueError as error:
        message = f"The CA bundle of cmp.trust holds no PEM certificate, or one that cannot be read: {error}."
        raise IssuerError(message, reason=Reason.INVALID_CONFIGURATION) from error


def _pair(name: str, certificates: bytes | None, key: bytes | None) -> SignatureProtection:
    if not certificates or not key:
        raise _invalid(name, "the Secret lacks tls.crt or tls.key")
    try:
        chain, private = load_certificates(certificates), keys.load(key)
    except keys.InvalidKeyError as error:
        raise _invalid(name, f"tls.key is {error}") from error
    except ValueError as error:
        raise _invalid(name, "tls.crt holds no readable PEM certificate") from error
    if not is_key_of(chain[0], private):
        raise _invalid(name, "tls.key does not belong to the first certificate of tls.crt")
    return SignatureProtection(key=private, certificate=chain[0], chain=chain[1:])


def _invalid(name: str, why: str) -> IssuerError:
    return IssuerError(f"cmp.protection.{name} cannot be used: {why}.", reason=Reason.INVALID_CREDENTIALS)
