"""A Secret that somebody has filled with something else is issued anew, once, with the reason."""

import base64

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from certwright.model.chain import to_pem
from certwright.model.keys import encode
from tests.handlers.cluster import Cluster, decoded
from tests.model.builders import CA, key_of, spec_of

SECRET = "/api/v1/namespaces/shop/secrets/web-tls"
LOCKED = key_of().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"sesame"))
DAMAGE: dict[str, tuple[dict[str, bytes], str]] = {
    "no certificate": ({"tls.crt": b""}, "MissingData"),
    "no key": ({"tls.key": b""}, "MissingData"),
    "garbage for a certificate": ({"tls.crt": b"-----BEGIN CERTIFICATE-----\nAAAA"}, "InvalidCertificate"),
    "noise for everything": ({"tls.crt": bytes(range(256)), "tls.key": bytes(range(256))}, "InvalidCertificate"),
    "two hundred certificates": ({"tls.crt": to_pem([CA.issue(spec_of())]) * 200}, "InvalidCertificate"),
    "garbage for a key": ({"tls.key": b"junk"}, "InvalidKeyPair"),
    "a key under a password": ({"tls.key": LOCKED}, "InvalidKeyPair"),
    "another key": ({"tls.key": encode(key_of(number=1))}, "InvalidKeyPair"),
    "garbage for the CA": ({"ca.crt": b"junk"}, "InvalidCertificate"),
    "half a certificate for the CA": ({"ca.crt": to_pem([CA.certificate])[:400]}, "InvalidCertificate"),
}


@pytest.mark.parametrize(("data", "reason"), DAMAGE.values(), ids=DAMAGE.keys())
async def test_it_is_issued_anew_once(cluster: Cluster, data: dict[str, bytes], reason: str) -> None:
    cluster.ca.makes_orders = False
    await cluster.issued()
    body = {"data": {name: base64.b64encode(value).decode() for name, value in data.items()}}
    await cluster.server.merge(SECRET, body, manager="kubectl")
    for _ in range(3):
        await cluster.handle()

    assert len(cluster.ca.issued) == 2
    assert cluster.condition() == ("True", "Ready")
    notes = [stored.body.get("note", "") for key, stored in cluster.server.objects.items() if key[1] == "events"]
    assert f"({reason})" in notes[-1]
    assert decoded(cluster.secret()).get("ca.crt", b"") == b""


async def test_what_was_emptied_disappears_with_the_next_write(cluster: Cluster) -> None:
    await cluster.issued()
    await cluster.server.merge(SECRET, {"data": {"ca.crt": "anVuaw=="}}, manager="kubectl")
    await cluster.handle()

    await cluster.edit(spec={"secretTemplate": {"labels": {"team": "web"}}})
    await cluster.handle()

    assert "ca.crt" not in decoded(cluster.secret())
    assert len(cluster.ca.issued) == 2
