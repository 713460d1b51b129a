import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols.cms import MalformedCMS, der
from certwright.protocols.cms.structures import octets
from tests.protocols.cms.messages import indefinite

ONE = der.integer(1)


def nested(depth: int, *, tag: int = der.SEQUENCE) -> bytes:
    encoded = b""
    for _ in range(depth):
        encoded = der.element(tag, encoded)
    return encoded


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        pytest.param(der.sequence(ONE, ONE), der.sequence(ONE, ONE), id="DER"),
        pytest.param(b"\x30\x83\x00\x00\x03" + ONE, b"\x30\x83\x00\x00\x03" + ONE, id="long length kept"),
        pytest.param(indefinite(0x30, ONE), der.sequence(ONE), id="indefinite"),
        pytest.param(indefinite(0x30), der.sequence(), id="indefinite and empty"),
        pytest.param(
            der.sequence(ONE, indefinite(0x30, indefinite(0xA0, ONE)), ONE),
            der.sequence(ONE, der.sequence(der.explicit(0, ONE)), ONE),
            id="indefinite inside",
        ),
        pytest.param(der.element(0x24, b"\x04\x01a", b"\x04\x02bc"), der.octet_string(b"abc"), id="segments"),
        pytest.param(
            indefinite(0x24, indefinite(0x24, b"\x04\x01a"), b"\x04\x00", b"\x04\x01b"),
            der.octet_string(b"ab"),
            id="segments of segments",
        ),
        pytest.param(
            indefinite(0xA0, b"\x04\x01a", b"\x04\x01b"),
            der.explicit(0, b"\x04\x01a", b"\x04\x01b"),
            id="implicit segments are left to the reader",
        ),
    ],
)
def test_lengths_become_definite(encoded: bytes, expected: bytes) -> None:
    assert der.definite(encoded) == expected


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x30", id="no length"),
        pytest.param(b"\x30\x05\x02\x01\x01", id="truncated"),
        pytest.param(b"\x30\x84\x06\x00\x00\x00" + ONE, id="length of 100 MB"),
        pytest.param(b"\x30\x89" + b"\x01" * 9, id="length of nine octets"),
        pytest.param(b"\x30\x88" + b"\xff" * 8, id="length of all ones"),
        pytest.param(b"\x30\x04\x04\x03ab", id="longer than its parent"),
        pytest.param(b"\x30\x03\x30\x80\x00\x00", id="end of contents beyond its parent"),
        pytest.param(b"\x04\x80a\x00\x00", id="primitive and indefinite"),
        pytest.param(b"\x30\x80" + ONE, id="without an end of contents"),
        pytest.param(der.sequence() + b"\0", id="trailing octet"),
        pytest.param(b"\x1f\x81\x81\x81\x81\x01\x00", id="tag number of five octets"),
        pytest.param(b"\x3f\x81\x01\x80\x00\x00", id="rewritten with a long tag"),
        pytest.param(der.element(0x24, ONE), id="segment of another type"),
        pytest.param(der.element(der.OID, b"\x81" * 70 + b"\x01"), id="endless object identifier"),
        pytest.param(bytes(der.MAX_BYTES + 1), id="too large"),
        pytest.param(nested(10_000), id="10,000 deep"),
        pytest.param(b"\x30\x80" * 10_000, id="10,000 deep and indefinite"),
        pytest.param(b"\x24\x80" * 10_000, id="10,000 segments deep"),
        pytest.param(nested(der.MAX_DEPTH + 1), id="one too deep"),
        pytest.param(der.sequence(der.NULL * der.MAX_ELEMENTS), id="one element too many"),
    ],
)
def test_what_is_no_single_bounded_element_is_malformed(encoded: bytes) -> None:
    with pytest.raises(MalformedCMS):
        der.definite(encoded)


def test_the_limits_themselves_are_within() -> None:
    assert der.definite(nested(der.MAX_DEPTH)) == nested(der.MAX_DEPTH)
    many = der.sequence(der.NULL * (der.MAX_ELEMENTS - 1))
    assert der.definite(many) == many


@pytest.mark.parametrize(
    "worst",
    [
        pytest.param(der.sequence(b"\x30\x00" * 99_000), id="wide"),
        pytest.param(der.sequence(b"\x30\x80\x00\x00" * 99_000), id="wide and indefinite"),
        pytest.param(b"\x24\x80" * 60 + b"\x04\x01a" * 99_000 + b"\0\0" * 60, id="wide inside deep"),
        pytest.param(b"\x30\x80" * 60 + b"\x04\x82\x80\x00" + bytes(0x8000) + b"\0\0" * 60, id="long inside deep"),
    ],
)
def test_the_worst_within_the_limits_is_done_soon(worst: bytes) -> None:
    begin = time.process_time()
    der.definite(worst)
    assert time.process_time() - begin < 5


@given(st.recursive(st.binary(max_size=20), lambda inner: st.lists(inner, max_size=4), max_leaves=20))
def test_indefinite_and_definite_spellings_of_a_tree_are_read_alike(tree: object) -> None:
    assert der.definite(spelled(tree, is_definite=False)) == spelled(tree, is_definite=True)


def spelled(tree: object, *, is_definite: bool) -> bytes:
    if isinstance(tree, bytes):
        return der.octet_string(tree) if is_definite else indefinite(0x24, der.octet_string(tree[:3]), tail(tree[3:]))
    assert isinstance(tree, list)
    parts = [spelled(each, is_definite=is_definite) for each in tree]
    return der.sequence(*parts) if is_definite else indefinite(der.SEQUENCE, *parts)


def tail(octets_left: bytes) -> bytes:
    return der.octet_string(octets_left)


@given(st.binary(max_size=300))
def test_any_octets_are_one_element_or_malformed(encoded: bytes) -> None:
    try:
        result = der.definite(encoded)
    except MalformedCMS:
        return
    assert der.definite(result) == result


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_lengths_are_written_as_they_are_read(length: int) -> None:
    encoded = der.octet_string(bytes(length))
    assert octets(der.definite(encoded)) == bytes(length)


def test_a_set_is_written_in_order() -> None:
    assert der.set_of(b"\x02\x01\x02", b"\x02\x01\x01") == b"\x31\x06\x02\x01\x01\x02\x01\x02"
