"""Decides how a key pair comes into the Secret without the CA: out of the former Secret, or out of somebody else's."""

from dataclasses import replace

from certwright.model import policy
from certwright.model.adoption import adopts
from certwright.model.observed import DeliveredSecret, Observed, is_ours
from certwright.model.resources import CertificateSpec, CertificateStatus, Deletion, SecretSeen
from certwright.reconcile.steps import Adopt, Copy, Retire


def without_the_ca(observed: Observed) -> Adopt | Copy | None:
    """What brings a pair into the Secret; None: what stands there is to be judged as it is."""
    secret, former = observed.secret, observed.former
    if isinstance(secret, DeliveredSecret) and adopts(observed):
        return Adopt(secret, policy.first(policy.NEWS, observed))
    if former is None or policy.first(policy.GOODNESS, replace(observed, secret=former)) is not None:
        return None
    return None if _has_moved(observed, former) else Copy(former)


def _has_moved(observed: Observed, former: DeliveredSecret) -> bool:
    secret = observed.secret
    if not isinstance(secret, DeliveredSecret) or not is_ours(observed.certificate, secret):
        return False
    return secret.leaf == former.leaf and policy.first(policy.GOODNESS, observed) is None


def retired(observed: Observed) -> Retire | None:
    """The former Secret's end, where ``spec.deletion`` wants it, once the new one is good."""
    return Retire(observed.former) if observed.former is not None and goes(observed.certificate.spec) else None


def goes(spec: CertificateSpec) -> bool:
    """Whether a Secret that this Certificate no longer writes is deleted."""
    return spec.deletion is Deletion.DELETE_SECRET


def still_to_move(spec: CertificateSpec, status: CertificateStatus) -> SecretSeen | None:
    """What a status must remember of the Secret under the former name, until everything in it has moved."""
    seen = status.secret
    if seen is None or seen.name in {None, spec.secret_name}:
        return None
    return seen.model_copy(update={"checks": None})
