"""A server's no, wherever it stands: in an error message, or as the status in the body that answers."""

from typing import Any

from certwright.protocols.cmp.der import reading
from certwright.protocols.cmp.errors import ErrorMessage, Refusal, Rejection
from certwright.protocols.cmp.message import Message
from certwright.protocols.cmp.status import PKIStatus, StatusInfo, free_text, parse_status

CERTIFICATE_RESPONSES = frozenset({"ip", "cp", "kup", "ccp"})


def refusal(message: Message, *, authenticated: bool) -> Refusal | None:
    """The refusal that a message is; None where it is anything else, waiting included."""
    if message.body == "error":
        return _error(message.content, authenticated=authenticated)
    with reading(message.body):
        status = _status(message)
    if status is None or status.status not in (PKIStatus.REJECTION, PKIStatus.UNKNOWN):
        return None
    return Rejection(status, authenticated=authenticated)


def is_waiting_error(message: Message) -> bool:
    """Whether this is an error that means "not yet", for the whole message (RFC 9483 §4.4)."""
    if message.body != "error":
        return False
    with reading("error"):
        return parse_status(message.content["pKIStatusInfo"]).status is PKIStatus.WAITING


def _error(content: Any, *, authenticated: bool) -> ErrorMessage | None:
    with reading("error"):
        status = parse_status(content["pKIStatusInfo"])
        code = content["errorCode"].native
        details = free_text(content["errorDetails"])
    if status.status is PKIStatus.WAITING:
        return None
    return ErrorMessage(status, authenticated=authenticated, error_code=code, details=details)


def _status(message: Message) -> StatusInfo | None:
    """The first status of a body; this client asks for one thing at a time."""
    content = message.content
    if message.body in CERTIFICATE_RESPONSES:
        return parse_status(content["response"][0]["status"])
    if message.body == "rp":
        return parse_status(content["status"][0])
    if message.body == "krp":
        return parse_status(content["status"])
    return None
