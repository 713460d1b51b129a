"""Taking multipart/mixed apart (RFC 2046 §5.1): the answer to /serverkeygen, as servers really write it.

Line ends may be bare line feeds, the boundary may be quoted or missing from the Content-Type, the last delimiter may be
missing, and the headers of a part may be folded or absent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from certwright.protocols.est.errors import MalformedAnswer

MAX_PARTS = 8
MAX_HEADERS = 4096  # Bytes of one part's headers.
MAX_BOUNDARY = 200  # RFC 2046 allows 70.

_PARAMETER = re.compile(r';\s*([A-Za-z0-9_\-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s"]+)')
_SNIFFED = re.compile(rb"^--([^\r\n]{1,200}?)[ \t]{0,8}\r?$", re.MULTILINE)
_BLANK_LINE = re.compile(rb"^[ \t]*\r?\n", re.MULTILINE)
_FOLD = re.compile(rb"\r?\n[ \t]+")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A Content-Type: its type, and its parameters, in lower case but for the values."""

    name: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "MediaType":
        """Whatever can be read of a Content-Type."""
        name, _, rest = text[:MAX_HEADERS].partition(";")
        parameters = {found[1].lower(): _unquoted(found[2]) for found in _PARAMETER.finditer(f";{rest}")}
        return cls(name.strip().lower(), parameters)


@dataclass(frozen=True, slots=True)
class Part:
    """One part: what it says it is, and its body as it was sent."""

    media_type: MediaType
    body: bytes = field(repr=False)


def parse_multipart(content_type: str, body: bytes) -> tuple[Part, ...]:
    """The parts of a body, in its order; raises MalformedAnswer if there are none or too many."""
    boundary = MediaType.parse(content_type).parameters.get("boundary", "").encode("utf-8", "replace")
    if not boundary and (sniffed := _SNIFFED.search(body)) is not None:
        boundary = sniffed[1]
    if not 0 < len(boundary) <= MAX_BOUNDARY:
        raise MalformedAnswer("The answer has no boundary that could part it.")
    delimiter = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r?\n|\r?\Z)", re.MULTILINE)
    parts: list[Part] = []
    start: int | None = None
    for found in delimiter.finditer(body):
        if start is not None:
            parts.append(_part(body[start : found.start()]))
        start = None if found[1] else found.end()
        if found[1] or len(parts) > MAX_PARTS:
            break
    if start is not None and start < len(body):
        parts.append(_part(body[start:]))
    if not 0 < len(parts) <= MAX_PARTS:
        raise MalformedAnswer("The answer does not consist of the parts that it should have.")
    return tuple(parts)


def _part(section: bytes) -> Part:
    blank = _BLANK_LINE.search(section, 0, MAX_HEADERS)
    if blank is None:
        return Part(MediaType(), section)
    return Part(_content_type(section[: blank.start()]), section[blank.end() :])


def _content_type(headers: bytes) -> MediaType:
    for line in _FOLD.sub(b" ", headers).splitlines():
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-type":
            return MediaType.parse(value.decode("utf-8", "replace"))
    return MediaType()


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
