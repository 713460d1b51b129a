"""Limits on how often and how many at once: for the API client, and for each CA.

``kube`` paces its requests with a ``TokenBucket``. ``handlers`` asks the ``Limiter`` of an issuer before each attempt;
whoever is refused goes back to the queue with the answer as delay, since a worker that waited for a slot at one dead CA
would be missing everywhere else.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from datetime import timedelta
from types import TracebackType
from typing import Generic, Self, TypeVar

from certwright.runtime.clock import Clock, sleep

K = TypeVar("K", bound=Hashable)

_MINUTE = 60.0
# Tokens are fractions: one that is late by less than the clock's resolution counts.
_ROUNDING = 1e-6
# When no attempt says how long it takes, who is refused for want of a slot looks again after this, if not woken before.
_NEXT_LOOK = timedelta(seconds=5)
# Without a rate nobody knows how fast the line moves; this only keeps those in it from coming back together.
_STEP = timedelta(milliseconds=50)
_WIDEST_SPREAD = timedelta(minutes=1)
# Who was told to come back and has not by then will not (its object is gone) and stands in nobody's way.
_NO_SHOW = 60.0


class TokenBucket:
    """So many per second on average, and so many at once after a pause."""

    def __init__(self, clock: Clock, *, rate: float, burst: int) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = float(burst)
        self._tokens = self._burst
        self._filled_at = clock.monotonic()

    def try_take(self) -> timedelta | None:
        """Take one if there is one (None), else tell after what time it is worth trying again."""
        self._fill()
        if self._tokens < 1 - _ROUNDING:
            return timedelta(seconds=(1 - self._tokens) / self._rate)
        self._tokens -= 1
        return None

    async def take(self) -> None:
        """Take one, waiting for it; first come, first served."""
        self._fill()
        # Going below zero reserves the next free moment, so that those who wait neither race nor overtake.
        self._tokens -= 1
        if self._tokens >= -_ROUNDING:
            return
        try:
            await sleep(self._clock, timedelta(seconds=-self._tokens / self._rate))
        except BaseException:
            self._tokens += 1
            raise

    def pause(self, duration: timedelta) -> None:
        """Give out none for that long (the server said ``Retry-After``), nor a burst afterwards."""
        self._fill()
        self._tokens = min(self._tokens, 1 - duration.total_seconds() * self._rate)

    def _fill(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now


class Permit:
    """One slot, held until released; as a context manager, until the block ends."""

    __slots__ = ("_release",)

    def __init__(self, release: Callable[[], None]) -> None:
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """Give the slot back; a second time is without effect."""
        release, self._release = self._release, None
        if release is not None:
            release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type[BaseException] | None, _e: BaseException | None, _tb: TracebackType | None) -> None:
        self.release()


class Slots:
    """So many at once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    @property
    def free(self) -> int:
        """How many could be had now; none while more are taken than a lowered limit allows."""
        return max(0, self.limit - self.taken)

    def try_acquire(self) -> Permit | None:
        """A slot, or None."""
        if not self.free:
            return None
        self.taken += 1
        return Permit(self._release)

    def _release(self) -> None:
        self.taken -= 1


class Window:
    """At most so many in any sixty seconds, exactly: what a CA that counts per minute means."""

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock = clock
        self.limit = limit
        self._taken_at: deque[float] = deque()

    def next_free(self) -> timedelta:
        """After what time one may be taken; zero for now."""
        now = self._clock.monotonic()
        while self._taken_at and self._taken_at[0] + _MINUTE <= now + _ROUNDING:
            self._taken_at.popleft()
        if len(self._taken_at) < self.limit:
            return timedelta()
        # Counted from the end, because a lowered limit leaves more entries than it allows.
        return timedelta(seconds=self._taken_at[-self.limit] + _MINUTE - now)

    def take(self) -> None:
        """Count one."""
        self._taken_at.append(self._clock.monotonic())


class Limiter(Generic[K]):
    """The budget of attempts at one server: concurrency, and attempts per minute. None is no limit.

    Who is refused stands in line. When a slot is given back, the first in line is handed to ``wake``, so that slots do
    not lie idle until a delay ends; and delays are spread, so that a thousand do not come back for one free place.
    """

    def __init__(
        self, clock: Clock, *, wake: Callable[[K], object], concurrency: int | None, per_minute: int | None
    ) -> None:
        self._clock = clock
        self._wake = wake
        self._slots: Slots | None = None
        self._window: Window | None = None
        self._line: OrderedDict[K, float] = OrderedDict()
        self.configure(concurrency=concurrency, per_minute=per_minute)

    def configure(self, *, concurrency: int | None, per_minute: int | None) -> None:
        """Change the limits; what is taken and counted stays so, unless a limit comes from or to none."""
        if concurrency is None or self._slots is None:
            self._slots = None if concurrency is None else Slots(concurrency)
        else:
            self._slots.limit = concurrency
        if per_minute is None or self._window is None:
            self._window = None if per_minute is None else Window(self._clock, per_minute)
        else:
            self._window.limit = per_minute

    @property
    def is_paced(self) -> bool:
        """Whether it is the rate, and not the number of slots, that lets nobody through now."""
        return self._window is not None and bool(self._window.next_free())

    def try_acquire(self, key: K) -> Permit | timedelta:
        """A permit for one attempt of this key, or the delay after which to ask again."""
        self._line.pop(key, None)
        delay = self._window.next_free() if self._window else timedelta()
        if delay:
            return self._queue_up(key, delay)
        permit = self._slots.try_acquire() if self._slots else Permit(lambda: None)
        if permit is None:
            return self._queue_up(key, _NEXT_LOOK)
        if self._window:
            self._window.take()
        return Permit(lambda: self._give_back(permit))

    def _queue_up(self, key: K, delay: timedelta) -> timedelta:
        self._drop_no_shows()
        delay += self._spread(len(self._line))
        self._line[key] = self._clock.monotonic() + delay.total_seconds()
        return delay

    def _spread(self, ahead: int) -> timedelta:
        """The share of the delay that is owed to those ahead in line."""
        if self._window:
            return timedelta(seconds=ahead * _MINUTE / self._window.limit)
        return min(ahead * _STEP, _WIDEST_SPREAD)

    def _drop_no_shows(self) -> None:
        now = self._clock.monotonic()
        while self._line:
            first = next(iter(self._line))
            if self._line[first] + _NO_SHOW > now:
                return
            del self._line[first]

    def _give_back(self, permit: Permit) -> None:
        permit.release()
        has_room = self._window is None or not self._window.next_free()
        if has_room and self._line:
            first, _ = self._line.popitem(last=False)
            self._wake(first)


class Limiters(Generic[K]):
    """The limiters by the name of their issuer."""

    def __init__(self, clock: Clock, *, wake: Callable[[K], object]) -> None:
        self._clock = clock
        self._wake = wake
        self._limiters: dict[Hashable, Limiter[K]] = {}

    def of(self, issuer: Hashable, *, concurrency: int | None, per_minute: int | None) -> Limiter[K]:
        """The limiter of an issuer, with the limits that its spec has now."""
        limiter = self._limiters.get(issuer)
        if limiter is None:
            limiter = Limiter(self._clock, wake=self._wake, concurrency=concurrency, per_minute=per_minute)
            self._limiters[issuer] = limiter
        else:
            limiter.configure(concurrency=concurrency, per_minute=per_minute)
        return limiter

    def discard(self, issuer: Hashable) -> None:
        """Forget an issuer that is gone."""
        self._limiters.pop(issuer, None)
