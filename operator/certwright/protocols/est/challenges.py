"""WWW-Authenticate: which schemes a server offers, and with which parameters (RFC 9110 §11.6.1).

One header may hold several challenges, separated by the commas that also separate their parameters.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from certwright.protocols.transport import shown

MAX_HEADER = 8192  # Characters of one header; a challenge has some hundred.
MAX_CHALLENGES = 16

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 - what RFC 9110 calls a token is a word
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*("(?:[^"\\]|\\.)*"|{_TOKEN})\s*(?:,|$)')
_SCHEME = re.compile(rf"[\s,]*({_TOKEN})(?:\s+|(?=,)|$)")
_TOKEN68 = re.compile(r"[A-Za-z0-9\-._~+/]+=*\s*(?:,|$)")
_QUOTED_PAIR = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One scheme that the server offers; names in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """The challenges of all headers, in order. What cannot be read ends its header: a 401 without any is one too."""
    found: list[Challenge] = []
    for header in headers:
        for challenge in _challenges(header[:MAX_HEADER]):
            if len(found) == MAX_CHALLENGES:
                return tuple(found)
            found.append(challenge)
    return tuple(found)


def schemes(challenges: Iterable[Challenge]) -> tuple[str, ...]:
    """The schemes offered, each once, fit to be shown."""
    return tuple(dict.fromkeys(shown(challenge.scheme, 32) for challenge in challenges))


def _challenges(header: str) -> Iterator[Challenge]:
    position = 0
    while (start := _SCHEME.match(header, position)) is not None:
        position = start.end()
        parameters: dict[str, str] = {}
        while (parameter := _PARAMETER.match(header, position)) is not None:
            parameters.setdefault(parameter[1].lower(), _unquoted(parameter[2]))
            position = parameter.end()
        if not parameters and (token := _TOKEN68.match(header, position)) is not None and "=" in token[0]:
            position = token.end()
        yield Challenge(start[1].lower(), parameters)


def _unquoted(value: str) -> str:
    return _QUOTED_PAIR.sub(r"\1", value[1:-1]) if value.startswith('"') else value
