"""The EST client that the driver in ``issuers`` holds: one method per operation of RFC 7030, one exchange each.

No method waits for a server's decision or asks twice, but for answering a 401. What takes time comes back as
``Deferred``; the caller sends the same request again when it is time.

Every method raises ``ESTError`` (the server said no, or something that makes no sense), ``TransportError`` (nobody
answered, or not in EST's terms), and nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import httpx

from certwright.protocols.est import payload
from certwright.protocols.est.binding import AnotherConnection, challenge_password, on_this_connection, without_binding
from certwright.protocols.est.certs_only import CACertificates, Deferred, Enrolled, parse_certificates
from certwright.protocols.est.challenges import parse_challenges, schemes
from certwright.protocols.est.credentials import Authenticator, Credentials
from certwright.protocols.est.csrattrs import CSRAttributes, parse_csrattrs
from certwright.protocols.est.decryption import Decryption
from certwright.protocols.est.errors import AuthenticationRequired, NoChannelBinding
from certwright.protocols.est.keygen import ServerGenerated, parse_generated
from certwright.protocols.est.operations import Operation, operation_url
from certwright.protocols.est.refusals import refusal
from certwright.protocols.transport import Answer, UnusableURL, exchange, shown

Build: TypeAlias = Callable[[str, CSRAttributes | None], bytes | Awaitable[bytes]]
Outcome: TypeAlias = Enrolled | ServerGenerated | Deferred

OK = 200
ACCEPTED = 202
NO_CONTENT = 204
UNAUTHORIZED = 401
NOT_FOUND = 404
NONE_OFFERED = frozenset({NO_CONTENT, NOT_FOUND})
# The one form that every server takes: some refuse another content type, some want the transfer encoding named.
REQUEST_HEADERS = {"Content-Type": "application/pkcs10", "Content-Transfer-Encoding": "base64"}
# A server that closes each connection after one answer cannot serve requests that are tied to their connection.
MAX_CONNECTIONS_TRIED = 3


class ESTClient:
    """RFC 7030 for one server and label, as one client.

    ``http`` comes from an ``Opener``, which decides whom it trusts and whose certificate it shows, and is closed by
    whoever opened it. ``credentials`` are sent to this server only, and only over a connection that it verified.
    """

    def __init__(
        self,
        url: str,
        *,
        http: httpx.AsyncClient,
        clock: Callable[[], datetime],
        label: str | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.url = url
        self.label = label
        self._http = http
        self._clock = clock
        self._authenticator = Authenticator(credentials or Credentials())
        self._binding = asyncio.Lock()

    async def cacerts(self) -> CACertificates:
        """The CA's certificates (§4.1)."""
        answer = await self._ask("GET", Operation.CACERTS)
        if answer.status != OK:
            raise refusal(answer)
        return CACertificates(parse_certificates(answer.body))

    async def csrattrs(self) -> CSRAttributes | None:
        """What the CA wants to see in a request, None if it does not say (§4.5). Read it anew for each request."""
        return _attributes(await self._ask("GET", Operation.CSRATTRS))

    async def simpleenroll(self, csr: bytes) -> Enrolled | Deferred:
        """Ask for a certificate (§4.2.1). ``csr`` is DER; a ``Deferred`` one is asked for with the very same again."""
        return _enrolled(await self._post(Operation.SIMPLEENROLL, csr))

    async def simplereenroll(self, csr: bytes) -> Enrolled | Deferred:
        """Renew or rekey (§4.2.2): subject and alternative names must be those of the current certificate."""
        return _enrolled(await self._post(Operation.SIMPLEREENROLL, csr))

    async def serverkeygen(self, csr: bytes, *, decryption: Decryption | None = None) -> ServerGenerated | Deferred:
        """Ask for a certificate and the key for it (§4.4); the key in ``csr`` is ignored by the server.

        With ``decryption``, whose attributes the CSR must hold, only an encrypted key is accepted.
        """
        return _generated(await self._post(Operation.SERVERKEYGEN, csr), decryption)

    async def bound_enrol(self, operation: Operation, build: Build, *, decryption: Decryption | None = None) -> Outcome:
        """Enrol with a request that is tied to its TLS connection (§3.5), which nobody else may use meanwhile.

        ``build`` gets the challengePassword and the CSR attributes, and returns the CSR in DER, or an awaitable of it.
        It is called again when the connection had to be replaced. Open the client with ``for_binding``, for this alone.
        """
        async with self._binding:
            with without_binding():
                for _ in range(MAX_CONNECTIONS_TRIED):
                    first = await self._ask("GET", Operation.CSRATTRS)
                    built = build(challenge_password(first.tls), _attributes(first))
                    csr = built if isinstance(built, bytes) else await built
                    try:
                        answer = await self._post(operation, csr, extensions=on_this_connection())
                    except AnotherConnection:
                        continue
                    return _outcome(operation, answer, decryption)
        raise NoChannelBinding("the server closes the connection before the request can be sent over it")

    async def _post(self, operation: Operation, csr: bytes, *, extensions: Mapping[str, Any] | None = None) -> Answer:
        return await self._ask("POST", operation, content=payload.encode(csr), extensions=extensions)

    async def _ask(
        self,
        method: str,
        operation: Operation,
        *,
        content: bytes | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One exchange, or two where the first was answered with a challenge."""
        url = self._operation_url(operation)
        target = url.raw_path.decode("ascii")
        sent = self._authenticator.header(method, target)
        answer = await self._send(method, url, content=content, authorization=sent, extensions=extensions)
        if answer.status != UNAUTHORIZED:
            return answer
        challenges = parse_challenges(answer.headers.get_list("www-authenticate"))
        answering = self._authenticator.answer(challenges, method, target)
        # The same words again would be refused again, and perhaps counted.
        if answering is None or answering == sent:
            raise AuthenticationRequired(schemes(challenges), was_refused=sent is not None)
        answer = await self._send(method, url, content=content, authorization=answering, extensions=extensions)
        if answer.status == UNAUTHORIZED:
            raise AuthenticationRequired(schemes(challenges), was_refused=True)
        return answer

    async def _send(
        self,
        method: str,
        url: httpx.URL,
        *,
        content: bytes | None,
        authorization: str | None,
        extensions: Mapping[str, Any] | None,
    ) -> Answer:
        headers = {} if content is None else dict(REQUEST_HEADERS)
        if authorization is not None:
            headers["Authorization"] = authorization
        return await exchange(
            self._http, method, str(url), clock=self._clock, content=content, headers=headers, extensions=extensions
        )

    def _operation_url(self, operation: Operation) -> httpx.URL:
        text = operation_url(self.url, operation, label=self.label)
        try:
            url = httpx.URL(text)
        except (httpx.InvalidURL, ValueError) as error:
            raise UnusableURL(f"{shown(text, 200)}: not a usable URL") from error
        if url.scheme != "https" or not url.raw_host or url.userinfo:
            raise UnusableURL(f"{shown(text, 200)}: not an https URL without credentials, which EST asks for")
        return url


def _attributes(answer: Answer) -> CSRAttributes | None:
    if answer.status in NONE_OFFERED:
        return None
    if answer.status != OK:
        raise refusal(answer)
    return parse_csrattrs(answer.body)


def _enrolled(answer: Answer) -> Enrolled | Deferred:
    if answer.status == ACCEPTED:
        return Deferred(answer.retry_after)
    if answer.status != OK:
        raise refusal(answer)
    return Enrolled(parse_certificates(answer.body))


def _generated(answer: Answer, decryption: Decryption | None) -> ServerGenerated | Deferred:
    if answer.status == ACCEPTED:
        return Deferred(answer.retry_after)
    if answer.status != OK:
        raise refusal(answer)
    content_type = str(answer.headers.get("content-type", ""))
    return parse_generated(content_type, answer.body, decryption=decryption)


def _outcome(operation: Operation, answer: Answer, decryption: Decryption | None) -> Outcome:
    return _generated(answer, decryption) if operation is Operation.SERVERKEYGEN else _enrolled(answer)
