"""How a request is made and who signs it: the decisions that are taken once, before anything is staged.

The answer is encrypted to the signer's certificate, so that the signer's key must be RSA, whatever the new key is.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from certwright.issuers.scep.memory import SignerKeys
from certwright.issuers.scep.record import Operation, Record
from certwright.model import keys
from certwright.model.enrolment import CurrentCertificate, EnrolmentRequest
from certwright.model.keys import SCEP_KIND, KeyKind, PrivateKey
from certwright.model.names import InvalidNameError
from certwright.model.resources import RotationPolicy, SCEPRenewal
from certwright.model.verification import differences, is_key_of
from certwright.protocols.scep import Capabilities, Signer, requester_certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``signer`` is the certificate being renewed where it signs, None where the requester signs for itself."""

    operation: Operation
    signer: CurrentCertificate | None
    wants_challenge: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the decision depends on, beside the request. ``issuers`` are the names of this CA, its next ones included.

    ``refused`` are serial numbers with which the CA took no renewal.
    """

    renewal: SCEPRenewal
    challenge_on_renewal: bool
    capabilities: Capabilities
    issuers: Collection[x509.Name]
    has_challenge: bool
    refused: Collection[int]
    now: datetime


def plan(request: EnrolmentRequest, given: Circumstances) -> Plan:
    """A renewal where the current certificate can vouch for it, a first enrolment where it cannot.

    ``renewalOperation: PKCSReq`` is for servers that want a renewal as PKCSReq signed with the old certificate. Auto
    at a server that does not announce RenewalReq enrols anew as long as there is a challenge, and falls back to that.
    """
    current = request.current
    if current is None or not can_sign(current, given):
        return _first(wants_challenge=True)
    automatic = given.renewal is SCEPRenewal.AUTO
    renews = given.renewal is SCEPRenewal.RENEWAL_REQ or (automatic and given.capabilities.renewal)
    is_renewal = is_same(request, current) and current.leaf.serial_number not in given.refused
    if given.has_challenge and (not is_renewal or (automatic and not renews)):
        return _first(wants_challenge=True)
    operation = Operation.RENEWAL_REQ if renews else Operation.PKCS_REQ
    return Plan(operation=operation, signer=current, wants_challenge=given.challenge_on_renewal)


def _first(*, wants_challenge: bool) -> Plan:
    return Plan(operation=Operation.PKCS_REQ, signer=None, wants_challenge=wants_challenge)


def can_sign(current: CurrentCertificate, given: Circumstances) -> bool:
    """Whether this CA can know the certificate and answer to it: its own, RSA, good, and the key is at hand."""
    leaf = current.leaf
    return (
        isinstance(current.key, rsa.RSAPrivateKey)
        and leaf.not_valid_after_utc > given.now
        and leaf.issuer in given.issuers
        and is_key_of(leaf, current.key)
    )


def is_same(request: EnrolmentRequest, current: CurrentCertificate) -> bool:
    """Whether the certificate wanted is the one that is there: other names are no renewal, and a CA may refuse them."""
    try:
        return not differences(request.spec, current.leaf)
    except (InvalidNameError, ValueError):
        return False


def expected_kind(request: EnrolmentRequest) -> KeyKind:
    """What the new key will be, which is made only after this driver has prepared."""
    spec = request.spec.private_key
    if spec is not None and spec.rotation_policy is RotationPolicy.NEVER and request.current is not None:
        there = request.current.key
        if keys.fits(there, keys.demanded(request.spec)):
            return keys.kind_of(there)
    return keys.new_kind(request.spec, SCEP_KIND)


def make_throwaway_key() -> PrivateKey:
    """An RSA key that signs one request and decrypts its answer. Slow."""
    return keys.generate(SCEP_KIND)


def signer_of(record: Record, request: EnrolmentRequest, transaction_id: str, known: SignerKeys) -> Signer | None:
    """Who signs a staged request; None where the staged key cannot and no other was staged with it."""
    staged = record.signer
    key = known.read(record.id, staged.key) if staged is not None else request.key
    if not isinstance(key, rsa.RSAPrivateKey):
        return None
    if staged is not None and staged.certificate:
        return Signer(x509.load_pem_x509_certificate(staged.certificate.encode()), key)
    subject = x509.load_der_x509_csr(request.csr).subject
    certificate = requester_certificate(
        key, subject=subject, transaction_id=transaction_id, not_before=request.started_at
    )
    return Signer(certificate, key)
