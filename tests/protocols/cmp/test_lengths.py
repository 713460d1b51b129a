"""Every length that a length can have: asn1crypto reads some of them as the beginning of an indefinite one."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.protocols.cmp import MACProtection, Settings, SignatureProtection
from tests.fakes.cmp import FakeCMPServer
from tests.protocols.cmp.asking import dns_names, granted, make_request
from tests.protocols.cmp.conftest import MakeClient

Key = ec.EllipticCurvePrivateKey


@pytest.mark.parametrize("is_nested", [False, True], ids=["alone", "in an RA's envelope"])
async def test_requests_and_answers_of_every_length(
    *, is_nested: bool, server: FakeCMPServer, make_client: MakeClient, mac: MACProtection, key: Key
) -> None:
    pair = server.authority.pair("RA")
    authority = SignatureProtection(key=pair.key, certificate=pair.certificate) if is_nested else None
    client = make_client(mac, settings=Settings(registration_authority=authority))
    for length in range(1, 260):
        name = "a" * length

        assert dns_names(granted(await client.ir(make_request(key, name))).certificate) == [name]
