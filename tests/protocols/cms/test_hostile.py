"""Whatever arrives, every reader ends soon in a value or in an error of ours."""

import contextlib
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols import cms
from certwright.protocols.cms import der
from certwright.protocols.cms.signatures import RSA_PSS
from tests.protocols.cms.material import (
    ALL_LEGACY,
    CONTENT,
    PASSWORD,
    VECTORS,
    certificate,
    ec_holder,
    rsa_holder,
    shared_key,
)
from tests.protocols.cms.messages import (
    attribute,
    certificate_set,
    enveloped,
    shared_key_recipient,
    signed_data,
    signer_info,
)

KEYS = (rsa_holder(), ec_holder(), shared_key(16), PASSWORD)
MESSAGES = sorted(path.read_bytes() for path in VECTORS.glob("*.der"))


def verify(encoded: bytes) -> object:
    message = cms.SignedMessage.parse(encoded)
    return message.verify(certificates=[certificate("rsa")], content=CONTENT, accept=ALL_LEGACY)


def unseal(encoded: bytes) -> object:
    return cms.open_enveloped(encoded, *KEYS, accept=ALL_LEGACY)


READERS: dict[str, Callable[[bytes], object]] = {
    "certificates": cms.certificates,
    "SignedMessage": verify,
    "open_enveloped": unseal,
    "key_package": cms.key_package,
    "Algorithm": cms.Algorithm.parse,
}
ELEMENTS = st.recursive(
    st.one_of(
        st.sampled_from([der.NULL, b"", der.oid(cms.ID_DATA), der.oid(cms.ID_SIGNED_DATA), der.octet_string(b"x")]),
        st.integers(-1, 5).map(der.integer),
        st.binary(max_size=8).map(lambda octets: der.element(0x80, octets)),
    ),
    lambda inner: st.builds(
        lambda tag, parts: der.element(tag, *parts),
        st.sampled_from([0x30, 0x31, 0xA0, 0xA1, 0xA2, 0xA3, 0x24]),
        st.lists(inner, max_size=6),
    ),
    max_leaves=25,
)


def read_by_all(encoded: bytes) -> None:
    for reader in READERS.values():
        with contextlib.suppress(cms.CMSError):
            reader(encoded)


@given(st.sampled_from(MESSAGES), st.data())
def test_truncated(message: bytes, data: st.DataObject) -> None:
    read_by_all(message[: data.draw(st.integers(0, len(message) - 1))])


@given(st.sampled_from(MESSAGES), st.data())
def test_bits_flipped(message: bytes, data: st.DataObject) -> None:
    changed = bytearray(message)
    for at in data.draw(st.lists(st.integers(0, len(message) - 1), min_size=1, max_size=4)):
        changed[at] ^= 1 << data.draw(st.integers(0, 7))
    read_by_all(bytes(changed))


@given(st.sampled_from(MESSAGES), st.data())
def test_an_octet_and_what_follows_replaced(message: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(message) - 1))
    inserted = data.draw(st.binary(max_size=12))
    read_by_all(message[:at] + inserted + message[at + data.draw(st.integers(0, 12)) :])


@given(st.binary(max_size=200))
def test_octets(encoded: bytes) -> None:
    read_by_all(encoded)


@given(ELEMENTS)
def test_wrong_types(encoded: bytes) -> None:
    read_by_all(encoded)


@given(ELEMENTS, st.sampled_from([cms.ID_SIGNED_DATA, cms.ID_ENVELOPED_DATA, cms.ID_AUTH_ENVELOPED_DATA]))
def test_wrong_types_in_the_right_wrapping(encoded: bytes, content_type: str) -> None:
    read_by_all(der.sequence(der.oid(content_type), der.explicit(0, encoded)))


@pytest.mark.parametrize("reader", list(READERS.values()), ids=list(READERS))
@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(b"\x30\x80" * 10_000, id="10,000 deep"),
        pytest.param(b"\x30\x80" * 10_000 + b"\0\0" * 10_000, id="10,000 deep and closed"),
        pytest.param(certificate_set(b"\x24\x80" * 10_000 + b"\0\0" * 10_000), id="10,000 segments deep"),
        pytest.param(b"\x30\x84\x06\x40\x00\x00\x06", id="100 MB announced"),
        pytest.param(der.sequence(der.oid(cms.ID_SIGNED_DATA), b"\xa0\x84\x7f\xff\xff\xff"), id="2 GB announced"),
        pytest.param(bytes(der.MAX_BYTES + 1), id="too large"),
        pytest.param(b"-----BEGIN CERTIFICATE-----" * 100_000, id="too much PEM"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_extremes_are_malformed(reader: Callable[[bytes], object], encoded: bytes) -> None:
    with pytest.raises(cms.MalformedCMS):
        reader(encoded)


MANY = 90_000
ENDLESS = [
    pytest.param(certificate_set(der.NULL * MANY), id="certificates"),
    pytest.param(signed_data(der.NULL * MANY), id="signers"),
    pytest.param(signed_data(signer_info([b"\x30\x00" * MANY])), id="attributes"),
    pytest.param(signed_data(signer_info([attribute(cms.ID_CONTENT_TYPE, der.NULL * MANY)])), id="values"),
    pytest.param(enveloped(b"\xa4\x00" * MANY), id="recipients"),
    pytest.param(enveloped(shared_key_recipient(bytes(1_000_000))), id="encrypted key"),
    pytest.param(der.sequence(b"\x30\x00" * MANY), id="keys"),
]


@pytest.mark.parametrize("reader", list(READERS.values()), ids=list(READERS))
@pytest.mark.parametrize("encoded", ENDLESS)
def test_endless_lists_cost_little(reader: Callable[[bytes], object], encoded: bytes) -> None:
    begin = time.process_time()
    with contextlib.suppress(cms.CMSError):
        reader(encoded)
    assert time.process_time() - begin < 5


def test_absurd_parameters_of_a_signature_are_refused() -> None:
    salt = der.sequence(der.explicit(2, der.element(der.INTEGER, b"\x7f" * 1000)))
    with pytest.raises(cms.BadSignature):
        cms.verify_signature(
            certificate("rsa").public_key(), b"", CONTENT, algorithm=cms.Algorithm(RSA_PSS, salt), accept=ALL_LEGACY
        )
