"""The DNS-01 solver: a provider that writes, and a check that sees what was written (RFC 8555 §8.4)."""

import dns.exception
import dns.name

from certwright.model.errors import RejectedError
from certwright.model.reasons import Reason
from certwright.model.solving import ChallengeType, NotVisible, Proof
from certwright.protocols.acme import dns01_name, dns01_value
from certwright.solvers.dns01.propagation import Visibility
from certwright.solvers.dns01.provider import Provider
from certwright.solvers.dns01.resolver import Resolver


def record_name(name: str) -> dns.name.Name:
    """Where the TXT record for a name stands; the same for the name and its wildcard."""
    try:
        return dns.name.from_text(f"{dns01_name(name)}.")
    except dns.exception.DNSException as error:
        raise RejectedError(
            f"{name} cannot be proved over DNS-01: with _acme-challenge in front it is no DNS name (too long, or an"
            " empty label).",
            reason=Reason.INVALID_SPEC,
        ) from error


class DNS01Solver:
    """Proves names by TXT records.

    With ``aliases`` the CNAME records that begin at the record's name are followed, and the record is written where
    they end: names can be delegated to a zone that holds nothing else.
    """

    challenge_type = ChallengeType.DNS_01

    def __init__(self, provider: Provider, visibility: Visibility, *, aliases: Resolver | None = None) -> None:
        self._provider = provider
        self._visibility = visibility
        self._aliases = aliases

    async def present(self, proof: Proof) -> None:
        """Write the record; returns when the provider has accepted it, which is earlier than when it can be seen."""
        await self._provider.add(await self._place(proof), dns01_value(proof.key_authorization))

    async def look(self, proof: Proof) -> NotVisible | None:
        """Ask every authoritative server for the record, once."""
        return await self._visibility.look(await self._place(proof), dns01_value(proof.key_authorization))

    async def clean_up(self, proof: Proof) -> None:
        """Remove this proof's value, and no other that stands beside it."""
        await self._provider.remove(await self._place(proof), dns01_value(proof.key_authorization))

    async def _place(self, proof: Proof) -> dns.name.Name:
        name = record_name(proof.name)
        return await self._aliases.follow(name) if self._aliases else name
