"""Which roots come to be trusted: by a fingerprint, by a NewWithOld, by a verified connection, and by nothing else."""

from datetime import UTC, datetime

import pytest
from cryptography import x509

from certwright.protocols.est import (
    Anchor,
    FingerprintMismatch,
    Learned,
    bootstrap,
    configured,
    fingerprint,
    seek_successors,
    successors,
)
from certwright.protocols.transport import ServerNotVerified
from tests.fakes.clock import FakeClock
from tests.fakes.est import URL, FakeESTServer
from tests.fakes.hierarchy import Root
from tests.protocols.est.world import World

NOW = datetime(2030, 1, 1, tzinfo=UTC)
OLD = Root("Root")
NEW = Root("Root")
NEWER = Root("Root")
EVIL = Root("Root")
ELSEWHERE = Root("Another Root")
NEW_WITH_OLD = OLD.certify_ca(NEW)
OLD_WITH_NEW = NEW.certify_ca(OLD)
NEWER_WITH_NEW = NEW.certify_ca(NEWER)

HELD = configured([OLD.certificate])
PINNED = (Anchor(OLD.certificate, Learned.PINNED),)


def found(
    held: tuple[Anchor, ...], *offered: x509.Certificate, is_authenticated: bool = False
) -> list[tuple[x509.Certificate, Learned, str | None]]:
    new = successors(held, offered, now=NOW, is_authenticated=is_authenticated)
    return [(anchor.certificate, anchor.learned, anchor.by) for anchor in new]


class TestNewWithOld:
    def test_the_new_root_is_vouched_for(self) -> None:
        offered = (NEW.certificate, OLD_WITH_NEW, NEW_WITH_OLD, OLD.certificate)
        assert found(HELD, *offered) == [(NEW.certificate, Learned.NEW_WITH_OLD, HELD[0].fingerprint)]

    def test_and_the_one_after_it(self) -> None:
        offered = (NEWER.certificate, NEWER_WITH_NEW, NEW.certificate, NEW_WITH_OLD)
        assert found(HELD, *offered) == [
            (NEW.certificate, Learned.NEW_WITH_OLD, fingerprint(OLD.certificate)),
            (NEWER.certificate, Learned.NEW_WITH_OLD, fingerprint(NEW.certificate)),
        ]

    def test_a_gap_in_the_line_ends_it(self) -> None:
        assert found(HELD, NEWER.certificate, NEWER_WITH_NEW, NEW_WITH_OLD) == []

    @pytest.mark.parametrize(
        "offered",
        [
            pytest.param([NEW.certificate], id="no-link"),
            pytest.param([NEW.certificate, OLD_WITH_NEW], id="only-old-with-new"),
            pytest.param([NEW_WITH_OLD], id="only-the-link"),
            pytest.param([NEW.certificate, EVIL.certify_ca(NEW)], id="link-by-a-namesake"),
            pytest.param([EVIL.certificate, NEW_WITH_OLD], id="link-for-another-key"),
            pytest.param(
                [NEW.certificate, OLD.certify_ca(NEW, not_after=datetime(2029, 1, 1, tzinfo=UTC))], id="link-expired"
            ),
            pytest.param(
                [NEW.certificate, OLD.certify_ca(NEW, not_before=datetime(2031, 1, 1, tzinfo=UTC))], id="link-to-come"
            ),
            pytest.param([NEW.certificate, OLD.certify_ca(NEW, is_ca=False)], id="link-for-a-leaf"),
            pytest.param([ELSEWHERE.certificate, OLD.certify_ca(ELSEWHERE)], id="another-name"),
            pytest.param([NEW_WITH_OLD, NEW_WITH_OLD, OLD_WITH_NEW], id="links-and-no-root"),
        ],
    )
    def test_nothing_else_vouches(self, offered: list[x509.Certificate]) -> None:
        assert found(HELD, *offered) == []

    def test_a_sub_ca_does_not_become_a_root(self) -> None:
        """It could else shed the limits that its certificate has."""
        sub = Root("Sub CA")
        assert found(HELD, sub.certificate, OLD.certify_ca(sub)) == []

    def test_an_expired_root_is_none(self) -> None:
        past = Root("Root", not_after=datetime(2029, 1, 1, tzinfo=UTC))
        assert found(HELD, past.certificate, OLD.certify_ca(past, not_after=datetime(2040, 1, 1, tzinfo=UTC))) == []


