"""One transaction: all that the next message needs of the ones before (RFC 9810 §5.1.1).

A value that can be stored between any two messages, for days if the CA takes that long; it holds nothing secret.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self, assert_never

RANDOM = 16  # Octets of transactionID and nonces (RFC 9483 §3.1).
WHOLE_MESSAGE = -1  # The certReqId that stands for a whole message (RFC 9483 §4.4) and for the CSR of a p10cr.
FIRST = 0  # The certReqId of the only request in a message (RFC 9483 §4.1.1).
CMP2000 = 2
CMP2021 = 3  # Where EnvelopedData may come, or a certConf names its hash (RFC 9810 §7).


class Operation(StrEnum):
    """What a transaction is for: the body of its first message."""

    IR = "ir"
    CR = "cr"
    KUR = "kur"
    P10CR = "p10cr"
    KRR = "krr"
    RR = "rr"
    GENM = "genm"

    @property
    def response(self) -> str:
        """The body that answers it."""
        return RESPONSES[self]


RESPONSES = {
    Operation.IR: "ip",
    Operation.CR: "cp",
    Operation.KUR: "kup",
    Operation.P10CR: "cp",
    Operation.KRR: "krp",
    Operation.RR: "rp",
    Operation.GENM: "genp",
}

# Of the URL (RFC 9483 §6.1); the drafts called the CSR's one "p10". A genm has one for each question.
LABELS = {
    Operation.IR: "initialization",
    Operation.CR: "certification",
    Operation.KUR: "keyupdate",
    Operation.P10CR: "pkcs10",
    Operation.KRR: "",
    Operation.RR: "revocation",
    Operation.GENM: "",
}


class State(StrEnum):
    """Which message comes next."""

    REQUESTED = "requested"  # None of ours: the request was, or is about to be, sent.
    WAITING = "waiting"  # pollReq
    GRANTED = "granted"  # certConf
    CONFIRMING = "confirming"  # pollReq, after a certConf
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """Where a transaction stands.

    ``sender_nonce`` went out last, ``request_nonce`` with the last message that was no poll, ``recip_nonce`` came in
    last. ``cert_req_id`` is the one that the server used. ``poll_id`` is what a pollReq asks for. ``certificate`` (DER)
    waits for its certConf. ``label`` is the operation's part of the URL, where such are used.
    """

    operation: Operation
    transaction_id: bytes
    state: State = State.REQUESTED
    pvno: int = CMP2000
    request_nonce: bytes = b""
    sender_nonce: bytes = b""
    recip_nonce: bytes = b""
    cert_req_id: int = FIRST
    poll_id: int = FIRST
    certificate: bytes | None = None
    label: str = ""

    @classmethod
    def begin(cls, operation: Operation, *, pvno: int = CMP2000, label: str | None = None) -> Self:
        """A new transaction; nothing has been sent."""
        return cls(
            operation=operation,
            transaction_id=os.urandom(RANDOM),
            pvno=pvno,
            cert_req_id=WHOLE_MESSAGE if operation is Operation.P10CR else FIRST,
            label=LABELS[operation] if label is None else label,
        )

    @property
    def is_waiting(self) -> bool:
        """Whether a pollReq comes next."""
        return self.state in (State.WAITING, State.CONFIRMING)

    @property
    def answers(self) -> frozenset[str]:
        """The bodies that may answer the next message, beside ``error``."""
        match self.state:
            case State.REQUESTED:
                return frozenset({self.operation.response})
            case State.WAITING:
                return frozenset({self.operation.response, "pollRep"})
            case State.GRANTED:
                return frozenset({"pkiconf"})
            case State.CONFIRMING:
                return frozenset({"pkiconf", "pollRep"})
            case State.DONE:
                return frozenset()
        assert_never(self.state)

    def with_new_nonce(self) -> Self:
        """As it is while the next message is out."""
        nonce = os.urandom(RANDOM)
        return replace(self, sender_nonce=nonce, request_nonce=self.request_nonce if self.is_waiting else nonce)

    def to_json(self) -> dict[str, str | int | None]:
        """What ``from_json`` reads."""
        return {
            "operation": self.operation.value,
            "transactionID": self.transaction_id.hex(),
            "state": self.state.value,
            "pvno": self.pvno,
            "requestNonce": self.request_nonce.hex(),
            "senderNonce": self.sender_nonce.hex(),
            "recipNonce": self.recip_nonce.hex(),
            "certReqId": self.cert_req_id,
            "pollId": self.poll_id,
            "certificate": None if self.certificate is None else b64encode(self.certificate).decode(),
            "label": self.label,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """A transaction that was stored; raises ValueError if it is none."""
        try:
            certificate = stored["certificate"]
            return cls(
                operation=Operation(stored["operation"]),
                transaction_id=bytes.fromhex(stored["transactionID"]),
                state=State(stored["state"]),
                pvno=_integer(stored["pvno"]),
                request_nonce=bytes.fromhex(stored["requestNonce"]),
                sender_nonce=bytes.fromhex(stored["senderNonce"]),
                recip_nonce=bytes.fromhex(stored["recipNonce"]),
                cert_req_id=_integer(stored["certReqId"]),
                poll_id=_integer(stored["pollId"]),
                certificate=None if certificate is None else b64decode(certificate, validate=True),
                label=str(stored.get("label", "")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is no stored CMP transaction ({type(error).__name__})") from error


def _integer(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("not an integer")
    return value
