"""The HTTP-01 solver: a proof on the board that every replica answers from, and a route that leads to it."""

from dataclasses import dataclass

from certwright.model.errors import RejectedError
from certwright.model.reasons import Reason
from certwright.model.solving import ChallengeBoard, ChallengeRoutes, ChallengeType, HostClaims, NotVisible, Proof
from certwright.solvers.http01.self_check import SelfCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTP01Solver:
    """Proves names over HTTP.

    ``routes`` is None where port 80 of the names reaches the operator already (``http01.direct``). With ``claims``
    only hosts that the Certificate's namespace serves can be proved: else every tenant could have a certificate for
    every name that leads to this cluster.
    """

    challenge_type = ChallengeType.HTTP_01

    board: ChallengeBoard
    self_check: SelfCheck
    routes: ChallengeRoutes | None = None
    claims: HostClaims | None = None

    async def present(self, proof: Proof) -> None:
        """Publish the answer first, so that no request that the route leads here finds nothing."""
        await self._refuse_foreign(proof)
        await self.board.publish(proof)
        if self.routes is not None:
            await self.routes.ensure(proof)

    async def look(self, proof: Proof) -> NotVisible | None:
        """Make the request that the CA will make, once."""
        complaint = await self.self_check.complaint(proof.name, proof.token, expected=proof.key_authorization)
        return NotVisible(complaint) if complaint else None

    async def clean_up(self, proof: Proof) -> None:
        """Take route and answer away; the answer goes even if the route does not."""
        try:
            if self.routes is not None:
                await self.routes.remove(proof)
        finally:
            await self.board.withdraw(proof)

    async def _refuse_foreign(self, proof: Proof) -> None:
        if self.claims is None or await self.claims.claimants(proof.certificate.namespace, proof.name):
            return
        raise RejectedError(
            f"No Ingress or HTTPRoute in namespace {proof.certificate.namespace} has the host {proof.name}, so that a"
            " namespaced Issuer may not prove it over HTTP-01: add one, use a ClusterIssuer or DNS-01, or start"
            " certwright with --http01-namespaced-issuers=any where all tenants trust each other.",
            reason=Reason.NOT_ALLOWED,
        )
