"""A root's successor (RFC 9810 §4.4, §5.3.19.15): believed only as far as the root that is held vouches for it."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from certwright.protocols.cmp.certificates import is_signed_by
from certwright.protocols.cmp.errors import UntrustedUpdate
from certwright.protocols.cmp.trust import may_issue


@dataclass(frozen=True, slots=True, kw_only=True)
class RootCAUpdate:
    """The new root, its key certified by the old one, and where it came the old key certified by the new one."""

    new_with_new: x509.Certificate
    new_with_old: x509.Certificate | None = None
    old_with_new: x509.Certificate | None = None

    def verify(self, root: x509.Certificate, *, now: datetime) -> None:
        """Raise UntrustedUpdate unless ``root``, which is trusted already, vouches for the new root.

        The link is optional in the message, as a sender may be authorised to hand out anchors; nobody is, here.
        """
        new, link, back = self.new_with_new, self.new_with_old, self.old_with_new
        if not is_signed_by(new, new) or not may_issue(new, intermediates=0, now=now):
            raise UntrustedUpdate("the new root is not a self-signed CA certificate that is valid now")
        if link is None:
            raise UntrustedUpdate("the new root came without newWithOld: the known root does not vouch for it")
        if not _certifies(link, new) or not is_signed_by(link, root) or not may_issue(link, intermediates=0, now=now):
            raise UntrustedUpdate("newWithOld does not certify the new root by the known one")
        if back is not None and not (_certifies(back, root) and is_signed_by(back, new)):
            raise UntrustedUpdate("oldWithNew does not certify the known root by the new one")


def _certifies(link: x509.Certificate, root: x509.Certificate) -> bool:
    return link.subject == root.subject and link.public_key() == root.public_key()
