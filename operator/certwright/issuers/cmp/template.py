"""A certReqTemplate (RFC 9810 §5.3.19.16, RFC 9483 §4.3.3) in the words in which all wishes of CAs are judged."""

from asn1crypto import core

from certwright.issuers.demands.key import KINDS
from certwright.model.chain import UNREADABLE
from certwright.model.keys import demanded
from certwright.model.resources import CertificateSpec
from certwright.protocols.cmp import RequestTemplate
from certwright.protocols.est import CSRAttributes, KeyAlgorithm, KeyRequirement, RequestedExtension, RequestedName
from certwright.protocols.est import Template as Wishes
from certwright.protocols.est.algorithms import KEYS, RSA_ENCRYPTION, key_requirement


def demands_of(template: RequestTemplate, spec: CertificateSpec) -> CSRAttributes:
    """What it asks for: empty values are for the Certificate to fill in, and of several keys one will do."""
    subject = None
    if template.subject is not None:
        subject = tuple((RequestedName(oid, value or None),) for oid, value in template.subject)
    return CSRAttributes(
        key=_key(template, spec),
        extensions=tuple(
            RequestedExtension(oid, is_critical, value or None) for oid, is_critical, value in template.extensions
        ),
        template=Wishes(subject=subject),
    )


def _key(template: RequestTemplate, spec: CertificateSpec) -> KeyRequirement | None:
    """The Certificate's own choice among those that the CA takes, else the first that can be made here."""
    offered = [found for found in map(_requirement, template.key_algorithms) if found is not None]
    if template.rsa_key_length is not None:
        size = template.rsa_key_length
        offered.append(KeyRequirement(oid=RSA_ENCRYPTION, algorithm=KeyAlgorithm.RSA, size=size))
    if not offered:
        return None
    makeable = [one for one in offered if one.algorithm in KINDS]
    asked = demanded(spec)
    own = asked.algorithm if asked else None
    wanted = [one for one in makeable if one.algorithm is not None and KINDS[one.algorithm] is own]
    return next(iter((*wanted, *makeable, *offered)))


def _requirement(algorithm: bytes) -> KeyRequirement | None:
    """An AlgorithmIdentifier; one that cannot be read is no wish that could be met."""
    try:
        fields = core.Sequence.load(algorithm)
        oid = fields[0].dotted
        if KEYS.get(oid) is KeyAlgorithm.RSA:
            return KeyRequirement(oid=oid, algorithm=KeyAlgorithm.RSA)
        return key_requirement(oid, [fields[1].dump()] if len(fields) > 1 else []) or KeyRequirement(oid=oid)
    except (*UNREADABLE, IndexError, AttributeError):
        return None
