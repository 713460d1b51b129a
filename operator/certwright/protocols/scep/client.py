"""The SCEP client that the driver in ``issuers`` holds: one method per message of RFC 8894, one HTTP exchange each.

No method waits for a CA's decision, and the client keeps nothing between two calls: what the server said about itself
and who asks come with every call, in a ``Transaction``.

Every method raises a ``SCEPError`` or the transport's ``TransportError``, and nothing else.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols import cms
from certwright.protocols.scep import reply as replies
from certwright.protocols.scep.authority import Authority
from certwright.protocols.scep.capabilities import Algorithms, Capabilities, LegacyAlgorithms
from certwright.protocols.scep.certificates import is_ca
from certwright.protocols.scep.certrep import CertRep, parse_signed, read_cert_rep, verified_signer
from certwright.protocols.scep.errors import MalformedAnswer, Unauthenticated, UntrustedAuthority
from certwright.protocols.scep.message import (
    NONCE_BYTES,
    Transaction,
    issuer_and_serial,
    issuer_and_subject,
    pki_message,
)
from certwright.protocols.scep.query import operation_url
from certwright.protocols.scep.reply import Reply
from certwright.protocols.scep.tolerance import Tolerance
from certwright.protocols.scep.vocabulary import MessageType, Method, Operation
from certwright.protocols.transport import MAX_BODY, Answer, ConnectionFailed, NotHTTP, exchange

Result = TypeVar("Result")

MEDIA_TYPE = "application/x-pki-message"
MAX_CAPABILITIES = 64 << 10


class SCEPClient:
    """RFC 8894 at one URL.

    ``http`` comes from ``transport.open_client`` and is closed by whoever opened it. ``ca_identifier`` tells CAs behind
    one URL apart.
    """

    def __init__(
        self,
        url: str,
        *,
        http: httpx.AsyncClient,
        clock: Callable[[], datetime],
        ca_identifier: str | None = None,
        method: Method = Method.AUTO,
        legacy: LegacyAlgorithms | None = None,
    ) -> None:
        self.url = url
        self._http = http
        self._clock = clock
        self._ca_identifier = ca_identifier
        self._method = method
        self._legacy = legacy or LegacyAlgorithms()

    async def get_ca_caps(self) -> Capabilities:
        """What the server announces (RFC 8894 §3.5); nothing, if it has no such list.

        Some servers close the connection when they are asked (RFC 8894 §3.5.2).
        """
        try:
            answer = await self._get(Operation.GET_CA_CAPS, limit=MAX_CAPABILITIES)
        except (ConnectionFailed, NotHTTP) as error:
            if error.is_unsent:
                raise
            return Capabilities()
        return Capabilities.parse(answer.body) if answer.is_success else Capabilities()

    async def get_ca_cert(self, *, fingerprint: str | None = None) -> Authority:
        """The CA as it presents itself (RFC 8894 §4.2), with a ``fingerprint`` only what is linked to that certificate.

        Without one the answer is as good as the connection: over plain http that is nothing.
        """
        answer = await self._get(Operation.GET_CA_CERT)
        certificates = _checked(answer, lambda: _certificates(answer.body))
        is_plain = httpx.URL(self.url).scheme != "https"
        return Authority.of(certificates, now=self._clock(), fingerprint=fingerprint, is_plain=is_plain)

    async def get_next_ca_cert(self, authority: Authority) -> Authority:
        """The CA's next certificates, signed by the present CA (RFC 8894 §4.7). An RA's signature is not enough."""
        answer = await self._get(Operation.GET_NEXT_CA_CERT)
        message = _checked(answer, lambda: parse_signed(answer.body))
        tolerance = Tolerance(self._legacy.accept)
        present = [certificate for certificate in authority.certificates if is_ca(certificate)]
        try:
            verified_signer(message, present, tolerance)
        except Unauthenticated as error:
            raise UntrustedAuthority(f"The next CA certificates are not vouched for. {error}") from error
        tolerance.settle()
        return Authority.of(_certificates(message.content or b""), now=self._clock())

    async def pkcs_req(self, csr: x509.CertificateSigningRequest, transaction: Transaction) -> Reply:
        """Ask for a certificate (RFC 8894 §3.3.1); also again, with the same CSR and transaction."""
        return await self._enrol(MessageType.PKCS_REQ, csr.public_bytes(Encoding.DER), csr, transaction)

    async def renewal_req(self, csr: x509.CertificateSigningRequest, transaction: Transaction) -> Reply:
        """Ask for the next certificate, signed with the current one, which is ``transaction.signer``."""
        return await self._enrol(MessageType.RENEWAL_REQ, csr.public_bytes(Encoding.DER), csr, transaction)

    async def cert_poll(self, csr: x509.CertificateSigningRequest, transaction: Transaction) -> Reply:
        """Ask what became of an earlier request with this CSR and transaction (RFC 8894 §3.3.3)."""
        message_data = issuer_and_subject(transaction.authority.issuer_name, csr.subject)
        return await self._enrol(MessageType.CERT_POLL, message_data, csr, transaction)

    async def get_cert(
        self, serial: int, transaction: Transaction, *, issuer: x509.Name | None = None
    ) -> x509.Certificate:
        """A certificate that the CA issued (RFC 8894 §4.5)."""
        issuer = transaction.authority.issuer_name if issuer is None else issuer
        answer, _ = await self._ask(MessageType.GET_CERT, issuer_and_serial(issuer, serial), transaction)
        return replies.certificate_of(answer, serial=serial, issuer=issuer)

    async def get_crl(self, certificate: x509.Certificate, transaction: Transaction) -> x509.CertificateRevocationList:
        """The CRL that would name this certificate (RFC 8894 §4.6)."""
        message_data = issuer_and_serial(certificate.issuer, certificate.serial_number)
        answer, _ = await self._ask(MessageType.GET_CRL, message_data, transaction)
        return replies.crl_of(answer, issuer=certificate.issuer)

    async def _enrol(
        self,
        message_type: MessageType,
        message_data: bytes,
        csr: x509.CertificateSigningRequest,
        transaction: Transaction,
    ) -> Reply:
        answer, retry_after = await self._ask(message_type, message_data, transaction)
        return replies.enrolment_reply(answer, csr, authority=transaction.authority, retry_after=retry_after)

    async def _ask(
        self, message_type: MessageType, message_data: bytes, transaction: Transaction
    ) -> tuple[CertRep, timedelta | None]:
        nonce = secrets.token_bytes(NONCE_BYTES)
        algorithms = Algorithms.chosen(transaction.capabilities, self._legacy)
        message = pki_message(message_type, message_data, transaction=transaction, algorithms=algorithms, nonce=nonce)
        answer = await self._send(message, transaction.capabilities)
        accept = self._legacy.accept
        read = _checked(answer, lambda: read_cert_rep(answer.body, transaction=transaction, nonce=nonce, accept=accept))
        return read, answer.retry_after

    async def _send(self, message: bytes, capabilities: Capabilities) -> Answer:
        if self._is_get(capabilities):
            return await self._get(Operation.PKI_OPERATION, message)
        url = operation_url(self.url, Operation.PKI_OPERATION)
        headers = {"Content-Type": MEDIA_TYPE}
        return await exchange(self._http, "POST", url, clock=self._clock, content=message, headers=headers)

    def _is_get(self, capabilities: Capabilities) -> bool:
        if self._method is Method.AUTO:
            return capabilities.is_known and not capabilities.post
        return self._method is Method.GET

    async def _get(self, operation: Operation, message: bytes | None = None, *, limit: int = MAX_BODY) -> Answer:
        url = operation_url(self.url, operation, message or self._ca_identifier)
        return await exchange(self._http, "GET", url, clock=self._clock, limit=limit)


def _checked(answer: Answer, read: Callable[[], Result]) -> Result:
    """What can be read counts whatever the status; what cannot, and came with a bad status, is that status."""
    try:
        return read()
    except MalformedAnswer:
        if answer.is_success:
            raise
        raise answer.unexpected() from None


def _certificates(raw: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return cms.certificates(raw)
    except cms.MalformedCMS as error:
        raise MalformedAnswer(f"The answer holds no certificate that can be read. {error}") from error
