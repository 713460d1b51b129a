"""A small SCEP server in memory, written from RFC 8894, behind ``httpx.MockTransport``.

It refuses what a strict server refuses (attributes, signatures, recipients, challenges) and issues real certificates.
Its public attributes are the knobs that tests turn. It knows nothing of certwright: its codec is asn1crypto's, and
``openssl cms`` where a password encrypts.
"""

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs

import httpx
from asn1crypto import cms, csr
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from tests.fakes.scep import messages, openssl
from tests.fakes.scep.answers import Answering, Decision, Status
from tests.fakes.scep.authority import SCEPAuthority
from tests.fakes.scep.envelopes import is_by_password, open_envelope
from tests.fakes.scep.messages import Request

ORIGIN = "http://scep.test"
EVERYTHING = "AES\nGetNextCACert\nPOSTPKIOperation\nRenewal\nSCEPStandard\nSHA-256\n"


class RefusalError(Exception):
    """A FAILURE answer. failInfo by number: 0 badAlg, 1 badMessageCheck, 2 badRequest, 3 badTime, 4 badCertId."""

    def __init__(self, fail_info: str, text: str = "") -> None:
        super().__init__(text)
        self.decision = Decision(Status.FAILURE, fail_info=fail_info, text=text)


@dataclass
class Enrolment:
    """A request that was taken; the transaction ID is its key. ``polls``: how often it is still PENDING."""

    csr: x509.CertificateSigningRequest
    polls: int
    certificate: x509.Certificate | None = None


