"""Resolves issuers into recipes for their drivers: the one place that knows all protocols."""

from datetime import timedelta

from certwright import __version__
from certwright.handlers.acme_recipe import ACMERecipe
from certwright.handlers.credentials import Credentials
from certwright.handlers.drivers import Recipe
from certwright.handlers.reach import Reach
from certwright.handlers.recipes import Recipes
from certwright.handlers.solving import SolverParts
from certwright.model.errors import IssuerError
from certwright.model.observed import KnownIssuer
from certwright.model.reasons import Reason
from certwright.model.resources import ACMEIssuer
from certwright.protocols.transport import TransportSettings
from certwright.runtime.clock import Clock
from certwright.runtime.executor import CPUExecutor

USER_AGENT = f"certwright/{__version__}"
CONNECT_TIMEOUT = timedelta(seconds=10)
REQUEST_TIMEOUT = timedelta(seconds=60)


class Workshop:
    """Makes recipes with what the operator is made of."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        solver_parts: SolverParts,
        reach: Reach,
        executor: CPUExecutor,
        clock: Clock,
    ) -> None:
        self._credentials = credentials
        self._solver_parts = solver_parts
        self._reach = reach
        self._clock = clock
        self._recipes = Recipes(credentials=credentials, executor=executor, clock=clock)

    async def resolve(self, issuer: KnownIssuer) -> Recipe:
        """Read what the issuer refers to. Raises `MissingReference`, `IssuerError`."""
        spec, transport = issuer.spec, await self._transport(issuer)
        if spec.acme is not None:
            return await self._acme(issuer, spec.acme, transport)
        if spec.est is not None:
            return await self._recipes.est(issuer, spec.est, transport)
        if spec.scep is not None:
            return await self._recipes.scep(issuer, spec.scep, transport)
        if spec.cmp is not None:
            return await self._recipes.cmp(issuer, spec.cmp, transport)
        raise _not_implemented(f"does not speak {str(spec.protocol or '').upper()} yet")

    async def _acme(self, issuer: KnownIssuer, spec: ACMEIssuer, transport: TransportSettings) -> ACMERecipe:
        return ACMERecipe(
            issuer=issuer,
            spec=spec,
            credentials=await self._credentials.acme(issuer, spec),
            transport=transport,
            solver_parts=self._solver_parts,
            clock=self._clock,
        )

    async def _transport(self, issuer: KnownIssuer) -> TransportSettings:
        timeouts = issuer.spec.timeouts
        return TransportSettings(
            user_agent=USER_AGENT,
            addresses=self._reach.of(issuer.key.kind),
            roots=await self._credentials.roots(issuer, issuer.spec.tls),
            connect_timeout=(timeouts.connect if timeouts else None) or CONNECT_TIMEOUT,
            request_timeout=(timeouts.request if timeouts else None) or REQUEST_TIMEOUT,
            proxy_url=issuer.spec.proxy_url,
        )


def _not_implemented(what: str) -> IssuerError:
    return IssuerError(f"this version of certwright {what}", reason=Reason.NOT_IMPLEMENTED)
