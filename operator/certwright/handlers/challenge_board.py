"""The HTTP-01 board: puts what the solvers publish into the ConfigMap, many answers with one write.

``assembly`` hands it to the solvers and its ``published`` to the responder; ``application`` runs it on every replica.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta

from certwright.kube.challenge_board import BoardFullError, ChallengeConfigMap, Entry, Pair
from certwright.kube.errors import KubeError
from certwright.model.errors import TransientError
from certwright.model.solving import Proof
from certwright.runtime.batching import Batcher, BatcherClosed
from certwright.runtime.clock import Clock

Change = tuple[Pair, Entry | None]


class Board:
    """Implements `certwright.model.solving.ChallengeBoard`. ``run`` must be running for anything to be stored."""

    def __init__(self, config_map: ChallengeConfigMap, *, clock: Clock) -> None:
        self._config_map = config_map
        # No window: a lone proof is stored at once, and what comes during that write makes the next one.
        self._changes: Batcher[Change, KubeError | None] = Batcher(clock, self._write, window=timedelta(0))

    @property
    def published(self) -> Mapping[Pair, str]:
        """The pending answers of all replicas; always the same mapping, always current."""
        return self._config_map.answers

    @property
    def trouble(self) -> str | None:
        """Why this replica may not know all answers, for the probes; None: it does."""
        if not self._config_map.synced.is_set():
            return self._config_map.trouble or "the pending answers have not been read yet"
        return self._config_map.trouble

    async def run(self) -> None:
        """Follow the ConfigMap and write to it until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._config_map.run())
            tasks.create_task(self._changes.run())

    async def publish(self, proof: Proof) -> None:
        """Store one answer; it is ``published`` here before this returns."""
        host, token = proof.identity
        entry = Entry(
            host=host,
            token=token,
            key_authorization=proof.key_authorization,
            certificate_uid=proof.certificate.uid,
        )
        await self._submit((entry.pair, entry))

    async def withdraw(self, proof: Proof) -> None:
        """Remove one answer."""
        await self._submit((proof.identity, None))

    async def sweep(self, live_uids: Callable[[], Collection[str]]) -> int:
        """Remove the answers of Certificates without an enrolment; returns how many. Raises `KubeError`."""
        return await self._config_map.sweep(live_uids)

    async def _submit(self, change: Change) -> None:
        try:
            failure = await self._changes.submit(change)
        except KubeError as error:
            failure = error
        except BatcherClosed as closed:
            raise TransientError("certwright is stopping; the HTTP-01 proof waits for the next start.") from closed
        if failure is not None:
            message = f"The HTTP-01 proof of {change[0][0]} could not be stored or removed: {failure.message}."
            raise TransientError(message) from failure

    async def _write(self, changes: Sequence[Change]) -> Sequence[KubeError | None]:
        refused = await self._config_map.write(dict(changes))
        full = BoardFullError("too many names are being proved over HTTP-01 at once; it is tried again")
        return [full if pair in refused else None for pair, _ in changes]
