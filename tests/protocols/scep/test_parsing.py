"""Whatever a server sends ends in a value or in one of our errors, soon and within bounds."""

import time
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols import cms
from certwright.protocols.cms import der
from certwright.protocols.scep import Authority, Capabilities, LegacyAlgorithm, PKIStatus, SCEPError, Transaction
from certwright.protocols.scep.certrep import CertRep, read_cert_rep
from certwright.protocols.scep.reply import Success, certificate_of, crl_of, enrolment_reply
from tests.fakes.ca import common_name
from tests.fakes.scep import messages
from tests.fakes.scep.authority import Holder, certify, rsa_key
from tests.protocols.scep.recordings import Recording, recordings

NOW = datetime(2030, 1, 1, tzinfo=UTC)
EVERYTHING = frozenset(LegacyAlgorithm)
RECORDINGS = tuple(recordings())
GRANTED = next(recording for recording in RECORDINGS if recording.name == "step-ca-scepra-success")


def judged(recording: Recording, answer: bytes) -> bool:
    """Whether a certificate came out of it; raises only what is not ours."""
    try:
        read = read_cert_rep(answer, transaction=recording.transaction, nonce=recording.nonce, accept=EVERYTHING)
        authority = recording.transaction.authority
        return isinstance(enrolment_reply(read, recording.csr, authority=authority, retry_after=None), Success)
    except SCEPError:
        return False


def nested(depth: int, tag: int = 0x30) -> bytes:
    """Elements within elements, in indefinite length, which costs two octets each."""
    return bytes((tag, 0x80)) * depth


BOMBS = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"\x30", id="half-a-header"),
    pytest.param(b"\x30\x84\x05\xf5\xe1\x00", id="100-MB-length"),
    pytest.param(b"\x30\x88" + b"\xff" * 8, id="endless-length"),
    pytest.param(b"\x30\xff" + b"\xff" * 200, id="length-of-a-length"),
    pytest.param(nested(10_000), id="10000-deep"),
    pytest.param(nested(500_000), id="500000-deep"),
    pytest.param(nested(10_000, 0x24), id="octets-10000-deep"),
    pytest.param(b"\x30\x83\x0f\xff\xf0" + b"\x05\x00" * 524_280, id="half-a-million-nulls"),
    pytest.param(b"\x30\x80" + b"\x06\x7f" + b"\xff" * 127, id="endless-oid"),
    pytest.param(b"\x1f" + b"\xff" * 1000, id="endless-tag"),
    pytest.param(b"\x30\x03\x02\x01\x00", id="wrong-type"),
    pytest.param(b"-----BEGIN CERTIFICATE-----\n" * 10_000, id="ten-thousand-beginnings"),
    pytest.param(b"\xff" * 1_000_000, id="ones"),
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_do_not_go_off(bomb: bytes) -> None:
    started = time.process_time()
    assert not judged(GRANTED, bomb)
    assert not Capabilities.parse(bomb).is_known
    with pytest.raises(cms.MalformedCMS):
        cms.certificates(bomb)
    assert time.process_time() - started < 5


@given(st.data())
def test_a_truncated_answer_is_none(data: st.DataObject) -> None:
    recording = data.draw(st.sampled_from(RECORDINGS))
    assert not judged(recording, recording.answer[: data.draw(st.integers(0, len(recording.answer) - 1))])


@given(st.data())
def test_an_answer_with_any_bit_turned_either_still_holds_or_is_refused(data: st.DataObject) -> None:
    recording = data.draw(st.sampled_from(RECORDINGS))
    altered = bytearray(recording.answer)
    for _ in range(data.draw(st.integers(1, 3))):
        altered[data.draw(st.integers(0, len(altered) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    judged(recording, bytes(altered))


@given(st.data())
def test_a_value_of_another_type_anywhere_is_no_surprise(data: st.DataObject) -> None:
    recording = data.draw(st.sampled_from(RECORDINGS))
    altered = bytearray(recording.answer)
    at = data.draw(st.integers(0, len(altered) - 2))
    altered[at] = data.draw(st.sampled_from([0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x13, 0x17, 0x30, 0x31, 0xA0, 0xA1]))
    judged(recording, bytes(altered))


def elements() -> st.SearchStrategy[bytes]:
    """ASN.1 that is well-formed and means nothing."""
    tags = st.sampled_from([0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x13, 0x17, 0x1E])
    leaves = st.builds(der.element, tags, st.binary(max_size=20))
    oids = st.sampled_from([cms.ID_SIGNED_DATA, cms.ID_ENVELOPED_DATA, cms.ID_DATA]).map(der.oid)
    nodes = st.sampled_from([0x30, 0x31, 0xA0, 0xA1, 0x24])
    return st.recursive(
        leaves | oids,
        lambda inner: st.builds(lambda tag, parts: der.element(tag, *parts), nodes, st.lists(inner, max_size=5)),
        max_leaves=30,
    )


@given(elements() | st.binary(max_size=200))
def test_anything_is_read_or_refused(raw: bytes) -> None:
    judged(GRANTED, raw)
    for read in (_authority, _granted_certificate, _granted_crl):
        try:
            read(raw)
        except SCEPError:
            continue


@given(st.binary(max_size=200))
def test_capabilities_are_never_an_error(raw: bytes) -> None:
    assert len(Capabilities.parse(raw).names) <= 9


ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        [
            *(messages.MESSAGE_TYPE, messages.PKI_STATUS, messages.FAIL_INFO, messages.FAIL_INFO_TEXT),
            *(messages.SENDER_NONCE, messages.RECIPIENT_NONCE, messages.TRANSACTION_ID),
        ]
    ),
    st.lists(elements() | st.sampled_from([der.element(0x13, b"3"), der.element(0x13, b"2")]), max_size=2),
)


@given(ATTRIBUTES, elements() | st.just(b""))
def test_attributes_of_any_type_are_read_or_refused_although_they_are_signed(
    attributes: dict[str, list[bytes]], content: bytes
) -> None:
    ca = server()
    transaction = Transaction(
        id=GRANTED.transaction.id,
        signer=GRANTED.transaction.signer,
        authority=Authority.of([ca.certificate], now=NOW),
    )
    values = tuple((oid, b"".join(several)) for oid, several in attributes.items())
    answer = cms.sign(content, key=ca.key, certificate=ca.certificate, attributes=values)
    try:
        read_cert_rep(answer, transaction=transaction, nonce=GRANTED.nonce, accept=EVERYTHING)
    except SCEPError:
        return


@given(elements())
def test_a_decrypted_answer_may_hold_anything(raw: bytes) -> None:
    answer, authority = _success(raw), GRANTED.transaction.authority
    try:
        enrolment_reply(answer, GRANTED.csr, authority=authority, retry_after=None)
    except SCEPError:
        return


@cache
def server() -> Holder:
    return certify(common_name("CA"), rsa_key("parsing"), now=NOW, is_ca=True)


def _success(raw: bytes) -> CertRep:
    return CertRep(PKIStatus.SUCCESS, raw)


def _authority(raw: bytes) -> object:
    try:
        return Authority.of(cms.certificates(raw), now=NOW)
    except cms.MalformedCMS:
        return None


def _granted_certificate(raw: bytes) -> object:
    return certificate_of(_success(raw), serial=1, issuer=GRANTED.transaction.authority.issuer_name)


def _granted_crl(raw: bytes) -> object:
    return crl_of(_success(raw), issuer=GRANTED.transaction.authority.issuer_name)
