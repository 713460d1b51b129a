"""Probing a CMP issuer: genm (RFC 9483 §4.3), which proves server and credential without asking for a certificate.

Many CAs answer no genm. That they say so under a protection that verifies proves as much; and a secret that serves one
Certificate only is not spent on a question. The report says what was proved, and what shows at the first enrolment.
"""

from dataclasses import dataclass

from cryptography import x509

from certwright.issuers.cmp.failures import PLACE, Asked, judge_refusal, judged, row_of
from certwright.issuers.cmp.means import Means
from certwright.issuers.cmp.record import Origin, shown_names
from certwright.issuers.judging import Actor, judge_transport, probing
from certwright.model.chain import is_self_issued
from certwright.model.enrolment import IssuerReport
from certwright.protocols.cmp import (
    CMPClient,
    CMPError,
    FailInfo,
    GeneralAnswer,
    MACProtection,
    MalformedAnswer,
    Refusal,
    UntrustedUpdate,
    ask_ca_certs,
    ask_root_ca_update,
    read_ca_certs,
    read_root_ca_update,
)
from certwright.protocols.transport import TransportError, exchange, shown

CA_CERTS = "caCerts"
ROOT_UPDATE = "rootCaKeyUpdate"
MOST_ROOTS = 4
"""Roots whose successors are asked for, each with a message of its own."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Probes one issuer."""

    means: Means

    async def run(self) -> IssuerReport:
        """Ask everything that asks for no certificate; raises `EnrolmentError`."""
        means = self.means
        if means.identity.protection is None:
            return self._report(await self._reach())
        with probing():
            client = means.client(means.issuer_protection())
            said, answers = await self._ca_certs(client)
            capabilities = [CA_CERTS] if means.trust.published and answers else []
            remark = ""
            if answers:
                found, remark = await self._successors(client)
                capabilities += [ROOT_UPDATE] if found else []
        return self._report(" ".join(filter(None, (said, remark))), *capabilities)

    async def _reach(self) -> str:
        """Each Certificate brings its own secret, and none of them is here."""
        means = self.means
        try:
            await exchange(means.http, "GET", means.spec.url, clock=means.clock)
        except TransportError as error:
            raise judge_transport(error, "the server cannot be reached", PLACE) from error
        return (
            f"{means.name} answers over HTTP. The issuer has no credential, so that nothing more was asked: each"
            " Certificate needs its cmp.mac, and whether the CA takes it shows at its enrolment."
        )

    async def _ca_certs(self, client: CMPClient) -> tuple[str, bool]:
        """What is to be said of the answer, and whether such questions are answered at all."""
        means = self.means
        asked = Asked(server=means.name, what="the question for its CA certificates")
        with judged(asked):
            try:
                answer = await client.genm([ask_ca_certs()])
            except Refusal as refusal:
                return self._refused(refusal, asked), False
        if not isinstance(answer, GeneralAnswer):
            return f"{means.name} answers, and takes its time to: {answer.reason or 'it says waiting'}.", False
        try:
            certificates = read_ca_certs(answer)
        except MalformedAnswer:
            certificates = ()
        means.trust.publish(certificates)
        if not certificates:
            return f"{means.name} answers with {self._proof()}, and publishes no CA certificates.", True
        plural = "" if len(certificates) == 1 else "s"
        names = shown_names(certificates)
        return f"{means.name} answers with {self._proof()}: {len(certificates)} CA certificate{plural}, {names}.", True

    def _proof(self) -> str:
        if isinstance(self.means.identity.protection, MACProtection):
            return "a protection that the issuer's secret or its anchors verify"
        return "a signature that cmp.trust verifies"

    def _refused(self, refusal: Refusal, asked: Asked) -> str:
        """A CA that answers no questions is there all the same; one that does not know the credential is no use."""
        name, said = self.means.name, str(refusal).rstrip(".")
        if not refusal.authenticated:
            return (
                f"{name} answers, and refuses questions without protecting that ({said}): nothing is proved but that it"
                " is there. Whether it takes the issuer's credential shows at the first enrolment."
            )
        row = row_of(refusal, Origin.ISSUER)
        if row.actor is Actor.ISSUER or FailInfo.SYSTEM_UNAVAIL in refusal.status.fail_info:
            raise judge_refusal(refusal, asked) from refusal
        return (
            f"{name} is the CA that is meant, by the protection of its answer, and answers no questions ({said})."
            " Whether it takes the issuer's credential for enrolments shows at the first one."
        )

    async def _successors(self, client: CMPClient) -> tuple[bool, str]:
        """Ask for the successors of the roots that are held; what cannot be believed is told."""
        found, remarks = False, []
        roots = [one for one in self.means.trust.anchors if is_self_issued(one)]
        for root in roots[-MOST_ROOTS:]:
            try:
                found |= await self._successor(client, root)
            except UntrustedUpdate as error:
                remarks.append(f"Its new root for {shown_names([root])} is not believed: {error}.")
            except (CMPError, TransportError):
                continue
        return found, " ".join(remarks)

    async def _successor(self, client: CMPClient, root: x509.Certificate) -> bool:
        answer = await client.genm([ask_root_ca_update(root)])
        update = read_root_ca_update(answer) if isinstance(answer, GeneralAnswer) else None
        if update is None:
            return False
        update.verify(root, now=self.means.clock())
        self.means.trust.accept_successor(update.new_with_new, of=root)
        return True

    def _report(self, message: str, *capabilities: str) -> IssuerReport:
        trust = self.means.trust
        return IssuerReport(
            message=shown(message),
            capabilities=capabilities,
            ca_certificates=trust.published,
            learned=trust.learned,
        )
