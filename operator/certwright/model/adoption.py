"""Which Secrets may be written for a Certificate: its own, and those that ``spec.adoption`` lets it take over.

The bounds hold against an author of Certificates who may not write Secrets: with ``adoption`` alone he must not get at
a token, an account key or a credential. Asked by ``reconcile`` before anything else.
"""

import re

from certwright.model.metadata import (
    ENROLMENT_PREFIX,
    LABEL_ROLE,
    OPAQUE_SECRET_TYPE,
    ROLE_CERTIFICATE,
    TLS_SECRET_TYPE,
)
from certwright.model.observed import DeliveredSecret, Observed, is_ours
from certwright.model.ownership import certificate_of
from certwright.model.policy import Finding, first, key_pair_is_broken, secret_is_missing_data, secret_is_of_another
from certwright.model.reasons import Reason
from certwright.model.resources import Adoption

WRITTEN = frozenset(
    {
        "tls.crt",
        "tls.key",
        "ca.crt",
        "key.der",
        "tls-combined.pem",
        "keystore.jks",
        "truststore.jks",
        "keystore.p12",
        "truststore.p12",
    }
)
"""The keys that certwright may write into a Secret."""

_RESERVED = re.compile(ENROLMENT_PREFIX + "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Under such a name a Certificate could keep another one, whose UID this is, from ever staging an enrolment."""

OTHERWISE = "choose another spec.secretName, or delete the Secret if nobody needs it"


def conflict(observed: Observed) -> Finding | None:
    """Why the Secret must be left as it is; None: it is ours, not there, or may be taken over."""
    secret, name = observed.secret, observed.certificate.spec.secret_name
    if _RESERVED.fullmatch(name):
        text = f"Secret {name}: names of this form are kept for what certwright stages; choose another spec.secretName"
        return Finding(Reason.SECRET_NOT_OWNED, text)
    if observed.rival is not None:
        return _left_to(observed.rival, name)
    if not isinstance(secret, DeliveredSecret):
        return None
    if secret.is_immutable:
        remedy = "delete it, and a new one is issued"
        return Finding(Reason.SECRET_NOT_OWNED, f"Secret {name} is immutable and cannot be written: {remedy}")
    if is_ours(observed.certificate, secret):
        return _of_another_type(secret)
    return _foreign(observed, secret)


def adopts(observed: Observed) -> bool:
    """Whether the Secret is somebody else's and its pair is to be taken over. Asked where there is no conflict."""
    spec = observed.certificate.spec
    return spec.adoption is Adoption.ADOPT and not is_ours(observed.certificate, observed.secret)


def _left_to(rival: str, name: str) -> Finding:
    return Finding(
        Reason.INCORRECT_CERTIFICATE,
        f"Secret {name} belongs to Certificate {rival}, which names it too: two Certificates cannot write one Secret,"
        f" so that nothing is issued for this one. Choose another spec.secretName; or delete Certificate {rival}, and"
        " set spec.adoption to Adopt or Replace if its Secret stays behind",
    )


def _of_another_type(secret: DeliveredSecret) -> Finding | None:
    """A type can never change, and what others do with such a Secret is not known."""
    if secret.type in {TLS_SECRET_TYPE, OPAQUE_SECRET_TYPE}:
        return None
    text = f"Secret {secret.metadata.name} is of type {secret.type}, in which no certificate is kept"
    return Finding(Reason.SECRET_NOT_OWNED, f"{text}: {OTHERWISE}")


def _foreign(observed: Observed, secret: DeliveredSecret) -> Finding | None:
    told = secret_is_of_another(observed)
    text = told.message if told is not None else ""
    match observed.certificate.spec.adoption:
        case None | Adoption.REFUSE:
            owner = certificate_of(secret.metadata)
            which = f", which does not write it any more: {OTHERWISE}" if owner else f": {OTHERWISE}"
            remedy = f"{which}; spec.adoption Adopt takes over what it holds, Replace issues anew"
            return Finding(Reason.SECRET_NOT_OWNED, f"{text}{remedy}")
        case adoption:
            why = _out_of_bounds(observed, secret)
            if why is not None:
                return Finding(Reason.SECRET_NOT_OWNED, f"{text}, and cannot be taken over, for {why}: {OTHERWISE}")
            fault = first((secret_is_missing_data, key_pair_is_broken), observed)
            if adoption is Adoption.REPLACE or fault is None:
                return None
            remedy = "set spec.adoption to Replace to have a certificate issued into it"
            return Finding(
                Reason.SECRET_NOT_OWNED, f"{text}, and holds no pair that could be adopted ({fault.message}): {remedy}"
            )


def _out_of_bounds(observed: Observed, secret: DeliveredSecret) -> str | None:
    """Why nobody may take it over, as the end of a sentence. Its keys are not named to who may not read Secrets."""
    if secret.metadata.labels.get(LABEL_ROLE, ROLE_CERTIFICATE) != ROLE_CERTIFICATE:
        return "certwright keeps something of its own in it"
    if observed.credential_of is not None:
        return f"{observed.credential_of} uses it"
    if secret.type not in {TLS_SECRET_TYPE, OPAQUE_SECRET_TYPE}:
        return f"it is of type {secret.type}"
    if secret.type == OPAQUE_SECRET_TYPE and not secret.data.keys() <= WRITTEN:
        return "it is of type Opaque and holds other keys than certwright writes"
    if secret.type == OPAQUE_SECRET_TYPE and "tls.key" in secret.data and "tls.crt" not in secret.data:
        return "it holds a key without a certificate, as the Secret of an ACME account does"
    return None
