"""Takes away what enrolments of killed processes left for HTTP-01: answers on the board, routes in the cluster."""

import logging
from collections.abc import Callable, Collection
from datetime import timedelta

from certwright.handlers.challenge_board import Board
from certwright.kube.challenge_routes import ChallengeRouting
from certwright.kube.errors import KubeError
from certwright.model.errors import EnrolmentError
from certwright.runtime.clock import Clock, sleep

_log = logging.getLogger(__name__)

PERIOD = timedelta(minutes=10)


class Garbage:
    """Sweeps at the start and periodically; ``live`` tells which Certificates have an enrolment under way."""

    def __init__(
        self, *, board: Board, routing: ChallengeRouting, live: Callable[[], Collection[str]], clock: Clock
    ) -> None:
        self._board = board
        self._routing = routing
        self._live = live
        self._clock = clock

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            try:
                swept = await self._board.sweep(self._live) + await self._routing.sweep(self._live)
                if swept:
                    _log.info("%d HTTP-01 answers and routes of ended enrolments were taken away", swept)
            except (KubeError, EnrolmentError) as error:
                _log.warning("the sweep of HTTP-01 answers and routes failed and is made again: %s", error)
            await sleep(self._clock, PERIOD)
