"""What a server says when it says no: problem documents (RFC 7807) and the ACME error types (RFC 8555 §6.7).

Orders and challenges carry such documents as their ``error``; a refused request raises one as ``Problem``. Whoever acts
on one branches on ``type``, never on the HTTP status, which servers choose freely.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

from certwright.protocols.acme.errors import ACMEError, MalformedAnswer
from certwright.protocols.acme.fields import (
    Fields,
    address,
    json_object,
    optional_items,
    shown_text,
)
from certwright.protocols.acme.identifier import Identifier, parse_identifier
from certwright.protocols.acme.links import Links
from certwright.protocols.transport import Answer

URN = "urn:ietf:params:acme:error:"
MEDIA_TYPES = frozenset({"application/problem+json", "application/json"})
NAMED = 5  # Subproblems that the one-line text spells out; all of them are in ``subproblems``.


class ErrorType(StrEnum):
    """IANA's registry "ACME Error Types", two from drafts in use, and a place for all others."""

    # RFC 8555
    ACCOUNT_DOES_NOT_EXIST = "accountDoesNotExist"
    ALREADY_REVOKED = "alreadyRevoked"
    BAD_CSR = "badCSR"
    BAD_NONCE = "badNonce"
    BAD_PUBLIC_KEY = "badPublicKey"
    BAD_REVOCATION_REASON = "badRevocationReason"
    BAD_SIGNATURE_ALGORITHM = "badSignatureAlgorithm"
    CAA = "caa"
    COMPOUND = "compound"
    CONNECTION = "connection"
    DNS = "dns"
    EXTERNAL_ACCOUNT_REQUIRED = "externalAccountRequired"
    INCORRECT_RESPONSE = "incorrectResponse"
    INVALID_CONTACT = "invalidContact"
    MALFORMED = "malformed"
    ORDER_NOT_READY = "orderNotReady"
    RATE_LIMITED = "rateLimited"
    REJECTED_IDENTIFIER = "rejectedIdentifier"
    SERVER_INTERNAL = "serverInternal"
    TLS = "tls"
    UNAUTHORIZED = "unauthorized"
    UNSUPPORTED_CONTACT = "unsupportedContact"
    UNSUPPORTED_IDENTIFIER = "unsupportedIdentifier"
    USER_ACTION_REQUIRED = "userActionRequired"
    # RFC 8739, orders that renew themselves
    AUTO_RENEWAL_CANCELED = "autoRenewalCanceled"
    AUTO_RENEWAL_EXPIRED = "autoRenewalExpired"
    AUTO_RENEWAL_CANCELLATION_INVALID = "autoRenewalCancellationInvalid"
    AUTO_RENEWAL_REVOCATION_NOT_SUPPORTED = "autoRenewalRevocationNotSupported"
    # RFC 9115, delegation
    UNKNOWN_DELEGATION = "unknownDelegation"
    # RFC 9773, renewal information
    ALREADY_REPLACED = "alreadyReplaced"
    # RFC 9799, onion services
    ONION_CAA_REQUIRED = "onionCAARequired"
    # draft-ietf-acme-device-attest
    BAD_ATTESTATION_STATEMENT = "badAttestationStatement"
    # draft-ietf-acme-profiles
    INVALID_PROFILE = "invalidProfile"
    # A type that nobody registered, another URI than ACME's, or no type at all: a generic error (RFC 8555 §6.7).
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls(cls.UNKNOWN) if isinstance(value, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemDocument:
    """One problem as the server described it; every text is cut and free of control characters.

    ``type_uri`` is the type in the server's own words. ``identifier`` is set in subproblems only (RFC 8555 §6.7.1).
    ``instance``, ``help_url`` and ``terms_of_service`` are addresses for people to visit; ``algorithms`` comes with
    badSignatureAlgorithm (§6.2).
    """

    type: ErrorType
    type_uri: str = "about:blank"
    detail: str = ""
    status: int | None = None
    identifier: Identifier | None = None
    subproblems: tuple["ProblemDocument", ...] = ()
    algorithms: tuple[str, ...] = ()
    instance: str | None = None
    help_url: str | None = None
    terms_of_service: str | None = None
    retry_after: timedelta | None = None

    @property
    def code(self) -> str:
        """The type without ACME's prefix, in the server's words: what users look up."""
        return self.type_uri.removeprefix(URN)

    def leaves(self) -> Iterator["ProblemDocument"]:
        """The subproblems, or the problem itself where it has none."""
        yield from self.subproblems or (self,)

    def __str__(self) -> str:
        head = f"{self.detail} ({self.code})" if self.detail else self.code
        if self.identifier is not None:
            head = f"{self.identifier}: {head}"
        if not self.subproblems:
            return head
        named = "; ".join(str(problem) for problem in self.subproblems[:NAMED])
        more = len(self.subproblems) - NAMED
        return f"{head}: {named}" + (f"; and {more} more" if more > 0 else "")


class Problem(ACMEError):
    """The server refused a request. The facts are in ``document``."""

    def __init__(self, document: ProblemDocument) -> None:
        super().__init__(str(document))
        self.document = document

    @property
    def type(self) -> ErrorType:
        """What to branch on."""
        return self.document.type

    @property
    def retry_after(self) -> timedelta | None:
        """When the server wants to be asked again, if it said so."""
        return self.document.retry_after


def parse_problem(answer: Answer) -> ProblemDocument | None:
    """The problem document that a refusal carries; None if it carries none (a proxy's HTML, an empty body)."""
    if answer.media_type not in MEDIA_TYPES:
        return None
    try:
        fields = json_object(answer.body, "problem document")
    except MalformedAnswer:
        return None
    if "type" not in fields and "detail" not in fields:
        return None
    links = Links.of(answer)
    return _document(
        fields,
        subproblems=tuple(_subproblem(value) for value in optional_items(fields, "subproblems")),
        help_url=links.first("help"),
        terms_of_service=links.first("terms-of-service"),
        retry_after=answer.retry_after,
    )


def embedded_problem(value: Any) -> ProblemDocument | None:
    """The ``error`` of an order or a challenge; None where there is none."""
    if not isinstance(value, dict):
        return None
    return _document(value, subproblems=tuple(_subproblem(entry) for entry in optional_items(value, "subproblems")))


def _subproblem(value: Any) -> ProblemDocument:
    fields = value if isinstance(value, dict) else {}
    return _document(fields, identifier=_identifier(fields.get("identifier")))


def _identifier(value: Any) -> Identifier | None:
    try:
        return parse_identifier(value)
    except MalformedAnswer:
        return None


def _document(fields: Fields, **more: Any) -> ProblemDocument:
    uri = shown_text(fields.get("type"), 200) or "about:blank"
    status = fields.get("status")
    algorithms = (shown_text(name, 50) for name in optional_items(fields, "algorithms")[:20])
    return ProblemDocument(
        type=ErrorType(uri.removeprefix(URN)) if uri.startswith(URN) else ErrorType.UNKNOWN,
        type_uri=uri,
        detail=shown_text(fields.get("detail")) or shown_text(fields.get("title")),
        status=status if isinstance(status, int) and 100 <= status <= 599 else None,  # noqa: PLR2004 - HTTP's numbers
        algorithms=tuple(name for name in algorithms if name),
        instance=address(fields.get("instance")),
        **more,
    )
