"""What every step of the driver works with, and the questions that several of them ask."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from certwright.issuers.est.authority import Authority, Known
from certwright.issuers.est.connections import Connections
from certwright.issuers.est.credentials import IssuerIdentity, own_password
from certwright.issuers.est.failures import NOT_OFFERED, Asked, judged
from certwright.issuers.est.trust import Trust
from certwright.model.enrolment import EnrolmentRequest
from certwright.model.resources import ESTIssuer
from certwright.protocols.est import CACertificates, Credentials, CSRAttributes, ESTClient, Refused
from certwright.protocols.transport import UnexpectedStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """One issuer's settings, identity, trust and connections; ``server`` is how messages name the CA."""

    server: str
    spec: ESTIssuer
    identity: IssuerIdentity
    trust: Trust
    connections: Connections = field(repr=False)
    authority: Authority = field(repr=False)
    clock: Callable[[], datetime]

    async def known(self, own: Credentials | None = None) -> Known:
        """The CA's certificates, read once; ``own`` is the Certificate's own password."""
        await self.trust.ready()

        async def read() -> CACertificates:
            return await self.cacerts(own)

        return await self.authority.certificates(read)

    async def cacerts(self, own: Credentials | None = None) -> CACertificates:
        """Read them now, over an authenticated connection."""
        with judged(self.asked("its CA certificates", own=own)):
            client = await self.connections.lasting(self.trust.anchors, own)
            return await client.cacerts()

    async def csrattrs(self, client: ESTClient) -> CSRAttributes | None:
        """What the CA wants to see in a request. A server that does not know the question wants nothing.

        Raises what the client raises: who asks knows what a refusal means.
        """
        try:
            return await client.csrattrs()
        except (Refused, UnexpectedStatus) as error:
            if error.status in NOT_OFFERED:
                return None
            raise

    def own_credential(self, request: EnrolmentRequest) -> Credentials | None:
        """The Certificate's own password where it is to be used; None: the issuer's credential. Raises its obstacle.

        It is there for the first enrolment. Later it is used if it is fit for use, as when somebody has put a new one
        there because the certificate expired; one that is spent stands in nobody's way who has another credential.
        """
        credential = request.credential
        if credential is None:
            return None
        is_spared = request.current is not None and credential.obstacle is not None and self.identity.has_credential
        return None if is_spared else own_password(credential, self.spec)

    def asked(self, what: str, *, own: Credentials | None = None) -> Asked:
        """A question that asks for no certificate."""
        return Asked(server=self.server, what=what, has_own_credential=own is not None)
