"""What is known of the server: its capabilities and its CA, read every few minutes and shared by all enrolments."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from certwright.issuers.scep.failures import judged
from certwright.model.chain import fingerprint
from certwright.model.enrolment import LearnedAnchor
from certwright.model.errors import EnrolmentError
from certwright.protocols.scep import Authority, Capabilities, SCEPClient, UntrustedAuthority

LIFE = timedelta(minutes=10)
# A server that said nothing of itself may have been busy; one that never does is asked this often.
LIFE_UNKNOWN = timedelta(minutes=1)
MAX_TRIED = 4  # Learned CAs that are tried in place of the pinned one; a CA is replaced every few years.


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One reading of GetCACaps and GetCACert."""

    capabilities: Capabilities
    authority: Authority
    read_at: datetime

    def is_fresh(self, now: datetime) -> bool:
        """Whether it may be used without asking again."""
        return now - self.read_at < (LIFE if self.capabilities.is_known else LIFE_UNKNOWN)


class Server:
    """Reads the facts of one server, once for all who want them at the same time."""

    def __init__(
        self,
        client: SCEPClient,
        *,
        name: str,
        pinned: str | None,
        learned: tuple[LearnedAnchor, ...],
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._name = name
        self._pinned = pinned
        self._learned = learned
        self._clock = clock
        self._turn = asyncio.Lock()
        self._facts: Facts | None = None
        self._failures = 0
        self._failure: EnrolmentError | None = None

    async def facts(self) -> Facts:
        """What was read last, if it is fresh. Raises `EnrolmentError`."""
        failures = self._failures
        async with self._turn:
            if self._failure is not None and self._failures != failures:
                # It failed while this one waited. Hundreds may wait, and each would run into the same time-out.
                raise self._failure.with_traceback(None)
            if self._facts is None or not self._facts.is_fresh(self._clock()):
                self._facts = await self._read_or_note()
            return self._facts

    async def refreshed(self) -> Facts:
        """What the server says now."""
        self.forget()
        return await self.facts()

    def forget(self) -> None:
        """Read anew next time: an answer did not come from the CA that is known."""
        self._facts = None

    async def _read_or_note(self) -> Facts:
        try:
            facts = await self._read()
        except EnrolmentError as error:
            self._failures += 1
            self._failure = error
            raise
        self._failure = None
        return facts

    async def _read(self) -> Facts:
        with judged(self._name, "its capabilities"):
            capabilities = await self._client.get_ca_caps()
        with judged(self._name, "its CA certificates"):
            authority = await self._authority()
        return Facts(capabilities=capabilities, authority=authority, read_at=self._clock())

    async def _authority(self) -> Authority:
        try:
            return await self._client.get_ca_cert(fingerprint=self._pinned)
        except UntrustedAuthority:
            # The CA may have been replaced by the one that it announced while it was the pinned one.
            for anchor in self._learned[-MAX_TRIED:]:
                try:
                    return await self._client.get_ca_cert(fingerprint=fingerprint(anchor.certificate))
                except UntrustedAuthority:
                    continue
            raise
