"""Before key and CSR are made: what the CA wants in them, and what of the Certificate EST cannot do."""

from dataclasses import dataclass, replace

from certwright.issuers.demands import prepared_for
from certwright.issuers.est.current import showing
from certwright.issuers.est.failures import judged
from certwright.issuers.est.means import Means
from certwright.issuers.est.record import Record
from certwright.issuers.est.refusing import is_refusal
from certwright.issuers.est.renewal import Plan, Wanted, plan_for
from certwright.issuers.judging import probing
from certwright.model.enrolment import EnrolmentRequest, Prepared
from certwright.model.errors import IssuerError, RejectedError
from certwright.model.names import InvalidNameError
from certwright.model.reasons import Reason
from certwright.model.resources import ChannelBinding, RotationPolicy
from certwright.model.resources import CSRAttributes as Obedience
from certwright.protocols.est import Credentials, CSRAttributes, ESTError
from certwright.protocols.transport import TransportError, UnusableIdentity


@dataclass(frozen=True, slots=True)
class Preparation:
    """One Certificate's."""

    means: Means
    request: EnrolmentRequest

    async def run(self) -> Prepared:
        """Ask what is to be asked; no certificate is asked for."""
        refuse_impossible(self.request)
        wanted = self._wanted()
        await self.means.trust.ready()
        plan, own = await self._plan(wanted)
        is_obedient = self.means.spec.csr_attributes is not Obedience.IGNORE
        attributes = await self._attributes(plan, own) if is_obedient else None
        prepared = self._prepared(attributes)
        if plan.current is not None and prepared.subject is None:
            # The very bytes of the subject being renewed: some servers compare those, and not what they say.
            prepared = replace(prepared, subject=plan.current.leaf.subject)
        return self._with_record(prepared, attributes)

    def _wanted(self) -> Wanted:
        try:
            return Wanted.of_spec(self.request.spec)
        except InvalidNameError as error:
            message = f"No request can be made from this Certificate: {error}."
            raise RejectedError(message, reason=Reason.INVALID_SPEC) from error

    async def _plan(self, wanted: Wanted) -> tuple[Plan, Credentials | None]:
        """How to authenticate; the Certificate's own password is looked at only where it will be used."""
        means, request = self.means, self.request
        if request.current is None:
            return Plan(), means.own_credential(request)
        known = await means.known()
        plan = plan_for(request.current, wanted, spec=means.spec, known=known, now=means.clock())
        return plan, (None if plan.current else means.own_credential(request))

    async def _attributes(self, plan: Plan, own: Credentials | None) -> CSRAttributes | None:
        """As whoever will enrol: a CA may want something else of somebody else."""
        means = self.means
        if plan.current is not None:
            try:
                async with showing(means, plan.current) as client:
                    return await means.csrattrs(client)
            except (ESTError, TransportError, UnusableIdentity) as error:
                if not is_refusal(error):
                    with probing(), judged(means.asked("its CSR attributes")):
                        raise
            own = means.own_credential(self.request)
        means.identity.refuse_expired(means.clock())
        if own is not None:
            return await self._asked_by(own)
        with probing():
            return await self._asked_by(None)

    async def _asked_by(self, own: Credentials | None) -> CSRAttributes | None:
        with judged(self.means.asked("its CSR attributes", own=own)):
            return await self.means.csrattrs(await self.means.connections.lasting(self.means.trust.anchors, own))

    def _prepared(self, attributes: CSRAttributes | None) -> Prepared:
        if attributes is None:
            return Prepared()
        return prepared_for(attributes, self.request.spec, current=self.request.current, server=self.means.server)

    def _with_record(self, prepared: Prepared, attributes: CSRAttributes | None) -> Prepared:
        """Channel binding and encrypted keys, which the CSR is made or sent for in another way."""
        is_bound = wants_binding(
            self.means.spec.channel_binding, is_asked=bool(attributes and attributes.wants_challenge_password)
        )
        record = Record(is_bound=is_bound)
        if self.request.spec.est is None or not self.request.spec.est.server_key_generation or attributes is None:
            return replace(prepared, resume=record.as_resume())
        if attributes.wants_asymmetric_decrypt_key:
            decryption = self.means.identity.decryption()
            record = replace(record, decryption=decryption.identifier.hex())
            more = tuple((one.oid, (one.value,)) for one in decryption.csr_attributes())
            prepared = replace(prepared, attributes=(*prepared.attributes, *more))
        elif attributes.wants_decrypt_key:
            raise IssuerError(
                f"{self.means.server} encrypts the keys that it makes with a key agreed on beforehand, which cannot be"
                " configured: have it use the issuer's client certificate, or remove est.serverKeyGeneration.",
                reason=Reason.NOT_IMPLEMENTED,
            )
        return replace(prepared, resume=record.as_resume())


def wants_binding(setting: ChannelBinding | None, *, is_asked: bool) -> bool:
    """Whether requests are tied to their connections; ``is_asked``: the CA wants it."""
    match setting:
        case ChannelBinding.REQUIRED:
            return True
        case ChannelBinding.NEVER:
            return False
        case _:
            return is_asked


def refuse_impossible(request: EnrolmentRequest) -> None:
    """Raise for what contradicts itself, whatever the CA says."""
    spec = request.spec
    makes_key = spec.est is not None and spec.est.server_key_generation
    if makes_key and spec.private_key and spec.private_key.rotation_policy is RotationPolicy.NEVER:
        raise RejectedError(
            "spec.est.serverKeyGeneration has the CA make a new key each time, and spec.privateKey.rotationPolicy Never"
            " keeps the one that is there: remove one of them.",
            reason=Reason.INVALID_SPEC,
        )
