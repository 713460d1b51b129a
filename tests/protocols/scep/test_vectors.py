"""Answers of real servers and of ``openssl cms``, and a request of a real client (``vectors/make_vectors.py``)."""

from base64 import b64decode
from dataclasses import replace

import pytest
from cryptography import x509

from certwright.protocols.scep import (
    FailInfo,
    Failure,
    MalformedAnswer,
    Success,
    Unauthenticated,
    Undecryptable,
    WeakAnswer,
)
from certwright.protocols.scep.certrep import CertRep, read_cert_rep
from certwright.protocols.scep.reply import enrolment_reply
from tests.fakes.scep import messages, openssl
from tests.fakes.scep.authority import rsa_key
from tests.fakes.scep.server import challenge_password
from tests.protocols.scep import recordings
from tests.protocols.scep.recordings import Recording

RECORDINGS = tuple(recordings.recordings())
EVERY = pytest.mark.parametrize("recording", RECORDINGS, ids=[recording.name for recording in RECORDINGS])
GRANTED = [recording for recording in RECORDINGS if recording.outcome == "success"]


def read(recording: Recording, *, nonce: bytes | None = None) -> CertRep:
    return read_cert_rep(
        recording.answer, transaction=recording.transaction, nonce=nonce or recording.nonce, accept=recording.needs
    )


@pytest.mark.parametrize("recording", GRANTED, ids=[recording.name for recording in GRANTED])
def test_a_granted_request_gives_the_certificate_and_its_chain(recording: Recording) -> None:
    authority = recording.transaction.authority
    reply = enrolment_reply(read(recording), recording.csr, authority=authority, retry_after=None)
    assert isinstance(reply, Success)
    assert recording.csr.public_key() == reply.certificate.public_key()
    assert authority.chain == reply.chain


@pytest.mark.parametrize(
    "recording", [each for each in RECORDINGS if each.outcome == "badRequest"], ids=lambda r: r.name
)
def test_a_refused_request_says_so(recording: Recording) -> None:
    with pytest.raises(Failure) as caught:
        read(recording)
    assert caught.value.fail_info is FailInfo.BAD_REQUEST


@EVERY
def test_what_has_to_be_accepted_is_named(recording: Recording) -> None:
    for missing in recording.needs:
        with pytest.raises(WeakAnswer) as caught:
            read_cert_rep(
                recording.answer,
                transaction=recording.transaction,
                nonce=recording.nonce,
                accept=recording.needs - {missing},
            )
        assert caught.value.names == (missing,)


@EVERY
def test_an_answer_is_good_for_one_request_only(recording: Recording) -> None:
    with pytest.raises(Unauthenticated):
        read(recording, nonce=bytes(16))


@pytest.mark.parametrize("recording", GRANTED, ids=[recording.name for recording in GRANTED])
def test_nobody_else_can_open_it(recording: Recording) -> None:
    signer = recording.transaction.signer
    authority = recording.transaction.authority
    transaction = replace(recording.transaction, signer=replace(signer, key=rsa_key("somebody else")))
    # One wrong key in 256 leaves a padding that looks right, and garbage before it.
    with pytest.raises((Undecryptable, MalformedAnswer)):
        enrolment_reply(
            read_cert_rep(recording.answer, transaction=transaction, nonce=recording.nonce, accept=recording.needs),
            recording.csr,
            authority=authority,
            retry_after=None,
        )


def test_the_fake_server_understands_a_client_that_is_not_ours() -> None:
    vector = recordings.read("scepclient-request")
    request = messages.read_request(b64decode(vector["request"]))
    assert request.message_type == "19"
    ca = x509.load_der_x509_certificate(b64decode(vector["ca_certificate"]))
    opened = openssl.open_with_key(request.envelope, recordings.private_key(vector["ca_key"]), ca)
    assert vector["challenge"] == challenge_password(x509.load_der_x509_csr(opened))
