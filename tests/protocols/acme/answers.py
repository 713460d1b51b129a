"""Answers as a server could give them, built without a server."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
from hypothesis import strategies as st

from certwright.protocols.acme.problems import URN, ProblemDocument, parse_problem
from certwright.protocols.transport import Answer

URL = "https://acme.test/x/1"
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def answer(content: Any, *, headers: dict[str, str] | list[tuple[str, str]] | None = None, status: int = 200) -> Answer:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Answer(url=URL, status=status, headers=httpx.Headers(headers, encoding="latin-1"), body=body)


def problem(content: Any, *, headers: dict[str, str] | None = None) -> ProblemDocument | None:
    return parse_problem(answer(content, headers={"content-type": "application/problem+json", **(headers or {})}))


KEYS = sorted(
    {
        *("status", "type", "value", "url", "token", "identifier", "identifiers", "authorizations", "challenges"),
        *("finalize", "certificate", "error", "detail", "subproblems", "instance", "algorithms", "expires"),
        *("newNonce", "newAccount", "newOrder", "meta", "profiles", "caaIdentities"),
    }
)


def as_json(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.sampled_from(KEYS)
    return st.recursive(
        leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=8), max_leaves=20
    )


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["pending", "valid", "dns", "ip", URL, f"{URN}caa", "2030-01-01T00:00:00Z", "\ud800", "http-01"])
)
