"""The closed vocabularies of RFC 8894: numbers that travel as text, object identifiers, and what the user may choose.

Every member's value is what stands on the wire (or, for ``Method``, in the Issuer's spec).
"""

from enum import StrEnum

# RFC 8894 §3.2.1, Table 2: the attributes under VeriSign's arc, and the one that IETF added.
ID_MESSAGE_TYPE = "2.16.840.1.113733.1.9.2"
ID_PKI_STATUS = "2.16.840.1.113733.1.9.3"
ID_FAIL_INFO = "2.16.840.1.113733.1.9.4"
ID_SENDER_NONCE = "2.16.840.1.113733.1.9.5"
ID_RECIPIENT_NONCE = "2.16.840.1.113733.1.9.6"
ID_TRANSACTION_ID = "2.16.840.1.113733.1.9.7"
ID_FAIL_INFO_TEXT = "1.3.6.1.5.5.7.24.1"


class MessageType(StrEnum):
    """RFC 8894 §3.2.1.2."""

    CERT_REP = "3"
    RENEWAL_REQ = "17"
    PKCS_REQ = "19"
    CERT_POLL = "20"
    GET_CERT = "21"
    GET_CRL = "22"


class PKIStatus(StrEnum):
    """RFC 8894 §3.2.1.3."""

    SUCCESS = "0"
    FAILURE = "2"
    PENDING = "3"


class FailInfo(StrEnum):
    """RFC 8894 §3.2.1.4."""

    BAD_ALG = "0"
    BAD_MESSAGE_CHECK = "1"
    BAD_REQUEST = "2"
    BAD_TIME = "3"
    BAD_CERT_ID = "4"

    @property
    def word(self) -> str:
        """The name that the RFC gives it, for people."""
        first, *others = self.name.lower().split("_")
        return first + "".join(word.capitalize() for word in others)


class Operation(StrEnum):
    """RFC 8894 §4.1: the ``operation`` of a request's query."""

    GET_CA_CAPS = "GetCACaps"
    GET_CA_CERT = "GetCACert"
    GET_NEXT_CA_CERT = "GetNextCACert"
    PKI_OPERATION = "PKIOperation"


class Method(StrEnum):
    """How PKIOperation travels. AUTO is POST, and GET only at a server whose capabilities leave POST out."""

    AUTO = "Auto"
    POST = "POST"
    GET = "GET"
