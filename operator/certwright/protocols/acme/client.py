"""The ACME client that the driver in ``issuers`` holds: one method per step of RFC 8555, one per account key.

No method waits for a server's decision. What may take time comes back as an object with a status and the server's
``retry_after``; the caller decides when to ask again. Any number of calls may be in flight at once.

Every method raises ``Problem`` (the server said no), ``TransportError`` (nobody answered, or not in HTTP's terms) or
``MalformedAnswer`` (an answer that RFC 8555 does not allow), and nothing else.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols.acme import account as accounts
from certwright.protocols.acme import authorization as authorizations
from certwright.protocols.acme import certificate as certificates
from certwright.protocols.acme import challenge as challenges
from certwright.protocols.acme import order as orders
from certwright.protocols.acme.account import Account
from certwright.protocols.acme.authorization import Authorization
from certwright.protocols.acme.certificate import IssuedChain
from certwright.protocols.acme.challenge import Challenge
from certwright.protocols.acme.directory import Directory, parse_directory
from certwright.protocols.acme.fields import is_https
from certwright.protocols.acme.identifier import Identifier
from certwright.protocols.acme.jws import AccountKey, ExternalAccountBinding, base64url, bind_external_account
from certwright.protocols.acme.order import Order
from certwright.protocols.acme.signed import SignedRequests
from certwright.protocols.transport import Answer, UnusableURL, shown


class ACMEClient:
    """RFC 8555 for one account at one server.

    ``http`` comes from ``transport.open_client`` and is closed by whoever opened it. ``account_url`` is the account's
    URL where it is known already; ``new_account`` and ``find_account`` set it.
    """

    def __init__(
        self,
        directory_url: str,
        key: AccountKey,
        *,
        http: httpx.AsyncClient,
        clock: Callable[[], datetime],
        account_url: str | None = None,
    ) -> None:
        self.directory_url = directory_url
        self.key = key
        self.account_url = account_url
        self._directory: Directory | None = None
        self._reading_directory = asyncio.Lock()
        self._requests = SignedRequests(key, http=http, clock=clock, new_nonce_url=self._new_nonce_url)

    async def directory(self) -> Directory:
        """The server's directory, read once (RFC 8555 §7.1.1)."""
        if self._directory is None:
            async with self._reading_directory:
                # Whoever waited here finds it read: a hundred orders that start together ask for it once.
                return self._directory or await self.refresh_directory()
        return self._directory

    async def refresh_directory(self) -> Directory:
        """Read the directory again: a probe of the server, and how new terms or profiles become known."""
        if not is_https(self.directory_url):
            raise UnusableURL(f"{shown(self.directory_url, 200)}: not an https URL, which ACME asks for")
        answer = await self._requests.get(self.directory_url)
        self._directory = parse_directory(answer)
        return self._directory

    async def new_account(
        self,
        *,
        contact: Sequence[str] = (),
        terms_agreed: bool = False,
        binding: ExternalAccountBinding | None = None,
    ) -> Account:
        """Register the key, or get the account that it has (RFC 8555 §7.3); ``account.created`` says which.

        ``contact`` holds URLs (``mailto:a@example.com``). The terms count as agreed only if the user said so.
        """
        directory = await self.directory()
        bound = None if binding is None else bind_external_account(self.key, binding, url=directory.new_account)
        payload = accounts.registration(contact=contact, terms_agreed=terms_agreed, binding=bound)
        return await self._register(directory.new_account, payload)

    async def find_account(self) -> Account:
        """Look the account up by its key; ``Problem`` accountDoesNotExist if there is none (RFC 8555 §7.3.1)."""
        directory = await self.directory()
        return await self._register(directory.new_account, {"onlyReturnExisting": True})

    async def update_account(self, *, contact: Sequence[str]) -> Account:
        """Replace the account's contacts (RFC 8555 §7.3.2)."""
        url = self._kid()
        return accounts.parse_account(await self._post(url, {"contact": list(contact)}), url=url)

    async def deactivate_account(self) -> Account:
        """Give the account up for good; nothing can be asked with its key afterwards (RFC 8555 §7.3.6)."""
        url = self._kid()
        return accounts.parse_account(await self._post(url, {"status": "deactivated"}), url=url)

    async def new_order(
        self,
        identifiers: Sequence[Identifier],
        *,
        profile: str | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Order:
        """Apply for a certificate (RFC 8555 §7.4). The answer may be an older, unfinished order for the same names."""
        directory = await self.directory()
        payload = orders.application(identifiers, profile=profile, not_before=not_before, not_after=not_after)
        return orders.parse_order(await self._post(directory.new_order, payload))

    async def get_order(self, url: str) -> Order:
        """The order as it stands (RFC 8555 §7.4)."""
        return orders.parse_order(await self._post(url, None), url=url)

    async def finalize(self, order: Order, csr: x509.CertificateSigningRequest) -> Order:
        """Hand in the CSR of an order that is ``ready``; never call it for one that is ``processing``."""
        payload = {"csr": base64url(csr.public_bytes(Encoding.DER))}
        return orders.parse_order(await self._post(order.finalize, payload), url=order.url)

    async def get_authorization(self, url: str) -> Authorization:
        """One authorization of an order and its challenges (RFC 8555 §7.5)."""
        return authorizations.parse_authorization(await self._post(url, None), url=url)

    async def deactivate_authorization(self, url: str) -> Authorization:
        """Give up an authorization, pending ones of an abandoned order above all (RFC 8555 §7.5.2)."""
        return authorizations.parse_authorization(await self._post(url, {"status": "deactivated"}), url=url)

    async def respond(self, challenge: Challenge) -> Challenge:
        """Tell the server that the challenge is in place (RFC 8555 §7.5.1). Then poll the *authorization*."""
        return challenges.parse_challenge_answer(await self._post(challenge.url, {}))

    async def download(self, url: str, *, preferred_chain: str | None = None) -> IssuedChain:
        """The certificate with its chain (RFC 8555 §7.4.2).

        With ``preferred_chain`` (issuer CN of the top-most certificate, or the SHA-256 fingerprint of its root) the
        first chain that fits among the default and the alternates, else the default with ``is_preferred`` false.
        """
        default = await self._download(url)
        if preferred_chain is None or default.ends_at(preferred_chain):
            return default
        for alternate in default.alternates:
            chain = await self._download(alternate)
            if chain.ends_at(preferred_chain):
                return chain
        return default.not_preferred()

    async def _download(self, url: str) -> IssuedChain:
        answer = await self._post(url, None, accept=certificates.MEDIA_TYPE)
        return certificates.parse_chain(answer)

    async def _register(self, url: str, payload: dict[str, Any]) -> Account:
        account = accounts.parse_account(await self._requests.post(url, payload, kid=None))
        self.account_url = account.url
        return account

    async def _post(self, url: str, payload: dict[str, Any] | None, *, accept: str | None = None) -> Answer:
        return await self._requests.post(url, payload, kid=self._kid(), accept=accept)

    def _kid(self) -> str:
        if self.account_url is None:
            raise RuntimeError("ACMEClient has no account yet: call new_account or find_account first.")
        return self.account_url

    async def _new_nonce_url(self) -> str:
        return (await self.directory()).new_nonce
