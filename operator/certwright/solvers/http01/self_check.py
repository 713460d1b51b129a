"""The operator's own request for a proof, made like the CA's: from outside, on port 80, following redirects.

A CA that is told too early fails the challenge, and with it the whole order. The request goes through the public way,
so it proves routes and load balancers as well; it carries no credentials, and shows nobody what it found.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx

from certwright.protocols.acme import http01_path
from certwright.protocols.transport import (
    AddressPolicy,
    AddressRefused,
    NameNotResolved,
    TransportError,
    TransportSettings,
    open_client,
    read_bounded,
    shown,
    translated,
)

MAX_REDIRECTS = 10  # As many as Let's Encrypt follows.
MAX_ANSWER = 1024  # A key authorization has about 90 characters.
SECONDS = 5.0
OK = 200
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PUBLIC_PORTS = frozenset({80, 443})

HostAddresses = Callable[[str], Awaitable[Sequence[str]]]


def open_self_check_client(*, user_agent: str, addresses: AddressPolicy) -> httpx.AsyncClient:
    """The client to look with. Like a CA's it does not verify certificates: a redirect may lead to the old one."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    return open_client(TransportSettings(user_agent=user_agent, addresses=addresses), tls=tls)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheck:
    """Asks for proofs. ``port`` stands for port 80 of the name; with ``resolve`` names are looked up by that.

    ``http`` comes from `open_self_check_client` and guards every connection by the address policy.
    """

    http: httpx.AsyncClient
    port: int = 80
    resolve: HostAddresses | None = None

    async def complaint(self, host: str, token: str, *, expected: str) -> str:
        """Why the proof cannot be seen at ``host`` (a name or an address); empty if it can."""
        authority = f"[{host}]" if ":" in host else host
        url = httpx.URL(f"http://{authority}:{self.port}{http01_path(token)}")
        try:
            async with asyncio.timeout(SECONDS):
                return await self._follow(url, expected)
        except AddressRefused as error:
            return f"the operator may not look at {host} ({error.address}); --allow-cidrs can except addresses"
        except TransportError as error:
            return f"the operator's own request did not get through ({shown(str(error), 300)})"
        except TimeoutError:
            return f"the operator's own request to {host} was not answered within {SECONDS:.0f} s"

    async def _follow(self, url: httpx.URL, expected: str) -> str:
        for _ in range(MAX_REDIRECTS + 1):
            status, body, location = await self._get(url)
            where = shown(f"{url.scheme}://{url.netloc.decode('ascii')}", 300)
            if status == OK:
                is_ours = body.rstrip() == expected.encode("ascii")
                return "" if is_ours else f"{where} answers with something else ({len(body)} bytes)"
            if status not in REDIRECTS:
                return f"{where} answers with HTTP status {status} instead of the proof"
            target = self._redirected(url, location)
            if target is None:
                return f"{where} redirects to where no CA follows (http and https, ports 80 and 443 only)"
            url = target
        return f"more than {MAX_REDIRECTS} redirects"

    async def _get(self, url: httpx.URL) -> tuple[int, bytes, str]:
        failure: TransportError | None = None
        for address in await self._addresses(url.host):
            try:
                return await self._get_from(address, url)
            except TransportError as error:
                failure = error
        if failure is not None:
            raise failure
        raise NameNotResolved(f"{url.host}: the name has no address")

    async def _get_from(self, address: str, url: httpx.URL) -> tuple[int, bytes, str]:
        request = self.http.build_request(
            "GET",
            url.copy_with(host=address),
            # The next name is another host: a kept connection would serve nobody.
            headers={"Host": url.netloc.decode("ascii"), "Connection": "close"},
            extensions={} if address == url.host else {"sni_hostname": url.host},
        )
        with translated(url.host):
            response = await self.http.send(request, stream=True, follow_redirects=False)
            try:
                body = await read_bounded(response, MAX_ANSWER) if response.status_code == OK else b""
            finally:
                await response.aclose()
        return response.status_code, body, response.headers.get("location", "")

    async def _addresses(self, host: str) -> Sequence[str]:
        if self.resolve is None or _is_address(host):
            return (host,)
        return await self.resolve(host)

    def _redirected(self, url: httpx.URL, location: str) -> httpx.URL | None:
        try:
            target = url.join(location)
        except (httpx.InvalidURL, ValueError):
            return None
        default = {"http": 80, "https": 443}.get(target.scheme)
        if default is None or not target.host or (target.port or default) not in PUBLIC_PORTS | {self.port}:
            return None
        return target.copy_with(username=None, password=None)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
