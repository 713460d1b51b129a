"""The whole of HTTP-01, and that nobody proves what he does not serve."""

import pytest

from certwright.model.errors import RejectedError, TransientError
from certwright.model.metadata import ObjectMetadata
from certwright.model.reasons import Reason
from certwright.model.solving import NotVisible, Proof
from certwright.solvers.http01.solver import HTTP01Solver
from tests.solvers.http01.conftest import FakeBoard, looking_at

PROOF = Proof(
    certificate=ObjectMetadata("shop", "web", "uid", "1"), name="www.shop.test", token="t", key_authorization="t.k"
)


class FakeRoutes:
    """Notes whether the answer was there before the route was."""

    def __init__(self, board: FakeBoard) -> None:
        self.board = board
        self.made: set[str] = set()
        self.was_published = False
        self.stuck = False

    async def ensure(self, proof: Proof) -> None:
        self.was_published = proof.identity in self.board.pairs
        self.made.add(proof.name)

    async def remove(self, proof: Proof) -> None:
        if self.stuck:
            raise TransientError("The API server is busy.")
        self.made.discard(proof.name)


class FakeClaims:
    """Knows which namespace serves which host."""

    def __init__(self, **hosts: str) -> None:
        self.hosts = {host.replace("_", "."): namespace for host, namespace in hosts.items()}

    async def claimants(self, namespace: str, host: str) -> list[str]:
        return ["Ingress web"] if self.hosts.get(host) == namespace else []


async def test_the_answer_is_published_before_the_route_is_made_and_both_go() -> None:
    board = FakeBoard()
    routes = FakeRoutes(board)
    solver = HTTP01Solver(board=board, self_check=looking_at({}), routes=routes)
    await solver.present(PROOF)
    assert (routes.was_published, routes.made, board.pairs) == (True, {"www.shop.test"}, {PROOF.identity: "t.k"})
    await solver.clean_up(PROOF)
    assert (routes.made, board.pairs) == (set(), {})


async def test_the_answer_goes_even_if_the_route_does_not() -> None:
    board = FakeBoard()
    routes = FakeRoutes(board)
    solver = HTTP01Solver(board=board, self_check=looking_at({}), routes=routes)
    await solver.present(PROOF)
    routes.stuck = True
    with pytest.raises(TransientError):
        await solver.clean_up(PROOF)
    assert board.pairs == {}


async def test_what_is_in_the_way_is_passed_on() -> None:
    solver = HTTP01Solver(board=FakeBoard(), self_check=looking_at({}))
    assert await solver.look(PROOF) == NotVisible(
        "http://www.shop.test answers with HTTP status 404 instead of the proof"
    )


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param(FakeClaims(), id="nobody serves it"),
        pytest.param(FakeClaims(www_shop_test="bank"), id="another namespace serves it"),
    ],
)
async def test_a_tenant_cannot_prove_a_name_that_he_does_not_serve(claims: FakeClaims) -> None:
    board = FakeBoard()
    with pytest.raises(RejectedError, match="--http01-namespaced-issuers=any") as caught:
        await HTTP01Solver(board=board, self_check=looking_at({}), claims=claims).present(PROOF)
    assert caught.value.reason is Reason.NOT_ALLOWED
    assert board.pairs == {}


async def test_a_tenant_can_prove_a_name_that_he_serves() -> None:
    board = FakeBoard()
    claims = FakeClaims(www_shop_test="shop")
    await HTTP01Solver(board=board, self_check=looking_at({}), claims=claims).present(PROOF)
    assert board.pairs == {PROOF.identity: "t.k"}
