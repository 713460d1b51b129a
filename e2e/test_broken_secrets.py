"""Secrets that somebody damages, and Secrets that cannot be written: told, mended where that is possible, never looped.

What the CA speaks makes no difference here; it counts what it is asked.
"""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from e2e.authority import Authority
from e2e.operator_process import OperatorProcess
from e2e.peers.liars import ESTLiar, Forgery
from e2e.tenant import Object, Tenant

REST = 3
"""Seconds in which a loop would ask the CA several times."""

_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = Authority.create("another CA")
DAMAGE: Mapping[str, tuple[dict[str, bytes], str]] = {
    "empty-certificate": ({"tls.crt": b""}, "MissingData"),
    "empty-key": ({"tls.key": b""}, "MissingData"),
    "garbage": ({"tls.crt": b"-----BEGIN CERTIFICATE-----\nAAAA"}, "InvalidCertificate"),
    "noise": ({"tls.crt": bytes(range(256)), "tls.key": bytes(range(256))}, "InvalidCertificate"),
    "two-hundred": ({"tls.crt": OTHER.pem.encode() * 200}, "InvalidCertificate"),
    "other-key": (
        {"tls.key": _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())},
        "InvalidKeyPair",
    ),
    "locked-key": (
        {"tls.key": _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"sesame"))},
        "InvalidKeyPair",
    ),
    "other-certificate": ({"tls.crt": OTHER.pem.encode()}, "InvalidKeyPair"),
    "garbage-ca": ({"ca.crt": b"junk"}, "InvalidCertificate"),
}


@pytest.fixture
def liar(tenant: Tenant, operator: OperatorProcess) -> Iterator[ESTLiar]:
    del operator
    with ESTLiar() as liar:
        tenant.apply(*liar.issuer("ca"))
        tenant.wait_issuer("ca")
        yield liar


def certificate(tenant: Tenant, name: str, **spec: Any) -> Object:
    return tenant.certificate(name, f"{name}.example.test", **spec)


def apply_large(tenant: Tenant, wanted: Object) -> None:
    """Without kubectl's annotation that repeats all of it, and would be too large itself."""
    tenant.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=json.dumps(wanted))


def listed(tenant: Tenant) -> dict[str, Object]:
    found = json.loads(tenant.kubectl("get", "certificates.certwright.io", "--output=json"))["items"]
    return {one["metadata"]["name"]: one.get("status", {}) for one in found}


def test_damage_is_mended_once_and_its_reason_is_told(tenant: Tenant, liar: ESTLiar) -> None:
    tenant.apply(*(certificate(tenant, name) for name in DAMAGE))
    for name in DAMAGE:
        tenant.wait_ready(name)
    for name, (data, _) in DAMAGE.items():
        patch = {"data": {key: base64.b64encode(value).decode() for key, value in data.items()}}
        tenant.kubectl(
            "patch", "secret", f"{name}-tls", "--type=merge", "--patch-file=/dev/stdin", stdin=json.dumps(patch)
        )
    tenant.wait("all to be mended", lambda: all(status.get("revision") == 2 for status in listed(tenant).values()))
    time.sleep(REST)
    for name, (_, reason) in DAMAGE.items():
        assert liar.asked[name] == 2, name
        assert f"({reason})" in tenant.events(name)[-1][2]
    assert {name: status["revision"] for name, status in listed(tenant).items()} == dict.fromkeys(DAMAGE, 2)


def test_one_of_another_type_is_still_ours(tenant: Tenant, liar: ESTLiar) -> None:
    """A backup that was restored as Opaque, say: its type can never change."""
    tenant.apply(certificate(tenant, "web"))
    tenant.wait_ready("web")
    restored = tenant.get("Secret", "web-tls") | {"type": "Opaque"}
    restored["metadata"] = {name: restored["metadata"][name] for name in ("name", "labels", "annotations")}
    tenant.apply(certificate(tenant, "web", suspend=True))
    tenant.kubectl("delete", "secret", "web-tls")
    tenant.wait_condition("Certificate", "web", reason="Suspended")
    tenant.kubectl("create", "--filename=-", stdin=json.dumps(restored))
    tenant.apply(certificate(tenant, "web"))
    tenant.wait_ready("web")
    assert liar.asked["web"] == 1
    tenant.renew("web")
    found = tenant.get("Secret", "web-tls")
    assert found["type"] == "Opaque"
    assert liar.asked["web"] == 2


class TestWhatCannotBeWritten:
    def test_too_many_annotations_are_told_before_the_ca_is_asked(self, tenant: Tenant, liar: ESTLiar) -> None:
        annotations = {f"note-{number}": "x" * 4000 for number in range(70)}
        apply_large(tenant, certificate(tenant, "web", secretTemplate={"annotations": annotations}))
        told = tenant.wait_condition("Certificate", "web", reason="InvalidSpec")["message"]
        assert "shorten spec.secretTemplate.annotations" in told
        assert not liar.asked
        apply_large(tenant, certificate(tenant, "web"))
        tenant.wait_ready("web")

    def test_a_label_that_no_secret_can_have_is_told_before_the_ca_is_asked(
        self, tenant: Tenant, liar: ESTLiar
    ) -> None:
        tenant.apply(certificate(tenant, "web", secretTemplate={"labels": {"team": "web shop"}}))
        assert "web shop" in tenant.wait_condition("Certificate", "web", reason="InvalidSpec")["message"]
        assert not liar.asked
        tenant.apply(certificate(tenant, "web", secretTemplate={"labels": {"team": "web-shop"}}))
        tenant.wait_ready("web")

    def test_a_certificate_too_large_for_a_secret_is_told_and_asked_for_once(
        self, tenant: Tenant, liar: ESTLiar
    ) -> None:
        """The CA adds 10,000 names, and each form of the pair holds all of them."""
        many = [f"{'n' * 40}-{number}.example.test" for number in range(10_000)]
        liar.forgeries["web"] = Forgery(more_names=many)
        formats = [{"type": "CombinedPEM"}]
        spec = {"acceptChanges": ["Names"], "additionalOutputFormats": formats}
        tenant.apply(certificate(tenant, "web", **spec))
        told = tenant.wait_condition("Certificate", "web", reason="InvalidSpec")["message"]
        assert "larger than the API server takes" in told
        assert "additionalOutputFormats" in told
        time.sleep(REST)
        assert liar.asked["web"] == 1
        assert len(tenant.staged()) == 1
        tenant.apply(certificate(tenant, "web", **spec | {"additionalOutputFormats": []}))
        tenant.wait_ready("web")
        assert liar.asked["web"] == 1

    def test_a_quota_is_told_and_what_was_issued_is_kept(self, tenant: Tenant, liar: ESTLiar) -> None:
        """The record takes the last place that there is."""
        there = len(json.loads(tenant.kubectl("get", "secrets", "--output=json"))["items"])
        hard = {"count/secrets": str(there + 1)}
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": hard}}
        tenant.apply(quota)
        # Whose controller, which would count, is not among those that run here.
        counted = json.dumps({"status": {"hard": hard, "used": {"count/secrets": str(there)}}})
        tenant.kubectl("patch", "resourcequota", "few", "--subresource=status", "--type=merge", f"--patch={counted}")
        tenant.apply(certificate(tenant, "web"))
        told = tenant.wait_condition("Certificate", "web", reason="Forbidden")["message"]
        assert "exceeded quota: few" in told
        assert "raise the quota" in told
        time.sleep(REST)
        assert liar.asked["web"] == 1
        tenant.kubectl("delete", "resourcequota", "few")
        tenant.retry("web")
        tenant.wait_ready("web")
        assert liar.asked["web"] == 1
