"""A lost key, asked back from the CA that made it (krr and krp, RFC 9810 §5.3.7, §5.3.8).

Nothing is left of the former certificate but its serial number, which the status remembers; CAs search their archives
by that and by the subject. What comes back counts only if it is still what the Certificate asks for.
"""

from collections.abc import Sequence

from cryptography import x509

from certwright.issuers.cmp.issued import path_of
from certwright.issuers.cmp.record import Settled
from certwright.model.chain import is_self_issued
from certwright.model.enrolment import EnrolmentRequest
from certwright.model.keys import PrivateKey
from certwright.protocols.cmp import (
    CertificateRequest,
    CertTemplate,
    CMPClient,
    Operation,
    Recovered,
    RecoveredKey,
    Transaction,
    Waiting,
    requests,
)

NOTE = "The key was lost here, and is the one that the CA had kept."


class RecoveringClient(CMPClient):
    """Asks for archived keys by what is known of their certificate, where the certificate itself is lost."""

    async def recover(self, template: CertTemplate, transaction: Transaction) -> Recovered | Waiting:
        """As ``krr``."""
        controls = [requests.protocol_encr_key(signer) for signer in self.protection.extra_certs[:1]]
        asked = CertificateRequest(template=template)
        body = requests.certificate_request(Operation.KRR, asked, controls=controls)
        outcome = await self._exchange(transaction, body)
        if isinstance(outcome, Recovered | Waiting):
            return outcome
        raise TypeError(f"a key recovery came to {type(outcome).__name__}")


def is_wanted(request: EnrolmentRequest) -> bool:
    """Whether a key is asked back before a new one is made."""
    wants = request.spec.cmp is not None and request.spec.cmp.key_recovery
    return wants and request.current is None and request.former_serial is not None


def template_for(request: EnrolmentRequest, published: Sequence[x509.Certificate]) -> CertTemplate:
    """What is known of the former certificate."""
    issuers = [one for one in published if not is_self_issued(one)]
    return CertTemplate(
        subject=x509.load_der_x509_csr(request.csr).subject,
        serial_number=request.former_serial,
        issuer=issuers[0].subject if len(issuers) == 1 else None,
    )


def candidates(recovered: Recovered, known: Sequence[x509.Certificate]) -> list[Settled]:
    """The archived pairs as they would be delivered, the newest first."""
    pairs = sorted(recovered.pairs, key=lambda pair: pair.certificate.not_valid_before_utc, reverse=True)
    return [_settled(pair, (*recovered.ca_certs, *known)) for pair in pairs if isinstance(pair.private_key, PrivateKey)]


def _settled(pair: RecoveredKey, pool: Sequence[x509.Certificate]) -> Settled:
    path = path_of(pair.certificate, pool)
    key = pair.private_key if isinstance(pair.private_key, PrivateKey) else None
    return Settled(chain=path.chain, anchors=path.anchors, key=key, notes=(NOTE,))
