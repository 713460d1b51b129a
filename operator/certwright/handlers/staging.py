"""Stages an enrolment: key, CSR and whatever the driver must remember, before the first request for a certificate."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from certwright.handlers.authenticators import Authenticators
from certwright.handlers.drivers import Drivers
from certwright.handlers.observation import record_in
from certwright.handlers.sessions import Session, request_for
from certwright.kube.errors import ConflictError
from certwright.kube.secrets import Secret, Secrets, encoded
from certwright.model import keys
from certwright.model.allow import key_refusal
from certwright.model.csr import build_csr, refuse_unsayable
from certwright.model.errors import RejectedError
from certwright.model.keys import KeyKind, PrivateKey
from certwright.model.metadata import ANNOTATION_RENEW, ObjectMetadata, enrolment_secret_name
from certwright.model.observed import DeliveredSecret, Observed, is_ours
from certwright.model.reasons import Reason
from certwright.model.resources import RotationPolicy
from certwright.model.staged import Staged, staged_secret, to_data
from certwright.model.wishes import requested
from certwright.reconcile.revocation import with_candidate
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
        refuse_unsayable(certificate.spec)
        driver = await self._drivers.get(step.issuer)
        prepared = await driver.prepare(request_for(observed, None, authenticators))
        key = await self._make_key(observed, authenticators, prepared.key_kind)
        refused = key_refusal(step.issuer.spec.allow, keys.kind_of(key).algorithm)
        if refused is not None:
            raise RejectedError(f"{step.issuer.key} does not allow this: {refused}", reason=Reason.NOT_ALLOWED)
        staged = Staged(
            key=key,
            csr=build_csr(certificate.spec, key, prepared),
            digest=step.digest,
            destination=step.issuer.destination,
            reason=step.why.reason,
            started_at=observed.now,
            renew_request=requested(certificate.metadata, ANNOTATION_RENEW),
            resume=prepared.resume,
            superseded=with_candidate(observed, observed.superseded, authenticators.current),
        )
        try:
            secret = await self._write(observed, staged, observed.enrolment_secret)
        except ConflictError:
            return await self._adopt(step, observed, staged)
        return GoOn(staged, secret.metadata, step.issuer)

    async def _write(self, observed: Observed, staged: Staged, there: ObjectMetadata | None) -> Secret:
        """Make the Secret, or put the enrolment beside the superseded certificates that it holds."""
        certificate, data = observed.certificate.metadata, encoded(to_data(staged))
        if there is None:
            return await self._secrets.create(certificate.namespace, staged_secret(certificate, data))
        body = staged_secret(certificate, data, resource_version=there.resource_version, uid=there.uid)
        return await self._secrets.replace(certificate.namespace, there.name, body)

    async def _adopt(self, step: Begin, observed: Observed, staged: Staged) -> GoOn | Drop | None:
        """The Secret was there although the watch did not know it yet: go on with what it holds for this request."""
        certificate = observed.certificate.metadata
        secret = await self._secrets.get(certificate.namespace, enrolment_secret_name(certificate.uid))
        if secret is None:
            return None
        found = record_in(secret)
        if not found.is_enrolment:
            # Only what outlived the enrolment before: this one goes beside it.
            candidate = tuple(one for one in staged.superseded if one.due is None)
            both = replace(staged, superseded=(*found.superseded, *candidate))
            written = await self._write(observed, both, found.metadata)
            return GoOn(both, written.metadata, step.issuer)
        if found.staged is not None and found.staged.is_for(step.digest, step.issuer.destination):
            return GoOn(found.staged, found.metadata, step.issuer)
        return Drop(found.metadata, found.staged)

    async def _make_key(
        self, observed: Observed, authenticators: Authenticators, default: KeyKind | None
    ) -> PrivateKey:
        """A new key, or the one that is there where it is to be kept and is what is asked for."""
        spec = observed.certificate.spec
        wanted = keys.new_kind(spec, default)
        if spec.private_key is not None and spec.private_key.rotation_policy is RotationPolicy.NEVER:
            current = _current_key(observed, authenticators)
            if current is not None and keys.fits(current, keys.demanded(spec)):
                return current
        return await self._executor.run(keys.generate, wanted) if keys.is_slow(wanted) else keys.generate(wanted)

    async def store(self, session: Session, resume: Mapping[str, Any]) -> None:
        """Put what the driver must know into the record, over exactly the version that this process wrote last."""
        staged = session.staged.going_on(resume)
        secret = await self._write(session.observed, staged, session.metadata)
        session.staged, session.metadata = staged, secret.metadata

    async def keep_current(self, session: Session) -> None:
        """What is about to be replaced goes into the record before that, if the spec came to ask for it only lately."""
        current = session.authenticators.current if session.authenticators else None
        superseded = with_candidate(session.observed, session.staged.superseded, current)
        if {one.fingerprint for one in superseded} - {one.fingerprint for one in session.staged.superseded}:
            staged = replace(session.staged, superseded=superseded)
            secret = await self._write(session.observed, staged, session.metadata)
            session.staged, session.metadata = staged, secret.metadata


def _current_key(observed: Observed, authenticators: Authenticators) -> PrivateKey | None:
    """The Secret's key, which may be there without a certificate."""
    if isinstance(observed.secret, DeliveredSecret) and is_ours(observed.certificate, observed.secret):
        return observed.secret.key
    return authenticators.current.key if authenticators.current else None
