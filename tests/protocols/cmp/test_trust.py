"""Paths from a signer to an anchor."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.cmp import Trust, UntrustedSigner
from certwright.protocols.cmp.chain import find_chain
from tests.fakes.ca import common_name
from tests.fakes.clock import FakeClock
from tests.fakes.cmp import Pair, key_usage

Make = Callable[..., Pair]
CA = x509.BasicConstraints(ca=True, path_length=None)


@pytest.fixture
def make(clock: FakeClock) -> Make:
    """A certificate by another pair, or by itself."""

    def build(
        name: str, *extensions: x509.ExtensionType, by: Pair | None = None, days: int = 30, critical: bool = True
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(common_name(name))
            .issuer_name(by.certificate.subject if by else common_name(name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(clock.now() - timedelta(days=60))
            .not_valid_after(clock.now() + timedelta(days=days))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return Pair(builder.sign(by.key if by else key, hashes.SHA256()), key)

    return build


def require(anchor: Pair, signer: Pair, *pool: Pair, clock: FakeClock) -> None:
    certificates = [pair.certificate for pair in pool]
    Trust((anchor.certificate,)).require_path(signer.certificate, certificates, now=clock.now())


def test_a_path_through_intermediates_is_found_in_any_order(make: Make, clock: FakeClock) -> None:
    root = make("root", CA)
    first = make("first", CA, by=root)
    second = make("second", CA, by=first)
    signer = make("signer", by=second)

    require(root, signer, make("other", CA), second, signer, first, clock=clock)


WRONG: dict[str, tuple[Any, ...]] = {
    "no CA": (x509.BasicConstraints(ca=False, path_length=None),),
    "no constraints": (),
    "no right to sign certificates": (CA, key_usage("digital_signature")),
    "unknown critical extension": (CA, x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00")),
    "critical name constraints": (CA, x509.NameConstraints([x509.DNSName("a.test")], None)),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_may_not_issue_is_no_link(kind: str, make: Make, clock: FakeClock) -> None:
    root = make("root", CA)
    between = make("between", *WRONG[kind], by=root)
    signer = make("signer", by=between)

    with pytest.raises(UntrustedSigner):
        require(root, signer, between, clock=clock)


def test_an_expired_link_is_none(make: Make, clock: FakeClock) -> None:
    root = make("root", CA)
    between = make("between", CA, by=root, days=-1)

    with pytest.raises(UntrustedSigner):
        require(root, make("signer", by=between), between, clock=clock)


@pytest.mark.parametrize(("allowed", "is_good"), [(0, False), (1, True)])
def test_the_length_of_the_path_is_obeyed(allowed: int, *, is_good: bool, make: Make, clock: FakeClock) -> None:
    root = make("root", x509.BasicConstraints(ca=True, path_length=allowed))
    between = make("between", CA, by=root)
    signer = make("signer", by=between)

    if is_good:
        require(root, signer, between, clock=clock)
        return
    with pytest.raises(UntrustedSigner):
        require(root, signer, between, clock=clock)


def test_an_unknown_critical_extension_makes_a_signer_useless(make: Make, clock: FakeClock) -> None:
    root = make("root", CA)
    signer = make("signer", x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), by=root)

    with pytest.raises(UntrustedSigner, match=r"critical extension 1\.2\.3"):
        require(root, signer, clock=clock)


def test_a_maze_of_cross_signs_ends(make: Make, clock: FakeClock) -> None:
    pairs = [make("ca", CA) for _ in range(40)]
    signer = make("signer", by=pairs[0])
    maze = [make("ca", CA, by=pair) for pair in pairs]

    with pytest.raises(UntrustedSigner):
        require(make("root", CA), signer, *pairs, *maze, clock=clock)


class TestFindingTheChain:
    def test_it_ends_at_the_root(self, make: Make) -> None:
        root = make("root", CA)
        between = make("between", CA, by=root)
        leaf = make("leaf", by=between)
        pool = [root.certificate, make("between", CA).certificate, between.certificate, leaf.certificate]

        assert find_chain(leaf.certificate, pool) == (between.certificate, root.certificate)

    def test_it_ends_where_nobody_is_known(self, make: Make) -> None:
        root = make("root", CA)
        leaf = make("leaf", by=make("between", CA, by=root))

        assert find_chain(leaf.certificate, [root.certificate]) == ()

    def test_it_goes_round_no_circle(self, make: Make) -> None:
        one = make("one", CA)
        two = make("two", CA, by=one)
        back = Pair(make("one", CA, by=two).certificate, one.key)
        leaf = make("leaf", by=two)

        assert len(find_chain(leaf.certificate, [two.certificate, back.certificate, one.certificate])) <= 3
