"""The board: many proofs, few writes, and each caller's own outcome."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from certwright.handlers.challenge_board import Board
from certwright.kube.challenge_board import LARGEST, NAME, ChallengeConfigMap
from certwright.model.errors import TransientError
from certwright.model.metadata import ObjectMetadata
from certwright.model.solving import Proof
from tests.fakes.api_server import FakeAPIServer
from tests.fakes.clock import FakeClock, settle


def proof(host: str, *, uid: str = "uid-a", filling: int = 0) -> Proof:
    certificate = ObjectMetadata(namespace="shop", name="web", uid=uid, resource_version="1")
    answer = f"token-of-{host}.thumb{'x' * filling}"
    return Proof(certificate=certificate, name=host, token=f"token-of-{host}", key_authorization=answer)


class Desk:
    """A running board over an API server in memory."""

    def __init__(self) -> None:
        self.server = FakeAPIServer()
        self.clock = FakeClock()
        self.board = Board(ChallengeConfigMap(self.server, namespace="certwright"), clock=self.clock)
        self.task = asyncio.create_task(self.board.run())

    async def all_done(self, *works: asyncio.Task[None]) -> list[BaseException | None]:
        """Let the clock's zero-length windows pass until every task has ended."""
        while not all(work.done() for work in works):
            await self.clock.advance(0)
        return [work.exception() for work in works]

    def publish(self, *proofs: Proof) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.board.publish(each)) for each in proofs]

    def withdraw(self, *proofs: Proof) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.board.withdraw(each)) for each in proofs]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    await settle()
    yield desk
    desk.task.cancel()
    with suppress(asyncio.CancelledError):
        await desk.task


async def test_what_is_published_is_answered_and_stored(desk: Desk) -> None:
    (failure,) = await desk.all_done(*desk.publish(proof("a.example.com")))

    assert failure is None
    assert desk.board.published == {("a.example.com", "token-of-a.example.com"): "token-of-a.example.com.thumb"}
    assert len(desk.server.body("configmaps", NAME)["data"]) == 1


async def test_what_is_withdrawn_is_gone(desk: Desk) -> None:
    await desk.all_done(*desk.publish(proof("a.example.com"), proof("b.example.com")))

    await desk.all_done(*desk.withdraw(proof("a.example.com")))
    await desk.all_done(*desk.withdraw(proof("a.example.com")))

    assert [host for host, _ in desk.board.published] == ["b.example.com"]


async def test_two_hundred_proofs_are_a_few_writes(desk: Desk) -> None:
    await desk.all_done(*desk.publish(proof("first.example.com")))
    before = len(desk.server.writes())

    await desk.all_done(*desk.publish(*(proof(f"host-{number}.example.com") for number in range(200))))

    assert len(desk.board.published) == 201
    assert len(desk.server.writes()) - before <= 2


async def test_of_one_pair_the_last_word_counts(desk: Desk) -> None:
    again = proof("a.example.com")

    await desk.all_done(*desk.publish(again), *desk.withdraw(again), *desk.publish(again))

    assert len(desk.board.published) == 1


@pytest.mark.parametrize("status", [0, 403, 500], ids=["no answer", "forbidden", "broken"])
async def test_what_the_api_server_refuses_is_transient(desk: Desk, status: int) -> None:
    desk.server.trouble = lambda method, _path: status if method == "PATCH" else None

    (failure,) = await desk.all_done(*desk.publish(proof("a.example.com")))

    assert isinstance(failure, TransientError)
    assert "a.example.com" in failure.message
    assert "thumb" not in failure.message
    assert desk.board.published == {}


async def test_who_finds_no_room_is_told_and_the_others_are_served(desk: Desk) -> None:
    await desk.all_done(*desk.publish(proof("large.example.com", filling=LARGEST - 1000)))

    too_large, fits = proof("b.example.com", filling=1000), proof("c.example.com")
    failure, none = await desk.all_done(*desk.publish(too_large, fits))

    assert isinstance(failure, TransientError)
    assert "too many names" in failure.message
    assert none is None
    assert {host for host, _ in desk.board.published} == {"large.example.com", "c.example.com"}


async def test_who_waits_when_the_board_stops_is_told(desk: Desk) -> None:
    desk.server.trouble = lambda _method, _path: None
    (waiting,) = desk.publish(proof("a.example.com"))
    await asyncio.sleep(0)
    desk.task.cancel()

    (failure,) = await desk.all_done(waiting)

    assert isinstance(failure, TransientError)


async def test_the_probes_hear_of_trouble(desk: Desk) -> None:
    assert desk.board.trouble is None
    fresh = Board(ChallengeConfigMap(desk.server, namespace="certwright"), clock=desk.clock)
    assert fresh.trouble == "the pending answers have not been read yet"


async def test_the_sweep_keeps_what_is_live(desk: Desk) -> None:
    await desk.all_done(*desk.publish(proof("a.example.com", uid="uid-a"), proof("b.example.com", uid="uid-b")))

    assert await desk.board.sweep(lambda: {"uid-a"}) == 1

    assert [host for host, _ in desk.board.published] == ["a.example.com"]
