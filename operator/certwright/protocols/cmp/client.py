"""The CMP client that the driver in ``issuers`` holds: one method per request of RFC 9483 §4, one message each way.

No method waits for a server's decision: what takes time comes back as ``Waiting``, with a ``Transaction`` that can be
stored and polled for after days and by another process. Any number of transactions may be in flight at once.

Every method raises what ``errors`` draws, or ``transport.TransportError`` (nobody answered), and nothing else.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

import httpx
from cryptography import x509

from certwright.protocols.cmp import requests
from certwright.protocols.cmp.answers import AnswerReader
from certwright.protocols.cmp.header import build_header, request_infos
from certwright.protocols.cmp.message import parse_message, protect_message
from certwright.protocols.cmp.nested import add_protection
from certwright.protocols.cmp.outcomes import Confirmed, GeneralAnswer, Granted, Outcome, Recovered, Revoked, Waiting
from certwright.protocols.cmp.protection import Protection
from certwright.protocols.cmp.requests import CertificateRequest, Objection
from certwright.protocols.cmp.settings import Settings
from certwright.protocols.cmp.template import CertTemplate
from certwright.protocols.cmp.transaction import CMP2000, CMP2021, Operation, Transaction
from certwright.protocols.cmp.transfer import operation_url, send
from certwright.protocols.cmp.trust import Trust
from certwright.protocols.cmp.verification import Expected, verify

T = TypeVar("T", bound=Outcome)
R = TypeVar("R")


class RunCPU(Protocol):
    """Runs what computes for milliseconds, in a thread for instance."""

    def __call__(self, work: Callable[[], R]) -> Awaitable[R]:
        """The result of ``work``."""


async def run_here(work: Callable[[], R]) -> R:
    """Run it where it is called: for who has nothing else to do meanwhile."""
    return work()


class CMPClient:
    """RFC 9810 with one server, as one sender.

    ``http`` comes from ``transport.open_client`` and is closed by whoever opened it. ``protection`` protects requests;
    ``trust`` is for answers that are signed. ``run_cpu`` gets key derivations and signatures.
    """

    def __init__(
        self,
        url: str,
        *,
        http: httpx.AsyncClient,
        clock: Callable[[], datetime],
        protection: Protection,
        trust: Trust | None = None,
        settings: Settings | None = None,
        run_cpu: RunCPU = run_here,
    ) -> None:
        self.url = url
        self.protection = protection
        self.trust = trust or Trust()
        self.settings = settings or Settings()
        self._http = http
        self._clock = clock
        self._run_cpu = run_cpu

    async def ir(self, request: CertificateRequest, *, transaction: Transaction | None = None) -> Granted | Waiting:
        """Ask for a first certificate (RFC 9483 §4.1.1)."""
        return await self._enrol(Operation.IR, request, transaction=transaction)

    async def cr(self, request: CertificateRequest, *, transaction: Transaction | None = None) -> Granted | Waiting:
        """Ask for another certificate (RFC 9483 §4.1.2)."""
        return await self._enrol(Operation.CR, request, transaction=transaction)

    async def kur(
        self, request: CertificateRequest, *, old: x509.Certificate, transaction: Transaction | None = None
    ) -> Granted | Waiting:
        """Ask for the successor of a certificate, whose key has to sign the request (RFC 9483 §4.1.3)."""
        controls = [requests.old_cert_id(old)]
        return await self._enrol(Operation.KUR, request, transaction=transaction, controls=controls)

    async def p10cr(
        self,
        request: x509.CertificateSigningRequest,
        *,
        profile: str | None = None,
        transaction: Transaction | None = None,
    ) -> Granted | Waiting:
        """Ask for a certificate by CSR (RFC 9483 §4.1.4)."""
        begun = transaction or Transaction.begin(Operation.P10CR)
        infos = request_infos(implicit_confirm=self.settings.implicit_confirm, profile=profile)
        outcome = await self._exchange(begun, requests.pkcs10_request(request), infos=infos)
        return _one_of(outcome, Granted)

    async def confirm(self, transaction: Transaction) -> Confirmed | Waiting:
        """Take the certificate of a transaction that ``needs_confirmation`` (RFC 9483 §4.1.1)."""
        return await self._confirm(transaction, None)

    async def refuse(self, transaction: Transaction, objection: Objection) -> Confirmed | Waiting:
        """Refuse the certificate, which the CA then revokes (RFC 9483 §4.1.1)."""
        return await self._confirm(transaction, objection)

    async def poll(self, transaction: Transaction) -> Outcome:
        """Ask whether it is time: Waiting, or what was waited for (RFC 9483 §4.4). ValueError where nothing is."""
        return await self._exchange(transaction, requests.poll_request(transaction))

    async def rr(
        self,
        certificate: x509.Certificate,
        *,
        reason: x509.ReasonFlags = x509.ReasonFlags.unspecified,
        transaction: Transaction | None = None,
    ) -> Revoked | Waiting:
        """Revoke a certificate, by its own signature or an RA's (RFC 9483 §4.2)."""
        body = requests.revocation_request(certificate, reason)
        outcome = await self._exchange(transaction or Transaction.begin(Operation.RR), body)
        return _one_of(outcome, Revoked)

    async def krr(
        self, certificate: x509.Certificate, *, transaction: Transaction | None = None
    ) -> Recovered | Waiting:
        """Get the archived pair of a certificate whose key the CA made (RFC 9810 §5.3.7).

        It is to be encrypted for who signs the request, or for the MAC secret.
        """
        controls = [requests.protocol_encr_key(signer) for signer in self.protection.extra_certs[:1]]
        asked = CertificateRequest(template=CertTemplate.recovering(certificate))
        body = requests.certificate_request(Operation.KRR, asked, controls=controls)
        outcome = await self._exchange(transaction or Transaction.begin(Operation.KRR, pvno=CMP2021), body)
        return _one_of(outcome, Recovered)

    async def genm(
        self, infos: Sequence[Any], *, profile: str | None = None, transaction: Transaction | None = None
    ) -> GeneralAnswer | Waiting:
        """Ask for information (RFC 9483 §4.3); ``general`` makes the questions and reads the answers."""
        begun = transaction or Transaction.begin(Operation.GENM)
        about = request_infos(implicit_confirm=False, profile=profile)
        outcome = await self._exchange(begun, requests.general_message(infos), infos=about)
        return _one_of(outcome, GeneralAnswer)

    async def error(self, transaction: Transaction, objection: Objection) -> Confirmed | Waiting:
        """Tell the server that the transaction ends here (RFC 9483 §3.6.4)."""
        outcome = await self._exchange(transaction, requests.error_message(objection), bodies=frozenset({"pkiconf"}))
        return _one_of(outcome, Confirmed)

    async def _enrol(
        self,
        operation: Operation,
        request: CertificateRequest,
        *,
        transaction: Transaction | None,
        controls: Sequence[Any] = (),
    ) -> Granted | Waiting:
        pvno = CMP2021 if request.is_for_central_key else CMP2000
        begun = transaction or Transaction.begin(operation, pvno=pvno)
        body = await self._run_cpu(partial(requests.certificate_request, operation, request, controls=controls))
        infos = request_infos(implicit_confirm=self.settings.implicit_confirm, profile=request.profile)
        return _one_of(await self._exchange(begun, body, infos=infos), Granted)

    async def _confirm(self, transaction: Transaction, objection: Objection | None) -> Confirmed | Waiting:
        return _one_of(await self._exchange(*requests.confirmation(transaction, objection)), Confirmed)

    async def _exchange(
        self, transaction: Transaction, body: Any, *, infos: Sequence[Any] = (), bodies: frozenset[str] | None = None
    ) -> Outcome:
        """One message out, one in."""
        sent = transaction.with_new_nonce()
        message = await self._run_cpu(partial(self._encode, sent, body, infos))
        answer = await send(self._http, self._url(transaction), message, clock=self._clock)
        return await self._run_cpu(partial(self._read, answer, sent, bodies or sent.answers))

    def _encode(self, transaction: Transaction, body: Any, infos: Sequence[Any]) -> bytes:
        now = self._clock()
        header = build_header(transaction, protection=self.protection, settings=self.settings, now=now, infos=infos)
        message = protect_message(header, body, protection=self.protection)
        authority = self.settings.registration_authority
        if authority is None:
            return message
        return add_protection(message, transaction, protection=authority, settings=self.settings, now=now)

    def _read(self, answer: bytes, transaction: Transaction, bodies: frozenset[str]) -> Outcome:
        message = parse_message(answer)
        now = self._clock()
        expected = Expected(
            transaction=transaction,
            bodies=bodies,
            protection=self.protection,
            trust=self.trust,
            interop=self.settings.interop,
            now=now,
        )
        verify(message, expected)
        return AnswerReader(
            message=message,
            transaction=transaction,
            protection=self.protection,
            trust=self.trust,
            now=now,
            asked_implicit_confirm=self.settings.implicit_confirm,
        ).outcome()

    def _url(self, transaction: Transaction) -> str:
        return operation_url(self.url, transaction.label) if self.settings.use_operation_paths else self.url


def _one_of(outcome: Outcome, kind: type[T]) -> T | Waiting:
    """The outcome as what its bodies could only become."""
    if isinstance(outcome, (kind, Waiting)):
        return outcome
    raise TypeError(f"an exchange ended in {type(outcome).__name__} instead of {kind.__name__}")
