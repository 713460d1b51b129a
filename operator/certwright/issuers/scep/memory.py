"""What one driver remembers to spare requests, all of it bounded and none of it needed: a restart forgets it."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from certwright.issuers.remembered import Remembered
from certwright.model import keys
from certwright.model.errors import IssuerError
from certwright.model.keys import PrivateKey

MAX_KEYS = 1_000
BLOCKED_FOR = timedelta(hours=6)
"""Each further request would be another certificate that cannot be read. A changed issuer makes another driver."""


class SignerKeys:
    """The staged signers' keys: reading one takes tens of milliseconds, in a thread as well, and a poll comes often."""

    def __init__(self) -> None:
        self._keys: OrderedDict[str, PrivateKey] = OrderedDict()

    def __repr__(self) -> str:
        return f"SignerKeys({len(self._keys)})"

    def read(self, transaction: str, pem: str) -> PrivateKey:
        """The key of this transaction, from its record where it is not known yet."""
        key = self._keys.get(transaction)
        if key is None:
            key = keys.load(pem.encode())
            self.keep(transaction, key)
        return key

    def keep(self, transaction: str, key: PrivateKey) -> None:
        """One that was just made."""
        self._keys[transaction] = key
        if len(self._keys) > MAX_KEYS:
            self._keys.popitem(last=False)

    def drop(self, transaction: str) -> None:
        """The transaction is over."""
        self._keys.pop(transaction, None)


@dataclass(frozen=True, slots=True)
class _Block:
    error: IssuerError
    until: datetime


class Memory:
    """Of one issuer.

    ``unsent`` are the transactions that this process staged and has sent nothing of. ``refused`` are the serial numbers
    of certificates with which the CA took no renewal. ``knows_polling``: whether CertPoll works here, None if unknown.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._block: _Block | None = None
        self.unsent = Remembered()
        self.refused = Remembered()
        self.signers = SignerKeys()
        self.knows_polling: bool | None = None

    def block(self, error: IssuerError) -> None:
        """Send nothing more for a while: the CA's answers cannot be read until the issuer is changed."""
        self._block = _Block(error, self._clock() + BLOCKED_FOR)

    def refuse_blocked(self) -> None:
        """Raise what stands in the way of every request, if something does."""
        block = self._block
        if block is None:
            return
        if self._clock() >= block.until:
            self._block = None
            return
        raise IssuerError(block.error.message, reason=block.error.reason, code=block.error.code)
