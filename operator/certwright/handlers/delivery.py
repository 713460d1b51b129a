"""Delivers what a CA issued: checked, into the Secret that was looked at, then told, then unstaged."""

from datetime import datetime
from typing import Any, assert_never

from certwright.handlers.keystores import Keystores
from certwright.handlers.observation import Observer, delivered
from certwright.handlers.reporting import Reporter
from certwright.handlers.sessions import Delivered, Moved, Session
from certwright.handlers.superseding import Superseding
from certwright.handlers.takeover import Takeover
from certwright.kube.secrets import Secrets
from certwright.model.chain import split_root
from certwright.model.enrolment import Issued
from certwright.model.metadata import GROUP, TLS_SECRET_TYPE
from certwright.model.observed import Absent, AsRecorded, Certificate, DeliveredSecret, KnownIssuer, Observed
from certwright.model.resources import CertificateStatus
from certwright.model.tls_secret import IssuedBy, KeyPair, render
from certwright.model.verification import verify
from certwright.reconcile.certificate_status import issued
from certwright.runtime.clock import Clock


class Delivery:
    """Writes the Secrets that workloads mount."""

    def __init__(
        self,
        *,
        observer: Observer,
        secrets: Secrets,
        keystores: Keystores,
        takeover: Takeover,
        superseding: Superseding,
        reporter: Reporter,
        clock: Clock,
    ) -> None:
        self._takeover = takeover
        self._observer = observer
        self._keystores = keystores
        self._secrets = secrets
        self._superseding = superseding
        self._reporter = reporter
        self._clock = clock

    async def deliver(self, session: Session, answer: Issued) -> Delivered | Moved:
        """Check the answer and write it, unless the Certificate is no longer the one that asked."""
        observed = session.observed
        key = answer.key or session.staged.key
        certificate = observed.certificate
        verify(
            certificate.spec,
            answer.chain,
            key,
            anchors=answer.anchors,
            asked_validity=answer.asked_validity,
            now=self._clock.now(),
        )
        fresh = await self._observer.certificate(session.key, is_read_again=True)
        if fresh is None or fresh.metadata.is_deleting or not is_same_request(fresh, certificate):
            session.is_disturbed = True
            return Moved()
        secret = await self._write(observed, KeyPair(**_split(answer), key=key), session.issuer)
        await self._takeover.retire(observed)
        now = self._clock.now()
        status = issued(fresh, secret, session.staged, now)
        if answer.is_credential_used:
            status = status.model_copy(update={"used_credential": session.used_credential})
        await self._reporter.issued(fresh, status, session.staged, answer.notes)
        await self._unstage(session, fresh, status, now)
        return Delivered(status.renewal_time or status.not_after)

    async def _unstage(self, session: Session, before: Certificate, status: CertificateStatus, now: datetime) -> None:
        """Delete the record, but for the certificate that was replaced, where it is to be revoked."""
        superseded, current = session.staged.superseded, status.fingerprint_sha256
        await self._superseding.unstage(before, session.metadata, superseded, current=current, now=now)
        if current != before.status.fingerprint_sha256:
            await self._superseding.tell_lost(before, superseded, now)

    async def _write(self, observed: Observed, pair: KeyPair, issuer: KnownIssuer) -> DeliveredSecret:
        """The first write creates or conflicts, later ones replace exactly what was looked at."""
        certificate = observed.certificate
        by = IssuedBy(name=issuer.key.name, kind=issuer.key.kind, group=GROUP)
        keystores, type_ = await self._keystores.of(certificate, pair), _type_of(observed)
        body = render(certificate.metadata, certificate.spec, pair, by, keystores=keystores, type_=type_)
        if isinstance(observed.secret, DeliveredSecret) and observed.secret.has_unreadable_anchors:
            # It is somebody else's field by now. Left out here it would stay, and be a reason to issue for ever.
            body["data"].setdefault("ca.crt", "")
        pinned = _version_of(observed)
        if pinned is not None:
            body["metadata"] |= {"uid": pinned[0], "resourceVersion": pinned[1]}
        namespace, name = certificate.metadata.namespace, certificate.spec.secret_name
        return delivered(await self._secrets.apply(namespace, name, body, force=pinned is not None))


def is_same_request(fresh: Certificate, known: Certificate) -> bool:
    """The same object with the same spec; other writers' labels and annotations do not matter."""
    return (fresh.metadata.uid, fresh.metadata.generation) == (known.metadata.uid, known.metadata.generation)


def _split(answer: Issued) -> dict[str, Any]:
    chain, roots = split_root(answer.chain)
    return {"chain": chain, "anchors": answer.anchors or roots}


def _version_of(observed: Observed) -> tuple[str, str] | None:
    """UID and version of the Secret that is replaced; None where there was none."""
    match observed.secret:
        case Absent():
            return None
        case DeliveredSecret(metadata=metadata):
            return metadata.uid, metadata.resource_version
        case AsRecorded():
            seen = observed.certificate.status.secret
            assert seen is not None  # noqa: S101 - that is what makes it recorded
            return seen.uid, seen.resource_version
        case _:
            assert_never(observed.secret)


def _type_of(observed: Observed) -> str:
    """The type of the Secret that is written: the one that it has."""
    match observed.secret:
        case Absent():
            return TLS_SECRET_TYPE
        case DeliveredSecret(type=type_):
            return type_
        case AsRecorded():
            seen = observed.certificate.status.secret
            return (seen.type if seen is not None else None) or TLS_SECRET_TYPE
        case _:
            assert_never(observed.secret)
