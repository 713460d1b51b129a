"""Challenges from a web service of the user's own, which is told what the certificate is for.

The request is a POST with a JSON body. ``X-Certwright-Timestamp`` holds the seconds since 1970, and, where a key is
configured, ``X-Certwright-Signature`` holds ``sha256=`` and the hexadecimal HMAC-SHA-256 over the timestamp, a full
stop and the body. The answer is ``{"challenge": "…"}`` as JSON, or the challenge alone as text/plain.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx

from certwright.issuers.judging import Place, judge_transport
from certwright.issuers.scep.challenges.source import FetchedChallenge, Purpose, is_usable
from certwright.model.errors import EnrolmentError, IssuerError, RejectedError, TransientError
from certwright.model.names import InvalidNameError, requested_names, requested_subject
from certwright.model.reasons import Reason
from certwright.model.resources.fields import format_instant
from certwright.protocols.transport import Answer, TransportError, exchange, shown

MAX_ANSWER = 16 << 10
PLACE = Place(field="scep.challenge.webhook.url", what="the URL of a service that answers with a challenge")
# What a service says about the Certificate itself; anything else is about the service or the issuer.
_REFUSALS = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where to ask; ``key`` signs the requests. ``ca`` and ``ca_identifier`` say for which CA of which SCEP server."""

    url: str
    key: bytes | None = field(default=None, repr=False)
    ca: str = ""
    ca_identifier: str = ""


class WebhookSource:
    """Implements `ChallengeSource`; ``http`` is closed here."""

    def __init__(self, hook: Hook, *, http: httpx.AsyncClient, clock: Callable[[], datetime]) -> None:
        self._hook = hook
        self._host = httpx.URL(hook.url).host
        self._http = http
        self._clock = clock

    async def fetch(self, purpose: Purpose) -> FetchedChallenge:
        """Tell the service what is wanted, and read its answer."""
        now = self._clock()
        body = json.dumps(describe(purpose, self._hook, now=now), sort_keys=True).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/plain"}
        headers |= signed_headers(body, key=self._hook.key, now=now)
        try:
            answer = await exchange(
                self._http, "POST", self._hook.url, clock=self._clock, content=body, headers=headers, limit=MAX_ANSWER
            )
            if not answer.is_success:
                raise self._refusal(answer)
        except TransportError as error:
            raise judge_transport(error, "the request for a challenge got no answer", PLACE) from error
        challenge = read_answer(answer)
        if not is_usable(challenge):
            text = f"{self._host} answered without a usable challenge: see what the service of {PLACE.field} answers."
            raise TransientError(text)
        return FetchedChallenge(value=challenge)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _refusal(self, answer: Answer) -> EnrolmentError | TransportError:
        code = str(answer.status)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return IssuerError(
                f"{self._host} does not accept the request for a challenge: see that both sides have the key of"
                " scep.challenge.webhook.hmacSecretRef.",
                reason=Reason.INVALID_CREDENTIALS,
                code=code,
            )
        if answer.status in _REFUSALS:
            said = shown(answer.body.decode("utf-8", "replace")) if answer.media_type == "text/plain" else ""
            text = f"{self._host} refuses a challenge for this Certificate{f': {said}' if said else '.'}"
            return RejectedError(shown(text), retry_after=answer.retry_after, code=code)
        return answer.unexpected()


def signed_headers(body: bytes, *, key: bytes | None, now: datetime) -> dict[str, str]:
    """The headers by which the service knows who asks, and when."""
    timestamp = str(int(now.timestamp()))
    headers = {"X-Certwright-Timestamp": timestamp}
    if key is not None:
        digest = hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers["X-Certwright-Signature"] = f"sha256={digest}"
    return headers


def describe(purpose: Purpose, hook: Hook, *, now: datetime) -> dict[str, Any]:
    """The body of the request."""
    request = purpose.request
    try:
        subject, names = requested_subject(request.spec), requested_names(request.spec)
    except InvalidNameError as error:
        text = f"no request can be made from this Certificate: {error}"
        raise RejectedError(text, reason=Reason.INVALID_SPEC) from error
    certificate = request.certificate
    return {
        "time": format_instant(now),
        "certificate": {"namespace": certificate.namespace, "name": certificate.name, "uid": certificate.uid},
        "subject": subject.rfc4514_string(),
        "dnsNames": sorted(names.dns),
        "ipAddresses": sorted(names.ip),
        "uris": sorted(names.uri),
        "emailAddresses": sorted(names.email),
        "otherNames": [{"oid": oid, "utf8Value": text} for oid, text in sorted(names.other)],
        "transaction": {"operation": purpose.operation, "renewsSerialNumber": purpose.renews},
        "ca": {"url": hook.ca, "caIdentifier": hook.ca_identifier},
    }


def read_answer(answer: Answer) -> str:
    """The challenge in an answer, empty where there is none."""
    text = answer.body.decode("utf-8", "replace")
    if answer.media_type == "text/plain":
        return text.strip()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    value = found.get("challenge") if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""
