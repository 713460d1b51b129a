"""Probing an EST issuer: its CA certificates, what it wants in requests, and whom it may be believed to be from now on.

EST has no question that only proves a credential. What a server asks for while it is probed is proved; the rest shows
at the first enrolment, and the report says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509

from certwright.issuers.est.failures import judged
from certwright.issuers.est.means import Means
from certwright.issuers.est.preparing import wants_binding
from certwright.issuers.judging import probing
from certwright.model.enrolment import IssuerReport
from certwright.protocols.est import AuthenticationRequired, CACertificates, CSRAttributes, Operation
from certwright.protocols.transport import ServerNotVerified, shown


@dataclass(frozen=True, slots=True)
class Found:
    """What csrattrs said; ``is_closed``: only to those who authenticate, and the issuer cannot."""

    attributes: CSRAttributes | None
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """Probes one issuer."""

    means: Means

    async def run(self) -> IssuerReport:
        """Ask everything that asks for no certificate; raises `EnrolmentError`."""
        means = self.means
        means.identity.refuse_expired(means.clock())
        with probing():
            await means.trust.ready()
            known = means.authority.remember(await self._cacerts())
            found = await self._csrattrs()
            await self._see_that_binding_is_possible(found.attributes)
        # A root that is not believed is not shown as the CA's.
        published = tuple(dict.fromkeys((*known.others, *known.roots)))
        return IssuerReport(
            message=self._message(published, found),
            capabilities=tuple(capabilities(found.attributes)),
            ca_certificates=published,
            learned=means.trust.learned,
        )

    async def _cacerts(self) -> CACertificates:
        """Read them; where the server does not verify any more, look for a new root that an old one has signed."""
        means = self.means
        with judged(means.asked("its CA certificates")):
            try:
                client = await means.connections.lasting(means.trust.anchors)
                return await client.cacerts()
            except ServerNotVerified as error:
                if error.is_name_mismatch or not await means.trust.recover():
                    raise
        return await means.cacerts()

    async def _csrattrs(self) -> Found:
        means = self.means
        with judged(means.asked("its CSR attributes")):
            client = await means.connections.lasting(means.trust.anchors)
            try:
                return Found(await means.csrattrs(client))
            except AuthenticationRequired:
                if means.identity.has_credential:
                    raise
                return Found(None, is_closed=True)

    async def _see_that_binding_is_possible(self, attributes: CSRAttributes | None) -> None:
        """A server that speaks nothing older than TLS 1.3 is found out before a Certificate asks it."""
        means = self.means
        is_asked = attributes is not None and attributes.wants_challenge_password
        if not wants_binding(means.spec.channel_binding, is_asked=is_asked):
            return
        anchors, identity = means.trust.anchors, means.identity
        with judged(means.asked("its CSR attributes")):
            async with means.connections.short(anchors, identity.tls, identity.http, for_binding=True) as client:
                try:
                    await client.bound_enrol(Operation.SIMPLEENROLL, _stop)
                except _BoundError:
                    return
                except AuthenticationRequired:
                    if identity.has_credential:
                        raise

    def _message(self, published: tuple[x509.Certificate, ...], found: Found) -> str:
        means, count = self.means, len(published)
        plural = "" if count == 1 else "s"
        parts = [f"{means.server} publishes {count} CA certificate{plural}: {_names(published)}."]
        if found.is_closed:
            parts.append("It asks for a credential, which the issuer has not: each Certificate needs its est.password.")
        elif means.identity.has_credential:
            parts.append("Whether it takes the issuer's credential for enrolments shows at the first one.")
        return shown(" ".join(parts))


class _BoundError(Exception):
    """The request could be tied to its connection, and is not sent."""


def _stop(_password: str, _attributes: CSRAttributes | None) -> bytes:
    raise _BoundError


def capabilities(attributes: CSRAttributes | None) -> Iterable[str]:
    """What is known of the server beyond the necessary."""
    if attributes is None or attributes == CSRAttributes():
        return
    yield "csrattrs"
    if attributes.template is not None:
        yield "csrattrs:template"
    if attributes.wants_challenge_password:
        yield "channelBinding:required"
    if attributes.wants_asymmetric_decrypt_key or attributes.wants_decrypt_key:
        yield "serverkeygen:encrypted"


def _names(certificates: tuple[x509.Certificate, ...]) -> str:
    most = 3
    names = [certificate.subject.rfc4514_string()[:100] or "(no name)" for certificate in certificates[:most]]
    more = len(certificates) - most
    return "; ".join(names) + (f"; and {more} more" if more > 0 else "")
