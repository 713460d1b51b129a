"""A small CMP server in memory, written from RFC 9810 and RFC 9483, behind ``httpx.MockTransport``."""

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from certwright.protocols.cmp import asn1
from tests.fakes.ca import common_name
from tests.fakes.cmp.authority import FakeAuthority, Pair
from tests.fakes.cmp.issuing import RESPONSES, Office
from tests.fakes.cmp.messages import Kind, Protector, RefusalError, Request, parse_request
from tests.fakes.cmp.refusing import REJECTION, FakeTransaction, Refuse, error, status_info

MEDIA_TYPE = "application/pkixcmp"
IMPLICIT_CONFIRM = "1.3.6.1.5.5.7.4.13"
CONFIRM_WAIT_TIME = "1.3.6.1.5.5.7.4.14"
ACCEPTED, WAITING = 0, 3
SHA512 = "2.16.840.1.101.3.4.2.3"


@dataclass(slots=True)
class FakeCMPServer:
    """Point a client at ``url`` over ``transport()``.

    ``answer_with``: how answers are protected; None for like the request. ``errors_with``: the same for refusals.
    ``answer_secret``: for MACs instead of the right one. ``polls`` and ``confirm_polls``: how often a request and a
    certConf are still waiting; ``waits_with_error``: by an error message. ``refusals``: given once each. ``header``:
    fields that answers get instead of the right ones (None leaves one out). ``response_id``: certReqId of answers to a
    p10cr. ``public_key``: what certificates are issued for instead of the right key; ``encrypts_for``: whom a private
    key is sent to instead. ``echoes_key_identifier``: signed answers name the client's key instead of the signer's.
    ``body``: sent whatever was asked. ``tamper``: changes what was protected. ``next_answers``: HTTP answers given once
    each. ``infos``: what genm asks for. ``seen``: (body, Request) of every accepted message. ``paths``: of every HTTP
    request. ``exchanges``: the messages of each.
    """

    clock: Callable[[], datetime]
    url: str = "http://cmp.test/pkix/"
    secrets: dict[str, bytes] = field(default_factory=lambda: {"device-1": b"sesame"})
    answer_with: Kind | None = None
    answer_secret: bytes | None = None
    errors_with: Kind | None = None
    protector: Protector = field(default_factory=lambda: Protector(Kind.MAC))
    grants_implicit_confirm: bool = True
    confirm_wait: datetime | None = None
    polls: int = 0
    confirm_polls: int = 0
    check_after: int = 30
    waits_with_error: bool = False
    late_nonce_of_request: bool = False
    echoes_key_identifier: bool = False
    response_id: int = -1
    status: int = ACCEPTED
    sends_chain: bool = True
    public_key: Any = None
    encrypts_for: x509.Certificate | None = None
    body: Any = None
    tamper: Callable[[bytes], bytes] | None = None
    http_status: int = 200
    header: dict[str, Any] = field(default_factory=dict)
    infos: dict[str, Any] = field(default_factory=dict)
    refusals: deque[Refuse] = field(default_factory=deque)
    next_answers: deque[Callable[[], httpx.Response]] = field(default_factory=deque)
    seen: list[tuple[str, Request]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    exchanges: list[tuple[bytes, bytes]] = field(default_factory=list)
    transactions: dict[bytes, FakeTransaction] = field(default_factory=dict)
    authority: FakeAuthority = field(init=False)
    signer: Pair = field(init=False)
    key_signer: Pair = field(init=False)

    def __post_init__(self) -> None:
        self.authority = FakeAuthority(clock=self.clock)
        self.signer = self.key_signer = self.authority.signer

    @property
    def root(self) -> x509.Certificate:
        return self.authority.root.certificate

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        if self.next_answers:
            return self.next_answers.popleft()()
        if request.method != "POST" or request.headers["content-type"] != MEDIA_TYPE:
            return httpx.Response(415)
        answer = self.answer(request.content)
        answer = answer if self.tamper is None else self.tamper(answer)
        self.exchanges.append((request.content, answer))
        return httpx.Response(self.http_status, content=answer, headers={"Content-Type": MEDIA_TYPE})

    def answer(self, raw: bytes) -> bytes:
        try:
            request = parse_request(raw, secrets=self.secrets, now=self.clock())
        except RefusalError as refusal:
            message = asn1.PKIMessage.load(raw)
            failed = Request(message["header"], message["body"], Kind.SIGNATURE)
            return self._protected(failed, error(Refuse(str(refusal), (refusal.bit,))), is_refusal=True)
        try:
            self.seen.append((request.body.name, request))
            body, is_refusal = self._body(request)
        except RefusalError as refusal:
            body, is_refusal = error(Refuse(str(refusal), (refusal.bit,))), True
        return self._protected(request, self.body or body, is_refusal=is_refusal)

    def _body(self, request: Request) -> tuple[Any, bool]:
        kind = request.body.name
        if kind == "error":
            return asn1.PKIBody("pkiconf", core.Null()), False
        if kind in RESPONSES:
            if request.transaction_id in self.transactions:
                raise RefusalError(21, "this transactionID is in use")
            self.transactions[request.transaction_id] = FakeTransaction(request.kind, request, polls=self.polls)
        transaction = self._continued(request)
        if self.refusals:
            return self._refused(self.refusals.popleft(), request), True
        match kind:
            case "certConf":
                return self._confirmed(request, transaction), False
            case "pollReq":
                return self._polled(request, transaction), False
            case _ if transaction.polls:
                return self._waiting(transaction.request), False
            case _ if kind in RESPONSES:
                return self._granted(transaction), False
        raise RefusalError(2, f"{kind} is not answered here")

    def _continued(self, request: Request) -> FakeTransaction:
        transaction = self.transactions.get(request.transaction_id)
        if transaction is None:
            raise RefusalError(2, "no such transaction")
        if request.kind is not transaction.kind:
            raise RefusalError(12, "protected otherwise than the request")
        if transaction.nonce != (request.header["recipNonce"].native or b""):
            raise RefusalError(13, "wrong recipNonce")
        return transaction

    def _refused(self, refuse: Refuse, request: Request) -> Any:
        kind = request.body.name
        if refuse.is_error or kind not in RESPONSES or kind == "genm":
            return error(refuse)
        status = status_info(refuse)
        match RESPONSES[kind]:
            case "rp":
                return asn1.PKIBody("rp", {"status": [status]})
            case "krp":
                return asn1.PKIBody("krp", {"status": status})
            case response:
                return asn1.PKIBody(response, {"response": [{"certReqId": self._id(request), "status": status}]})

    def _waiting(self, request: Request) -> Any:
        kind = RESPONSES[request.body.name]
        status = {"status": WAITING, "statusString": ["an officer has to look at it"]}
        if self.waits_with_error or kind == "genp":
            return asn1.PKIBody("error", {"pKIStatusInfo": status})
        if kind == "rp":
            return asn1.PKIBody("rp", {"status": [status]})
        if kind == "krp":
            return asn1.PKIBody("krp", {"status": status})
        return asn1.PKIBody(kind, {"response": [{"certReqId": self._id(request), "status": status}]})

    def _polled(self, request: Request, transaction: FakeTransaction) -> Any:
        asked = request.body.chosen[0]["certReqId"].native
        is_whole = self.waits_with_error or transaction.certificate or transaction.request.body.name == "genm"
        if asked != (-1 if is_whole else self._id(transaction.request)):
            raise RefusalError(2, f"nobody waits for certReqId {asked}")
        if transaction.confirm_polls:
            transaction.confirm_polls -= 1
            return self._later(asked) if transaction.confirm_polls else asn1.PKIBody("pkiconf", core.Null())
        transaction.polls -= 1
        return self._later(asked) if transaction.polls > 0 else self._granted(transaction)

    def _later(self, asked: int) -> Any:
        return asn1.PKIBody("pollRep", [{"certReqId": asked, "checkAfter": self.check_after, "reason": ["not yet"]}])

    def _confirmed(self, request: Request, transaction: FakeTransaction) -> Any:
        status = request.body.chosen[0]
        certificate = transaction.certificate
        if certificate is None or status["certReqId"].native != transaction.cert_req_id:
            raise RefusalError(4, "no such certificate")
        if status["certHash"].native != _cert_hash(certificate, status["hashAlg"], request.header["pvno"].native):
            raise RefusalError(4, "the certHash is not that of the certificate")
        transaction.is_refused = bool(status["statusInfo"]) and status["statusInfo"]["status"].native == REJECTION
        transaction.is_confirmed = not transaction.is_refused
        if self.confirm_polls:
            transaction.confirm_polls = self.confirm_polls
            return asn1.PKIBody("error", {"pKIStatusInfo": {"status": WAITING}})
        return asn1.PKIBody("pkiconf", core.Null())

    def _granted(self, transaction: FakeTransaction) -> Any:
        office = Office(
            authority=self.authority,
            secrets=self.secrets,
            key_signer=self.key_signer,
            encrypts_for=self.encrypts_for,
            public_key=self.public_key,
            status=self.status,
            infos=self.infos,
        )
        return office.granted(transaction, self._id(transaction.request))

    def _id(self, request: Request) -> int:
        return self.response_id if request.body.name == "p10cr" else 0

    def _protected(self, request: Request, body: Any, *, is_refusal: bool) -> bytes:
        protector = self._protector(request, is_refusal=is_refusal)
        header = asn1.PKIHeader(self._header(request, protector, body))
        transaction = self.transactions.get(request.header["transactionID"].native)
        if transaction is not None:
            transaction.nonce = header["senderNonce"].native or b""
        extra = (self.authority.issuing.certificate,) if self.sends_chain else ()
        return protector.protect(header, body, extra)

    def _protector(self, request: Request, *, is_refusal: bool) -> Protector:
        kind = (self.errors_with if is_refusal else None) or self.answer_with or request.kind
        used = self.protector
        secret = self.answer_secret or self.secrets.get(request.reference or "", b"")
        return Protector(kind, secret, self.signer, used.mac_hash, used.iterations, used.is_pbmac1, used.key_length)

    def _header(self, request: Request, protector: Protector, body: Any) -> dict[str, Any]:
        asked = request.header
        sender = self.signer.certificate.subject if protector.kind is Kind.SIGNATURE else common_name("Fake CMP CA")
        transaction = self.transactions.get(asked["transactionID"].native)
        nonce = asked["senderNonce"].native
        if self.late_nonce_of_request and transaction is not None and body.name != "pollRep":
            nonce = transaction.request.header["senderNonce"].native
        fields = {
            "pvno": asked["pvno"].native,
            "sender": _general(sender),
            "recipient": asked["sender"],
            "messageTime": self.clock().replace(microsecond=0),
            "protectionAlg": protector.algorithm(),
            "senderKID": self._key_identifier(protector) or asked["senderKID"].native,
            "transactionID": asked["transactionID"].native,
            "senderNonce": os.urandom(16),
            "recipNonce": nonce,
            "generalInfo": self._general_info(request, body) or None,
        }
        return {name: value for name, value in (fields | self.header).items() if value is not None}

    def _key_identifier(self, protector: Protector) -> bytes | None:
        if protector.kind is not Kind.SIGNATURE or self.echoes_key_identifier:
            return None
        return x509.SubjectKeyIdentifier.from_public_key(self.signer.certificate.public_key()).digest

    def _general_info(self, request: Request, body: Any) -> list[dict[str, Any]]:
        infos: list[dict[str, Any]] = []
        asked = self.transactions.get(request.transaction_id)
        wanted = asked.request.infos if asked else {}
        if body.name in ("ip", "cp", "kup") and IMPLICIT_CONFIRM in wanted and self.grants_implicit_confirm:
            infos.append({"infoType": IMPLICIT_CONFIRM, "infoValue": core.Null()})
        if self.confirm_wait is not None:
            infos.append({"infoType": CONFIRM_WAIT_TIME, "infoValue": core.GeneralizedTime(self.confirm_wait)})
        return infos


def _general(name: x509.Name) -> Any:
    return asn1.GeneralName("directoryName", asn1.Name.load(name.public_bytes()))


def _cert_hash(certificate: x509.Certificate, algorithm: Any, pvno: int) -> bytes:
    """RFC 9810 §5.3.18: hashAlg only where the signature says no hash, and then in version 3."""
    own = certificate.signature_hash_algorithm
    if algorithm:
        if pvno != 3 or own is not None or algorithm["algorithm"].dotted != SHA512:
            raise RefusalError(0, "hashAlg is not due")
        return certificate.fingerprint(hashes.SHA512())
    return certificate.fingerprint(own or hashes.SHA512())
