"""What a request may authenticate with: the pair that the Secret holds, and the Certificate's own credential.

Read when an enrolment begins or is gone on with, and remembered with its session.
"""

from dataclasses import dataclass

from certwright.handlers.observation import delivered
from certwright.handlers.own_credentials import OwnCredentials
from certwright.kube.secrets import Secrets
from certwright.model.enrolment import CurrentCertificate, OneTimeCredential
from certwright.model.observed import Absent, AsRecorded, DeliveredSecret, KnownIssuer, Observed, SecretState, is_ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticators:
    """Either may be missing."""

    current: CurrentCertificate | None = None
    credential: OneTimeCredential | None = None
    former_serial: int | None = None


class Authentication:
    """Reads them."""

    def __init__(self, *, secrets: Secrets, own: OwnCredentials) -> None:
        self._secrets = secrets
        self._own = own

    async def of(self, observed: Observed, issuer: KnownIssuer) -> Authenticators:
        """What there is for a request to this issuer."""
        return Authenticators(
            current=_pair(await self._secret(observed)),
            credential=await self._own.of(observed.certificate, issuer),
            former_serial=_lost(observed, issuer),
        )

    async def _secret(self, observed: Observed) -> SecretState | None:
        """The Secret's data, which an observation spares where the version is known."""
        if isinstance(observed.secret, Absent) and observed.former is not None:
            return observed.former
        if not isinstance(observed.secret, AsRecorded):
            # With a key that somebody else put there this Certificate is not to pass for him.
            return observed.secret if is_ours(observed.certificate, observed.secret) else None
        certificate = observed.certificate
        secret = await self._secrets.get(certificate.metadata.namespace, certificate.spec.secret_name)
        return delivered(secret) if secret is not None else None


def _lost(observed: Observed, issuer: KnownIssuer) -> int | None:
    """The serial number of the certificate that stood in a Secret which is gone, if this issuer issued it."""
    status = observed.certificate.status
    by = status.issuer_ref
    if not isinstance(observed.secret, Absent) or observed.former is not None or by is None or not status.serial_number:
        return None
    is_same = (by.name, by.kind, status.protocol) == (issuer.key.name, issuer.key.kind, issuer.destination.protocol)
    try:
        return int(status.serial_number, 16) if is_same else None
    except ValueError:
        return None  # Somebody wrote into the status.


def _pair(secret: SecretState | None) -> CurrentCertificate | None:
    match secret:
        case DeliveredSecret(leaf=leaf, key=key, chain=chain) if leaf is not None and key is not None:
            return CurrentCertificate(leaf, chain[1:], key)
        case _:
            return None
