"""Issuers with everything that they refer to resolved: what EST, SCEP and CMP drivers are made from, and when anew."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass, field
from functools import partial
from typing import Protocol

from certwright.handlers.credentials import Credentials
from certwright.issuers.cmp import CMPCredentials, CMPDriver
from certwright.issuers.est import ESTCredentials, ESTDriver
from certwright.issuers.scep import SCEPCredentials, SCEPDriver
from certwright.model.chain import load_certificates, to_pem
from certwright.model.enrolment import Issuer, LearnedAnchor
from certwright.model.observed import KnownIssuer
from certwright.model.resources import CMPIssuer, CredentialSeen, ESTIssuer, SCEPIssuer, SecretReference
from certwright.protocols.transport import TransportSettings
from certwright.runtime.clock import Clock
from certwright.runtime.executor import CPUExecutor


class ClientCertificate(Protocol):
    """Where an issuer's spec names a Secret with a pair."""

    @property
    def secret_ref(self) -> SecretReference:
        """The Secret."""
        ...


class Closable(Issuer, Protocol):
    """A driver with connections of its own."""

    async def aclose(self) -> None:
        """Close them."""
        ...


@dataclass(frozen=True, slots=True)
class DriverRecipe:
    """A driver that opens its connections itself; ``digest`` is over everything that it is made from."""

    digest: str
    open: Callable[[], Closable] = field(repr=False)
    expiring: tuple[CredentialSeen, ...] = ()

    def make(self) -> tuple[Issuer, Callable[[], Awaitable[None]]]:
        """The driver, and what closes its connections. Raises `IssuerError`."""
        driver = self.open()
        return driver, driver.aclose


def digest_of(issuer: KnownIssuer, *parts: bytes | None) -> str:
    """Over an issuer's spec and what it refers to; one way, so that it may be kept."""
    whole = [issuer.metadata.uid.encode(), str(issuer.metadata.generation).encode(), *(part or b"" for part in parts)]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in whole)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipes:
    """Resolves what EST, SCEP and CMP issuers refer to. Every method raises `MissingReference` and `IssuerError`."""

    credentials: Credentials
    executor: CPUExecutor
    clock: Clock

    async def est(self, issuer: KnownIssuer, spec: ESTIssuer, transport: TransportSettings) -> DriverRecipe:
        """An EST issuer's."""
        credentials = await self._est_credentials(issuer, spec)
        pair = spec.auth.client_certificate if spec.auth else None
        seen = _seen(pair, credentials.client_certificate)
        return await self._recipe(issuer, transport, credentials, partial(ESTDriver, spec, credentials), seen)

    async def scep(self, issuer: KnownIssuer, spec: SCEPIssuer, transport: TransportSettings) -> DriverRecipe:
        """A SCEP issuer's."""
        credentials = await self._scep_credentials(issuer, spec)
        algorithms = (issuer.spec.allow.key_algorithms if issuer.spec.allow else None) or None
        driver = partial(SCEPDriver, spec, credentials, algorithms=algorithms)
        return await self._recipe(issuer, transport, credentials, driver)

    async def cmp(self, issuer: KnownIssuer, spec: CMPIssuer, transport: TransportSettings) -> DriverRecipe:
        """A CMP issuer's."""
        credentials = await self._cmp_credentials(issuer, spec)
        protection = spec.protection
        seen = (
            *_seen(protection.signature if protection else None, credentials.certificate),
            *_seen(protection.registration_authority if protection else None, credentials.ra_certificate),
        )
        return await self._recipe(issuer, transport, credentials, partial(CMPDriver, spec, credentials), seen)

    async def _recipe(
        self,
        issuer: KnownIssuer,
        transport: TransportSettings,
        credentials: ESTCredentials | SCEPCredentials | CMPCredentials,
        driver: Callable[..., Closable],
        expiring: tuple[CredentialSeen, ...] = (),
    ) -> DriverRecipe:
        """What is the same for all: another secret, root or learned anchor makes another driver."""
        learned = await self.credentials.learned(issuer)
        make = partial(driver, transport=transport, clock=self.clock.now, learned=learned, run_cpu=self.executor.run)
        digest = digest_of(issuer, transport.roots, _bytes_of(learned), *astuple(credentials))
        return DriverRecipe(digest, make, expiring)

    async def _cmp_credentials(self, issuer: KnownIssuer, spec: CMPIssuer) -> CMPCredentials:
        trust = await self.credentials.roots(issuer, spec.trust)
        if spec.protection is None:
            return CMPCredentials(trust=trust)
        read, mac = self.credentials.read, spec.protection.mac
        own, authority = spec.protection.signature, spec.protection.registration_authority
        return CMPCredentials(
            mac_secret=await read(issuer, mac.secret_ref, "secret") if mac else None,
            certificate=await read(issuer, own.secret_ref, "tls.crt") if own else None,
            key=await read(issuer, own.secret_ref, "tls.key") if own else None,
            ra_certificate=await read(issuer, authority.secret_ref, "tls.crt") if authority else None,
            ra_key=await read(issuer, authority.secret_ref, "tls.key") if authority else None,
            trust=trust,
        )

    async def _est_credentials(self, issuer: KnownIssuer, spec: ESTIssuer) -> ESTCredentials:
        auth = spec.auth
        if auth is None:
            return ESTCredentials()
        password, bearer, pair = auth.password, auth.bearer, auth.client_certificate
        read = self.credentials.read
        return ESTCredentials(
            password=await read(issuer, password.password_secret_ref, "password") if password else None,
            bearer=await read(issuer, bearer.secret_ref, "token") if bearer else None,
            client_certificate=await read(issuer, pair.secret_ref, "tls.crt") if pair else None,
            client_key=await read(issuer, pair.secret_ref, "tls.key") if pair else None,
        )

    async def _scep_credentials(self, issuer: KnownIssuer, spec: SCEPIssuer) -> SCEPCredentials:
        challenge = spec.challenge
        if challenge is None:
            return SCEPCredentials()
        read, ndes = self.credentials.read, challenge.ndes
        hmac = challenge.webhook.hmac_secret_ref if challenge.webhook else None
        return SCEPCredentials(
            challenge=await read(issuer, challenge.secret_ref, "challenge") if challenge.secret_ref else None,
            ndes_username=await read(issuer, ndes.credentials_secret_ref, "username") if ndes else b"",
            ndes_password=await read(issuer, ndes.credentials_secret_ref, "password") if ndes else b"",
            webhook_key=await read(issuer, hmac, "secret") if hmac else None,
        )


def _seen(named: ClientCertificate | None, pem: bytes | None) -> tuple[CredentialSeen, ...]:
    """When a client certificate expires; what cannot be read is told by the driver."""
    if named is None or pem is None:
        return ()
    try:
        leaf = load_certificates(pem)[0]
    except ValueError:
        return ()
    return (CredentialSeen(name=named.secret_ref.name, not_after=leaf.not_valid_after_utc),)


def _bytes_of(learned: tuple[LearnedAnchor, ...]) -> bytes:
    return to_pem(one.certificate for one in learned)
