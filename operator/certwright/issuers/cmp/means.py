"""What every part of the driver works with, and the clients that it makes of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from cryptography import x509

from certwright.issuers.cmp.credentials import Identity, mac_protection
from certwright.issuers.cmp.issued import path_of
from certwright.issuers.cmp.memory import Memory
from certwright.issuers.cmp.recovering import RecoveringClient
from certwright.issuers.cmp.trust import Trust
from certwright.model.enrolment import CurrentCertificate, EnrolmentRequest, OneTimeCredential
from certwright.model.errors import IssuerError, TransientError
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec, CMPIssuer
from certwright.protocols import cmp
from certwright.protocols.cmp import MACProtection, Protection, SignatureProtection


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Sender and recipient as the issuer's spec has them; None: as RFC 9483 §3.1 has it."""

    sender: x509.Name | None = None
    recipient: x509.Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """One issuer's settings, identity, trust and connection; ``name`` is how messages call the server."""

    name: str
    spec: CMPIssuer
    names: Names
    identity: Identity = field(repr=False)
    trust: Trust
    memory: Memory
    http: httpx.AsyncClient
    clock: Callable[[], datetime]
    run_cpu: Callable[..., Awaitable[Any]]

    def client(self, protection: Protection, *, is_renewing: bool = False) -> RecoveringClient:
        """One that sends as whoever protects. A configured sender is no name for a certificate being renewed."""
        interop = self.spec.interop
        settings = cmp.Settings(
            sender=None if is_renewing else self.names.sender,
            recipient=self.names.recipient,
            implicit_confirm=self.spec.implicit_confirm is not False,
            interop=cmp.Interop(
                ignore_key_usage=bool(interop and interop.ignore_key_usage),
                allow_unprotected_errors=bool(interop and interop.allow_unprotected_errors),
                sender_kid=interop.sender_kid if interop else None,
            ),
            registration_authority=self.identity.around(protection),
        )
        return RecoveringClient(
            self.spec.url,
            http=self.http,
            clock=self.clock,
            protection=protection,
            trust=cmp.Trust(self.trust.anchors),
            settings=settings,
            run_cpu=self.run_cpu,
        )

    def issuer_protection(self) -> Protection:
        """The issuer's own credential; raises `IssuerError` where it has none, or one that has expired."""
        self.identity.refuse_expired(self.clock())
        protection = self.identity.protection
        if protection is None:
            raise IssuerError(
                f"There is no credential for {self.name}: set cmp.protection of the issuer, or cmp.mac of the"
                " Certificate.",
                reason=Reason.INVALID_CREDENTIALS,
            )
        return protection

    def own_protection(self, credential: OneTimeCredential) -> MACProtection:
        """The Certificate's own secret; raises its obstacle."""
        made = mac_protection(self.spec, credential.username, credential.use())
        if made is None:
            message = "The Secret of spec.cmp.mac holds an empty secret: put the one that the CA gave into it."
            raise TransientError(message, reason=Reason.INVALID_CREDENTIALS)
        return self.memory.secrets.of(made)

    def current_protection(self, current: CurrentCertificate) -> SignatureProtection:
        """The certificate being renewed, with all of its chain that is known: some servers want to see its root."""
        path = path_of(current.leaf, (*current.chain, *self.trust.known))
        return SignatureProtection(key=current.key, certificate=current.leaf, chain=path.full[1:])

    def own_credential(self, request: EnrolmentRequest) -> OneTimeCredential | None:
        """The Certificate's own secret where it is to be used; None: the issuer's credential.

        It is there for the first enrolment. Later it is used if it is fit for use, as when somebody has put a new one
        there because the certificate expired; one that is spent stands in nobody's way who has another credential.
        """
        own = request.credential
        if own is None:
            return None
        has_other = self.identity.protection is not None
        return None if request.current is not None and own.obstacle is not None and has_other else own

    def profile(self, spec: CertificateSpec) -> str | None:
        """The certProfile, the Certificate's before the issuer's."""
        return (spec.cmp.cert_profile if spec.cmp else None) or self.spec.cert_profile
