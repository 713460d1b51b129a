"""What the fake server remembers of a transaction, and how it says no."""

from dataclasses import dataclass
from typing import Any

from cryptography import x509

from certwright.protocols.cmp import asn1
from tests.fakes.cmp.messages import Kind, Request

REJECTION = 2


@dataclass(slots=True)
class FakeTransaction:
    kind: Kind
    request: Request
    nonce: bytes = b""
    polls: int = 0
    confirm_polls: int = 0
    certificate: x509.Certificate | None = None
    cert_req_id: int = 0
    is_confirmed: bool = False
    is_refused: bool = False


@dataclass(slots=True)
class Refuse:
    """What the next request gets: a rejection in its own body, or an error message."""

    text: str = "no"
    bits: tuple[int, ...] = (2,)
    is_error: bool = False
    status: int = REJECTION
    code: int | None = None
    details: tuple[str, ...] = ()


def error(refuse: Refuse) -> Any:
    content: dict[str, Any] = {"pKIStatusInfo": status_info(refuse)}
    if refuse.code is not None:
        content["errorCode"] = refuse.code
    if refuse.details:
        content["errorDetails"] = list(refuse.details)
    return asn1.PKIBody("error", content)


def status_info(refuse: Refuse) -> dict[str, Any]:
    status: dict[str, Any] = {"status": refuse.status, "statusString": [refuse.text]}
    if refuse.bits:
        status["failInfo"] = tuple(int(bit in refuse.bits) for bit in range(max(refuse.bits) + 1))
    return status
