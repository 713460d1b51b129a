"""Whose turn it is among the issuers that a Certificate names, and which of them issued what is there.

The first of ``issuerRefs`` is asked unless ``status.fallback`` names another. ``reconcile.fallback`` decides when the
turn goes on.
"""

from certwright.model.metadata import (
    ANNOTATION_ISSUER_GROUP,
    ANNOTATION_ISSUER_KIND,
    ANNOTATION_ISSUER_NAME,
    GROUP,
    Key,
    Kind,
)
from certwright.model.observed import Certificate, DeliveredSecret, Observed
from certwright.model.policy import issuer_refs
from certwright.model.resources import IssuerKind, IssuerRef


def asked(certificate: Certificate) -> IssuerRef | None:
    """The issuer whose turn it is; a fallback that is no longer named has had its turn."""
    refs, turn = issuer_refs(certificate), certificate.status.fallback
    named = [ref for ref in refs if turn is not None and (ref.name, str(ref.kind)) == (turn.name, turn.kind)]
    return next(iter((*named, *refs)), None)


def is_fallback(certificate: Certificate) -> bool:
    """Whether it is another's turn than that of the first."""
    return asked(certificate) != next(iter(issuer_refs(certificate)), None)


def others(certificate: Certificate) -> tuple[IssuerRef, ...]:
    """The other issuers in the order of their turns: after the last comes the first."""
    refs, now = issuer_refs(certificate), asked(certificate)
    if now is None:
        return ()
    place = refs.index(now)
    return tuple(ref for ref in (*refs[place + 1 :], *refs[:place]) if ref != now)


def key_of(certificate: Certificate, ref: IssuerRef | None) -> Key | None:
    """The key of an issuer that the Certificate names; None where it is none of ours."""
    if ref is None or ref.group != GROUP:
        return None
    if ref.kind is IssuerKind.CLUSTER_ISSUER:
        return Key(Kind.CLUSTER_ISSUER, "", ref.name)
    return Key(Kind.ISSUER, certificate.metadata.namespace, ref.name)


def named_keys(certificate: Certificate) -> tuple[Key, ...]:
    """The keys of all issuers that it names."""
    keys = (key_of(certificate, ref) for ref in issuer_refs(certificate))
    return tuple(key for key in keys if key is not None)


def believed_issuer(certificate: Certificate) -> IssuerRef:
    """Who issued what is there, where its Secret does not say: the one that the status names, else the first."""
    refs, by = issuer_refs(certificate), certificate.status.issuer_ref
    named = [ref for ref in refs if by is not None and (ref.name, str(ref.kind)) == (by.name, by.kind)]
    return (*named, *refs)[0]


def is_issued_by(observed: Observed, issuer: Key) -> bool:
    """Whether the certificate that is there is this issuer's. What nothing tells is believed to be so."""
    secret, by = observed.secret, observed.certificate.status.issuer_ref
    told = secret.metadata.annotations if isinstance(secret, DeliveredSecret) else {}
    name = told.get(ANNOTATION_ISSUER_NAME) or (by.name if by else issuer.name)
    kind = told.get(ANNOTATION_ISSUER_KIND) or (by.kind if by else issuer.kind)
    group = told.get(ANNOTATION_ISSUER_GROUP) or GROUP
    return (name, kind, group) == (issuer.name, issuer.kind, GROUP)
