"""The ConfigMap of pending answers: written by one, current on every replica, whatever happens to the watch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest

from certwright.kube import challenge_board
from certwright.kube.challenge_board import LARGEST, NAME, ChallengeConfigMap, Entry
from certwright.kube.errors import ForbiddenError
from tests.fakes.api_server import FakeAPIServer
from tests.fakes.clock import settle

ENTRY = Entry(host="a.example.com", token="token-1", key_authorization="token-1.thumb", certificate_uid="uid-a")
OTHER = Entry(host="b.example.com", token="token-2", key_authorization="token-2.thumb", certificate_uid="uid-b")
ANSWER = {ENTRY.pair: "token-1.thumb"}
OTHER_ANSWER = {OTHER.pair: "token-2.thumb"}


class Replica:
    """One process's view of the ConfigMap; pauses end when the test says so."""

    def __init__(self, server: FakeAPIServer) -> None:
        self.gate = asyncio.Event()
        self.pauses: list[float] = []
        self.board = ChallengeConfigMap(server, namespace="certwright", pause=self._pause)
        self.task = asyncio.create_task(self.board.run())

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await self.gate.wait()

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


@pytest.fixture
def server() -> FakeAPIServer:
    return FakeAPIServer()


@pytest.fixture
async def leader(server: FakeAPIServer) -> AsyncIterator[Replica]:
    replica = Replica(server)
    await settle()
    yield replica
    await replica.stop()


@pytest.fixture
async def standby(server: FakeAPIServer) -> AsyncIterator[Replica]:
    replica = Replica(server)
    await settle()
    yield replica
    await replica.stop()


async def test_without_a_config_map_there_are_no_answers_but_it_is_synced(leader: Replica) -> None:
    assert leader.board.synced.is_set()
    assert leader.board.trouble is None
    assert leader.board.answers == {}


async def test_the_first_write_makes_the_config_map(server: FakeAPIServer, leader: Replica) -> None:
    await leader.board.write({ENTRY.pair: ENTRY})

    assert leader.board.answers == ANSWER
    body = server.body("configmaps", NAME)
    assert body["metadata"]["labels"] == {"certwright.io/managed": "true", "certwright.io/role": "http01-board"}
    (key,) = body["data"]
    assert len(key) == 40


async def test_many_changes_are_one_request(server: FakeAPIServer, leader: Replica) -> None:
    await leader.board.write({ENTRY.pair: ENTRY})
    before = len(server.writes())

    await leader.board.write({OTHER.pair: OTHER, ENTRY.pair: None})

    assert len(server.writes()) == before + 1
    assert leader.board.answers == OTHER_ANSWER


async def test_a_standby_sees_what_the_leader_writes(leader: Replica, standby: Replica) -> None:
    await leader.board.write({ENTRY.pair: ENTRY, OTHER.pair: OTHER})
    await settle()
    assert standby.board.answers == ANSWER | OTHER_ANSWER

    await leader.board.write({ENTRY.pair: None})
    await settle()
    assert standby.board.answers == OTHER_ANSWER


async def test_two_tokens_of_one_host_stand_side_by_side(leader: Replica) -> None:
    second = replace(ENTRY, token="token-9", key_authorization="token-9.thumb")

    await leader.board.write({ENTRY.pair: ENTRY, second.pair: second})

    assert leader.board.answers == ANSWER | {second.pair: "token-9.thumb"}


async def test_an_older_version_seen_late_takes_nothing_back(server: FakeAPIServer) -> None:
    slow = ChallengeConfigMap(server, namespace="certwright")
    await slow.write({ENTRY.pair: ENTRY})
    await slow.write({OTHER.pair: OTHER})
    follower = asyncio.create_task(slow.run())
    await settle()
    follower.cancel()

    assert slow.answers == ANSWER | OTHER_ANSWER


async def test_a_deleted_config_map_takes_the_answers_away_until_the_next_write(
    server: FakeAPIServer, leader: Replica, standby: Replica
) -> None:
    await leader.board.write({ENTRY.pair: ENTRY})
    await server.delete(f"/api/v1/namespaces/certwright/configmaps/{NAME}")
    await settle()
    assert standby.board.answers == {}

    await leader.board.write({OTHER.pair: OTHER})
    await settle()
    assert standby.board.answers == OTHER_ANSWER


async def test_other_config_maps_do_not_matter(server: FakeAPIServer, leader: Replica) -> None:
    await leader.board.write({ENTRY.pair: ENTRY})

    body = {"metadata": {"name": "other"}, "data": {"key": "value"}}
    await server.create("/api/v1/namespaces/certwright/configmaps", body)
    await settle()

    assert leader.board.answers == ANSWER


