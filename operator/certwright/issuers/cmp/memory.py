"""What one driver remembers to spare requests, all of it bounded and none of it needed: a restart forgets it."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from certwright.issuers.remembered import Remembered
from certwright.model.errors import EnrolmentError
from certwright.protocols.cmp import MACProtection, RequestTemplate

Template: TypeAlias = RequestTemplate | None

MAX_SECRETS = 1_000
MAX_TEMPLATES = 100
TEMPLATE_LIFE = timedelta(minutes=10)


class OwnSecrets:
    """The Certificates' own secrets as protections: each derives its key once, which takes milliseconds."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, bytes], MACProtection] = OrderedDict()

    def __repr__(self) -> str:
        return f"OwnSecrets({len(self._held)})"

    def of(self, made: MACProtection) -> MACProtection:
        """The protection that was made first for this reference and secret."""
        name = (made.reference, made.secret)
        held = self._held.setdefault(name, made)
        if len(self._held) > MAX_SECRETS:
            self._held.popitem(last=False)
        return held


class Templates:
    """What the CA wants to see in requests, by certProfile: asked once for all who want to know it at the same time."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._turn = asyncio.Lock()
        self._held: OrderedDict[str | None, tuple[RequestTemplate | None, datetime]] = OrderedDict()
        self._failures = 0
        self._failure: EnrolmentError | None = None

    async def of(self, profile: str | None, read: Callable[[], Awaitable[Template]]) -> Template:
        """What it said in the last minutes, None: nothing. Raises the `EnrolmentError` of ``read``."""
        failures = self._failures
        async with self._turn:
            if self._failure is not None and self._failures != failures:
                # It failed while this one waited. Hundreds may wait, and each would run into the same time-out.
                raise self._failure.with_traceback(None)
            found, at = self._held.get(profile, (None, None))
            if at is None or self._clock() - at >= TEMPLATE_LIFE:
                found = await self._read_or_note(read)
                self._held[profile] = (found, self._clock())
                if len(self._held) > MAX_TEMPLATES:
                    self._held.popitem(last=False)
            return found

    async def _read_or_note(self, read: Callable[[], Awaitable[Template]]) -> Template:
        try:
            found = await read()
        except EnrolmentError as error:
            self._failures += 1
            self._failure = error
            raise
        self._failure = None
        return found


class Memory:
    """Of one issuer.

    ``unsent`` are the messages that this process has certainly not sent. ``ended`` are the transactions that the CA has
    refused to go on with. ``refused`` are the serial numbers of certificates with which it took no renewal.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.unsent = Remembered()
        self.ended = Remembered()
        self.refused = Remembered()
        self.secrets = OwnSecrets()
        self.templates = Templates(clock)
