"""Gathers what a decision about one Certificate may rest on: the newest body, the Secret, the record, the issuer.

A cache answers only where it cannot be wrong in a harmful way: our own last write, or a watch that shows the very
version that was checked. Everything else is read.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from certwright.handlers.claims import Claims
from certwright.handlers.inventory import Inventory, issuer_key, parse_certificate
from certwright.handlers.keystores import Keystores
from certwright.kube.resources import Resources
from certwright.kube.secret_watch import SecretWatch
from certwright.kube.secrets import Secret, Secrets
from certwright.model import superseded
from certwright.model.fallbacks import key_of, others
from certwright.model.metadata import Key, ObjectMetadata, enrolment_secret_name
from certwright.model.observed import (
    CHECKS,
    Absent,
    AsRecorded,
    Certificate,
    DeliveredSecret,
    KnownIssuer,
    Observed,
    SecretState,
    is_ours,
)
from certwright.model.staged import Staged, UnreadableRecordError, from_data, holds_enrolment
from certwright.model.superseded import Superseded
from certwright.reconcile.issuer import known_issuer

OBJECT_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What an enrolment Secret holds. An enrolment without ``staged`` cannot be read and must be dropped."""

    metadata: ObjectMetadata
    staged: Staged | None
    is_enrolment: bool
    superseded: tuple[Superseded, ...]


class Observer:
    """Looks at the world for one Certificate at a time."""

    def __init__(
        self,
        *,
        inventory: Inventory,
        resources: Resources,
        secrets: Secrets,
        watch: SecretWatch | None,
        clock: Callable[[], datetime],
        claims: Claims,
        refusal: Callable[[Certificate, KnownIssuer], Awaitable[str | None]],
        keystores: Keystores,
    ) -> None:
        self._inventory = inventory
        self._resources = resources
        self._secrets = secrets
        self._watch = watch
        self._clock = clock
        self._claims = claims
        self._refusal = refusal
        self._keystores = keystores
        self._stale: set[Key] = set()

    def distrust(self, key: Key) -> None:
        """A write was refused: what is known of the object is out of date and must be read again."""
        self._stale.add(key)

    async def observe(self, key: Key) -> Observed | None:
        """Everything about one Certificate; None where the API server says that it does not exist."""
        certificate = await self.certificate(key)
        if certificate is None:
            return None
        secret = await self._secret(certificate)
        record = await self._record(certificate)
        issuer = self.issuer(certificate)
        observed = Observed(
            certificate=certificate,
            secret=secret,
            issuer=issuer,
            staged=record.staged if record else None,
            staged_metadata=record.metadata if record and record.is_enrolment else None,
            superseded=record.superseded if record else (),
            enrolment_secret=record.metadata if record else None,
            former=await self._former(certificate),
            rival=self._claims.rival(certificate, secret),
            credential_of=self._claims.user(certificate, secret),
            successors=await self._successors(certificate),
            refusal=await self._refusal(certificate, issuer) if issuer is not None else None,
            now=self._clock(),
        )
        return await self._keystores.complete(observed, partial(self._read, certificate))

    async def certificate(self, key: Key, *, is_read_again: bool = False) -> Certificate | None:
        """The newest body seen, or a fresh one."""
        record = self._inventory.certificates.get(key)
        if record is None or record.body is None or is_read_again or key in self._stale:
            body = await self._resources.get(key)
            self._stale.discard(key)
            if body is None:
                self._inventory.forget(key)
                return None
            self._inventory.upsert_certificate(key, body)
            return parse_certificate(body)
        return parse_certificate(record.body)

    def issuer(self, certificate: Certificate) -> KnownIssuer | None:
        """The issuer whose turn it is, as the watch showed it last."""
        return self._known(issuer_key(certificate))

    def _known(self, key: Key | None) -> KnownIssuer | None:
        body = self._inventory.issuers.get(key) if key is not None else None
        return known_issuer(body) if body is not None else None

    async def _successors(self, certificate: Certificate) -> tuple[KnownIssuer, ...]:
        found = [self._known(key_of(certificate, ref)) for ref in others(certificate)]
        ready = [issuer for issuer in found if issuer is not None and issuer.obstacle is None]
        return tuple([issuer for issuer in ready if await self._refusal(certificate, issuer) is None])

    async def _secret(self, certificate: Certificate) -> SecretState:
        return AsRecorded() if self._is_as_recorded(certificate) else await self._read(certificate)

    async def _read(self, certificate: Certificate) -> SecretState:
        secret = await self._secrets.get(certificate.metadata.namespace, certificate.spec.secret_name)
        return delivered(secret) if secret is not None else Absent()

    async def _former(self, certificate: Certificate) -> DeliveredSecret | None:
        """The Secret under its former name, if it is the very object that was written."""
        seen, namespace = certificate.status.secret, certificate.metadata.namespace
        if seen is None or seen.name is None or seen.name == certificate.spec.secret_name:
            return None
        if OBJECT_NAME.fullmatch(seen.name) is None:
            return None  # Somebody wrote into the status, and it becomes part of a path.
        secret = await self._secrets.get(namespace, seen.name)
        if secret is None or secret.metadata.uid != seen.uid:
            return None
        found = delivered(secret)
        return found if is_ours(certificate, found) else None

    def _is_as_recorded(self, certificate: Certificate) -> bool:
        status, recorded = certificate.status, certificate.status.secret
        if self._watch is None or not self._watch.synced.is_set() or recorded is None or recorded.checks != CHECKS:
            return False
        if recorded.name not in {None, certificate.spec.secret_name}:
            return False
        if status.observed_generation != certificate.metadata.generation:
            return False
        seen = self._watch.get(certificate.metadata.namespace, certificate.spec.secret_name)
        return seen is not None and (seen.uid, seen.resource_version) == (recorded.uid, recorded.resource_version)

    async def _record(self, certificate: Certificate) -> Record | None:
        """The record, read only where the watch knows of one: a wrong 'no' ends at the POST, which finds it."""
        namespace, name = certificate.metadata.namespace, enrolment_secret_name(certificate.metadata.uid)
        if self._watch is not None and self._watch.synced.is_set() and self._watch.get(namespace, name) is None:
            return None
        secret = await self._secrets.get(namespace, name)
        return record_in(secret) if secret is not None else None


def delivered(secret: Secret) -> DeliveredSecret:
    """A Secret as the decisions see it."""
    return DeliveredSecret(
        metadata=secret.metadata,
        type=secret.type,
        data=secret.data,
        owner_uids=secret.owner_uids,
        is_immutable=secret.is_immutable,
    )


def record_in(secret: Secret) -> Record:
    """The enrolment Secret, taken apart."""
    try:
        staged: Staged | None = from_data(secret.data)
    except UnreadableRecordError:
        staged = None
    return Record(
        metadata=secret.metadata,
        staged=staged,
        is_enrolment=holds_enrolment(secret.data),
        superseded=staged.superseded if staged else superseded.from_data(secret.data),
    )
