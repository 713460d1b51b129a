"""``python -m e2e.bench``, which is ``make bench``: measures every part and writes build/bench.json."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from e2e.bench import burst, lone, messages, restart
from e2e.bench.authorities import (
    CMP,
    EST,
    SCEP,
    ACMEOverDNS01,
    ACMEOverHTTP01,
    Authority,
    CMPConfirmed,
    CMPSigned,
)
from e2e.bench.cluster import StalledError
from e2e.bench.mixed import Mixed
from e2e.bench.report import Results
from e2e.bench.stage import Place, Say, Stage
from e2e.peers import PeerUnavailableError

_OUTPUT = Path(__file__).parents[2] / "build" / "bench.json"
_ATTEMPTS = 2
_FAILED = 1
A = TypeVar("A", bound=Authority)


class Part(StrEnum):
    """What can be measured alone; ``restart`` needs a burst before it, and makes one over DNS-01.

    ``messages`` are those of CMP, without the operator.
    """

    DNS01 = "dns01"
    HTTP01 = "http01"
    EST = "est"
    SCEP = "scep"
    CMP_MAC = "cmp-mac"
    CMP_SIGNATURE = "cmp-signature"
    CMP_CONFIRMED = "cmp-certconf"
    MIXED = "mixed"
    MESSAGES = "messages"
    RESTART = "restart"
    LONE = "lone"


_BURSTS: Mapping[Part, type[Authority]] = {
    Part.HTTP01: ACMEOverHTTP01,
    Part.EST: EST,
    Part.SCEP: SCEP,
    Part.CMP_MAC: CMP,
    Part.CMP_SIGNATURE: CMPSigned,
    Part.CMP_CONFIRMED: CMPConfirmed,
    Part.MIXED: Mixed,
}
"""Those that are followed by nothing."""


class _Bench:
    """One run."""

    def __init__(self, count: int, parts: frozenset[Part], say: Say) -> None:
        self._count = count
        self._parts = parts
        self._say = say
        self.results = Results()

    def run(self) -> None:
        if self._parts & {Part.DNS01, Part.RESTART}:
            self._play("DNS-01", ACMEOverDNS01, self._burst_and_restart)
        for part, authority in _BURSTS.items():
            if part in self._parts:
                self._play(authority.name, authority, self._burst)
        if Part.LONE in self._parts:
            self._play("lone", ACMEOverDNS01, self._lone)
        if Part.MESSAGES in self._parts:
            self._say("--- messages ---")
            self.results.messages = messages.run(self._say)

    def _play(self, name: str, make: Callable[[], A], part: Callable[[Place, A], None]) -> None:
        """On a fresh stage, and once more on another if it stalls: pebble has been seen to deadlock."""
        for attempt in range(1, _ATTEMPTS + 1):
            self.results.attempts[name] = attempt
            authority = make()
            try:
                self._say(f"--- {name} ---")
                with Stage(authority, self._say) as place:
                    part(place, authority)
            except StalledError as stalled:
                self._say(f"{name}: {stalled}")
                if attempt == _ATTEMPTS:
                    raise
            else:
                return

    def _burst(self, place: Place, authority: Authority) -> None:
        self.results.bursts[authority.name] = burst.run(place, self._count, self._say)

    def _burst_and_restart(self, place: Place, authority: Authority) -> None:
        self._burst(place, authority)
        if Part.RESTART in self._parts:
            self.results.restart = restart.run(place, self._count, self._say)

    def _lone(self, place: Place, authority: ACMEOverDNS01) -> None:
        self.results.lone = lone.run(place, authority, self._say)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m e2e.bench", description=__doc__)
    parser.add_argument("--n", type=int, default=200, help="Certificates at once (200)")
    parser.add_argument(
        "--only", type=Part, choices=list(Part), action="append", help="measure this part only; repeatable"
    )
    parser.add_argument("--output", type=Path, default=_OUTPUT, help="where the figures go as JSON")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", flush=True)

    bench = _Bench(options.n, frozenset(options.only or Part), say)
    try:
        bench.run()
    except (StalledError, PeerUnavailableError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return _FAILED
    bench.results.show()
    bench.results.write(options.output)
    print(f"Written to {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
