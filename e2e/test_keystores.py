"""Keystores: what Java and openssl find in them, and when they are written again."""

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from certwright.model.keys import KeyKind, load, public_der
from certwright.model.keystores import Passwords, rendered
from e2e.gate import Gate, When
from e2e.issuers import est_issuer
from e2e.keystore_readers import Keytool, openssl_public_key
from e2e.launching import Launcher
from e2e.peers.est import ScriptedESTServer
from e2e.tenant import Object, Tenant, secret
from tests.model.builders import KINDS, key_of, pair_of, spec_of

USER, EST_PASSWORD, PASSWORD = "device", "est-pass-0002", "changeit-0003"
PRIVATE, TRUSTED = "PrivateKeyEntry", "trustedCertEntry"
REF: Object = {"create": True, "passwordSecretRef": {"name": "store"}}
JAVA_KINDS = [kind for kind in KINDS if not str(kind).startswith("ML-DSA")]


@pytest.fixture(scope="module")
def est() -> Iterator[ScriptedESTServer]:
    with ScriptedESTServer(username=USER, password=EST_PASSWORD) as server:
        yield server


@pytest.fixture
def asking(tenant: Tenant, est: ScriptedESTServer) -> Tenant:
    """A namespace with an issuer that is ready."""
    tenant.apply(*est_issuer("ca", est, username=USER, password=EST_PASSWORD))
    tenant.wait_issuer()
    return tenant


def certificate(tenant: Tenant, profile: str | None = None, **spec: Any) -> Object:
    """One with every store. Java reads no certificate without a subject whose names are not critical."""
    pkcs12 = {**REF, "profile": profile} if profile else REF
    return tenant.certificate("web", commonName="web.example.test", keystores={"jks": REF, "pkcs12": pkcs12}, **spec)


def stores_of(tenant: Tenant) -> dict[str, bytes]:
    data = tenant.data("web-tls")
    return {name: store for name, store in data.items() if name.startswith(("keystore", "truststore"))}


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("profile", [None, "Modern2023", "Modern2026"], ids=["LegacyDES", "Modern2023", "Modern2026"])
def test_java_and_openssl_read_them(asking: Tenant, profile: str | None) -> None:
    asking.apply(secret("store", password=PASSWORD), certificate(asking, profile))
    asking.wait_ready("web")
    stores, key = stores_of(asking), public_der(load(asking.data("web-tls")["tls.key"]))
    is_new = profile == "Modern2026"
    keytool = Keytool.of_the_jdk()
    assert keytool.entries(stores["keystore.jks"], PASSWORD, kind="JKS") == {"certificate": PRIVATE, "ca": TRUSTED}
    assert keytool.entries(stores["truststore.jks"], PASSWORD, kind="JKS") == {"ca": TRUSTED}
    assert key == keytool.public_key(stores["keystore.jks"], PASSWORD, kind="JKS")
    keytool = Keytool.with_bouncy_castle() if is_new else keytool
    assert list(keytool.entries(stores["keystore.p12"], PASSWORD).values()) == [PRIVATE]
    assert keytool.entries(stores["truststore.p12"], PASSWORD) == {"ca": TRUSTED}
    assert key == keytool.public_key(stores["keystore.p12"], PASSWORD)
    assert key == openssl_public_key(stores["keystore.p12"], PASSWORD, knows_mac=not is_new)


@pytest.mark.parametrize("kind", JAVA_KINDS, ids=str)
def test_java_takes_every_kind_of_key_out(kind: KeyKind) -> None:
    inline = {"create": True, "password": PASSWORD}
    spec = spec_of(commonName="a.example.com", keystores={"jks": inline, "pkcs12": inline})
    stores = rendered(spec, pair_of(spec, key_of(kind)), Passwords(jks=PASSWORD, pkcs12=PASSWORD))
    keytool = Keytool.of_the_jdk()
    assert public_der(key_of(kind)) == keytool.public_key(stores["keystore.jks"], PASSWORD, kind="JKS")
    assert public_der(key_of(kind)) == keytool.public_key(stores["keystore.p12"], PASSWORD)


@pytest.mark.usefixtures("operator")
def test_a_new_password_opens_them_without_a_new_certificate(asking: Tenant) -> None:
    asking.apply(secret("store", password=PASSWORD), certificate(asking))
    serial = asking.wait_ready("web")["status"]["serialNumber"]
    asking.apply(secret("store", password="another-0004"))
    asking.retry("web")  # Else it is looked at within ten minutes.

    def opened() -> bool:
        try:
            return pkcs12.load_pkcs12(stores_of(asking)["keystore.p12"], b"another-0004").key is not None
        except ValueError:
            return False

    asking.wait("the stores with the new password", opened)
    assert asking.get("Certificate", "web")["status"]["serialNumber"] == serial
    assert asking.get("Certificate", "web")["status"]["revision"] == 1


@pytest.mark.usefixtures("operator")
def test_a_missing_password_is_told_before_the_ca_is_asked(asking: Tenant, est: ScriptedESTServer) -> None:
    before = len(est.issued_serials())
    asking.apply(certificate(asking))
    condition = asking.wait_condition("Certificate", "web", reason="MissingReference")
    assert "Secret" in condition["message"]
    assert "spec.keystores.jks.passwordSecretRef" in condition["message"]
    assert len(est.issued_serials()) == before
    asking.apply(secret("store", password=PASSWORD))
    asking.retry("web")  # Else it is looked for every 30 s.
    asking.wait_ready("web")
    assert len(stores_of(asking)) == 4


def test_ten_touches_by_others_cause_no_write(asking: Tenant, alone: None, gate: Gate, launch: Launcher) -> None:
    del alone
    launch(gate)
    asking.apply(secret("store", password=PASSWORD), certificate(asking))
    asking.wait_ready("web")
    before = stores_of(asking)
    write = gate.trap("PATCH", r"/secrets/web-tls\?", When.BEFORE, lambda: None)
    for number in range(10):
        asking.kubectl("annotate", "--overwrite", "secret", "web-tls", f"theirs={number}")
        version = asking.get("Secret", "web-tls")["metadata"]["resourceVersion"]

        def is_seen(version: str = version) -> bool:
            seen: str = asking.get("Certificate", "web")["status"]["secret"]["resourceVersion"]
            return seen == version

        asking.wait("the look at the touched Secret", is_seen)
    assert not write.sprung.is_set()
    assert stores_of(asking) == before
    assert len(before) == 4