@pytest.mark.parametrize("value", ["not json", "[]", "3", '{"host": "x"}'])
async def test_what_cannot_be_read_answers_nothing_and_is_swept(
    server: FakeAPIServer, leader: Replica, value: str
) -> None:
    body = {"metadata": {"name": NAME}, "data": {"strange": value}}
    await server.create("/api/v1/namespaces/certwright/configmaps", body)
    await settle()
    assert leader.board.answers == {}

    assert await leader.board.sweep(set) == 1
    assert server.body("configmaps", NAME)["data"] == {}


async def test_the_watch_goes_on_after_a_lost_connection(
    server: FakeAPIServer, leader: Replica, standby: Replica
) -> None:
    standby.gate.set()
    await server.break_connections()
    await leader.board.write({ENTRY.pair: ENTRY})
    await settle()

    assert standby.board.answers == ANSWER
    assert standby.board.trouble is None


async def test_a_forgotten_version_leads_to_a_new_list(
    server: FakeAPIServer, leader: Replica, standby: Replica
) -> None:
    leader.gate.set()
    await leader.board.write({ENTRY.pair: ENTRY})
    await settle()
    await server.delete(f"/api/v1/namespaces/certwright/configmaps/{NAME}")
    await server.break_connections(forget=True)
    standby.gate.set()
    await settle()

    assert standby.board.answers == {}


async def test_trouble_is_told_and_pauses_grow(server: FakeAPIServer, leader: Replica) -> None:
    server.trouble = lambda _method, _path: 503
    await server.break_connections()
    await settle()

    assert leader.board.trouble is not None
    assert "certwright/certwright-http01" in leader.board.trouble

    leader.gate.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert leader.pauses[:3] == [0.1, 0.5, 1.0]
    server.trouble = lambda _method, _path: None
    await settle()
    assert leader.board.trouble is None


async def test_a_refused_write_is_raised_and_changes_nothing(server: FakeAPIServer, leader: Replica) -> None:
    server.trouble = lambda method, _path: 403 if method == "PATCH" else None

    with pytest.raises(ForbiddenError):
        await leader.board.write({ENTRY.pair: ENTRY})

    assert leader.board.answers == {}


async def test_whoever_creates_second_changes_the_first_ones(server: FakeAPIServer) -> None:
    one, two = (ChallengeConfigMap(server, namespace="certwright") for _ in range(2))

    await asyncio.gather(one.write({ENTRY.pair: ENTRY}), two.write({OTHER.pair: OTHER}))

    assert len(server.body("configmaps", NAME)["data"]) == 2


async def test_what_does_not_fit_is_refused_and_the_rest_is_stored(leader: Replica) -> None:
    large = replace(ENTRY, key_authorization="x" * (LARGEST - 1000))
    await leader.board.write({large.pair: large})
    too_large = replace(OTHER, host="c.example.com", key_authorization="x" * 1000)

    refused = await leader.board.write({too_large.pair: too_large, OTHER.pair: OTHER})

    assert refused == {too_large.pair}
    assert leader.board.answers.keys() == {ENTRY.pair, OTHER.pair}


async def test_what_is_removed_in_the_same_write_makes_room(leader: Replica) -> None:
    large = replace(ENTRY, key_authorization="x" * (LARGEST - 1000))
    await leader.board.write({large.pair: large})
    successor = replace(OTHER, key_authorization="y" * (LARGEST - 1000))

    refused = await leader.board.write({successor.pair: successor, large.pair: None})

    assert refused == frozenset()
    assert leader.board.answers.keys() == {OTHER.pair}


async def test_the_sweep_removes_what_no_enrolment_needs(server: FakeAPIServer, leader: Replica) -> None:
    await leader.board.write({ENTRY.pair: ENTRY, OTHER.pair: OTHER})
    before = len(server.writes())

    assert await leader.board.sweep(lambda: {"uid-b"}) == 1
    assert leader.board.answers == OTHER_ANSWER
    assert await leader.board.sweep(lambda: {"uid-b"}) == 0

    assert len(server.writes()) == before + 1


def test_an_answer_is_not_shown() -> None:
    assert "thumb" not in repr(ENTRY)


def test_the_role_allows_the_operators_namespace_only() -> None:
    assert {rule.scope.value for rule in challenge_board.RULES} == {"operator"}
