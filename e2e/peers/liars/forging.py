"""Certificates that are not what was asked for, each in one respect."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID

Extensions = list[tuple[x509.ExtensionType, bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgery:
    """What the CA makes of a request; the default is what was asked for, for thirty days.

    ``names`` are instead of those asked for, ``more_names`` beside them. ``drops_subject`` leaves an empty one.
    ``usages`` are the extended ones instead of those asked for.
    ``signed_by_another``: under the right name, with a key that nobody knows. ``links`` are further ones between
    the leaf and the CA.
    """

    other_key: bool = False
    names: Sequence[str] | None = None
    more_names: Sequence[str] = ()
    drops_subject: bool = False
    begins: timedelta = timedelta(hours=-1)
    lasts: timedelta = timedelta(days=30)
    is_ca: bool = False
    usages: Sequence[x509.ObjectIdentifier] | None = None
    signed_by_another: bool = False
    links: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for."""

    subject: x509.Name
    public_key: Any
    extensions: Extensions

    @property
    def names(self) -> list[str]:
        """The DNS names."""
        for value, _ in self.extensions:
            if value.oid == ExtensionOID.SUBJECT_ALTERNATIVE_NAME:
                return [str(name) for name in asn1_x509.GeneralNames.load(value.public_bytes()).native]
        return []

    @property
    def label(self) -> str:
        """The first label of the first name, by which a test tells its Certificates apart."""
        return self.names[0].partition(".")[0] if self.names else ""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: a CA's name and key."""

    name: x509.Name
    key: Any


def forge(forgery: Forgery, wanted: Wanted, signer: Signer) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """The certificate, and what belongs between it and the CA."""
    links: list[x509.Certificate] = []
    for number in range(forgery.links):
        key, name = ec.generate_private_key(ec.SECP256R1()), _common_name(f"Link {number}")
        extension = (x509.BasicConstraints(ca=True, path_length=None), True)
        links.insert(0, _sign(Wanted(name, key.public_key(), [extension]), signer, timedelta(0), timedelta(days=60)))
        signer = Signer(name, key)
    public_key = ec.generate_private_key(ec.SECP256R1()).public_key() if forgery.other_key else wanted.public_key
    subject = x509.Name([]) if forgery.drops_subject else wanted.subject
    changed = Wanted(subject, public_key, list(_extensions(forgery, wanted)))
    signer = Signer(signer.name, ec.generate_private_key(ec.SECP256R1())) if forgery.signed_by_another else signer
    return _sign(changed, signer, forgery.begins, forgery.lasts), links


def _extensions(forgery: Forgery, wanted: Wanted) -> Iterable[tuple[x509.ExtensionType, bool]]:
    names = [*(wanted.names if forgery.names is None else forgery.names), *forgery.more_names]
    replaced = {ExtensionOID.SUBJECT_ALTERNATIVE_NAME, ExtensionOID.BASIC_CONSTRAINTS}
    if forgery.usages is not None:
        replaced.add(ExtensionOID.EXTENDED_KEY_USAGE)
        yield x509.ExtendedKeyUsage(forgery.usages), False
    yield from ((value, is_critical) for value, is_critical in wanted.extensions if value.oid not in replaced)
    yield x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), not wanted.subject.rdns
    yield x509.BasicConstraints(ca=forgery.is_ca, path_length=None), True


def _sign(wanted: Wanted, signer: Signer, begins: timedelta, lasts: timedelta) -> x509.Certificate:
    begin = datetime.now(UTC) + begins
    builder = (
        x509.CertificateBuilder()
        .subject_name(wanted.subject)
        .issuer_name(signer.name)
        .public_key(wanted.public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + lasts)
    )
    for value, is_critical in wanted.extensions:
        builder = builder.add_extension(value, critical=is_critical)
    return builder.sign(signer.key, hashes.SHA256())


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
