"""Keystores in the delivered Secret: their passwords are read, and they are made off the event loop.

Called by ``observation`` for what is to be compared, by ``delivery`` for a new pair, and by ``certificates`` for when
to look again: nothing tells that a password has changed, so it is looked at every ten minutes.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from certwright.handlers.inventory import CertificateRecord
from certwright.kube.references import MissingReference, References
from certwright.kube.secrets import Secret
from certwright.model.adoption import conflict
from certwright.model.errors import TransientError
from certwright.model.keystores import (
    LONGEST_PASSWORD,
    Passwords,
    password_refs,
    rendered,
    store_names,
    wanted_stores,
)
from certwright.model.metadata import Key
from certwright.model.observed import AsRecorded, Certificate, DeliveredSecret, Observed, SecretState
from certwright.model.reasons import Reason
from certwright.model.resources import JKSKeystore, PKCS12Keystore
from certwright.model.tls_secret import KeyPair, pair_of
from certwright.reconcile.moving import without_the_ca
from certwright.reconcile.steps import Copy
from certwright.runtime.clock import Clock
from certwright.runtime.executor import CPUExecutor
from certwright.runtime.workers import Done, Result

PERIOD = timedelta(minutes=10)
"""How often a password is looked at that nothing else has led to."""

DEFAULT_KEY = "password"


@dataclass(frozen=True, slots=True)
class _Found:
    """The passwords of one Certificate, and the version of each Secret that they come from, by its name."""

    passwords: Passwords
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Good:
    """Which version of the delivered Secret was found good with which versions of those that hold the passwords."""

    secret: tuple[str, str]
    versions: Mapping[str, str]


class Keystores:
    """Makes them, and remembers which were good, so that neither Secret need be opened while both stay as they are."""

    def __init__(self, *, references: References, executor: CPUExecutor, clock: Clock) -> None:
        self._references = references
        self._executor = executor
        self._clock = clock
        self._good: dict[Key, _Good] = {}
        self._due: dict[Key, float] = {}

    def forget(self, key: Key) -> None:
        """The Certificate is gone, or wants no keystores any more."""
        self._good.pop(key, None)
        self._due.pop(key, None)

    async def is_quiet(self, key: Key, record: CertificateRecord) -> bool:
        """Whether the passwords are what they were, or it is not time to look; one that is missing has changed."""
        due, good = self._due.get(key), self._good.get(key)
        if due is None or due > self._clock.monotonic():
            return True
        if good is None or good.secret != (record.secret_uid, record.secret_version):
            return False
        for name, version in good.versions.items():
            try:
                secret = await self._references.whole_secret(key.namespace, name)
            except MissingReference:
                return False
            if _version(secret) != version:
                return False
        self._due[key] = self._next_look(record.uid)
        return True

    def in_time(self, key: Key, record: CertificateRecord | None, result: Result) -> Result:
        """The same result, unless the passwords must be looked at before it would come again."""
        if record is None or not record.has_password_refs or not isinstance(result, Done):
            return result
        due, now = self._due.get(key), self._clock.monotonic()
        if due is None or due <= now:
            # Where no look came of it, as in an enrolment under way, coming again at once would bring none either.
            due = self._due[key] = self._next_look(record.uid)
        until = timedelta(seconds=due - now)
        return Done(after=until if result.after is None else min(until, result.after))

    def _next_look(self, uid: str) -> float:
        """The first instant after now at which it is this Certificate's turn: they are spread over the period."""
        now, period = self._clock.monotonic(), PERIOD.total_seconds()
        return now + period - (now - _turn(uid) * period) % period

    async def complete(self, observed: Observed, read: Callable[[], Awaitable[SecretState]]) -> Observed:
        """The same world with the keystores as they should be; ``read`` reads the Secret where that was not done."""
        certificate, key = observed.certificate, observed.key
        if not any(wanted_stores(certificate.spec)):
            self.forget(key)
            return observed
        is_as_recorded = isinstance(observed.secret, AsRecorded)
        if password_refs(certificate.spec):
            self._due[key] = self._next_look(certificate.metadata.uid)
        elif is_as_recorded:
            return observed  # Its passwords cannot change without its generation.
        try:
            found = await self._passwords(certificate)
        except MissingReference as error:
            return replace(observed, keystores=_those_there(observed), keystore_obstacle=error.message)
        if is_as_recorded:
            seen = certificate.status.secret
            recorded = (seen.uid, seen.resource_version) if seen else ("", "")
            if self._good.get(key) == _Good(recorded, found.versions):
                return observed
            there = await read()
            if not isinstance(there, DeliveredSecret) or _whole(there) != recorded:
                return observed  # It changed a moment ago: the watch will tell, and then all of it is looked at.
            observed = replace(observed, secret=there)
        return await self._compared(observed, found)

    async def _compared(self, observed: Observed, found: _Found) -> Observed:
        secret, source = observed.secret, _source(observed)
        pair = pair_of(source) if source is not None else None
        if pair is None or conflict(observed) is not None:
            return observed
        made = await self._executor.run(rendered, observed.certificate.spec, pair, found.passwords)
        if isinstance(secret, DeliveredSecret) and all(secret.data.get(name) == made[name] for name in made):
            self._good[observed.key] = _Good(_whole(secret), found.versions)
        return replace(observed, keystores=made)

    async def of(self, certificate: Certificate, pair: KeyPair) -> Mapping[str, bytes]:
        """The keystores for a new pair. Raises `TransientError` where a password is missing by now."""
        if not any(wanted_stores(certificate.spec)):
            return {}
        try:
            found = await self._passwords(certificate)
        except MissingReference as error:
            raise TransientError(error.message, reason=Reason.MISSING_REFERENCE) from error
        return await self._executor.run(rendered, certificate.spec, pair, found.passwords)

    async def _passwords(self, certificate: Certificate) -> _Found:
        """Those that the spec names. Raises `MissingReference`, whose text names the field."""
        read: dict[str, Secret] = {}
        namespace = certificate.metadata.namespace
        jks, pkcs12 = wanted_stores(certificate.spec)
        passwords = Passwords(
            jks=await self._password("spec.keystores.jks", jks, namespace, read),
            pkcs12=await self._password("spec.keystores.pkcs12", pkcs12, namespace, read),
        )
        return _Found(passwords, {name: _version(secret) for name, secret in read.items()})

    async def _password(
        self, field: str, store: JKSKeystore | PKCS12Keystore | None, namespace: str, read: dict[str, Secret]
    ) -> str | None:
        """One password. ``read`` is filled, so that a Secret with both is read once."""
        if store is None or store.password is not None:
            return store.password if store else None
        ref = store.password_secret_ref
        if ref is None:
            raise MissingReference(f"{field} has no password: set password or passwordSecretRef")
        key = ref.key or DEFAULT_KEY
        try:
            secret = read.get(ref.name) or await self._references.whole_secret(namespace, ref.name, key)
        except MissingReference as error:
            raise MissingReference(f"{field}.passwordSecretRef: {error.message}") from error
        read[ref.name] = secret
        password = _text(secret.data.get(key, b""))
        if password is None:
            where = f"{field}.passwordSecretRef: key {key!r} of Secret {namespace}/{ref.name}"
            limit = f"UTF-8 text of 1 to {LONGEST_PASSWORD} characters"
            raise MissingReference(f"{where} is not {limit}: put a password into it")
        return password


def _turn(uid: str) -> float:
    """Where in the period it is this Certificate's turn, from 0 to 1: evenly spread over UIDs."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:8]) / 2**64


def _version(secret: Secret) -> str:
    return f"{secret.metadata.uid}/{secret.metadata.resource_version}"


def _text(value: bytes) -> str | None:
    """The password, or None for what is none. What the decoder raises would quote it."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return text if 0 < len(text) <= LONGEST_PASSWORD else None


def _whole(secret: DeliveredSecret) -> tuple[str, str]:
    return secret.metadata.uid, secret.metadata.resource_version


def _source(observed: Observed) -> DeliveredSecret | None:
    """The Secret whose pair is to stand in the delivered one."""
    match without_the_ca(observed):
        case Copy(former=former):
            return former
        case _:
            return observed.secret if isinstance(observed.secret, DeliveredSecret) else None


def _those_there(observed: Observed) -> Mapping[str, bytes]:
    """Without its password a keystore is left as it is."""
    secret = observed.secret
    if not isinstance(secret, DeliveredSecret):
        return {}
    names = store_names(observed.certificate.spec, secret.anchors)
    return {name: secret.data[name] for name in names if name in secret.data}
