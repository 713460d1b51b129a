"""One-time passwords from the page of Microsoft's NDES, as an account that may read it.

The page is asked without credentials first, and says which scheme it wants: NTLM or Basic. Kerberos (Negotiate) would
need a ticket, which an operator in a container does not have.
"""

import asyncio
import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

import httpx

from certwright.issuers.judging import Place, judge_transport
from certwright.issuers.scep.challenges.ndes_page import Refusal, ShownPassword, read_page
from certwright.issuers.scep.challenges.ntlm import Handshake, HandshakeFailed
from certwright.issuers.scep.challenges.source import FetchedChallenge, Purpose
from certwright.model.errors import EnrolmentError, IssuerError, TransientError
from certwright.model.reasons import Reason
from certwright.protocols.transport import Answer, TransportError, exchange

MAX_PAGE = 64 << 10
UNAUTHORIZED = 401
FORBIDDEN = 403
FULL_PAUSE = timedelta(minutes=5)
PLACE = Place(field="scep.challenge.ndes.url", what="the URL of NDES's page with the password")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who may read the page."""

    username: str = field(repr=False)
    password: str = field(repr=False)


class NDESSource:
    """Implements `ChallengeSource` over the page at ``url``; ``http`` is used for nothing else, and closed here."""

    def __init__(self, url: str, account: Account, *, http: httpx.AsyncClient, clock: Callable[[], datetime]) -> None:
        self._url = url
        self._host = httpx.URL(url).host
        self._account = account
        self._http = http
        self._clock = clock
        # NTLM authenticates a connection: whoever asks at the same time would get between its requests.
        self._turn = asyncio.Lock()
        self._certificate: bytes | None = None
        http.event_hooks = {"response": [self._note_certificate]}

    async def fetch(self, purpose: Purpose) -> FetchedChallenge:
        """Read the page once; each reading makes a new password."""
        del purpose  # The page asks for nothing.
        try:
            async with self._turn:
                answer = await self._read()
        except TransportError as error:
            raise judge_transport(error, "the page with the challenge got no answer", PLACE) from error
        match read_page(answer.body):
            case ShownPassword(value=value, is_repeatable=is_repeatable):
                return FetchedChallenge(value=value, is_repeatable=is_repeatable)
            case Refusal() as refusal:
                raise self._refused(refusal)
            case other:
                assert_never(other)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _read(self) -> Answer:
        answer = await self._get()
        if answer.status == UNAUTHORIZED:
            answer = await self._authenticate(answer)
        if answer.status in (UNAUTHORIZED, FORBIDDEN):
            raise self._unauthorized()
        if not answer.is_success:
            raise answer.unexpected()
        return answer

    async def _authenticate(self, refused: Answer) -> Answer:
        schemes = offered_schemes(_challenges(refused))
        if "ntlm" in schemes:
            return await self._authenticate_with_ntlm()
        if "basic" in schemes:
            plain = f"{self._account.username}:{self._account.password}".encode()
            return await self._get(f"Basic {base64.b64encode(plain).decode('ascii')}")
        raise IssuerError(
            f"{self._host} offers {', '.join(sorted(schemes)) or 'no scheme'} to authenticate with, and certwright"
            " knows NTLM and Basic: allow one of them for the page with the challenge.",
            reason=Reason.INVALID_CONFIGURATION,
        )

    async def _authenticate_with_ntlm(self) -> Answer:
        account = self._account
        handshake = Handshake(account.username, account.password, host=self._host, certificate=self._certificate)
        try:
            answer = await self._get(handshake.begin())
            if answer.status != UNAUTHORIZED:
                return answer
            return await self._get(handshake.answer(_challenges(answer)))
        except HandshakeFailed as error:
            text = f"{self._host}: no authentication over NTLM, since {error}. See that it still allows NTLM."
            raise TransientError(text) from error

    async def _get(self, authorization: str = "") -> Answer:
        headers = {"Authorization": authorization} if authorization else None
        return await exchange(self._http, "GET", self._url, clock=self._clock, headers=headers, limit=MAX_PAGE)

    async def _note_certificate(self, response: httpx.Response) -> None:
        stream = response.extensions.get("network_stream")
        tls = stream.get_extra_info("ssl_object") if stream is not None else None
        self._certificate = tls.getpeercert(binary_form=True) if tls is not None else None

    def _unauthorized(self) -> IssuerError:
        return IssuerError(
            f"{self._host} does not accept the account for the page with the challenge: see that the Secret of"
            " scep.challenge.ndes.credentialsSecretRef holds its username (DOMAIN\\user) and password.",
            reason=Reason.INVALID_CREDENTIALS,
        )

    def _refused(self, refusal: Refusal) -> EnrolmentError:
        match refusal:
            case Refusal.CACHE_FULL:
                return TransientError(
                    f"{self._host} has handed out as many challenges as it keeps, and they are not used yet: lower"
                    " scep.challenge.maxOutstanding below NDES's PasswordMax, or wait until they expire.",
                    retry_after=FULL_PAUSE,
                    reason=Reason.RATE_LIMITED,
                )
            case Refusal.NO_PERMISSION:
                return IssuerError(
                    f"{self._host} says that the account lacks permission: let it enrol for NDES's template.",
                    reason=Reason.INVALID_CREDENTIALS,
                )
            case Refusal.UNKNOWN:
                return TransientError(
                    f"{self._host} answered a page without a challenge: see that scep.challenge.ndes.url is"
                    f" {PLACE.what}."
                )
            case other:
                assert_never(other)


def offered_schemes(challenges: Iterable[str]) -> frozenset[str]:
    """The schemes of WWW-Authenticate headers, in lower case; servers send one header or many."""
    words = (part.split(maxsplit=1) for header in challenges for part in header.split(","))
    return frozenset(word[0].lower() for word in words if word and "=" not in word[0])


def _challenges(answer: Answer) -> list[str]:
    return list(answer.headers.get_list("www-authenticate"))
