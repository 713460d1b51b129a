"""EST (RFC 7030, with RFC 8951 and RFC 9908), one module per noun of the RFC: open the RFC, open the file.

``client.ESTClient`` is what the driver in ``issuers`` holds, over an HTTP client that an ``Opener`` gives; everything
that a caller needs is importable from here. No module in here sleeps, retries (but for one answer to a 401) or knows
what a Certificate is.
"""

from certwright.protocols.est.algorithms import KeyAlgorithm, KeyRequirement
from certwright.protocols.est.anchors import Anchor, Learned, configured, fingerprint, successors
from certwright.protocols.est.bootstrap import bootstrap, seek_successors
from certwright.protocols.est.certs_only import CACertificates, Deferred, Enrolled
from certwright.protocols.est.client import ESTClient
from certwright.protocols.est.credentials import BearerToken, Credentials, HTTPScheme, Password
from certwright.protocols.est.csrattrs import CSRAttributes, parse_csrattrs
from certwright.protocols.est.decryption import AsymmetricDecryption, CSRAttribute, Decryption, SymmetricDecryption
from certwright.protocols.est.errors import (
    AuthenticationRequired,
    ESTError,
    FingerprintMismatch,
    MalformedAnswer,
    NoChannelBinding,
)
from certwright.protocols.est.keygen import ServerGenerated
from certwright.protocols.est.opening import HTTPOpener, Opener
from certwright.protocols.est.operations import Operation
from certwright.protocols.est.private_key import PrivateKey, parse_private_key
from certwright.protocols.est.refusals import Refused
from certwright.protocols.est.requested import (
    GeneralNameKind,
    RequestedExtension,
    RequestedGeneralName,
    requested_general_names,
)
from certwright.protocols.est.template import RequestedName, Template

__all__ = [
    "Anchor",
    "AsymmetricDecryption",
    "AuthenticationRequired",
    "BearerToken",
    "CACertificates",
    "CSRAttribute",
    "CSRAttributes",
    "Credentials",
    "Decryption",
    "Deferred",
    "ESTClient",
    "ESTError",
    "Enrolled",
    "FingerprintMismatch",
    "GeneralNameKind",
    "HTTPOpener",
    "HTTPScheme",
    "KeyAlgorithm",
    "KeyRequirement",
    "Learned",
    "MalformedAnswer",
    "NoChannelBinding",
    "Opener",
    "Operation",
    "Password",
    "PrivateKey",
    "Refused",
    "RequestedExtension",
    "RequestedGeneralName",
    "RequestedName",
    "ServerGenerated",
    "SymmetricDecryption",
    "Template",
    "bootstrap",
    "configured",
    "fingerprint",
    "parse_csrattrs",
    "parse_private_key",
    "requested_general_names",
    "seek_successors",
    "successors",
]
