"""What an exchange comes to, where it comes to something: values that hold the transaction as it stands afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

from certwright.protocols.cmp.errors import WrongKey
from certwright.protocols.cmp.status import StatusInfo
from certwright.protocols.cmp.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A certificate (RFC 9810 §5.3.4); a certConf is due by ``confirm_by`` if ``needs_confirmation``.

    ``chain`` are the issuers that came along, nearest first; nobody vouches for them but their signatures. ``ca_pubs``
    may be trusted only if ``are_ca_pubs_authenticated``: they came with an ip under a MAC. ``private_key`` is there
    where the CA made it, and fits the certificate.
    """

    transaction: Transaction
    certificate: x509.Certificate
    status: StatusInfo
    chain: tuple[x509.Certificate, ...] = ()
    extra_certs: tuple[x509.Certificate, ...] = ()
    ca_pubs: tuple[x509.Certificate, ...] = ()
    are_ca_pubs_authenticated: bool = False
    private_key: PrivateKeyTypes | None = field(default=None, repr=False)
    needs_confirmation: bool = True
    confirm_by: datetime | None = None

    def require_key(self, public_key: PublicKeyTypes) -> None:
        """Raise WrongKey unless the certificate is for this key; then the certConf has to refuse it."""
        if self.certificate.public_key() != public_key:
            raise WrongKey("the CA issued a certificate for another key than the one in the request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Not yet: poll after ``check_after``, where the server says when."""

    transaction: Transaction
    check_after: timedelta | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """The server took note, of a certConf or of an error message (RFC 9810 §5.3.17)."""

    transaction: Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """The certificate is revoked, or off hold (RFC 9810 §5.3.10)."""

    transaction: Transaction
    status: StatusInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveredKey:
    """An archived pair; ``certificate`` fits ``private_key``."""

    certificate: x509.Certificate
    private_key: PrivateKeyTypes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """The archived pairs (RFC 9810 §5.3.8), in the server's order, each with its chain as far as it came."""

    transaction: Transaction
    status: StatusInfo
    pairs: tuple[RecoveredKey, ...]
    ca_certs: tuple[x509.Certificate, ...] = ()
    new_signing_certificate: x509.Certificate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralAnswer:
    """A genp: DER values by the OID of their type, None where the server has nothing (RFC 9810 §5.3.20)."""

    transaction: Transaction
    infos: Mapping[str, bytes | None]


Outcome = Granted | Waiting | Confirmed | Revoked | Recovered | GeneralAnswer
