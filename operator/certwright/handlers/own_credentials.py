"""A Certificate's own credential: read when an enrolment begins or goes on, and used for one of them only."""

from dataclasses import dataclass

from certwright.kube.references import MissingReference, References
from certwright.model.enrolment import OneTimeCredential
from certwright.model.errors import TransientError
from certwright.model.observed import Certificate, KnownIssuer
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec, Protocol, SecretKeySelector


@dataclass(frozen=True, slots=True)
class _Named:
    """What a spec says about its credential."""

    field: str
    ref: SecretKeySelector
    default_key: str
    username: str = ""


class OwnCredentials:
    """Resolves them; missing and spent ones are told by whoever needs them, not by whoever does not."""

    def __init__(self, references: References) -> None:
        self._references = references

    async def of(self, certificate: Certificate, issuer: KnownIssuer) -> OneTimeCredential | None:
        """The credential that the Certificate names for this issuer's protocol; None where it names none."""
        named = _named(certificate.spec, issuer.spec.protocol)
        if named is None:
            return None
        key = named.ref.key or named.default_key
        try:
            secret = await self._references.whole_secret(certificate.metadata.namespace, named.ref.name, key)
        except MissingReference as error:
            text = f"{named.field}: {error.message}"
            return OneTimeCredential(obstacle=TransientError(text, reason=Reason.MISSING_REFERENCE))
        version = f"{secret.metadata.uid}/{secret.metadata.resource_version}"
        return OneTimeCredential(
            version=version,
            username=named.username,
            value=secret.data[key],
            obstacle=_spent(named) if version == certificate.status.used_credential else None,
        )


def _spent(named: _Named) -> TransientError:
    text = (
        f"{named.field}: Secret {named.ref.name} was used for an enrolment already and serves only one: "
        "put a new value into it"
    )
    return TransientError(text, reason=Reason.CREDENTIAL_USED)


def _named(spec: CertificateSpec, protocol: Protocol | None) -> _Named | None:
    match protocol:
        case Protocol.EST if spec.est is not None and spec.est.password is not None:
            password = spec.est.password
            return _Named("spec.est.password", password.password_secret_ref, "password", password.username)
        case Protocol.SCEP if spec.scep is not None:
            return _Named("spec.scep.challengeSecretRef", spec.scep.challenge_secret_ref, "challenge")
        case Protocol.CMP if spec.cmp is not None and spec.cmp.mac is not None:
            mac = spec.cmp.mac
            return _Named("spec.cmp.mac", mac.secret_ref, "secret", mac.reference)
        case _:
            return None
