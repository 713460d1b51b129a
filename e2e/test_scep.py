"""SCEP against real servers: micromdm's scepserver, new and as Debian has it, and step-ca with one and two keys.

What none of them does (PENDING, CertPoll, GetNextCACert, NDES) is proved in ``tests/`` against a small server written
from the RFC.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from e2e.issuers import LEGACY_ANSWERS, est_issuer, scep_issuer
from e2e.peers.est import ScriptedESTServer
from e2e.peers.hierarchy import fingerprint
from e2e.peers.scep import InstalledSCEPServer, SCEPServer
from e2e.peers.stepca import Provisioner, StepCA
from e2e.tenant import Object, Tenant, secret

CHALLENGE = "scep-pass-0001"

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(scope="module")
def server() -> Iterator[SCEPServer]:
    with SCEPServer(challenge=CHALLENGE) as server:
        yield server


def issuer(server: SCEPServer, **scep: Any) -> list[Object]:
    return scep_issuer("ca", server, challenge=CHALLENGE, **scep)


def certificate(tenant: Tenant, **spec: Any) -> Object:
    return tenant.certificate("web", f"web.{tenant.namespace}.example.test", **spec)


class TestMicromdm:
    def test_the_challenge_is_in_the_request(self, tenant: Tenant, server: SCEPServer) -> None:
        before = len(server.issued_serials())
        tenant.apply(*issuer(server, challengeOnRenewal=True), certificate(tenant))
        status = tenant.wait_ready("web")["status"]
        first = tenant.data("web-tls")
        assert status["protocol"] == "scep"
        key = load_pem_private_key(first["tls.key"], None)
        assert isinstance(key, rsa.RSAPrivateKey)
        assert key.key_size == 2048
        tenant.renew("web")
        assert tenant.data("web-tls")["tls.key"] != first["tls.key"]
        assert len(server.issued_serials()) == before + 2
        assert [reason for _, reason, _ in tenant.events("web")] == ["Issued", "Issued"]

    def test_the_issuer_tells_what_the_server_can(self, tenant: Tenant, server: SCEPServer) -> None:
        tenant.apply(*issuer(server))
        tenant.wait_condition("Issuer", "ca", reason="Ready")
        status = tenant.get("Issuer", "ca")["status"]
        assert "SHA-256" in status["capabilities"]
        assert server.fingerprint in [one["fingerprintSHA256"] for one in status["caCertificates"]]

    def test_a_weak_answer_names_what_would_have_to_be_accepted(self, tenant: Tenant, server: SCEPServer) -> None:
        tenant.apply(*issuer(server, legacyAlgorithms={}), certificate(tenant))
        error = tenant.wait("the error", lambda: tenant.get("Certificate", "web").get("status", {}).get("lastError"))
        assert error["class"] == "Issuer"
        assert all(name in error["message"] for name in ("legacyAlgorithms.accept", *LEGACY_ANSWERS["accept"]))
        tenant.apply(*issuer(server))
        tenant.wait_ready("web")

    def test_a_wrong_challenge_is_refused_by_the_ca(self, tenant: Tenant, server: SCEPServer) -> None:
        tenant.apply(*scep_issuer("ca", server, challenge="wrong-pass-0002"), certificate(tenant))
        message = tenant.wait_condition("Certificate", "web", reason="Rejected")["message"]
        assert "wrong-pass-0002" not in message
        assert tenant.staged() == []

    def test_the_certificates_own_challenge_serves_once(self, tenant: Tenant, server: SCEPServer) -> None:
        own = certificate(tenant, scep={"challengeSecretRef": {"name": "own"}})
        tenant.apply(*scep_issuer("ca", server, challengeOnRenewal=True), secret("own", challenge=CHALLENGE), own)
        tenant.wait_ready("web")
        tenant.kubectl("annotate", "certificates.certwright.io/web", "certwright.io/renew=2")
        tenant.wait_condition("Certificate", "web", type_="Issuing", reason="CredentialUsed")
        tenant.apply(secret("own", challenge=CHALLENGE, note="a new one"))
        tenant.wait("the renewal", lambda: tenant.get("Certificate", "web")["status"]["revision"] == 2)

    def test_an_ec_key_is_signed_for_by_a_throw_away_rsa_key(self, tenant: Tenant, server: SCEPServer) -> None:
        tenant.apply(*issuer(server), certificate(tenant, privateKey={"algorithm": "ECDSA", "size": 256}))
        tenant.wait_ready("web")
        assert isinstance(load_pem_private_key(tenant.data("web-tls")["tls.key"], None), ec.EllipticCurvePrivateKey)

    def test_what_the_ca_refuses_is_told(self, tenant: Tenant) -> None:
        with SCEPServer(challenge=CHALLENGE, refused=("web.",)) as strict:
            tenant.apply(*issuer(strict), certificate(tenant))
            message = tenant.wait_condition("Certificate", "web", reason="Rejected")["message"]
            assert "badRequest" in message

    def test_another_ca_than_the_pinned_one_gets_no_request(self, tenant: Tenant, server: SCEPServer) -> None:
        before = len(server.issued_serials())
        tenant.apply(*issuer(server, caFingerprintSHA256="ab" * 32), certificate(tenant))
        tenant.wait_condition("Certificate", "web", reason="IssuerNotReady")
        assert (
            "scep.caFingerprintSHA256"
            in tenant.wait_condition("Issuer", "ca", reason="InvalidConfiguration")["message"]
        )
        assert len(server.issued_serials()) == before

    def test_moving_to_est_leaves_no_gap(self, tenant: Tenant, server: SCEPServer) -> None:
        with ScriptedESTServer() as modern:
            tenant.apply(*issuer(server), *est_issuer("modern", modern), certificate(tenant))
            tenant.wait_ready("web")
            first = tenant.leaf("web-tls")
            tenant.apply({**certificate(tenant, issuerRef={"name": "modern"})})
            tenant.wait("the move", lambda: tenant.get("Certificate", "web")["status"]["revision"] == 2)
            status = tenant.wait_ready("web")["status"]
            second = tenant.leaf("web-tls")
            assert (status["protocol"], status["issuerRef"]["name"]) == ("est", "modern")
            assert first.issuer != second.issuer
            assert second.not_valid_before_utc < first.not_valid_after_utc


def test_the_one_that_debian_has(tenant: Tenant) -> None:
    """Its certificates are for clients only."""
    with InstalledSCEPServer(challenge=CHALLENGE) as old:
        made = issuer(old)
        made[-1]["spec"]["scep"] |= {"legacyAlgorithms": LEGACY_ANSWERS, "challengeOnRenewal": True}
        tenant.apply(*made, certificate(tenant))
        tenant.wait_ready("web")
        tenant.renew("web")
        assert len(old.issued_serials()) == 2


@pytest.mark.parametrize("provisioner", list(Provisioner), ids=["CA and RA are one", "a separate decrypter"])
def test_step_ca(tenant: Tenant, provisioner: Provisioner) -> None:
    with StepCA(challenge=CHALLENGE) as stepca:
        made = scep_issuer(
            "ca",
            stepca,
            challenge=CHALLENGE,
            url=stepca.scep_url(provisioner),
            caFingerprintSHA256=fingerprint(stepca.recipient(provisioner)),
            challengeOnRenewal=True,
            legacyAlgorithms={"accept": ["SHA-1"]},
        )
        tenant.apply(*made, certificate(tenant))
        tenant.wait_ready("web")
        chain = x509.load_pem_x509_certificates(tenant.data("web-tls")["tls.crt"])
        assert [one.public_bytes(Encoding.PEM).decode().strip() for one in chain[1:]] == [stepca.intermediate.strip()]
        tenant.renew("web")
        tenant.wait("what it has told", lambda: len(stepca.issued_serials()) == 2)
