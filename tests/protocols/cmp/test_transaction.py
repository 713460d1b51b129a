"""What is stored between messages, and what must never be."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols.cmp import (
    CertificateRequest,
    MACProtection,
    Operation,
    SignatureProtection,
    State,
    Transaction,
)
from tests.fakes.cmp import Pair
from tests.protocols.cmp.asking import make_csr

GOOD = Transaction.begin(Operation.P10CR).to_json()


@given(
    st.builds(
        Transaction,
        operation=st.sampled_from(Operation),
        transaction_id=st.binary(max_size=20),
        state=st.sampled_from(State),
        pvno=st.integers(2, 3),
        request_nonce=st.binary(max_size=20),
        sender_nonce=st.binary(max_size=20),
        recip_nonce=st.binary(max_size=20),
        cert_req_id=st.integers(-1, 0),
        poll_id=st.integers(-1, 0),
        certificate=st.none() | st.binary(max_size=20),
        label=st.text(max_size=10),
    )
)
def test_it_comes_back_as_it_was(transaction: Transaction) -> None:
    assert Transaction.from_json(json.loads(json.dumps(transaction.to_json()))) == transaction


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"label"}))
@pytest.mark.parametrize("value", ["missing", 1.5, "not hex", ["x"]], ids=str)
def test_what_is_none_is_refused(name: str, value: object) -> None:
    stored = {**GOOD, name: value}
    if value == "missing":
        del stored[name]

    with pytest.raises(ValueError, match="no stored CMP transaction"):
        Transaction.from_json(stored)


def test_every_transaction_and_message_is_new() -> None:
    one, other = Transaction.begin(Operation.IR), Transaction.begin(Operation.IR)

    assert one.transaction_id != other.transaction_id
    assert len(one.transaction_id) == len(one.with_new_nonce().sender_nonce) == 16
    assert one.with_new_nonce().sender_nonce != one.with_new_nonce().sender_nonce


def test_a_finished_transaction_expects_nothing() -> None:
    assert Transaction(operation=Operation.IR, transaction_id=b"", state=State.DONE).answers == frozenset()


def test_no_secret_is_shown(device: Pair) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    values = (
        MACProtection(reference="r", secret=b"sesame"),
        SignatureProtection(key=device.key, certificate=device.certificate),
        CertificateRequest.from_csr(make_csr(key), key=key),
    )

    shown = " ".join(repr(value) for value in values)
    assert "sesame" not in shown
    assert "PrivateKey" not in shown
