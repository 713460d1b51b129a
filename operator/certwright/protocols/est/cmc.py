"""The status in a CMC response (RFC 5272): all of CMC that a refusal over EST may bring.

The signature is not looked at: the text came over a verified connection, and is only shown.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from asn1crypto import core

from certwright.protocols import cms
from certwright.protocols.cms.structures import is_absent, raw
from certwright.protocols.est import payload
from certwright.protocols.est.errors import MalformedAnswer
from certwright.protocols.est.structures import CMCStatusInfo, PKIResponse
from certwright.protocols.transport import shown

ID_PKI_RESPONSE = "1.3.6.1.5.5.7.12.3"
STATUS_INFO = frozenset({"1.3.6.1.5.5.7.7.1", "1.3.6.1.5.5.7.7.25"})
SUCCESS = 0
INTEGER = 0x02
MAX_CONTROLS = 32

FAIL_INFO: Mapping[int, str] = {
    0: "badAlg",
    1: "badMessageCheck",
    2: "badRequest",
    3: "badTime",
    4: "badCertId",
    5: "unsupportedExt",
    6: "mustArchiveKeys",
    7: "badIdentity",
    8: "popRequired",
    9: "popFailed",
    10: "noKeyReuse",
    11: "internalCAError",
    12: "tryLater",
    13: "authDataFail",
}
"""RFC 5272 §6.1.4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CMCFailure:
    """What the status of a refusal says: both may be missing."""

    text: str = ""
    fail_info: str | None = None


def parse_cmc_failure(body: bytes) -> CMCFailure | None:
    """The first failure that a CMC response reports; None where there is none, or what came is something else."""
    try:
        message = cms.SignedMessage.parse(payload.decode(body))
        if message.content_type != ID_PKI_RESPONSE or message.content is None:
            return None
        with cms.reading("CMC response"):
            return next(_failures(cms.der.definite(message.content)), None)
    except (cms.CMSError, MalformedAnswer):
        return None


def _failures(content: bytes) -> Iterator[CMCFailure]:
    controls = PKIResponse.load(content, strict=True)["control_sequence"]
    for control in list(controls)[:MAX_CONTROLS]:
        if control["attr_type"].dotted not in STATUS_INFO:
            continue
        for value in control["attr_values"]:
            status = CMCStatusInfo.load(raw(value), strict=True)
            if status["cmc_status"].native != SUCCESS:
                yield CMCFailure(
                    text=shown(status["status_string"].native or ""), fail_info=_fail_info(status["other_info"])
                )


def _fail_info(other: Any) -> str | None:
    if is_absent(other) or raw(other)[0] != INTEGER:
        return None
    number = core.Integer.load(raw(other)).native
    return FAIL_INFO.get(number, f"failInfo {number}" if 0 <= number < 1 << 31 else None)
