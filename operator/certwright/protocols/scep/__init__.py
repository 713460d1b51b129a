"""SCEP (RFC 8894): enrolment in CMS messages over plain HTTP, as the driver in ``issuers.scep`` speaks it.

``SCEPClient`` sends and reads one message at a time. ``transaction_id`` and ``requester_certificate`` make what a
request is known by out of what the driver stages. Everything cryptographic is strict, everything about form lenient:
real servers differ in encodings, order, HTTP statuses and key usages.
"""

from certwright.protocols.cms import LegacyAlgorithm
from certwright.protocols.scep.authority import Authority
from certwright.protocols.scep.capabilities import Capabilities, LegacyAlgorithms
from certwright.protocols.scep.client import SCEPClient
from certwright.protocols.scep.errors import (
    AnotherKey,
    ChallengeNeeded,
    Failure,
    MalformedAnswer,
    SCEPError,
    Unauthenticated,
    Undecryptable,
    UntrustedAuthority,
    WeakAnswer,
)
from certwright.protocols.scep.message import Transaction
from certwright.protocols.scep.reply import PendingReply, Reply, Success, Unfinished
from certwright.protocols.scep.requester import Signer, requester_certificate, transaction_id
from certwright.protocols.scep.vocabulary import FailInfo, MessageType, Method, PKIStatus

__all__ = [
    "AnotherKey",
    "Authority",
    "Capabilities",
    "ChallengeNeeded",
    "FailInfo",
    "Failure",
    "LegacyAlgorithm",
    "LegacyAlgorithms",
    "MalformedAnswer",
    "MessageType",
    "Method",
    "PKIStatus",
    "PendingReply",
    "Reply",
    "SCEPClient",
    "SCEPError",
    "Signer",
    "Success",
    "Transaction",
    "Unauthenticated",
    "Undecryptable",
    "Unfinished",
    "UntrustedAuthority",
    "WeakAnswer",
    "requester_certificate",
    "transaction_id",
]
