"""Reading the page of Microsoft's NDES that shows a one-time password (``/certsrv/mscep_admin/``).

The page is HTML in UTF-16, with a byte order mark or without, and localised. The password is upper-case hexadecimal and
stands in bold, as does the thumbprint of the CA, which is written in groups.
"""

import html
import re
from dataclasses import dataclass, field
from enum import Enum

_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_NUMBER = "[0-9A-Fa-f]{8,64}"
_SENTENCE = re.compile(rf"challenge password is\s*:?\s*({_NUMBER})(?![0-9A-Za-z])", re.IGNORECASE)
_BOLD = re.compile(r"<b\b[^>]*>([^<]{1,200})</b\s*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,2000}>")


class Refusal(Enum):
    """Why the page shows no password."""

    CACHE_FULL = "cache full"
    NO_PERMISSION = "no permission"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ShownPassword:
    """A password, and whether it serves again and again (UseSinglePassword)."""

    value: str = field(repr=False)
    is_repeatable: bool


def read_page(body: bytes) -> ShownPassword | Refusal:
    """What the page says."""
    markup = decode(body)
    text = " ".join(html.unescape(_TAG.sub(" ", markup)).split())
    found = _SENTENCE.search(text)
    value = found.group(1) if found else _bold_password(markup)
    if value:
        return ShownPassword(value, is_repeatable="will not expire" in text)
    if "password cache is full" in text:
        return Refusal.CACHE_FULL
    return Refusal.NO_PERMISSION if "sufficient permission" in text else Refusal.UNKNOWN


def decode(body: bytes) -> str:
    """The text of a page, whatever it says about its encoding: IIS says nothing, or something wrong."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    beginning = body[:400]
    # Latin letters in UTF-16 have a zero in every second byte.
    if beginning[1::2].count(0) > len(beginning) // 4:
        return body.decode("utf-16-le", "replace")
    if beginning[0::2].count(0) > len(beginning) // 4:
        return body.decode("utf-16-be", "replace")
    return body.decode("utf-8", "replace")


def _bold_password(markup: str) -> str:
    """The password of a page in another language: the only hexadecimal number in bold that has no gaps."""
    bold = (html.unescape(text).strip() for text in _BOLD.findall(markup))
    numbers = {text for text in bold if re.fullmatch(_NUMBER, text)}
    return numbers.pop() if len(numbers) == 1 else ""
