"""CMP (RFC 9810, 9811, 9483, 9481, 4211), one module per noun of the RFCs: open the RFC, open the file.

``client.CMPClient`` is what the driver in ``issuers`` holds; everything that a caller needs is importable from here. A
``Transaction`` is a value that is stored between messages. Nothing in here sleeps, polls by itself or trusts what it
was not told to trust: an answer counts only if it is protected by the secret or under the anchors that were configured.
"""

from certwright.protocols.cmp.client import CMPClient, RunCPU
from certwright.protocols.cmp.errors import (
    BadSignature,
    CentralKeyFailed,
    CMPError,
    ErrorMessage,
    MalformedAnswer,
    Mismatch,
    ProtectionFailed,
    Refusal,
    Rejection,
    UnexpectedBody,
    Unprotected,
    UntrustedSigner,
    UntrustedUpdate,
    WrongCertReqId,
    WrongKey,
    WrongMAC,
    WrongNonce,
    WrongProtection,
    WrongSender,
    WrongTransaction,
    WrongVersion,
)
from certwright.protocols.cmp.general import (
    CRLStatus,
    RequestTemplate,
    ask_ca_certs,
    ask_cert_req_template,
    ask_crls,
    ask_root_ca_update,
    read_ca_certs,
    read_cert_req_template,
    read_crls,
    read_root_ca_update,
)
from certwright.protocols.cmp.infotypes import InfoType
from certwright.protocols.cmp.mac import MACAlgorithm, MACHash
from certwright.protocols.cmp.outcomes import (
    Confirmed,
    GeneralAnswer,
    Granted,
    Outcome,
    Recovered,
    RecoveredKey,
    Revoked,
    Waiting,
)
from certwright.protocols.cmp.protection import MACProtection, Protection, SignatureProtection
from certwright.protocols.cmp.requests import CertificateRequest, Objection
from certwright.protocols.cmp.root_update import RootCAUpdate
from certwright.protocols.cmp.settings import Interop, Settings
from certwright.protocols.cmp.signature import PrivateKey
from certwright.protocols.cmp.status import FailInfo, PKIStatus, StatusInfo
from certwright.protocols.cmp.template import CertTemplate
from certwright.protocols.cmp.transaction import Operation, State, Transaction
from certwright.protocols.cmp.transfer import well_known_url
from certwright.protocols.cmp.trust import Trust

__all__ = [
    "BadSignature",
    "CMPClient",
    "CMPError",
    "CRLStatus",
    "CentralKeyFailed",
    "CertTemplate",
    "CertificateRequest",
    "Confirmed",
    "ErrorMessage",
    "FailInfo",
    "GeneralAnswer",
    "Granted",
    "InfoType",
    "Interop",
    "MACAlgorithm",
    "MACHash",
    "MACProtection",
    "MalformedAnswer",
    "Mismatch",
    "Objection",
    "Operation",
    "Outcome",
    "PKIStatus",
    "PrivateKey",
    "Protection",
    "ProtectionFailed",
    "Recovered",
    "RecoveredKey",
    "Refusal",
    "Rejection",
    "RequestTemplate",
    "Revoked",
    "RootCAUpdate",
    "RunCPU",
    "Settings",
    "SignatureProtection",
    "State",
    "StatusInfo",
    "Transaction",
    "Trust",
    "UnexpectedBody",
    "Unprotected",
    "UntrustedSigner",
    "UntrustedUpdate",
    "Waiting",
    "WrongCertReqId",
    "WrongKey",
    "WrongMAC",
    "WrongNonce",
    "WrongProtection",
    "WrongSender",
    "WrongTransaction",
    "WrongVersion",
    "ask_ca_certs",
    "ask_cert_req_template",
    "ask_crls",
    "ask_root_ca_update",
    "read_ca_certs",
    "read_cert_req_template",
    "read_crls",
    "read_root_ca_update",
    "well_known_url",
]
