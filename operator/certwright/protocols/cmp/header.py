"""PKIHeader (RFC 9810 §5.1.1, RFC 9483 §3.1): made for requests, read from answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asn1crypto import core
from asn1crypto import x509 as names
from cryptography import x509

from certwright.protocols.cmp import asn1
from certwright.protocols.cmp.algorithm import Algorithm, parse_algorithm
from certwright.protocols.cmp.der import load, reading
from certwright.protocols.cmp.infotypes import InfoType
from certwright.protocols.cmp.protection import Protection
from certwright.protocols.cmp.settings import Settings
from certwright.protocols.cmp.status import free_text
from certwright.protocols.cmp.transaction import Transaction

MAX_OCTETS = 128  # Of a nonce, a transactionID or a key identifier that is kept; 16 or 20 are usual.
MAX_INFOS = 100
UTC_TIME_ENDS = 2050


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Of an answer. ``sender`` is the DER of a directoryName, None for another kind of name."""

    pvno: int
    sender: bytes | None
    algorithm: Algorithm | None
    sender_kid: bytes | None
    transaction_id: bytes | None
    sender_nonce: bytes | None
    recip_nonce: bytes | None
    free_text: tuple[str, ...]
    is_implicitly_confirmed: bool
    confirm_by: datetime | None


def build_header(
    transaction: Transaction,
    *,
    protection: Protection,
    settings: Settings,
    now: datetime,
    infos: Sequence[Any] = (),
) -> Any:
    """The header of our next message; ``infos`` are InfoTypeAndValues of asn1crypto."""
    fields: dict[str, Any] = {
        "pvno": transaction.pvno,
        "sender": general_name(settings.sender or protection.sender),
        "recipient": general_name(settings.recipient or protection.recipient),
        "messageTime": now.astimezone(UTC).replace(microsecond=0),
        "protectionAlg": protection.algorithm_identifier.asn1(),
        "transactionID": transaction.transaction_id,
        "senderNonce": transaction.sender_nonce,
    }
    kid = _sender_kid(protection, settings)
    if kid:
        fields["senderKID"] = kid
    if transaction.recip_nonce:
        fields["recipNonce"] = transaction.recip_nonce
    if infos:
        fields["generalInfo"] = list(infos)
    return asn1.PKIHeader(fields)


def info(kind: InfoType, value: Any = None) -> Any:
    """One InfoTypeAndValue; without a value it is a question."""
    fields: dict[str, Any] = {"infoType": kind.value}
    if value is not None:
        fields["infoValue"] = value
    return asn1.InfoTypeAndValue(fields)


def request_infos(*, implicit_confirm: bool, profile: str | None) -> list[Any]:
    """The generalInfo of a request for a certificate."""
    infos = [info(InfoType.IMPLICIT_CONFIRM, core.Null())] if implicit_confirm else []
    if profile is not None:
        infos.append(info(InfoType.CERT_PROFILE, asn1.UTF8Strings([profile])))
    return infos


def general_name(name: x509.Name) -> Any:
    """A directoryName; an empty name is the NULL-DN (RFC 9810 §5.1.1)."""
    return asn1.GeneralName("directoryName", load(asn1.Name, name.public_bytes()))


def asn1_time(at: datetime) -> Any:
    """A Time, UTCTime until 2049 (RFC 5280 §4.1.2.5)."""
    at = at.astimezone(UTC).replace(microsecond=0)
    return names.Time("utc_time" if at.year < UTC_TIME_ENDS else "general_time", at)


def parse_header(raw: bytes) -> Header:
    """Read a header; raises MalformedAnswer."""
    with reading("header"):
        value = load(asn1.PKIHeader, raw)
        sender = value["sender"]
        infos = _infos(value["generalInfo"])
        return Header(
            pvno=value["pvno"].native,
            sender=sender.chosen.untag().dump() if sender.name == "directoryName" else None,
            algorithm=_optional(value["protectionAlg"], parse_algorithm),
            sender_kid=_octets(value["senderKID"]),
            transaction_id=_octets(value["transactionID"]),
            sender_nonce=_octets(value["senderNonce"]),
            recip_nonce=_octets(value["recipNonce"]),
            free_text=free_text(value["freeText"]),
            is_implicitly_confirmed=InfoType.IMPLICIT_CONFIRM in infos,
            confirm_by=_time(infos.get(InfoType.CONFIRM_WAIT_TIME)),
        )


def _sender_kid(protection: Protection, settings: Settings) -> bytes | None:
    configured = settings.interop.sender_kid
    return protection.sender_kid if configured is None else configured.encode()


def _optional(value: Any, parse: Callable[[Any], Algorithm]) -> Algorithm | None:
    return parse(value) if value else None


def _octets(value: Any) -> bytes | None:
    octets = value.native
    if octets is not None and len(octets) > MAX_OCTETS:
        raise ValueError("too long")
    return None if octets is None else bytes(octets)


def _infos(value: Any) -> dict[str, Any]:
    return {one["infoType"].dotted: one["infoValue"] for one in list(value)[:MAX_INFOS]} if value else {}


def _time(value: Any) -> datetime | None:
    """ConfirmWaitTime; one that cannot be read is as good as none."""
    try:
        at = value.parse(core.GeneralizedTime).native if value else None
    except (ValueError, TypeError):
        return None
    return at if isinstance(at, datetime) and at.tzinfo is not None else None
