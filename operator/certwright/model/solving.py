"""The interface between the ACME driver and the solvers: how a name is proved to a CA.

The driver names the proof; a solver makes it visible to the world, says whether it is, and takes it back. What
solvers need of the cluster is a small Protocol each, implemented in ``kube`` and handed in by ``handlers``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from certwright.model.metadata import ObjectMetadata


class ChallengeType(StrEnum):
    """The challenge types that solvers exist for (RFC 8555 §8, RFC 8737); the value is the wire's word."""

    HTTP_01 = "http-01"
    DNS_01 = "dns-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One challenge of one authorization.

    ``name`` is the identifier's value without ``*.`` (a DNS name in A-labels, lower case, or an IP address in RFC 5952
    form). ``token`` has been checked against ``[A-Za-z0-9_-]+``. ``certificate`` is for whom: route objects carry its
    UID, and its namespace decides which hosts may be proved.
    """

    certificate: ObjectMetadata
    name: str
    token: str
    key_authorization: str = field(repr=False)

    @property
    def identity(self) -> tuple[str, str]:
        """What tells this proof from every other."""
        return (self.name, self.token)


@dataclass(frozen=True, slots=True)
class NotVisible:
    """The proof cannot be seen from outside yet; ``why`` is shown to the user as it is."""

    why: str


class Solver(Protocol):
    """Proves names with one challenge type. Every method may be repeated: a second call finds its work done.

    Failures are `certwright.model.errors.EnrolmentError`s.
    """

    challenge_type: ChallengeType

    async def present(self, proof: Proof) -> None:
        """Make the proof visible; returns when everything that must be written is written."""
        ...

    async def look(self, proof: Proof) -> NotVisible | None:
        """Look at the proof the way the CA will, once, without waiting. None means that it is there."""
        ...

    async def clean_up(self, proof: Proof) -> None:
        """Take the proof back. What is already gone is not an error."""
        ...


class ChallengeBoard(Protocol):
    """Where the HTTP-01 responders of all replicas read which (host, token) pairs they must answer."""

    async def publish(self, proof: Proof) -> None:
        """Returns once the pair is stored."""
        ...

    async def withdraw(self, proof: Proof) -> None:
        """Returns once the pair is gone."""
        ...


class ChallengeRoutes(Protocol):
    """Leads requests for one challenge to the operator: an Ingress, or an HTTPRoute with its ReferenceGrant."""

    async def ensure(self, proof: Proof) -> None:
        """Make the route objects, or find them made."""
        ...

    async def remove(self, proof: Proof) -> None:
        """Delete the route objects of this proof."""
        ...


class HostClaims(Protocol):
    """Who may prove a host through a namespaced Issuer: only who already serves it."""

    async def claimants(self, namespace: str, host: str) -> Sequence[str]:
        """The Ingresses and HTTPRoutes of ``namespace`` that name ``host``, as ``Kind name``; empty: none."""
        ...
