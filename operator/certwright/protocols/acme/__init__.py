"""ACME (RFC 8555), one module per noun of the RFC: open the RFC, open the file.

``client.ACMEClient`` is what the driver in ``issuers`` holds; everything that a caller needs is importable from here.
No module in here sleeps, retries (but for badNonce) or knows what a Certificate is.
"""

from certwright.protocols.acme.account import Account, AccountStatus
from certwright.protocols.acme.authorization import Authorization, AuthorizationStatus
from certwright.protocols.acme.certificate import IssuedChain
from certwright.protocols.acme.challenge import (
    Challenge,
    ChallengeStatus,
    ChallengeType,
    dns01_name,
    dns01_value,
    http01_path,
)
from certwright.protocols.acme.client import ACMEClient
from certwright.protocols.acme.directory import Directory
from certwright.protocols.acme.errors import ACMEError, MalformedAnswer
from certwright.protocols.acme.identifier import Identifier, IdentifierType
from certwright.protocols.acme.jws import AccountKey, ExternalAccountBinding, MACAlgorithm, decode_mac_key
from certwright.protocols.acme.order import Order, OrderStatus
from certwright.protocols.acme.problems import ErrorType, Problem, ProblemDocument

__all__ = [
    "ACMEClient",
    "ACMEError",
    "Account",
    "AccountKey",
    "AccountStatus",
    "Authorization",
    "AuthorizationStatus",
    "Challenge",
    "ChallengeStatus",
    "ChallengeType",
    "Directory",
    "ErrorType",
    "ExternalAccountBinding",
    "Identifier",
    "IdentifierType",
    "IssuedChain",
    "MACAlgorithm",
    "MalformedAnswer",
    "Order",
    "OrderStatus",
    "Problem",
    "ProblemDocument",
    "decode_mac_key",
    "dns01_name",
    "dns01_value",
    "http01_path",
]
