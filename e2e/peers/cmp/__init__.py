"""A CMP server that issues: the reference RA component of RFC 9483 in front of an authority, and ours beside it.

The component refuses krr and clients' error messages, and delays neither p10cr nor (it answers certReqId -1 with 0) rr.
What it delayed comes with the recipNonce of the request instead of the last pollReq's. It gives certReqId 0 to p10cr,
issues nothing whose key usage lacks digitalSignature, and wraps keys that it makes in types of its own: id-data around
the SignedData, a misspelt OID and no SEQUENCE around the key. Our endpoint does these by the RFC.

``server`` holds the Java source. ``e2e.peers.openssl_cmp`` is the other real server, for messages only.
"""

from e2e.peers.cmp.script import Answers, Errors, Failure, Script
from e2e.peers.cmp.server import CMPServer, Exchange

__all__ = ["Answers", "CMPServer", "Errors", "Exchange", "Failure", "Script"]
