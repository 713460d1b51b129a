"""Answers of the fake server as bytes, without a client."""

import asyncio
from contextlib import suppress
from typing import Any

import httpx
from asn1crypto import core
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.cmp import (
    CertificateRequest,
    CMPClient,
    CMPError,
    Granted,
    InfoType,
    MACProtection,
    Trust,
    ask_ca_certs,
)
from tests.fakes.clock import FakeClock
from tests.fakes.cmp import FakeCMPServer, Refuse
from tests.protocols.cmp.asking import make_csr, make_request


def answer_to(name: str) -> bytes:
    """The last answer of an exchange under the MAC of "device-1" and "sesame"."""
    server = FakeCMPServer(clock=FakeClock().now)
    with suppress(CMPError):
        asyncio.run(_exchange(name, server))
    return server.exchanges[-1][1]


async def _exchange(name: str, server: FakeCMPServer) -> Any:
    key = ec.generate_private_key(ec.SECP256R1())
    protection = MACProtection(reference="device-1", secret=b"sesame", iterations=100)
    async with httpx.AsyncClient(transport=server.transport()) as http:
        client = CMPClient(
            server.url, http=http, clock=server.clock, protection=protection, trust=Trust((server.root,))
        )
        match name:
            case "waiting":
                server.polls = 1
            case "rejection":
                server.refusals.append(Refuse())
            case "error":
                server.refusals.append(Refuse(is_error=True, code=1, details=("a", "b")))
            case "genp":
                server.infos[InfoType.CA_CERTS] = (InfoType.CA_CERTS.value, core.Null())
                return await client.genm([ask_ca_certs()])
            case "rp":
                return await client.rr(server.root)
            case "central" | "krp":
                made = await client.ir(CertificateRequest.for_central_key(make_csr(key)))
                return await client.krr(made.certificate) if name == "krp" and isinstance(made, Granted) else made
        return await client.ir(make_request(key))
