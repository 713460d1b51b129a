"""From an issuer's ``solvers`` to what does the work: the one place that knows which solver is which field.

``handlers`` call it when they build a driver: `secrets_of` says what to read, `solver_for` composes. A new DNS provider
is a module in ``dns01`` and a branch in `_provider_for`.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from certwright.model import resources
from certwright.model.errors import IssuerError
from certwright.model.reasons import Reason
from certwright.model.resources import DNS01, CNAMEStrategy, SecretKeySelector, TSIGAlgorithm, UpdateTransport
from certwright.model.resources import Solver as SolverSpec
from certwright.model.solving import ChallengeBoard, ChallengeRoutes, ChallengeType, HostClaims, Solver
from certwright.protocols.transport import AddressPolicy
from certwright.solvers.dns01.exchange import Exchange, Guarded, Nameserver, exchange
from certwright.solvers.dns01.propagation import FixedWait, Propagation, Visibility
from certwright.solvers.dns01.provider import Provider
from certwright.solvers.dns01.resolver import Resolver
from certwright.solvers.dns01.rfc2136 import RFC2136, TSIGKey
from certwright.solvers.dns01.solver import DNS01Solver
from certwright.solvers.http01.self_check import SelfCheck
from certwright.solvers.http01.solver import HTTP01Solver
from certwright.solvers.unavailable import UnavailableSolver


@dataclass(frozen=True, slots=True)
class SecretReference:
    """One value of a Secret beside the issuer, its default key filled in."""

    name: str
    key: str

    @classmethod
    def of(cls, selector: SecretKeySelector, *, default_key: str) -> Self:
        """What a selector names."""
        return cls(selector.name, selector.key or default_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the process hands to the solvers of one issuer.

    ``claims`` is given for a namespaced Issuer, unless tenants trust each other. ``addresses`` bounds where the
    issuer's own settings may lead; the operator's own ``resolver`` is exempt, since only its owner chose it.
    """

    board: ChallengeBoard
    self_check: SelfCheck
    resolver: Resolver
    addresses: AddressPolicy
    claims: HostClaims | None = None
    exchange: Exchange = field(default=exchange)


def secrets_of(spec: SolverSpec) -> tuple[SecretReference, ...]:
    """The Secrets that a solver needs."""
    reference = _tsig_secret(spec.dns01.rfc2136) if spec.dns01 and spec.dns01.rfc2136 else None
    return (reference,) if reference else ()


def not_implemented(specs: Sequence[SolverSpec]) -> tuple[str, ...]:
    """Which of an issuer's solvers this version does not have, by the API's names, each once."""
    return tuple(dict.fromkeys(filter(None, (_missing(spec) for spec in specs))))


def solver_for(
    spec: SolverSpec,
    surroundings: Surroundings,
    *,
    routes: ChallengeRoutes | None = None,
    secrets: Mapping[SecretReference, bytes] | None = None,
) -> Solver:
    """The solver for one entry; `IssuerError` where its settings or Secrets cannot be used.

    ``routes`` makes what ``http01.ingress`` or ``http01.gateway`` of this entry says; None for ``http01.direct``.
    """
    missing = _missing(spec)
    if missing:
        is_dns = spec.dns01 is not None or spec.dns_persist01 is not None
        return UnavailableSolver(missing, ChallengeType.DNS_01 if is_dns else ChallengeType.HTTP_01)
    if spec.dns01 is not None:
        return _dns01(spec.dns01, surroundings, secrets or {})
    return HTTP01Solver(
        board=surroundings.board, self_check=surroundings.self_check, routes=routes, claims=surroundings.claims
    )


def _missing(spec: SolverSpec) -> str:
    """The API's name of what this version does not have; empty for what it has."""
    if spec.http01 is not None:
        return ""
    if spec.dns01 is None:
        return "tlsALPN01" if spec.tls_alpn01 is not None else "dnsPersist01"
    if spec.dns01.rfc2136 is not None:
        return ""
    return f"dns01.{next(iter(spec.dns01.to_api().keys() - _NOT_PROVIDERS), 'provider')}"


_NOT_PROVIDERS = frozenset({"cnameStrategy", "nameservers", "propagation"})


def _dns01(spec: DNS01, surroundings: Surroundings, secrets: Mapping[SecretReference, bytes]) -> DNS01Solver:
    guarded = Guarded(surroundings.exchange, permits=lambda text: surroundings.addresses.allows(_address(text)))
    resolver = surroundings.resolver
    if spec.nameservers:
        resolver = Resolver([_nameserver(text) for text in spec.nameservers], exchange=guarded)
    return DNS01Solver(
        _provider_for(spec, guarded, secrets),
        _visibility(spec, resolver, guarded),
        aliases=resolver if spec.cname_strategy is CNAMEStrategy.FOLLOW else None,
    )


def _visibility(spec: DNS01, resolver: Resolver, guarded: Guarded) -> Visibility:
    wait: timedelta | None = spec.propagation.wait if spec.propagation else None
    return Propagation(resolver, exchange=guarded) if wait is None else FixedWait(wait)


def _provider_for(spec: DNS01, guarded: Guarded, secrets: Mapping[SecretReference, bytes]) -> Provider:
    if spec.rfc2136 is None:
        raise AssertionError("unreachable: `_missing` has sorted out every other provider")
    return _rfc2136(spec.rfc2136, guarded, secrets)


def _rfc2136(spec: resources.RFC2136, guarded: Guarded, secrets: Mapping[SecretReference, bytes]) -> RFC2136:
    key, reference = None, _tsig_secret(spec)
    if spec.tsig_key_name and reference:
        secret = secrets.get(reference, b"")
        key = TSIGKey.parse(spec.tsig_key_name, secret, algorithm=spec.tsig_algorithm or TSIGAlgorithm.HMAC_SHA256)
    try:
        return RFC2136(spec.nameserver, key=key, use_tcp=spec.protocol is UpdateTransport.TCP, exchange=guarded)
    except ValueError as error:
        raise _bad_setting("rfc2136.nameserver", spec.nameserver, "host or host:port") from error


def _tsig_secret(spec: resources.RFC2136) -> SecretReference | None:
    selector = spec.tsig_secret_secret_ref
    return SecretReference.of(selector, default_key="tsig-secret") if selector else None


def _nameserver(text: str) -> Nameserver:
    try:
        return Nameserver.parse(text)
    except ValueError as error:
        raise _bad_setting("dns01.nameservers", text, "an address or address:port") from error


def _bad_setting(field_name: str, value: str, wanted: str) -> IssuerError:
    return IssuerError(f"{field_name} is {value}: write {wanted}.", reason=Reason.INVALID_CONFIGURATION)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(text)
