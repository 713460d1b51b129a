"""What the CA wants to see in a request, held against what the Certificate asks for; EST and CMP share it.

The words are those of EST's CSR attributes (RFC 7030 §4.5, RFC 9908); CMP's certReqTemplate (RFC 9810 §5.3.19.16) says
the same in others, and its driver translates.

Where the Certificate leaves something open, the CA's wish fills it. Where both have said something, and not the same,
nobody here can choose: the Certificate is refused, with both sides named. What the CA wants and nobody here knows is
ignored, as the RFC demands; the CA will say so itself. Drivers call `prepared_for` before key and CSR are made.
"""

from certwright.issuers.demands.contradiction import Contradiction
from certwright.issuers.demands.extensions import extensions
from certwright.issuers.demands.key import key_kind, signature_algorithm
from certwright.issuers.demands.subject import subject
from certwright.model.enrolment import CurrentCertificate, Prepared
from certwright.model.errors import RejectedError
from certwright.model.keys import new_kind
from certwright.model.names import InvalidNameError
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec
from certwright.protocols.est import CSRAttributes
from certwright.protocols.transport import shown

__all__ = ["prepared_for"]


def prepared_for(
    attributes: CSRAttributes, spec: CertificateSpec, *, current: CurrentCertificate | None, server: str
) -> Prepared:
    """What key and CSR must be like for this CA; raises `RejectedError` where the Certificate forbids it."""
    template = attributes.template
    try:
        kind = key_kind(attributes, spec, current)
        made = new_kind(spec, kind)
        return Prepared(
            key_kind=kind,
            signature_algorithm=signature_algorithm(attributes, spec, kind),
            subject=subject(template.subject, spec) if template else None,
            extensions=extensions(attributes.extensions, spec, made),
        )
    except Contradiction as error:
        message = f"{server} says what a request to it must hold, and this Certificate is not like that: {error}."
        raise RejectedError(shown(message), reason=Reason.INVALID_SPEC) from error
    except InvalidNameError as error:
        raise RejectedError(
            f"No request can be made from this Certificate: {error}.", reason=Reason.INVALID_SPEC
        ) from error
