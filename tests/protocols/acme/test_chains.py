"""A downloaded chain holds certificates and nothing else."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols.acme import MalformedAnswer
from certwright.protocols.acme.certificate import parse_chain
from tests.fakes.ca import FakeCA
from tests.protocols.acme.answers import NOW, answer


@pytest.fixture(scope="module")
def pem() -> bytes:
    authority = FakeCA(clock=lambda: NOW)
    return authority.chain(authority.roots["Fake Root"])


class TestChains:
    def test_a_chain_is_read_leaf_first(self, pem: bytes) -> None:
        chain = parse_chain(answer(b"\r\n" + pem.replace(b"\n", b"\r\n")))
        assert [c.subject.rfc4514_string() for c in chain.certificates] == ["CN=Fake Root", "CN=Fake Intermediate"]

    @pytest.mark.parametrize(
        "smuggled",
        [
            pytest.param(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", id="a-private-key"),
            pytest.param(b"subject: somebody\n", id="text"),
            pytest.param(b"\0", id="a-nul"),
            pytest.param(b"-----BEGIN CERTIFICATE-----\n", id="an-open-end"),
        ],
    )
    @pytest.mark.parametrize("where", ["before", "after"])
    def test_nothing_else_comes_along(self, pem: bytes, smuggled: bytes, where: str) -> None:
        with pytest.raises(MalformedAnswer, match="something else than PEM certificates"):
            parse_chain(answer(smuggled + pem if where == "before" else pem + smuggled))

    def test_a_long_one_is_malformed(self, pem: bytes) -> None:
        with pytest.raises(MalformedAnswer, match="more than 20"):
            parse_chain(answer(pem * 11))

    @given(position=st.integers(0, 10_000), byte=st.sampled_from(b"AZaz09+/=\n-"))
    def test_a_damaged_one_is_malformed_or_still_readable(self, pem: bytes, position: int, byte: int) -> None:
        damaged = bytearray(pem)
        damaged[position % len(pem)] = byte
        with suppress(MalformedAnswer):
            parse_chain(answer(bytes(damaged))).ends_at("Fake Root")

    def test_an_empty_one_is_malformed(self) -> None:
        with pytest.raises(MalformedAnswer):
            parse_chain(answer(b""))
