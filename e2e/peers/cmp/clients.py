"""Clients of ours for the CMP server, as its own tests make them: what OpenSSL's client does not speak, ours does."""

from datetime import UTC, datetime
from typing import Any, Protocol

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.cmp import (
    CMPClient,
    Granted,
    MACAlgorithm,
    MACProtection,
    Outcome,
    Settings,
    SignatureProtection,
    Trust,
    Waiting,
)
from e2e.authority import KeyPair
from e2e.peers.cmp.server import CMPServer


class MakeClient(Protocol):
    """``client_of`` for one server and one ``httpx`` client."""

    def __call__(
        self,
        protection: MACProtection | SignatureProtection | None = None,
        *,
        url: str | None = None,
        settings: Settings | None = None,
    ) -> CMPClient: ...


def client_of(
    server: CMPServer,
    http: httpx.AsyncClient,
    protection: MACProtection | SignatureProtection | None = None,
    *,
    url: str | None = None,
    settings: Settings | None = None,
) -> CMPClient:
    """By the server's secret at its RA component, unless told otherwise."""
    return CMPClient(
        url or server.url,
        http=http,
        clock=now,
        protection=protection or by_secret(server),
        trust=Trust((x509.load_pem_x509_certificate(server.ca_certificate.encode()),)),
        settings=settings,
    )


def by_secret(server: CMPServer, algorithm: MACAlgorithm = MACAlgorithm.PBM) -> MACProtection:
    return MACProtection(reference=server.reference, secret=server.secret.encode(), algorithm=algorithm)


def by_pair(pair: KeyPair) -> SignatureProtection:
    """The signature of a certificate that comes with its issuers."""
    certificate, *chain = x509.load_pem_x509_certificates(pair.certificate.encode())
    key: Any = serialization.load_pem_private_key(pair.private_key.encode(), None)
    return SignatureProtection(key=key, certificate=certificate, chain=tuple(chain))


def by_grant(grant: Granted, key: Any) -> SignatureProtection:
    """The signature of a certificate that the server gave."""
    return SignatureProtection(key=key, certificate=grant.certificate, chain=grant.chain)


async def polled(asking: CMPClient, outcome: Outcome) -> Outcome:
    """What it comes to at last, without waiting for as long as the server would have it."""
    while isinstance(outcome, Waiting):
        outcome = await asking.poll(outcome.transaction)
    return outcome


def make_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def serial(certificate: x509.Certificate) -> str:
    """As the server's log spells it."""
    return f"{certificate.serial_number:x}"


def now() -> datetime:
    return datetime.now(UTC)
