"""The fake SCEP server's answers, true ones and all the false ones that a client has to see through."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.fakes.ca import common_name
from tests.fakes.scep import messages, openssl
from tests.fakes.scep.authority import Holder, SCEPAuthority, certify, rsa_key
from tests.fakes.scep.envelopes import close_envelope
from tests.fakes.scep.messages import Request


class Lie(StrEnum):
    """What an answer gets wrong."""

    NONCE = "nonce"
    TRANSACTION = "transaction"
    SIGNER = "signer"
    LEAF_SIGNER = "leaf signer"
    RECIPIENT = "recipient"
    DIGEST = "digest"
    STATUS = "status"
    MESSAGE_TYPE = "message type"
    KEY = "key"


class Status(StrEnum):
    SUCCESS = "0"
    FAILURE = "2"
    PENDING = "3"


@dataclass(frozen=True)
class Decision:
    """What the CA says to a request: FAILURE with failInfo and its text, or SUCCESS with the data to be enveloped."""

    status: Status
    data: bytes | None = None
    fail_info: str = ""
    text: str = ""


class Answering:
    """How the answers of ``FakeSCEPServer`` are made; its docstring describes the knobs."""

    def __init__(self, *, clock: Callable[[], datetime], authority: SCEPAuthority) -> None:
        self.clock = clock
        self.authority = authority
        self.challenges: set[str] | None = None
        self.cipher = "aes128_cbc"
        self.digest = "sha256"
        self.lies: set[Lie] = set()
        self.leaf_last = False
        self.extra: list[x509.Certificate] = []
        self.failure_content: bytes | None = None
        self.unfinished_content: bytes | None = None
        self.content_type = True

    def bundle(self, leaf: x509.Certificate) -> Sequence[x509.Certificate]:
        if Lie.KEY in self.lies:
            leaf = self.stranger().certificate
        above = [self.authority.ca.certificate]
        return [*self.extra, *above, leaf] if self.leaf_last else [*self.extra, leaf, *above]

    def cert_rep(self, request: Request, decision: Decision) -> bytes:
        values: dict[str, str | bytes] = {
            messages.MESSAGE_TYPE: "19" if Lie.MESSAGE_TYPE in self.lies else "3",
            messages.PKI_STATUS: "7" if Lie.STATUS in self.lies else decision.status,
            messages.TRANSACTION_ID: "another" if Lie.TRANSACTION in self.lies else request.transaction_id,
            messages.SENDER_NONCE: bytes(16),
            messages.RECIPIENT_NONCE: bytes(16) if Lie.NONCE in self.lies else request.nonce,
        }
        content = self.unfinished_content if decision.data is None else self._sealed(request, decision.data)
        if decision.status is Status.FAILURE:
            values[messages.FAIL_INFO] = decision.fail_info
            content = self.failure_content
        if decision.text:
            values[messages.FAIL_INFO_TEXT] = decision.text
        signer = self.signer()
        return messages.signed_message(
            content,
            messages.cert_rep_attributes(values),
            key=signer.key,
            certificate=signer.certificate,
            certificates=[signer.certificate],
            digest=self.digest,
            digested=b"something else" if Lie.DIGEST in self.lies else None,
            content_type=self.content_type,
        )

    def _sealed(self, request: Request, data: bytes) -> bytes:
        recipient = self.stranger().certificate if Lie.RECIPIENT in self.lies else request.signer
        if isinstance(recipient.public_key(), RSAPublicKey):
            return close_envelope(data, recipient, cipher=self.cipher)
        (password,) = self.challenges or {""}
        return openssl.seal_with_password(data, password)

    def signer(self) -> Holder:
        if Lie.SIGNER in self.lies:
            return self.stranger()
        return self._leaf() if Lie.LEAF_SIGNER in self.lies else self.authority.signer

    def stranger(self) -> Holder:
        return certify(common_name("Stranger"), rsa_key("stranger"), now=self.clock(), is_ca=True)

    def _leaf(self) -> Holder:
        """Somebody else whom this very CA certified."""
        return certify(common_name("Neighbour"), rsa_key("neighbour"), now=self.clock(), issuer=self.authority.ca)
