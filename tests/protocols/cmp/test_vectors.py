"""Transactions between OpenSSL's client and server, recorded by ``make_vectors``: neither side is ours."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pyasn1.codec.der import decoder, encoder  # type: ignore[import-untyped]
from pyasn1_alt_modules import rfc9810  # type: ignore[import-untyped]

from certwright.protocols.cmp import (
    Confirmed,
    ErrorMessage,
    GeneralAnswer,
    Granted,
    Interop,
    MACProtection,
    Operation,
    Outcome,
    Protection,
    Refusal,
    Rejection,
    Revoked,
    SignatureProtection,
    State,
    Transaction,
    Trust,
    Unprotected,
    Waiting,
    asn1,
)
from certwright.protocols.cmp.answers import AnswerReader
from certwright.protocols.cmp.message import parse_message
from certwright.protocols.cmp.requests import confirmation
from certwright.protocols.cmp.verification import Expected, verify
from tests.fakes.cmp import Kind
from tests.fakes.cmp.messages import parse_request

VECTORS = Path(__file__).parent / "vectors"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
SECRETS = {"mockref": b"sesame"}

EXCHANGES: dict[str, tuple[str, State, type[Any]]] = {
    "mac-ir-1": ("ir", State.REQUESTED, Granted),
    "mac-ir-2": ("ir", State.GRANTED, Confirmed),
    "mac-ir-implicit-1": ("ir", State.REQUESTED, Granted),
    "mac-ir-polled-1": ("ir", State.REQUESTED, Waiting),
    "mac-ir-polled-2": ("ir", State.WAITING, Waiting),
    "mac-ir-polled-3": ("ir", State.WAITING, Granted),
    "mac-ir-polled-4": ("ir", State.GRANTED, Confirmed),
    "mac-p10cr-1": ("p10cr", State.REQUESTED, Granted),
    "mac-p10cr-2": ("p10cr", State.GRANTED, Confirmed),
    "mac-genm-1": ("genm", State.REQUESTED, GeneralAnswer),
    "mac-rejected-1": ("ir", State.REQUESTED, Rejection),
    "mac-error-1": ("ir", State.REQUESTED, ErrorMessage),
    "unprotected-error-1": ("ir", State.REQUESTED, ErrorMessage),
    "signed-cr-1": ("cr", State.REQUESTED, Granted),
    "signed-cr-2": ("cr", State.GRANTED, Confirmed),
    "signed-kur-1": ("kur", State.REQUESTED, Granted),
    "signed-kur-2": ("kur", State.GRANTED, Confirmed),
    "signed-rr-1": ("rr", State.REQUESTED, Revoked),
}


def certificate(name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((VECTORS / f"{name}.crt").read_bytes())


def request(name: str) -> bytes:
    return (VECTORS / f"{name}-request.der").read_bytes()


def answer(name: str) -> bytes:
    return (VECTORS / f"{name}-answer.der").read_bytes()


def protection(name: str) -> Protection:
    if not name.startswith("signed"):
        return MACProtection(reference="mockref", secret=b"sesame")
    signer = "old" if "-cr-" in name else "new"
    key: Any = load_pem_private_key((VECTORS / f"{signer}.key").read_bytes(), password=None)
    return SignatureProtection(key=key, certificate=certificate(signer))


def read(name: str, *, interop: Interop | None = None) -> Outcome:
    operation, state, _ = EXCHANGES[name]
    header = asn1.PKIMessage.load(request(name))["header"]
    transaction = Transaction(
        operation=Operation(operation),
        transaction_id=header["transactionID"].native,
        sender_nonce=header["senderNonce"].native,
        state=state,
    )
    message = parse_message(answer(name))
    used, trust = protection(name), Trust((certificate("root"),))
    expected = Expected(
        transaction=transaction,
        bodies=transaction.answers,
        protection=used,
        trust=trust,
        interop=interop or Interop(),
        now=NOW,
    )
    verify(message, expected)
    return AnswerReader(
        message=message, transaction=transaction, protection=used, trust=trust, now=NOW, asked_implicit_confirm=True
    ).outcome()


@pytest.mark.parametrize("name", EXCHANGES)
def test_an_answer_of_openssl_is_understood(name: str) -> None:
    _, _, expected = EXCHANGES[name]
    interop = Interop(allow_unprotected_errors=True)
    if issubclass(expected, Refusal):
        with pytest.raises(Refusal) as refused:
            read(name, interop=interop)
        assert type(refused.value) is expected
        assert refused.value.authenticated is not name.startswith("unprotected")
        return

    outcome = read(name, interop=interop)

    assert isinstance(outcome, expected)
    if isinstance(outcome, Granted):
        assert outcome.certificate == certificate("new")
        assert outcome.chain == (certificate("root"),)
        assert outcome.needs_confirmation is not name.startswith("mac-ir-implicit")


def test_an_unprotected_error_of_openssl_is_not_shown() -> None:
    with pytest.raises(Unprotected):
        read("unprotected-error-1")


@pytest.mark.parametrize("name", EXCHANGES)
def test_a_request_of_openssl_is_one_that_the_fake_server_accepts(name: str) -> None:
    sent_at = asn1.PKIMessage.load(request(name))["header"]["messageTime"].native

    found = parse_request(request(name), secrets=SECRETS, now=sent_at)

    assert found.kind is (Kind.SIGNATURE if name.startswith("signed") else Kind.MAC)


@pytest.mark.parametrize("name", ["mac-ir", "mac-p10cr", "signed-cr"])
def test_our_confirmation_is_the_one_that_openssl_sends(name: str) -> None:
    granted = read(f"{name}-1")
    assert isinstance(granted, Granted)
    theirs = asn1.PKIMessage.load(request(f"{name}-2"))["body"]

    _, ours = confirmation(granted.transaction)

    assert ours.chosen[0]["certHash"].native == theirs.chosen[0]["certHash"].native
    assert ours.chosen[0]["certReqId"].native == theirs.chosen[0]["certReqId"].native


@pytest.mark.parametrize("name", EXCHANGES)
@pytest.mark.parametrize("side", [request, answer])
def test_pyasn1_reads_it_as_we_do(name: str, side: Any) -> None:
    raw = side(name)
    theirs, _ = decoder.decode(raw, asn1Spec=rfc9810.PKIMessage())
    ours = asn1.PKIMessage.load(raw)

    assert ours.dump() == encoder.encode(theirs) == raw
    assert ours["body"].name == theirs["body"].getName()
    assert ours["header"]["transactionID"].native == bytes(theirs["header"]["transactionID"])
