"""A web service that hands out challenges, as a user would write one; a handler for ``httpx.MockTransport``."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx


@dataclass
class FakeChallengeWebhook:
    """Checks signature and age of a request where it has a ``key``, and answers one challenge after the other.

    ``answer`` replaces what it would answer. ``asked`` are the bodies of the requests that it believed.
    """

    url = "https://hook.test/challenge"
    clock: Callable[[], datetime]
    key: bytes | None = None
    answer: httpx.Response | None = None
    is_plain: bool = False
    issued: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def handle(self, request: httpx.Request) -> httpx.Response:
        if self.key is not None and not self._is_signed(request):
            return httpx.Response(401)
        self.asked.append(json.loads(request.content))
        if self.answer is not None:
            return self.answer
        challenge = f"hook-challenge-{len(self.issued) + 1}"
        self.issued.append(challenge)
        return (
            httpx.Response(200, text=f"{challenge}\n")
            if self.is_plain
            else httpx.Response(200, json={"challenge": challenge})
        )

    def _is_signed(self, request: httpx.Request) -> bool:
        timestamp = request.headers["X-Certwright-Timestamp"]
        wanted = hmac.new(self.key or b"", f"{timestamp}.".encode() + request.content, hashlib.sha256).hexdigest()
        is_young = abs(self.clock().timestamp() - int(timestamp)) < 300
        return is_young and request.headers.get("X-Certwright-Signature") == f"sha256={wanted}"
