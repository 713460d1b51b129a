"""Stages an enrolment: key, CSR and whatever the driver must remember, before the first request for a certificate."""

from collections.abc import Mapping
from typing import Any

from certwright.handlers.authenticators import Authenticators
from certwright.handlers.drivers import Drivers
from certwright.handlers.observation import staged_of
from certwright.handlers.sessions import Session, request_for
from certwright.kube.errors import ConflictError
from certwright.kube.secrets import Secrets, encoded
from certwright.model import keys
from certwright.model.csr import build_csr
from certwright.model.keys import KeyKind, PrivateKey
from certwright.model.metadata import ANNOTATION_RENEW
from certwright.model.observed import DeliveredSecret, Observed
from certwright.model.policy import requested
from certwright.model.resources import RotationPolicy
from certwright.model.staged import Staged, staged_secret, to_data
from certwright.reconcile.steps import Begin, Drop, GoOn
from certwright.runtime.executor import CPUExecutor


class Staging:
    """Writes the staged Secrets."""

    def __init__(self, *, secrets: Secrets, drivers: Drivers, executor: CPUExecutor) -> None:
        self._secrets = secrets
        self._drivers = drivers
        self._executor = executor

    async def begin(self, step: Begin, observed: Observed, authenticators: Authenticators) -> GoOn | Drop | None:
        """Prepare, make key and CSR, and stage them; or find them staged. None: look at everything again."""
        certificate = observed.certificate
        driver = await self._drivers.get(step.issuer)
        prepared = await driver.prepare(request_for(observed, None, authenticators))
        key = await self._make_key(observed, authenticators, prepared.key_kind or keys.DEFAULT_KIND)
        staged = Staged(
            key=key,
            csr=build_csr(certificate.spec, key, prepared),
            digest=step.digest,
            destination=step.issuer.destination,
            reason=step.why.reason,
            started_at=observed.now,
            renew_request=requested(certificate.metadata, ANNOTATION_RENEW),
            resume=prepared.resume,
        )
        try:
            body = staged_secret(certificate.metadata, encoded(to_data(staged)))
            secret = await self._secrets.create(certificate.metadata.namespace, body)
        except ConflictError:
            return await self._adopt(step, observed)
        return GoOn(staged, secret.metadata, step.issuer)

    async def _adopt(self, step: Begin, observed: Observed) -> GoOn | Drop | None:
        """The record was there although the watch did not know it yet: go on with it if it is for this request."""
        body = staged_secret(observed.certificate.metadata, {})
        secret = await self._secrets.get(observed.certificate.metadata.namespace, body["metadata"]["name"])
        if secret is None:
            return None
        staged, metadata = staged_of(secret)
        if staged is not None and staged.is_for(step.digest, step.issuer.destination):
            return GoOn(staged, metadata, step.issuer)
        return Drop(metadata, staged)

    async def _make_key(self, observed: Observed, authenticators: Authenticators, default: KeyKind) -> PrivateKey:
        """A new key, or the one that is there where it is to be kept and is what is asked for."""
        spec = observed.certificate.spec
        wanted = keys.wanted_kind(spec.private_key, default)
        if spec.private_key is not None and spec.private_key.rotation_policy is RotationPolicy.NEVER:
            current = _current_key(observed, authenticators)
            if current is not None and keys.fits(current, spec.private_key):
                return current
        return await self._executor.run(keys.generate, wanted) if keys.is_slow(wanted) else keys.generate(wanted)

    async def store(self, session: Session, resume: Mapping[str, Any]) -> None:
        """Put what the driver must know into the record, over exactly the version that this process wrote last."""
        staged = session.staged.going_on(resume)
        certificate = session.observed.certificate.metadata
        body = staged_secret(certificate, encoded(to_data(staged)), resource_version=session.metadata.resource_version)
        body["metadata"]["uid"] = session.metadata.uid
        secret = await self._secrets.replace(certificate.namespace, session.metadata.name, body)
        session.staged, session.metadata = staged, secret.metadata


def _current_key(observed: Observed, authenticators: Authenticators) -> PrivateKey | None:
    """The Secret's key, which may be there without a certificate."""
    if isinstance(observed.secret, DeliveredSecret):
        return observed.secret.key
    return authenticators.current.key if authenticators.current else None
