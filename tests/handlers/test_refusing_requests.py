"""What cannot be asked for, or may not, is told on the Certificate before the CA hears of it."""

from typing import Any

import pytest

from certwright.model.enrolment import Prepared
from certwright.model.keys import KeyKind
from certwright.model.resources import KeyAlgorithm
from tests.handlers.cluster import ISSUER_SPEC, Cluster

UNSAYABLE: dict[str, tuple[dict[str, Any], str]] = {
    "a name": ({"dnsNames": ["a..example.com"]}, "dnsNames: 'a..example.com' is not a domain name"),
    "a label of 64 characters": ({"dnsNames": ["a" * 64 + ".example.com"]}, "longer than 63 characters"),
    "a subject": ({"literalSubject": "CN=a;O=b"}, "literalSubject: the subject cannot be encoded: 'a;O=b' holds ';'"),
    "a signature": (
        {"signatureAlgorithm": "PureEd25519", "privateKey": {"algorithm": "RSA"}},
        "signatureAlgorithm PureEd25519 needs a key of the kind Ed25519, and the key is RSA",
    ),
    "constraints": (
        {"isCA": True, "nameConstraints": {"excluded": {"dnsDomains": ["*.example.com"]}}},
        "nameConstraints.excluded.dnsDomains: '*.example.com' has a wildcard",
    ),
    "an attribute": (
        {"csr": {"attributes": [{"oid": "1.2.840.113549.1.9.7", "values": ["EwFh"]}]}},
        "csr.attributes: 1.2.840.113549.1.9.7 cannot be given raw: use scep.challengeSecretRef",
    ),
    "an extension": (
        {"csr": {"extensions": [{"oid": "2.5.29.17", "value": "MAA="}]}},
        "csr.extensions: 2.5.29.17 cannot be given raw: use dnsNames",
    ),
}


@pytest.mark.parametrize(("fields", "told"), UNSAYABLE.values(), ids=list(UNSAYABLE))
async def test_what_no_request_can_say_costs_no_challenge(cluster: Cluster, fields: dict[str, Any], told: str) -> None:
    cluster.ca.prepare_script.append(AssertionError("the driver was asked what it wants in the request"))
    await cluster.issuer()
    await cluster.certificate(**fields)
    await cluster.handle()
    assert cluster.condition() == ("False", "InvalidSpec")
    assert told in cluster.status()["lastError"]["message"]
    assert cluster.staged == []


STRICT = {**ISSUER_SPEC, "allow": {"keyAlgorithms": ["ECDSA"]}}


async def test_a_key_that_the_ca_wants_must_be_allowed_too(cluster: Cluster) -> None:
    cluster.ca.prepared = Prepared(key_kind=KeyKind(KeyAlgorithm.RSA, 2048))
    await cluster.issuer(spec=STRICT)
    await cluster.certificate()
    await cluster.handle()
    assert cluster.condition() == ("False", "NotAllowed")
    assert cluster.staged == []


async def test_a_key_that_is_kept_must_be_allowed_too(cluster: Cluster) -> None:
    await cluster.issued(privateKey={"algorithm": "RSA", "rotationPolicy": "Never"})
    await cluster.issuer("strict", spec=STRICT)
    await cluster.edit(spec={"privateKey": {"algorithm": None}, "issuerRef": {"name": "strict"}})
    await cluster.handle()
    assert cluster.condition() == ("False", "NotAllowed")
    assert "privateKey.algorithm: RSA is not in allow.keyAlgorithms" in cluster.status()["lastError"]["message"]
    assert len(cluster.ca.issued) == 1
