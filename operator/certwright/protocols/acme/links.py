"""Link headers (RFC 8288), which ACME uses for alternate chains, help pages and terms of service.

Called by the parsers of certificates and problem documents.
"""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urljoin

from certwright.protocols.acme.fields import MAX_URL
from certwright.protocols.transport import Answer

MAX_HEADER = 16 << 10  # Characters of all Link headers together: a few dozen alternates.

# One link-value: <target>, then its parameters up to the comma that separates it from the next. A quoted parameter may
# hold commas and escaped quotes.
_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[A-Za-z0-9!#$&+.^_`|~*-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;<>]*))?)*)')
_PARAMETER = re.compile(r';\s*([^\s=;"]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;<>]*)))?')


@dataclass(frozen=True, slots=True)
class Links:
    """The links of one answer, as (relation, absolute URL) in the server's order."""

    found: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Read the answer's Link headers; what is not understood is left out."""
        header = ", ".join(answer.headers.get_list("link"))[:MAX_HEADER]
        return cls(tuple(_links(header, base=answer.url)))

    def all(self, relation: str) -> tuple[str, ...]:
        """Every target with this relation."""
        return tuple(target for name, target in self.found if name == relation)

    def first(self, relation: str) -> str | None:
        """The first target with this relation."""
        return next(iter(self.all(relation)), None)


def _links(header: str, *, base: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for target, parameters in _LINK.findall(header):
        absolute = _absolute(base, target)
        if absolute is not None:
            found.extend((relation, absolute) for relation in _relations(parameters))
    return found


def _relations(parameters: str) -> list[str]:
    """The relation types of a link, several of which may stand in one ``rel``."""
    for name, quoted, plain in _PARAMETER.findall(parameters):
        if name.lower() == "rel":
            return str(quoted or plain).lower().split()
    return []


def _absolute(base: str, target: str) -> str | None:
    try:
        absolute = urljoin(base, target)
    except ValueError:
        return None
    usable = len(absolute) <= MAX_URL and absolute.isascii() and absolute.isprintable() and " " not in absolute
    return absolute if usable and absolute.startswith(("https://", "http://")) else None
