"""PKIStatusInfo (RFC 9810 §5.2.3): what became of a request, in the server's words and in bits with names."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from certwright.protocols.transport import shown

MAX_TEXTS = 8  # Languages or lines that are kept; the rest says the same again.
MAX_BITS = 64  # Bits of failInfo that are looked at; 27 have names.


class PKIStatus(StrEnum):
    """In the order of their numbers, and a place for those that nobody has defined."""

    ACCEPTED = "accepted"
    GRANTED_WITH_MODS = "grantedWithMods"
    REJECTION = "rejection"
    WAITING = "waiting"
    REVOCATION_WARNING = "revocationWarning"
    REVOCATION_NOTIFICATION = "revocationNotification"
    KEY_UPDATE_WARNING = "keyUpdateWarning"
    UNKNOWN = "unknown"


class FailInfo(StrEnum):
    """PKIFailureInfo, in the order of its bits."""

    BAD_ALG = "badAlg"
    BAD_MESSAGE_CHECK = "badMessageCheck"
    BAD_REQUEST = "badRequest"
    BAD_TIME = "badTime"
    BAD_CERT_ID = "badCertId"
    BAD_DATA_FORMAT = "badDataFormat"
    WRONG_AUTHORITY = "wrongAuthority"
    INCORRECT_DATA = "incorrectData"
    MISSING_TIME_STAMP = "missingTimeStamp"
    BAD_POP = "badPOP"
    CERT_REVOKED = "certRevoked"
    CERT_CONFIRMED = "certConfirmed"
    WRONG_INTEGRITY = "wrongIntegrity"
    BAD_RECIPIENT_NONCE = "badRecipientNonce"
    TIME_NOT_AVAILABLE = "timeNotAvailable"
    UNACCEPTED_POLICY = "unacceptedPolicy"
    UNACCEPTED_EXTENSION = "unacceptedExtension"
    ADD_INFO_NOT_AVAILABLE = "addInfoNotAvailable"
    BAD_SENDER_NONCE = "badSenderNonce"
    BAD_CERT_TEMPLATE = "badCertTemplate"
    SIGNER_NOT_TRUSTED = "signerNotTrusted"
    TRANSACTION_ID_IN_USE = "transactionIdInUse"
    UNSUPPORTED_VERSION = "unsupportedVersion"
    NOT_AUTHORIZED = "notAuthorized"
    SYSTEM_UNAVAIL = "systemUnavail"
    SYSTEM_FAILURE = "systemFailure"
    DUPLICATE_CERT_REQ = "duplicateCertReq"


STATUSES = tuple(PKIStatus)[:-1]
FAILURES = tuple(FailInfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusInfo:
    """A status with its texts (cut, one line each) and its failure bits; ``unknown_bits`` have no name."""

    status: PKIStatus
    texts: tuple[str, ...] = ()
    fail_info: tuple[FailInfo, ...] = ()
    unknown_bits: tuple[int, ...] = ()

    @property
    def is_granted(self) -> bool:
        """Whether what was asked for was done; a warning beside it is one (RFC 9810 §5.2.3)."""
        return self.status not in (PKIStatus.REJECTION, PKIStatus.WAITING, PKIStatus.UNKNOWN)

    @property
    def codes(self) -> tuple[str, ...]:
        """The failure bits by name, else by number."""
        return (*self.fail_info, *(f"failInfo bit {bit}" for bit in self.unknown_bits))

    def __str__(self) -> str:
        code = ", ".join(self.codes) or self.status
        return f"{'; '.join(self.texts)} ({code})" if self.texts else code


def free_text(value: Any) -> tuple[str, ...]:
    """PKIFreeText as lines for people; ``value`` may be absent."""
    texts = [shown(text.native) for text in list(value)[:MAX_TEXTS]] if value else []
    return tuple(text for text in texts if text)


def parse_status(value: Any) -> StatusInfo:
    """A PKIStatusInfo of asn1crypto as a value; raises what asn1crypto raises."""
    number = value["status"].native
    status = STATUSES[number] if 0 <= number < len(STATUSES) else PKIStatus.UNKNOWN
    bits = _bits(value["failInfo"])
    return StatusInfo(
        status=status,
        texts=free_text(value["statusString"]),
        fail_info=tuple(FAILURES[bit] for bit in bits if bit < len(FAILURES)),
        unknown_bits=tuple(bit for bit in bits if bit >= len(FAILURES)),
    )


def _bits(value: Any) -> list[int]:
    return [position for position, bit in enumerate(value.native[:MAX_BITS]) if bit] if value else []
