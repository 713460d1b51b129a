"""GetCACert: which of a server's certificates is the CA, which one encrypts, which ones may sign (RFC 8894 §2.2, §4.2).

The certificates come in no order and their key usages are often wrong (RFC 8894 §3.5.2), so everything here prefers
and little refuses, except for trust: with a pinned fingerprint nothing counts that has no link to the pinned one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from certwright.protocols.scep.certificates import (
    chain_above,
    is_ca,
    is_issued_by,
    is_ordinary,
    is_rsa,
    may_encrypt_keys,
    may_sign,
    readable,
)
from certwright.protocols.scep.errors import UntrustedAuthority

MAX_CERTIFICATES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A CA as its server presents it, with an RA where one stands in front.

    ``ca`` issues; requests are encrypted to ``encryption``; answers are signed by one of ``signers``, most likely the
    first, ``signing``. ``certificates`` are all that count, and ``pinned`` the one that was.
    """

    ca: x509.Certificate
    encryption: x509.Certificate
    signers: tuple[x509.Certificate, ...]
    certificates: tuple[x509.Certificate, ...]
    pinned: x509.Certificate | None = None

    @classmethod
    def of(
        cls,
        certificates: Iterable[x509.Certificate],
        *,
        now: datetime,
        fingerprint: str | None = None,
        is_plain: bool = False,
    ) -> Self:
        """Sort out what a server sent; ``UntrustedAuthority`` if the pinned one or any usable one is missing.

        ``fingerprint`` is the SHA-256 of one certificate's DER. ``is_plain`` says that they came over plain http.
        """
        counted = readable(certificates)[:MAX_CERTIFICATES]
        pinned = None if fingerprint is None else _pinned(counted, fingerprint)
        if pinned is not None:
            counted = _linked(counted, pinned, is_plain=is_plain)
        valid = sorted((c for c in counted if now <= c.not_valid_after_utc), key=lambda c: c.not_valid_before_utc > now)
        if not valid:
            raise UntrustedAuthority("None of the CA's certificates is readable and still valid.")
        return cls._in_roles(valid, pinned=pinned)

    @classmethod
    def _in_roles(cls, valid: Sequence[x509.Certificate], *, pinned: x509.Certificate | None) -> Self:
        agents = [certificate for certificate in valid if not is_ca(certificate)]
        ca = _issuing(valid, agents, pinned=pinned)
        others = [certificate for certificate in valid if certificate not in (*agents, ca)]
        signers = sorted(dict.fromkeys((*agents, ca, *others)), key=lambda signer: not may_sign(signer))
        return cls(
            ca=ca,
            encryption=_recipient(dict.fromkeys((*agents, ca))),
            signers=tuple(signers),
            certificates=tuple(valid),
            pinned=pinned,
        )

    @property
    def signing(self) -> x509.Certificate:
        """The certificate that most likely signs answers."""
        return self.signers[0]

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The CA and what is above it."""
        return self.ca, *chain_above(self.ca, self.certificates)

    @property
    def issuer_name(self) -> x509.Name:
        """The issuer of what will be issued, also where the server keeps the CA's own certificate to itself."""
        return self.ca.subject if is_ca(self.ca) else self.ca.issuer


def _pinned(certificates: Sequence[x509.Certificate], fingerprint: str) -> x509.Certificate:
    wanted = fingerprint.lower().removeprefix("sha256:").replace(":", "").strip()
    for certificate in certificates:
        if certificate.fingerprint(hashes.SHA256()).hex() == wanted:
            return certificate
    raise UntrustedAuthority("None of the certificates that the server sent has the pinned fingerprint.")


def _linked(
    certificates: Sequence[x509.Certificate], pinned: x509.Certificate, *, is_plain: bool
) -> tuple[x509.Certificate, ...]:
    """The pinned certificate, what it vouches for, and what vouches for it.

    Over plain http anybody who owns a certificate of this CA could hand it out as the RA's and read every challenge.
    """
    linked = [pinned, *chain_above(pinned, certificates)]
    ordinary: list[x509.Certificate] = []
    issuers = [pinned] if is_ca(pinned) else []
    for issuer in issuers:  # Grows on the way: each CA below the pinned one vouches in its turn.
        for below in certificates:
            if below in linked or not is_issued_by(below, issuer):
                continue
            (ordinary if is_plain and not is_ca(below) and is_ordinary(below) else linked).append(below)
            issuers += [below] if is_ca(below) else []
    if ordinary and all(is_ca(certificate) for certificate in linked):
        raise UntrustedAuthority(
            "The server presents as its RA a certificate like those of ordinary servers and clients, and over http "
            "whoever owns such a one could do so. Pin the fingerprint of the RA's certificate itself, or use https."
        )
    return tuple(c for c in certificates if c in linked)


def _issuing(
    valid: Sequence[x509.Certificate], agents: Sequence[x509.Certificate], *, pinned: x509.Certificate | None
) -> x509.Certificate:
    """The CA that issued the RA's certificates; else the lowest CA, of several the pinned or the youngest."""
    authorities = [certificate for certificate in valid if is_ca(certificate)]
    above_agents = [ca for ca in authorities if any(is_issued_by(agent, ca) for agent in agents)]
    lowest = [ca for ca in authorities if not any(is_issued_by(other, ca) for other in authorities if other != ca)]
    candidates = above_agents or lowest or authorities or list(valid)
    if pinned in candidates:
        return pinned
    return max(candidates, key=lambda ca: ca.not_valid_before_utc)


def _recipient(candidates: Iterable[x509.Certificate]) -> x509.Certificate:
    """The one with an RSA key that may encrypt keys; else one with an RSA key, whatever it may; else the first."""
    return min(candidates, key=lambda c: 2 * (not is_rsa(c)) + (not may_encrypt_keys(c)))
