"""Whom a client believes, what it shows, and what ties a request to its connection: with OpenSSL's own handshakes.

The other end is a TLS server in memory (tests.fakes.tls) with tests.fakes.est behind it. The same over sockets and with
a server of another make is in e2e.
"""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.est import (
    CSRAttributes,
    Enrolled,
    NoChannelBinding,
    Operation,
)
from certwright.protocols.est.opening import ID_KP_CMC_RA
from certwright.protocols.transport import (
    ClientCertificateRefused,
    ClientIdentity,
    ServerNotVerified,
    TLSFailed,
    TransportError,
    TransportSettings,
    UnusableIdentity,
    UnusableTrust,
    open_client,
)
from certwright.protocols.transport.tls import show_identity
from tests.fakes.clock import FakeClock
from tests.fakes.hierarchy import CLIENT, SERVER, Root
from tests.protocols.est.csrs import csr
from tests.protocols.est.world import World, pem

HOST = "est.test"
URL = f"https://{HOST}"
ROOT = Root("Root")
OTHER = Root("Other Root")
RA = (*SERVER, ID_KP_CMC_RA)
TLS_1_2 = ssl.TLSVersion.TLSv1_2
TLS_1_3 = ssl.TLSVersion.TLSv1_3
BOTH = pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3], ids=["tls-1.2", "tls-1.3"])


class TestServers:
    """RFC 7030 §3.6: who is asked, and who gets to see a credential."""

    async def test_one_with_the_name_and_a_known_root(self, clock: FakeClock) -> None:
        world = World(clock, ROOT.identity(HOST))
        await world.ask(OTHER, ROOT)
        assert world.network.handshakes == 1

    @pytest.mark.parametrize(
        ("identity", "roots", "is_mismatch"),
        [
            pytest.param(ROOT.identity(HOST), [OTHER], False, id="another-root"),
            pytest.param(ROOT.identity("other.test"), [ROOT], True, id="another-name"),
            pytest.param(ROOT.identity("192.0.2.1"), [ROOT], True, id="an-address"),
            pytest.param(ROOT.identity(HOST, not_after=datetime(2020, 1, 1, tzinfo=UTC)), [ROOT], False, id="expired"),
            pytest.param(ROOT.identity(HOST, usages=CLIENT), [ROOT], False, id="for-clients"),
            pytest.param(ROOT.identity("other.test", usages=RA), [OTHER], False, id="ra-of-another-root"),
        ],
    )
    async def test_nobody_else_gets_a_byte(
        self, clock: FakeClock, identity: ClientIdentity, roots: list[Root], *, is_mismatch: bool
    ) -> None:
        world = World(clock, identity)
        with pytest.raises(ServerNotVerified) as caught:
            await world.ask(*roots)
        assert caught.value.is_unsent
        assert caught.value.is_name_mismatch is is_mismatch
        assert world.network.requests == []

    async def test_a_registration_authority_may_bear_another_name(self, clock: FakeClock) -> None:
        world = World(clock, ROOT.identity("other.test", usages=RA))
        async with world.opener.open(anchors=[ROOT.certificate]) as http:
            for _ in range(3):
                await world.client(http).cacerts()
        # The first handshake found the wrong name; the second found the authority, and its connection is kept.
        assert world.network.handshakes == 2
        assert len(world.network.requests) == 3

    async def test_and_may_get_a_certificate_with_its_name_later(self, clock: FakeClock) -> None:
        world = World(clock, ROOT.identity("other.test", usages=RA))
        async with world.opener.open(anchors=[ROOT.certificate]) as http:
            for identity in (ROOT.identity(HOST), ROOT.identity("other.test", usages=RA)):
                await world.client(http).cacerts()
                show_identity(world.network.context, identity)
                world.network.drop()
            await world.client(http).cacerts()
            show_identity(world.network.context, ROOT.identity("other.test"))
            world.network.drop()
            with pytest.raises(ServerNotVerified):
                await world.client(http).cacerts()
        assert len(world.network.requests) == 3

    async def test_not_under_implicit_roots(self, clock: FakeClock) -> None:
        world = World(clock, ROOT.identity("other.test", usages=RA))
        async with open_client(TransportSettings(user_agent="test", roots=pem(ROOT)), network=world.network) as http:
            with pytest.raises(ServerNotVerified):
                await world.client(http).cacerts()

    async def test_anchors_that_are_none_are_not_the_systems(self, clock: FakeClock) -> None:
        with pytest.raises(UnusableTrust):
            World(clock, ROOT.identity(HOST)).opener.open(anchors=[])


