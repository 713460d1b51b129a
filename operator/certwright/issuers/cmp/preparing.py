"""Before key and CSR are made: how the certificate will be asked for, and what the CA wants in the request."""

from dataclasses import dataclass, replace

from certwright.issuers.cmp.failures import Asked, judged
from certwright.issuers.cmp.means import Means
from certwright.issuers.cmp.planning import Circumstances, Plan, initial_operation, plan, version_for
from certwright.issuers.cmp.record import Origin, Record, StagedSigner
from certwright.issuers.cmp.template import demands_of
from certwright.issuers.demands import prepared_for
from certwright.model.enrolment import EnrolmentRequest, Prepared
from certwright.model.errors import RejectedError
from certwright.model.reasons import Reason
from certwright.model.resources import RotationPolicy
from certwright.protocols.cmp import (
    CMPClient,
    CMPError,
    GeneralAnswer,
    Operation,
    Protection,
    RequestTemplate,
    Transaction,
    ask_cert_req_template,
    read_cert_req_template,
)
from certwright.protocols.transport import TransportError


@dataclass(frozen=True, slots=True)
class Preparation:
    """Of one enrolment."""

    means: Means
    request: EnrolmentRequest

    async def run(self) -> Prepared:
        """Decide, ask what the CA wants, and begin a transaction; nothing that counts is sent."""
        chosen = plan(self.request, self._circumstances())
        self._refuse_impossible(chosen)
        prepared = self._prepared(await self._template(self._protection(chosen)))
        if chosen.operation is Operation.KUR and chosen.current is not None and prepared.subject is None:
            # The very bytes of the subject being renewed: a server compares those.
            prepared = replace(prepared, subject=chosen.current.leaf.subject)
        return replace(prepared, resume=self._record(chosen).as_resume())

    def _circumstances(self) -> Circumstances:
        means, own = self.means, self.means.own_credential(self.request)
        issuers = Origin.ISSUER if means.identity.protection is not None else None
        is_spent = own is not None and own.obstacle is not None and self.request.current is not None
        return Circumstances(
            spec=means.spec,
            origin=issuers if own is None or is_spent else Origin.CERTIFICATE,
            obstacle=own.obstacle if own is not None else None,
            anchors=means.trust.anchors,
            published=means.trust.published,
            refused=tuple(means.memory.refused),
            now=means.clock(),
        )

    def _protection(self, chosen: Plan) -> Protection | None:
        """With what the CA may be asked beforehand: a secret that serves once is not for questions."""
        if chosen.origin is Origin.CERTIFICATE:
            assert self.request.credential is not None  # noqa: S101 - that is what the plan rests on
            self.means.own_protection(self.request.credential)
            return self.means.identity.protection
        if chosen.current is not None:
            return self.means.current_protection(chosen.current)
        return self.means.issuer_protection()

    def _refuse_impossible(self, chosen: Plan) -> None:
        spec = self.request.spec
        asks_by = initial_operation(self.means.spec) if chosen.operation is Operation.KRR else chosen.operation
        if spec.csr and spec.csr.attributes and asks_by is not Operation.P10CR:
            raise _invalid(
                f"spec.csr.attributes are for a CSR, and {asks_by} asks without one: set cmp.initialOperation and"
                " cmp.renewalOperation of the issuer to p10cr, or remove them."
            )
        if spec.cmp is None or not spec.cmp.central_key_generation:
            return
        if spec.private_key and spec.private_key.rotation_policy is RotationPolicy.NEVER:
            raise _invalid(
                "spec.cmp.centralKeyGeneration has the CA make a new key each time, and spec.privateKey.rotationPolicy"
                " Never keeps the one that is there: remove one of them."
            )
        if asks_by is Operation.P10CR:
            raise _invalid(
                "spec.cmp.centralKeyGeneration has the CA make the key, and p10cr asks with a CSR, which has one: set"
                " another operation on the issuer, or remove it."
            )

    async def _template(self, protection: Protection | None) -> RequestTemplate | None:
        """The CA's certReqTemplate, where there is anybody to ask for it."""
        if protection is None:
            return None
        client = self.means.client(protection, is_renewing=protection is not self.means.identity.protection)
        profile = self.means.profile(self.request.spec)

        async def read() -> RequestTemplate | None:
            with judged(Asked(server=self.means.name, what="the question for its certReqTemplate")):
                return await _read_template(client, profile)

        return await self.means.memory.templates.of(profile, read)

    def _prepared(self, template: RequestTemplate | None) -> Prepared:
        if template is None:
            return Prepared()
        wanted = demands_of(template, self.request.spec)
        return prepared_for(wanted, self.request.spec, current=self.request.current, server=self.means.name)

    def _record(self, chosen: Plan) -> Record:
        pvno = version_for(self.request.spec, chosen.operation)
        record = Record(
            transaction=Transaction.begin(chosen.operation, pvno=pvno),
            origin=chosen.origin,
            signer=StagedSigner.of(chosen.current) if chosen.current is not None else None,
        )
        self.means.memory.unsent.add(record.next_message)
        return record


async def _read_template(client: CMPClient, profile: str | None) -> RequestTemplate | None:
    """A CA that does not answer such questions wants nothing, and one that breaks off at them neither.

    One that cannot be reached at all is no CA without wishes.
    """
    try:
        answer = await client.genm([ask_cert_req_template()], profile=profile)
        return read_cert_req_template(answer) if isinstance(answer, GeneralAnswer) else None
    except CMPError:
        return None
    except TransportError as error:
        if error.is_unsent:
            raise
        return None


def _invalid(message: str) -> RejectedError:
    return RejectedError(message, reason=Reason.INVALID_SPEC)