class FakeSCEPServer(Answering):
    """Point a client at ``url`` over ``transport()``.

    ``capabilities``: the text of GetCACaps; None for HTTP 404. ``challenges``: passwords that are good, used up when
    ``one_time``; None asks for none. ``challenge_on_renewal``: also for RenewalReq. ``pending``: how often a request
    stays PENDING. ``unfinished``: how many of the next SUCCESSes have no envelope, but ``unfinished_content``.
    ``polling``: CertPoll is known. ``rejected``: (failInfo, failInfoText) for every enrolment. ``cipher`` and
    ``digest`` of answers: names of ``envelopes.CIPHERS`` and ``messages.HASHES``. ``lies``: what answers get wrong.
    ``leaf_last``: order of their certificates. ``content_type``: False leaves that attribute out. ``status``: the
    HTTP status of answers. ``failure_content``: what a FAILURE wrongly contains. ``next_authority``: what
    GetNextCACert announces. ``answers``: given once each instead of the real one. ``seen``: every request that could
    be read, ``urls`` every HTTP request, ``issued`` the certificates by serial.
    """

    url = f"{ORIGIN}/cgi-bin/pkiclient.exe"

    def __init__(self, *, clock: Callable[[], datetime], authority: SCEPAuthority | None = None) -> None:
        super().__init__(clock=clock, authority=authority or SCEPAuthority(clock=clock))
        self.capabilities: str | None = EVERYTHING
        self.one_time = False
        self.challenge_on_renewal = False
        self.pending = 0
        self.unfinished = 0
        self.polling = True
        self.rejected: tuple[str, str] | None = None
        self.status = 200
        self.next_authority: SCEPAuthority | None = None
        self.retry_after: str | None = None
        self.answers: list[Callable[[], httpx.Response]] = []
        self.seen: list[Request] = []
        self.requests: list[httpx.Request] = []
        self.csrs: list[x509.CertificateSigningRequest] = []
        self.ciphers: list[str] = []
        self.enrolments: dict[str, Enrolment] = {}
        self.issued: dict[int, x509.Certificate] = {}
        self.revoked: set[int] = set()

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    @property
    def message_types(self) -> list[str]:
        """What was asked for, in order."""
        return [request.message_type for request in self.seen]

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.answers:
            return self.answers.pop(0)()
        query = parse_qs(request.url.query.decode(), strict_parsing=True)
        match query["operation"]:
            case ["GetCACaps"]:
                return _text(self.capabilities)
            case ["GetCACert"]:
                return self._ca_certificates()
            case ["GetNextCACert"]:
                return self._next_ca_certificates()
            case ["PKIOperation"]:
                is_get = request.method == "GET"
                return self._pki_operation(b64decode(query["message"][0], validate=True) if is_get else request.content)
        return httpx.Response(400)

    def _ca_certificates(self) -> httpx.Response:
        certificates = self.authority.certificates
        if len(certificates) == 1:
            return _binary(certificates[0].public_bytes(Encoding.DER), "application/x-x509-ca-cert")
        return _binary(messages.certs_only(certificates), "application/x-x509-ca-ra-cert")

    def _next_ca_certificates(self) -> httpx.Response:
        if self.next_authority is None:
            return httpx.Response(500, text="not implemented")
        signer = self.signer() if self.lies else self.authority.ca
        body = messages.signed_message(
            messages.certs_only(self.next_authority.certificates),
            (),
            key=signer.key,
            certificate=signer.certificate,
            digest=self.digest,
        )
        return _binary(body, "application/x-x509-next-ca-cert")

    def _pki_operation(self, raw: bytes) -> httpx.Response:
        request = messages.read_request(raw)
        self.seen.append(request)
        if request.message_type == "20" and not self.polling:
            return httpx.Response(500, text="unknown message type")
        data = self._opened(request)
        try:
            decision = self._decide(request, data)
        except RefusalError as refusal:
            decision = refusal.decision
        answer = _binary(self.cert_rep(request, decision), "application/x-pki-message")
        answer.status_code = self.status
        if self.retry_after is not None:
            answer.headers["Retry-After"] = self.retry_after
        return answer

    def _opened(self, request: Request) -> bytes:
        recipient = self.authority.recipient
        if is_by_password(request.envelope):
            # The transaction's challenge is not known before the message is open: this server has only one.
            (password,) = self.challenges or {""}
            self.ciphers.append("password")
            return openssl.open_with_password(request.envelope, password)
        assert isinstance(recipient.key, RSAPrivateKey)
        try:
            envelope = open_envelope(request.envelope, recipient.key, recipient.certificate)
        except ValueError:
            # asn1crypto does not put a content together that comes in pieces, as scepclient sends it.
            self.ciphers.append("in pieces")
            return openssl.open_with_key(request.envelope, recipient.key, recipient.certificate)
        self.ciphers.append(envelope.cipher)
        return envelope.content

    def _decide(self, request: Request, data: bytes) -> Decision:
        match request.message_type:
            case "17" | "19":
                return self._enrolled(request, x509.load_der_x509_csr(data))
            case "20":
                return self._polled(request, data)
            case "21":
                return self._stored(data)
            case "22":
                return self._revocations(data)
        raise RefusalError("2", "unknown message type")

    def _enrolled(self, request: Request, request_csr: x509.CertificateSigningRequest) -> Decision:
        self.csrs.append(request_csr)
        assert request_csr.is_signature_valid
        if request.message_type == "17":
            self._check_renewal(request)
        known = self.enrolments.get(request.transaction_id)
        if known is None or known.csr != request_csr:
            self._check_challenge(request, request_csr)
            known = self.enrolments[request.transaction_id] = Enrolment(request_csr, self.pending)
        if self.rejected is not None:
            del self.enrolments[request.transaction_id]
            raise RefusalError(*self.rejected)
        return self._granted(known)

    def _check_renewal(self, request: Request) -> None:
        signer = request.signer
        if signer.serial_number not in self.issued or self.clock() > signer.not_valid_after_utc:
            raise RefusalError("1", "not signed with a valid certificate of this CA")

    def _check_challenge(self, request: Request, request_csr: x509.CertificateSigningRequest) -> None:
        if self.challenges is None or (request.message_type == "17" and not self.challenge_on_renewal):
            return
        password = challenge_password(request_csr)
        if password not in self.challenges:
            raise RefusalError("2", "challenge password mismatch")
        if self.one_time:
            self.challenges.remove(password)

    def _polled(self, request: Request, data: bytes) -> Decision:
        enrolment = self.enrolments.get(request.transaction_id)
        if enrolment is None:
            raise RefusalError("4", "no such request")
        issuer, subject = asn1_x509.Name.load(data[_header(data) :]), enrolment.csr.subject.public_bytes()
        assert issuer.dump() == self.authority.ca.certificate.subject.public_bytes()
        assert data.endswith(subject)
        return self._granted(enrolment)

    def _granted(self, enrolment: Enrolment) -> Decision:
        if enrolment.polls > 0:
            enrolment.polls -= 1
            return Decision(Status.PENDING)
        if enrolment.certificate is None:
            enrolment.certificate = self.authority.issue(enrolment.csr)
            self.issued[enrolment.certificate.serial_number] = enrolment.certificate
        return self._success(messages.certs_only(self.bundle(enrolment.certificate)))

    def _success(self, data: bytes) -> Decision:
        if self.unfinished > 0:
            self.unfinished -= 1
            return Decision(Status.SUCCESS)
        return Decision(Status.SUCCESS, data)

    def _stored(self, data: bytes) -> Decision:
        certificate = self.issued.get(cms.IssuerAndSerialNumber.load(data)["serial_number"].native)
        if certificate is None:
            raise RefusalError("4", "no such certificate")
        return self._success(messages.certs_only([certificate]))

    def _revocations(self, data: bytes) -> Decision:
        issuer = cms.IssuerAndSerialNumber.load(data)["issuer"].dump()
        if issuer != self.authority.ca.certificate.subject.public_bytes():
            raise RefusalError("4", "no such CA")
        revoked = [self.issued[serial] for serial in self.revoked]
        return self._success(messages.certs_only(crls=[self.authority.crl(*revoked)]))


def challenge_password(request: x509.CertificateSigningRequest) -> str:
    """The challengePassword in a CSR, empty where there is none."""
    for attribute in csr.CertificationRequest.load(request.public_bytes(Encoding.DER))["certification_request_info"][
        "attributes"
    ]:
        if attribute["type"].native == "challenge_password":
            return str(attribute["values"][0].native)
    return ""


def _header(data: bytes) -> int:
    """How many octets come before the contents of a SEQUENCE."""
    return 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)


def _text(text: str | None) -> httpx.Response:
    return httpx.Response(404) if text is None else httpx.Response(200, text=text)


def _binary(content: bytes, media_type: str) -> httpx.Response:
    return httpx.Response(200, content=content, headers={"Content-Type": media_type})
