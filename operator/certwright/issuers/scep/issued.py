"""What the CA's certificates mean for the Secret: the chain to show, and the roots to trust."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cryptography import x509

from certwright.model.chain import is_self_issued, root_of, split_root
from certwright.model.enrolment import Issued, LearnedAnchor
from certwright.protocols.scep import Authority, Success


def issued(
    success: Success,
    authority: Authority,
    learned: Sequence[LearnedAnchor],
    *,
    is_credential_used: bool,
    now: datetime,
) -> Issued:
    """The chain without its root, which becomes an anchor, together with the CA's next ones where they are known.

    Without the chain's own root there are no anchors: the others would make the chain look forged.
    """
    if not success.chain:
        # An issuer of the right name that has not signed it is shown beside it, so that the check before delivery sees.
        namesake = next((one for one in authority.certificates if _is_named(one, success.certificate)), None)
        success = replace(success, chain=(namesake,)) if namesake is not None else success
    known = tuple(anchor.certificate for anchor in learned if anchor.certificate.not_valid_after_utc > now)
    chain, roots = split_root((success.certificate, *success.chain))
    if not roots:
        root = root_of(chain, (*authority.certificates, *known))
        roots = (root,) if root is not None else ()
    next_roots = tuple(one for one in known if is_self_issued(one)) if roots else ()
    return Issued(
        chain=chain, anchors=tuple(dict.fromkeys((*roots, *next_roots))), is_credential_used=is_credential_used
    )


def _is_named(candidate: x509.Certificate, child: x509.Certificate) -> bool:
    return candidate.subject == child.issuer and candidate != child
