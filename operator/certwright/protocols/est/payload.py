"""How DER travels in EST: in base64, whatever any Content-Transfer-Encoding says (RFC 8951 §3).

Sent in the one form that all servers take, lines of 64 characters; read in any form in which servers send it.
"""

import base64
import binascii
import re

from certwright.protocols.est.errors import MalformedAnswer

LINE = 64
_SEQUENCE = 0x30
_BEGIN = re.compile(rb"-----BEGIN [A-Z0-9 ]{1,64}-----")
_END = b"-----END "
_BLANK = re.compile(rb"[\s\x00]+")


def encode(der: bytes) -> bytes:
    """DER as the body of a request."""
    text = base64.b64encode(der)
    return b"".join(text[start : start + LINE] + b"\n" for start in range(0, len(text), LINE))


def is_armoured(body: bytes) -> bool:
    """Whether it is PEM, in one block or several."""
    return _armoured(body) is not None


def decode(body: bytes) -> bytes:
    """The DER in a body: base64 with any white space and NUL bytes, PEM armour, or bare DER. Empty for an empty body.

    Raises MalformedAnswer. Whether it is DER, the parser of its content finds out.
    """
    inner = _armoured(body)
    text = _BLANK.sub(b"", body if inner is None else inner)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        if body[:1] == bytes([_SEQUENCE]):
            return body
        raise MalformedAnswer("The body is neither base64 nor DER.") from error


def _armoured(body: bytes) -> bytes | None:
    """What the first block of PEM holds. Searched for once: a pattern for whole blocks would take quadratic time."""
    begin = _BEGIN.search(body)
    end = -1 if begin is None else body.find(_END, begin.end())
    return None if begin is None or end < 0 else body[begin.end() : end]