class TestIdentities:
    """RFC 7030 §3.3.2: the certificate that the client shows."""

    @BOTH
    async def test_the_one_that_it_was_opened_with(self, clock: FakeClock, version: ssl.TLSVersion) -> None:
        world = World(clock, ROOT.identity(HOST), client_root=OTHER)
        world.network.context.maximum_version = version
        world.server.authentication.schemes = ("Digest MD5",)
        await world.ask(ROOT, identity=OTHER.identity("device", usages=CLIENT))

    @BOTH
    @pytest.mark.parametrize(
        "identity",
        [
            pytest.param(ROOT.identity("device", usages=CLIENT), id="unknown-ca"),
            pytest.param(OTHER.identity("device", usages=SERVER), id="not-for-clients"),
            pytest.param(
                OTHER.identity("device", usages=CLIENT, not_after=datetime(2020, 1, 1, tzinfo=UTC)), id="expired"
            ),
        ],
    )
    async def test_a_refused_one_is_told_from_other_failures(
        self, clock: FakeClock, version: ssl.TLSVersion, identity: ClientIdentity
    ) -> None:
        world = World(clock, ROOT.identity(HOST), client_root=OTHER)
        world.network.context.maximum_version = version
        with pytest.raises(ClientCertificateRefused) as caught:
            await world.ask(ROOT, identity=identity)
        assert caught.value.is_unsent
        assert world.network.requests == []

    async def test_a_server_that_only_hangs_up_refuses_too(self, clock: FakeClock) -> None:
        world = World(clock, ROOT.identity(HOST), client_root=OTHER)
        world.network.hangs_up = True
        with pytest.raises(ClientCertificateRefused, match="when it had seen the client certificate"):
            await world.ask(ROOT, identity=ROOT.identity("device", usages=CLIENT))
        assert world.network.requests == []

    async def test_a_server_without_tickets_is_asked_all_the_same(self, clock: FakeClock) -> None:
        world = World(clock, ROOT.identity(HOST), client_root=OTHER)
        world.network.context.num_tickets = 0
        await world.ask(ROOT, identity=OTHER.identity("device", usages=CLIENT))

    async def test_a_missing_one_with_tls_1_3(self, clock: FakeClock) -> None:
        world = World(clock, ROOT.identity(HOST), client_root=OTHER)
        with pytest.raises(ClientCertificateRefused, match="certificate required"):
            await world.ask(ROOT)

    async def test_a_missing_one_with_tls_1_2_is_a_failed_handshake(self, clock: FakeClock) -> None:
        """OpenSSL's servers say "handshake failure", which may mean many things."""
        world = World(clock, ROOT.identity(HOST), client_root=OTHER)
        world.network.context.maximum_version = TLS_1_2
        with pytest.raises(TLSFailed) as caught:
            await world.ask(ROOT)
        assert caught.value.is_unsent

    async def test_two_identities_never_share_a_connection(self, clock: FakeClock) -> None:
        world = World(clock, ROOT.identity(HOST), client_root=OTHER)
        seen: set[str] = set()
        for name in ("one", "two"):
            identity = OTHER.identity(name, usages=CLIENT)
            async with world.opener.open(anchors=[ROOT.certificate], identity=identity) as http:
                await world.client(http).cacerts()
            seen.add(name)
        assert world.network.handshakes == len(seen) == 2

    @pytest.mark.parametrize(
        ("certificates", "key"),
        [
            pytest.param("own", "other", id="of-two-pairs"),
            pytest.param("own", "", id="no-key"),
            pytest.param("", "own", id="no-certificate"),
        ],
    )
    def test_what_is_no_pair(self, clock: FakeClock, certificates: str, key: str) -> None:
        pairs = {"own": OTHER.identity("one"), "other": OTHER.identity("two"), "": None}
        first, second = pairs[certificates], pairs[key]
        identity = ClientIdentity(
            certificates=b"" if first is None else first.certificates,
            private_key=b"" if second is None else second.private_key,
        )
        with pytest.raises(UnusableIdentity):
            World(clock, ROOT.identity(HOST)).opener.open(anchors=[ROOT.certificate], identity=identity)
        assert "PRIVATE KEY" not in repr(identity)


class TestBinding:
    """RFC 7030 §3.5, with the tls-unique of a real handshake on both ends."""

    @pytest.fixture
    def world(self, clock: FakeClock) -> World:
        world = World(clock, ROOT.identity(HOST))
        world.server.requires_binding = True
        return world

    async def enrol(
        self, world: World, *, meanwhile: Callable[[], None] = lambda: None, for_binding: bool = True
    ) -> list[str]:
        """Enrol with a request that is built as often as it is asked for; returns the passwords that were given."""
        key = ec.generate_private_key(ec.SECP256R1())
        passwords: list[str] = []

        def build(password: str, _: CSRAttributes | None) -> bytes:
            passwords.append(password)
            meanwhile()
            return csr(key, password=password)

        async with world.opener.open(anchors=[ROOT.certificate], for_binding=for_binding) as http:
            outcome = await world.client(http).bound_enrol(Operation.SIMPLEENROLL, build)
        assert isinstance(outcome, Enrolled)
        return passwords

    async def test_both_ends_know_it(self, world: World) -> None:
        assert len(await self.enrol(world)) == 1
        assert world.network.handshakes == 1

    async def test_another_connection_needs_another_request(self, world: World) -> None:
        drops = [world.network.drop]
        passwords = await self.enrol(world, meanwhile=lambda: drops.pop()() if drops else None)
        assert len(set(passwords)) == len(passwords) == 2
        assert len(world.server.received) == 1

    async def test_a_server_that_keeps_no_connection_cannot_be_bound_to(self, world: World) -> None:
        with pytest.raises(NoChannelBinding, match="closes the connection"):
            await self.enrol(world, meanwhile=world.network.drop)
        assert world.server.received == []

    async def test_one_that_speaks_only_tls_1_3(self, world: World) -> None:
        world.network.context.minimum_version = TLS_1_3
        with pytest.raises(NoChannelBinding, match=r"TLS 1\.3 only"):
            await self.enrol(world)

    async def test_a_client_that_was_opened_without_the_bound(self, world: World) -> None:
        with pytest.raises(NoChannelBinding, match=r"uses TLS 1\.3"):
            await self.enrol(world, for_binding=False)
        assert world.server.received == []


async def test_a_server_that_speaks_no_tls(clock: FakeClock) -> None:
    world = World(clock, ROOT.identity(HOST))
    world.network.context.set_ciphers("NULL-SHA256:@SECLEVEL=0")
    world.network.context.maximum_version = TLS_1_2
    with pytest.raises(TransportError) as caught:
        await world.ask(ROOT)
    assert caught.value.is_unsent