class TestAuthenticated:
    def test_configured_anchors_make_the_answer_believed(self) -> None:
        assert found(HELD, ELSEWHERE.certificate, OLD.certificate, is_authenticated=True) == [
            (ELSEWHERE.certificate, Learned.AUTHENTICATED, None)
        ]

    def test_a_pinned_one_does_not(self) -> None:
        assert found(PINNED, ELSEWHERE.certificate, is_authenticated=True) == []
        later = (*PINNED, Anchor(NEW.certificate, Learned.NEW_WITH_OLD))
        assert found(later, ELSEWHERE.certificate, is_authenticated=True) == []

    def test_nor_what_is_no_root(self) -> None:
        assert found(HELD, NEW_WITH_OLD, ELSEWHERE.certify_ca(NEW), is_authenticated=True) == []

    def test_there_is_an_end_to_it(self) -> None:
        many = [Root("Root").certificate for _ in range(40)]
        assert len(found(HELD, *many, is_authenticated=True)) == 15


class TestBootstrap:
    """RFC 7030 §4.1.1 and its trap: who stands in the middle during the first, unverified look."""

    @pytest.fixture
    def server(self, clock: FakeClock) -> FakeESTServer:
        server = FakeESTServer(clock=clock.now)
        server.extra_ca_certificates = [OLD.certificate, NEW.certificate, NEW_WITH_OLD, OLD_WITH_NEW]
        return server

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(fingerprint(OLD.certificate), id="plain"),
            pytest.param(
                ":".join(fingerprint(OLD.certificate)[i : i + 2] for i in range(0, 64, 2)).upper(), id="colons"
            ),
        ],
    )
    async def test_the_pinned_one_and_its_successor(self, server: FakeESTServer, clock: FakeClock, text: str) -> None:
        opener = server.opener()
        anchors = await bootstrap(opener, URL, fingerprint=text, clock=clock.now)
        assert [(anchor.certificate, anchor.learned) for anchor in anchors] == [
            (OLD.certificate, Learned.PINNED),
            (NEW.certificate, Learned.NEW_WITH_OLD),
        ]
        assert server.requests == ["GET /.well-known/est/cacerts"]
        assert opener.open_clients == 0

    async def test_a_man_in_the_middle_adds_his_root(self, server: FakeESTServer, clock: FakeClock) -> None:
        server.extra_ca_certificates = [EVIL.certificate, EVIL.certify_ca(OLD), OLD.certificate, ELSEWHERE.certificate]
        anchors = await bootstrap(server.opener(), URL, fingerprint=fingerprint(OLD.certificate), clock=clock.now)
        assert [anchor.certificate for anchor in anchors] == [OLD.certificate]

    async def test_a_man_in_the_middle_replaces_all(self, server: FakeESTServer, clock: FakeClock) -> None:
        server.extra_ca_certificates = [EVIL.certificate]
        with pytest.raises(FingerprintMismatch, match="None of the 3"):
            await bootstrap(server.opener(), URL, fingerprint=fingerprint(OLD.certificate), clock=clock.now)

    async def test_a_server_that_nothing_verifies_any_more_is_asked_for_successors(
        self, server: FakeESTServer, clock: FakeClock
    ) -> None:
        anchors = await seek_successors(server.opener(), URL, held=HELD, clock=clock.now)
        assert [anchor.certificate for anchor in anchors] == [NEW.certificate]
        server.extra_ca_certificates = [EVIL.certificate]
        assert await seek_successors(server.opener(), URL, held=HELD, clock=clock.now) == ()


async def test_a_bootstrap_over_a_connection_that_nobody_verifies(clock: FakeClock) -> None:
    """With a real handshake: the certificate of the server is worth nothing, the fingerprint everything."""
    world = World(clock, EVIL.identity("nobody.test"))
    world.server.extra_ca_certificates = [OLD.certificate]
    anchors = await bootstrap(world.opener, URL, fingerprint=fingerprint(OLD.certificate), clock=clock.now)
    assert [anchor.certificate for anchor in anchors] == [OLD.certificate]
    assert world.network.requests == ["GET /.well-known/est/cacerts"]
    assert world.network.open == []
    # And with what was learned, the man in the middle is found out before the first byte.
    with pytest.raises(ServerNotVerified):
        await world.ask(OLD)
    assert len(world.network.requests) == 1
