"""Whatever a server sends is either understood or a CMPError: nothing else comes out of the decoders."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from asn1crypto import core
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols.cmp import (
    CMPError,
    GeneralAnswer,
    InfoType,
    MACProtection,
    MalformedAnswer,
    Operation,
    Transaction,
    Trust,
    asn1,
    read_ca_certs,
    read_cert_req_template,
    read_crls,
    read_root_ca_update,
)
from certwright.protocols.cmp.algorithm import Algorithm
from certwright.protocols.cmp.answers import AnswerReader
from certwright.protocols.cmp.der import MAX_DEPTH, MAX_ELEMENTS, require_der, sequence, split_message
from certwright.protocols.cmp.mac import PBM, PBMAC1, verify_mac
from certwright.protocols.cmp.message import Message, parse_message
from certwright.protocols.cmp.refusals import refusal
from certwright.protocols.cmp.signature import KNOWN, verify_signature
from tests.protocols.cmp.sending import answer_to

NOW = datetime(2030, 1, 1, tzinfo=UTC)
PROTECTION = MACProtection(reference="device-1", secret=b"sesame", iterations=100)


def read(raw: bytes) -> None:
    """Everything that is looked at in an answer, as if its protection held."""
    message = parse_message(raw)
    for operation in (Operation.IR, Operation.P10CR):
        with suppress(CMPError):
            read_as(message, operation)


def read_as(message: Message, operation: Operation) -> None:
    refused = refusal(message, authenticated=False)
    if refused is not None:
        str(refused)
    AnswerReader(
        message=message,
        transaction=Transaction.begin(operation),
        protection=PROTECTION,
        trust=Trust(),
        now=NOW,
        asked_implicit_confirm=True,
    ).outcome()


@cache
def answers() -> dict[str, bytes]:
    """One good answer of each kind, by the fake server."""
    return {name: answer_to(name) for name in ("ip", "waiting", "rejection", "error", "rp", "genp", "central", "krp")}


@given(raw=st.binary(max_size=300))
def test_any_bytes_are_understood_or_refused(raw: bytes) -> None:
    with suppress(CMPError):
        read(raw)


@pytest.mark.parametrize("name", ["ip", "waiting", "rejection", "error", "rp", "genp", "central", "krp"])
@given(data=st.data())
def test_any_octets_may_be_wrong(name: str, data: st.DataObject) -> None:
    raw = bytearray(answers()[name])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(CMPError):
        read(bytes(raw))


@pytest.mark.parametrize("name", ["ip", "error"])
@given(data=st.data())
def test_any_end_may_be_missing(name: str, data: st.DataObject) -> None:
    raw = answers()[name]
    with pytest.raises(MalformedAnswer):
        read(raw[: data.draw(st.integers(0, len(raw) - 1))])


# The header of a good answer with a body of random but well-formed DER behind each of the body's tags.
LEAVES = st.one_of(
    st.integers(-(2**70), 2**70).map(lambda number: bytes(core.Integer(number).dump())),
    st.binary(max_size=20).map(lambda octets: bytes(core.OctetString(octets).dump())),
    st.text(max_size=10).map(lambda text: bytes(core.UTF8String(text).dump())),
    st.sampled_from([b"\x05\x00", b"\x03\x02\x05\xa0", b"\x06\x03\x2a\x03\x04", b"\x30\x00", b"\x01\x01\xff"]),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda parts: sequence(*parts))
        | st.tuples(st.integers(0, 4), inner).map(lambda pair: _tagged(pair[0], pair[1]))
    ),
    max_leaves=12,
)


def _tagged(number: int, content: bytes) -> bytes:
    whole = sequence(content)
    return bytes((0xA0 | number,)) + whole[1:]


@given(number=st.integers(0, 30), content=TREES)
def test_any_body_is_understood_or_refused(number: int, content: bytes) -> None:
    header = split_message(answers()["ip"]).header
    with suppress(CMPError):
        read(sequence(header, _tagged(number, content)))


READERS: dict[str, tuple[InfoType, Callable[[GeneralAnswer], Any]]] = {
    "caCerts": (InfoType.CA_CERTS, read_ca_certs),
    "rootCaKeyUpdate": (InfoType.ROOT_CA_KEY_UPDATE, read_root_ca_update),
    "certReqTemplate": (InfoType.CERT_REQ_TEMPLATE, read_cert_req_template),
    "crls": (InfoType.CRLS, read_crls),
}


@pytest.mark.parametrize("name", READERS)
@given(raw=st.binary(max_size=60) | TREES)
def test_any_information_is_understood_or_refused(name: str, raw: bytes) -> None:
    kind, reader = READERS[name]
    with suppress(CMPError):
        reader(GeneralAnswer(transaction=Transaction.begin(Operation.GENM), infos={kind: raw}))


@given(oid=st.sampled_from([PBM, PBMAC1]), parameters=st.none() | TREES)
def test_any_mac_parameters_are_understood_or_refused(oid: str, parameters: bytes | None) -> None:
    with pytest.raises(CMPError):
        verify_mac(Algorithm(oid, parameters), secret=b"x", message=b"x", value=b"")


@given(oid=st.sampled_from(sorted(KNOWN)), parameters=st.none() | TREES, signature=st.binary(max_size=80))
def test_any_signature_is_verified_or_refused(oid: str, parameters: bytes | None, signature: bytes) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(CMPError):
        verify_signature(key, Algorithm(oid, parameters), signature=signature, message=b"x")


@dataclass(frozen=True)
class Bomb:
    raw: bytes
    text: str


def nested(depth: int, content: bytes = b"\x05\x00") -> bytes:
    for _ in range(depth):
        content = sequence(content)
    return content


BOMBS = {
    "deep": Bomb(nested(MAX_DEPTH + 1), "deeper"),
    "wide": Bomb(sequence(b"\x05\x00" * (MAX_ELEMENTS + 1)), "elements"),
    "a long identifier": Bomb(sequence(b"\x06\x82\xff\xff" + b"\x81" * 0xFFFF), "longer"),
    "a long number": Bomb(sequence(b"\x02\x82\xff\xff" + b"\x7f" * 0xFFFF), "longer"),
    "an endless element": Bomb(b"\x30\x80\x05\x00\x00\x00", "not DER"),
    "a string in pieces": Bomb(sequence(b"\x24\x04\x04\x02ab"), "in pieces"),
    "a long tag": Bomb(sequence(b"\x1f\x81\x01\x00"), "a tag"),
    "a long length": Bomb(b"\x30\x89" + bytes(9), "not DER"),
    "nothing": Bomb(b"", "empty"),
    "half": Bomb(b"\x30\x04\x05\x00", "cut off"),
    "a child beyond its parent": Bomb(sequence(b"\x30\x03\x05\x00"), "cut off"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_what_could_do_harm_is_refused_before_it_is_read(kind: str) -> None:
    with pytest.raises(MalformedAnswer, match=BOMBS[kind].text):
        require_der(BOMBS[kind].raw)


def test_as_deep_as_allowed_is_read() -> None:
    require_der(nested(MAX_DEPTH - 1))


@pytest.mark.parametrize("raw", [b"\x31\x00", sequence(), sequence(sequence()), b"\x30\x00\x30\x00"])
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedAnswer, match="no PKIMessage"):
        split_message(raw)


def with_extra_certs(certificates: list[Any]) -> bytes:
    message = asn1.PKIMessage.load(answers()["ip"])
    fields = {name: message[name] for name in ("header", "body", "protection")}
    return bytes(asn1.PKIMessage(fields | {"extraCerts": certificates}).dump())


def test_a_hundred_certificates_are_enough() -> None:
    certificate = asn1.PKIMessage.load(answers()["ip"])["extraCerts"][0]

    assert len(parse_message(with_extra_certs([certificate] * 100)).extra_certs) == 1
    with pytest.raises(MalformedAnswer, match="more than 100"):
        parse_message(with_extra_certs([certificate] * 101))


def test_a_certificate_that_cannot_be_read_is_left_out() -> None:
    certificate = asn1.PKIMessage.load(answers()["ip"])["extraCerts"][0]
    unreadable = asn1.CMPCertificate(contents=b"\x05\x00")

    assert len(parse_message(with_extra_certs([unreadable, certificate])).extra_certs) == 1
