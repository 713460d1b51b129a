"""Bodies of verified answers, read as outcomes (RFC 9810 §5.3); a refusal is raised."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols.cmp.central import KeyOpener
from certwright.protocols.cmp.certificates import load_certificate, load_certificates
from certwright.protocols.cmp.chain import find_chain
from certwright.protocols.cmp.der import reading
from certwright.protocols.cmp.errors import CentralKeyFailed, MalformedAnswer, WrongCertReqId
from certwright.protocols.cmp.message import Message
from certwright.protocols.cmp.outcomes import (
    Confirmed,
    GeneralAnswer,
    Granted,
    Outcome,
    Recovered,
    RecoveredKey,
    Revoked,
    Waiting,
)
from certwright.protocols.cmp.protection import Protection
from certwright.protocols.cmp.refusals import is_waiting_error, refusal
from certwright.protocols.cmp.status import PKIStatus, free_text, parse_status
from certwright.protocols.cmp.transaction import FIRST, WHOLE_MESSAGE, Operation, State, Transaction
from certwright.protocols.cmp.trust import Trust
from certwright.protocols.cmp.verification import is_mac_protected

LONGEST_WAIT = timedelta(days=366)  # A server may say any number of seconds; callers clamp further.
MAX_PAIRS = 20
MAX_INFOS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReader:
    """Reads one verified answer. ``transaction`` is as it was while the request was out."""

    message: Message
    transaction: Transaction
    protection: Protection
    trust: Trust
    now: datetime
    asked_implicit_confirm: bool

    def outcome(self) -> Outcome:
        """What the answer says; raises a Refusal, MalformedAnswer, WrongCertReqId or CentralKeyFailed."""
        if is_waiting_error(self.message):
            return self._waiting(WHOLE_MESSAGE, reason=_error_text(self.message.content))
        refused = refusal(self.message, authenticated=True)
        if refused is not None:
            raise refused
        readers: dict[str, Callable[[], Outcome]] = {
            "ip": self._granted,
            "cp": self._granted,
            "kup": self._granted,
            "rp": self._revoked,
            "krp": self._recovered,
            "genp": self._general,
            "pkiconf": self._confirmed,
            "pollRep": self._polled,
        }
        with reading(self.message.body):
            return readers[self.message.body]()

    def _granted(self) -> Outcome:
        content = self.message.content
        if len(content["response"]) != 1:
            raise MalformedAnswer(f"the answer has {len(content['response'])} responses to one request")
        response = content["response"][0]
        cert_req_id = self._cert_req_id(response["certReqId"].native)
        status = parse_status(response["status"])
        if status.status is PKIStatus.WAITING:
            return self._waiting(cert_req_id, reason="; ".join(status.texts))
        pair = response["certifiedKeyPair"]
        if not pair or pair["certOrEncCert"].name != "certificate":
            raise MalformedAnswer("the CA granted a certificate, and sent none that can be read")
        certificate = load_certificate(pair["certOrEncCert"].chosen.untag().dump(), "certificate")
        ca_pubs = load_certificates(content["caPubs"], "caPubs")
        is_confirmed = self.asked_implicit_confirm and self.message.header.is_implicitly_confirmed
        transaction = replace(
            self._next(State.DONE if is_confirmed else State.GRANTED),
            cert_req_id=cert_req_id,
            certificate=certificate.public_bytes(Encoding.DER),
        )
        return Granted(
            transaction=transaction,
            certificate=certificate,
            status=status,
            chain=find_chain(certificate, (*self.message.extra_certs, *ca_pubs)),
            extra_certs=self.message.extra_certs,
            ca_pubs=ca_pubs,
            are_ca_pubs_authenticated=self.message.body == "ip" and is_mac_protected(self.message),
            private_key=self._private_key(pair["privateKey"], certificate, transaction),
            needs_confirmation=not is_confirmed,
            confirm_by=self.message.header.confirm_by,
        )

    def _private_key(
        self, encrypted: Any, certificate: x509.Certificate, transaction: Transaction
    ) -> PrivateKeyTypes | None:
        try:
            return self._opener().open(encrypted, certificate) if encrypted else None
        except CentralKeyFailed as failure:
            failure.transaction = transaction
            raise

    def _cert_req_id(self, found: int) -> int:
        """To a p10cr servers answer with -1 or 0 (RFC 9483, erratum 8806); what they said is used from then on."""
        is_csr = self.transaction.operation is Operation.P10CR
        if found != FIRST and not (is_csr and found == WHOLE_MESSAGE):
            raise WrongCertReqId(f"the answer is for certReqId {found}, which was not asked for")
        return found

    def _revoked(self) -> Outcome:
        status = parse_status(self.message.content["status"][0])
        if status.status is PKIStatus.WAITING:
            return self._waiting(FIRST, reason="; ".join(status.texts))
        return Revoked(transaction=self._next(State.DONE), status=status)

    def _recovered(self) -> Outcome:
        content = self.message.content
        status = parse_status(content["status"])
        if status.status is PKIStatus.WAITING:
            return self._waiting(FIRST, reason="; ".join(status.texts))
        history = list(content["keyPairHist"])[:MAX_PAIRS] if content["keyPairHist"] else []
        new = content["newSigCert"]
        return Recovered(
            transaction=self._next(State.DONE),
            status=status,
            pairs=tuple(self._recovered_pair(pair) for pair in history),
            ca_certs=load_certificates(content["caCerts"], "caCerts"),
            new_signing_certificate=load_certificate(new.untag().dump(), "newSigCert") if new else None,
        )

    def _recovered_pair(self, pair: Any) -> RecoveredKey:
        if pair["certOrEncCert"].name != "certificate" or not pair["privateKey"]:
            raise MalformedAnswer("a recovered pair lacks its certificate or its key")
        certificate = load_certificate(pair["certOrEncCert"].chosen.untag().dump(), "recovered certificate")
        return RecoveredKey(certificate=certificate, private_key=self._opener().open(pair["privateKey"], certificate))

    def _general(self) -> Outcome:
        infos = {one["infoType"].dotted: one["infoValue"] for one in list(self.message.content)[:MAX_INFOS]}
        return GeneralAnswer(
            transaction=self._next(State.DONE),
            infos={kind: value.dump() or None for kind, value in infos.items()},
        )

    def _confirmed(self) -> Outcome:
        return Confirmed(transaction=replace(self._next(State.DONE), certificate=None))

    def _polled(self) -> Outcome:
        if len(self.message.content) != 1:
            raise MalformedAnswer(f"the pollRep has {len(self.message.content)} entries for one request")
        entry = self.message.content[0]
        if entry["certReqId"].native != self.transaction.poll_id:
            raise WrongCertReqId(f"the pollRep is for certReqId {entry['certReqId'].native}, which was not asked for")
        seconds = min(max(entry["checkAfter"].native, 0), int(LONGEST_WAIT.total_seconds()))
        reason = "; ".join(free_text(entry["reason"]))
        return self._waiting(self.transaction.poll_id, reason=reason, check_after=timedelta(seconds=seconds))

    def _waiting(self, poll_id: int, *, reason: str, check_after: timedelta | None = None) -> Waiting:
        is_confirming = self.transaction.state in (State.GRANTED, State.CONFIRMING)
        state = State.CONFIRMING if is_confirming else State.WAITING
        return Waiting(transaction=replace(self._next(state), poll_id=poll_id), check_after=check_after, reason=reason)

    def _next(self, state: State) -> Transaction:
        return replace(self.transaction, state=state, recip_nonce=self.message.header.sender_nonce or b"")

    def _opener(self) -> KeyOpener:
        return KeyOpener(
            protection=self.protection,
            trust=self.trust,
            pool=self.message.extra_certs,
            now=self.now,
            is_mac_protected=is_mac_protected(self.message),
        )


def _error_text(content: Any) -> str:
    with reading("error"):
        return "; ".join(parse_status(content["pKIStatusInfo"]).texts)
