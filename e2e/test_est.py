"""EST against real servers: globalsign's own estserver, and one of ours on its router whose authority the tests direct.

What neither does (Digest, Bearer, templates of RFC 9908, encrypted server-made keys) is proved in ``tests/`` against a
small server written from the RFCs.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from certwright.model.csr import build_csr
from certwright.model.resources import CertificateSpec
from certwright.protocols.est import Deferred, ESTClient, Refused
from certwright.protocols.transport import TransportSettings, open_client
from e2e.issuers import est_issuer
from e2e.launching import Launcher
from e2e.operator_process import OperatorProcess
from e2e.peers.est import ClientCertificates, ESTServer, Failure, ScriptedESTServer
from e2e.peers.hierarchy import fingerprint
from e2e.tenant import Object, Tenant, secret

USER = "device"
PASSWORD = "est-pass-0001"

Serve: TypeAlias = Callable[..., ScriptedESTServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that ask for the password, unless the test says otherwise."""
    with ExitStack() as stack:

        def start(**options: Any) -> ScriptedESTServer:
            server = ScriptedESTServer(**{"username": USER, "password": PASSWORD, **options})
            return stack.enter_context(server)

        yield start


def issuer(server: ScriptedESTServer | ESTServer, **est: Any) -> list[Object]:
    return est_issuer("ca", server, username=USER, password=PASSWORD, **est)


def certificate(tenant: Tenant, *names: str, **spec: Any) -> Object:
    """One that may be shown in a TLS handshake, unless the test says otherwise."""
    spec = {"usages": ["digital signature", "server auth", "client auth"], **spec}
    return tenant.certificate("web", *(names or ["web.example.test"]), **spec)


def operations(server: ScriptedESTServer | ESTServer) -> list[str]:
    """The requests for certificates, as in ``simpleenroll 200``; a first 401 asks how to authenticate."""
    found = [request.rpartition("/")[2] for request in server.requests()]
    return [one for one in found if one.startswith(("simple", "serverkeygen")) and not one.endswith("401")]


@pytest.mark.usefixtures("operator")
class TestEnrolling:
    def test_a_password_first_and_then_the_certificate_itself(self, tenant: Tenant, serve: Serve) -> None:
        server = serve()
        tenant.apply(*issuer(server), certificate(tenant))
        status = tenant.wait_ready("web")["status"]
        first = tenant.data("web-tls")
        assert status["protocol"] == "est"
        assert status["serialNumber"] == server.issued_serials()[0]
        assert x509.load_pem_x509_certificate(first["ca.crt"]) == x509.load_pem_x509_certificate(
            server.ca_certificate.encode()
        )
        assert len(x509.load_pem_x509_certificates(first["tls.crt"])) == 2
        tenant.renew("web")
        second = tenant.data("web-tls")
        assert first["tls.key"] != second["tls.key"]
        assert operations(server) == ["simpleenroll 200", "simplereenroll 200"]
        assert [reason for _, reason, _ in tenant.events("web")] == ["Issued", "Issued"]

    def test_the_issuer_tells_what_it_found(self, tenant: Tenant, serve: Serve) -> None:
        server = serve()
        tenant.apply(*issuer(server))
        tenant.wait_condition("Issuer", "ca", reason="Ready")
        status = tenant.get("Issuer", "ca")["status"]
        assert (status["protocol"], status["url"]) == ("est", server.url)
        shown = [one["fingerprintSHA256"] for one in status["caCertificates"]]
        assert fingerprint(server.ca_certificate) in shown

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"refuse_renewals": True}, id="refused by the server"),
            pytest.param({"client_certificates": ClientCertificates.REFUSED}, id="refused by its TLS"),
        ],
    )
    def test_a_refused_certificate_falls_back_to_the_password(
        self, tenant: Tenant, serve: Serve, change: dict[str, Any]
    ) -> None:
        server = serve()
        tenant.apply(*issuer(server), certificate(tenant))
        tenant.wait_ready("web")
        server.change(**change)
        tenant.renew("web")
        assert operations(server)[-1] == "simpleenroll 200"
        assert len(server.issued_serials()) == 2
        assert ("Warning", "EnrolledOtherwise") in [(kind, reason) for kind, reason, _ in tenant.events("web")]

    def test_a_certificate_with_other_names_enrols_anew(self, tenant: Tenant, serve: Serve) -> None:
        server = serve()
        tenant.apply(*issuer(server), certificate(tenant))
        tenant.wait_ready("web")
        tenant.apply(certificate(tenant, "web.example.test", "www.example.test"))
        tenant.wait("the second", lambda: tenant.get("Certificate", "web")["status"]["revision"] == 2)
        assert operations(server) == ["simpleenroll 200", "simpleenroll 200"]

    def test_a_server_that_wants_time_gets_the_same_request_again(self, tenant: Tenant, serve: Serve) -> None:
        server = serve(deferrals=2, retry_after=3)
        tenant.apply(*issuer(server), certificate(tenant))
        shown = tenant.wait("the wait", lambda: tenant.get("Certificate", "web").get("status", {}).get("enrolment"))
        assert shown["protocol"] == "est"
        tenant.wait_ready("web")
        assert len(set(server.deferred())) == 1
        assert len(server.deferred()) == 2
        assert len(server.issued_serials()) == 1

    def test_what_the_server_says_is_shown(self, tenant: Tenant, serve: Serve) -> None:
        server = serve(failures={"web.example.test": Failure(403, "this name is reserved")})
        tenant.apply(*issuer(server), certificate(tenant))
        condition = tenant.wait_condition("Certificate", "web", reason="Rejected")
        assert "this name is reserved" in condition["message"]
        assert PASSWORD not in condition["message"]
        server.change(failures={})
        tenant.kubectl("annotate", "certificates.certwright.io/web", "certwright.io/retry=1")
        tenant.wait_ready("web")

    def test_a_server_that_is_unwell_is_asked_again_later(self, tenant: Tenant, serve: Serve) -> None:
        server = serve(failures={"web.example.test": Failure(503, "maintenance", retry_after=5)})
        tenant.apply(*issuer(server), certificate(tenant))
        tenant.wait("the failure", lambda: tenant.get("Certificate", "web").get("status", {}).get("lastError"))
        assert tenant.get("Certificate", "web")["status"]["lastError"]["class"] == "Transient"
        assert len(tenant.staged()) == 1
        server.change(failures={})
        tenant.wait_ready("web")

    def test_a_wrong_password_is_the_issuers_affair(self, tenant: Tenant, serve: Serve) -> None:
        server = serve(password="another")
        tenant.apply(*issuer(server), certificate(tenant))
        found = tenant.wait("an answer", lambda: tenant.get("Certificate", "web").get("status", {}).get("lastError"))
        assert (found["class"], found["reason"]) == ("Issuer", "InvalidCredentials")
        assert server.issued_serials() == operations(server) == []
        server.change(password=PASSWORD)
        tenant.kubectl("annotate", "certificates.certwright.io/web", "certwright.io/retry=1")
        tenant.wait_ready("web")

    def test_the_certificates_own_password_serves_once(self, tenant: Tenant, serve: Serve) -> None:
        server = serve(refuse_renewals=True)
        own = {"password": {"username": USER, "passwordSecretRef": {"name": "otp"}}}
        tenant.apply(*est_issuer("ca", server), secret("otp", password=PASSWORD), certificate(tenant, est=own))
        tenant.wait_ready("web")
        tenant.kubectl("annotate", "certificates.certwright.io/web", "certwright.io/renew=2")
        tenant.wait_condition("Certificate", "web", type_="Issuing", reason="CredentialUsed")
        assert tenant.get("Certificate", "web")["status"]["revision"] == 1
        tenant.apply(secret("otp", password=PASSWORD, note="a new one"))
        tenant.wait("the renewal", lambda: tenant.get("Certificate", "web")["status"]["revision"] == 2)
        assert len(server.issued_serials()) == 2


@pytest.mark.usefixtures("operator")
class TestWhatTheServerWants:
    @staticmethod
    def wants(*oids: str) -> bytes:
        class OIDs(core.SequenceOf):  # type: ignore[misc]  # asn1crypto has no types
            _child_spec = core.Any

        return bytes(OIDs([core.ObjectIdentifier(oid) for oid in oids]).dump())

    @staticmethod
    def wants_curve(curve: str) -> bytes:
        class Values(core.SetOf):  # type: ignore[misc]  # asn1crypto has no types
            _child_spec = core.ObjectIdentifier

        class Attribute(core.Sequence):  # type: ignore[misc]  # as above
            _fields = [("type", core.ObjectIdentifier), ("values", Values)]  # noqa: RUF012 - asn1crypto's own way

        class Attributes(core.SequenceOf):  # type: ignore[misc]  # as above
            _child_spec = Attribute

        key = Attribute({"type": "1.2.840.10045.2.1", "values": [curve]})
        return bytes(Attributes([key]).dump())

    def test_the_key_is_of_the_kind_that_it_wants(self, tenant: Tenant, serve: Serve) -> None:
        server = serve(csr_attributes=self.wants_curve("1.3.132.0.34"))
        tenant.apply(*issuer(server), certificate(tenant))
        tenant.wait_ready("web")
        key = load_pem_private_key(tenant.data("web-tls")["tls.key"], None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert key.curve.name == "secp384r1"

    def test_a_contradiction_names_both_sides(self, tenant: Tenant, serve: Serve) -> None:
        server = serve(csr_attributes=self.wants_curve("1.3.132.0.34"))
        tenant.apply(*issuer(server), certificate(tenant, privateKey={"algorithm": "RSA", "size": 2048}))
        message = tenant.wait_condition("Certificate", "web", reason="InvalidSpec")["message"]
        assert "P-384" in message or "secp384r1" in message or "384" in message
        assert "spec.privateKey" in message
        assert server.issued_serials() == []

    def test_it_can_be_told_to_mind_its_own_business(self, tenant: Tenant, serve: Serve) -> None:
        server = serve(csr_attributes=self.wants_curve("1.3.132.0.34"))
        rsa_key = {"algorithm": "RSA", "size": 2048}
        tenant.apply(*issuer(server, csrAttributes="Ignore"), certificate(tenant, privateKey=rsa_key))
        tenant.wait_ready("web")
        assert isinstance(load_pem_private_key(tenant.data("web-tls")["tls.key"], None), rsa.RSAPrivateKey)

    @pytest.mark.parametrize(
        ("csr_attributes", "binding"),
        [
            pytest.param(b"", "Required", id="required by the issuer"),
            pytest.param("1.2.840.113549.1.9.7", "Auto", id="wanted by the server"),
        ],
    )
    def test_a_request_is_bound_to_its_connection(
        self, tenant: Tenant, serve: Serve, csr_attributes: bytes | str, binding: str
    ) -> None:
        wanted = self.wants(csr_attributes) if isinstance(csr_attributes, str) else csr_attributes
        server = serve(channel_binding=True, max_tls="1.2", csr_attributes=wanted)
        tenant.apply(*issuer(server, channelBinding=binding), certificate(tenant))
        tenant.wait_ready("web")
        tenant.renew("web")
        assert operations(server) == ["simpleenroll 200", "simplereenroll 200"]

    def test_the_server_makes_the_key(self, tenant: Tenant, serve: Serve) -> None:
        server = serve()
        tenant.apply(*issuer(server), certificate(tenant, est={"serverKeyGeneration": True}))
        tenant.wait_ready("web")
        tenant.renew("web")
        assert operations(server) == ["serverkeygen 200", "serverkeygen 200"]
        assert len(server.issued_serials()) == 2


@pytest.mark.usefixtures("operator")
class TestTrust:
    def test_a_server_known_by_its_fingerprint(self, tenant: Tenant, serve: Serve) -> None:
        server = serve()
        pin = {"fingerprintSHA256": fingerprint(server.ca_certificate)}
        tenant.apply(*issuer(server, bootstrap=pin), certificate(tenant))
        tenant.wait_ready("web")
        uid = tenant.get("Issuer", "ca")["metadata"]["uid"]
        kept = x509.load_pem_x509_certificates(tenant.data(f"certwright-{uid}-anchors")["ca.crt"])
        assert kept == [x509.load_pem_x509_certificate(server.ca_certificate.encode())]

    def test_another_fingerprint_gets_no_credential(self, tenant: Tenant, serve: Serve) -> None:
        server = serve()
        tenant.apply(*issuer(server, bootstrap={"fingerprintSHA256": "ab" * 32}), certificate(tenant))
        tenant.wait_condition("Certificate", "web", reason="IssuerNotReady")
        assert {request.rpartition("/")[2] for request in server.requests()} == {"cacerts 200"}

    def test_an_unknown_authority_gets_no_request(self, tenant: Tenant, serve: Serve) -> None:
        server, other = serve(), serve()
        made = issuer(server)
        made[-1]["spec"]["tls"] = issuer(other)[-1]["spec"]["tls"]
        tenant.apply(*made)
        message = tenant.wait_condition("Issuer", "ca", reason="Unreachable")["message"]
        assert "tls.caBundle" in message
        assert {request.rpartition("/")[2] for request in server.requests()} <= {"cacerts 200"}

    def test_the_next_root_is_learned_from_the_old_one(self, tenant: Tenant, serve: Serve) -> None:
        server = serve()
        rollover = server.hierarchy.roll_over()
        server.change(extra_ca_certificates=[rollover.new.root.pem, rollover.new_with_old, rollover.old_with_new])
        pin = {"fingerprintSHA256": fingerprint(server.ca_certificate)}
        tenant.apply(*issuer(server, bootstrap=pin))
        tenant.wait_condition("Issuer", "ca", reason="Ready")
        uid = tenant.get("Issuer", "ca")["metadata"]["uid"]
        kept = tenant.data(f"certwright-{uid}-anchors")["ca.crt"].decode()
        assert fingerprint(rollover.new.root.pem) in {
            fingerprint(one.public_bytes(Encoding.PEM).decode())
            for one in x509.load_pem_x509_certificates(kept.encode())
        }

    def test_a_root_that_nobody_vouches_for_is_not_learned_after_a_bootstrap(
        self, tenant: Tenant, serve: Serve
    ) -> None:
        server, stranger = serve(), serve()
        server.change(extra_ca_certificates=[stranger.ca_certificate])
        pin = {"fingerprintSHA256": fingerprint(server.ca_certificate)}
        tenant.apply(*issuer(server, bootstrap=pin))
        tenant.wait_condition("Issuer", "ca", reason="Ready")
        uid = tenant.get("Issuer", "ca")["metadata"]["uid"]
        kept = x509.load_pem_x509_certificates(tenant.data(f"certwright-{uid}-anchors")["ca.crt"])
        assert x509.load_pem_x509_certificate(stranger.ca_certificate.encode()) not in kept


@pytest.mark.usefixtures("operator")
class TestTheStockServer:
    def test_a_client_certificate_a_label_and_a_renewal(self, tenant: Tenant) -> None:
        with ESTServer() as server:
            pair = server.hierarchy.issue("the-operator", names=["operator.example.test"])
            auth = {"clientCertificate": {"secretRef": {"name": "client"}}}
            client = secret("client", "kubernetes.io/tls", **{"tls.crt": pair.certificate, "tls.key": pair.private_key})
            tenant.apply(client, *est_issuer("ca", server, auth=auth, label="plant-7"), certificate(tenant))
            tenant.wait_ready("web")
            tenant.renew("web")
            assert operations(server) == ["simpleenroll 200", "simplereenroll 200"]
            assert all("/.well-known/est/plant-7/" in request for request in server.requests())

    @pytest.mark.parametrize(
        ("common_name", "expected"),
        [
            pytest.param("Trigger Error Forbidden", 403, id="forbidden"),
            pytest.param("Trigger Error Unknown", 500, id="unwell"),
            pytest.param("Trigger Error Deferred", timedelta(minutes=10), id="deferred"),
        ],
    )
    async def test_its_errors_are_told_apart(self, common_name: str, expected: int | timedelta) -> None:
        """Under its label for errors it has no CA certificates, so that no Issuer there becomes ready."""
        key = ec.generate_private_key(ec.SECP256R1())
        spec = CertificateSpec.model_validate(
            {"secretName": "web-tls", "issuerRef": {"name": "ca"}, "commonName": common_name}
        )
        with ESTServer() as server:
            settings = TransportSettings(user_agent="certwright-test", roots=server.trust_anchor.encode())
            async with open_client(settings) as http:
                client = ESTClient(server.url, http=http, clock=lambda: datetime.now(UTC), label="triggererrors")
                assert await outcome(client, build_csr(spec, key)) == expected


async def outcome(client: ESTClient, csr: bytes) -> int | timedelta | None:
    """The status of a refusal, or how long to wait."""
    try:
        answer = await client.simpleenroll(csr)
    except Refused as refused:
        return refused.status
    return answer.retry_after if isinstance(answer, Deferred) else None


def test_waiting_survives_restarts_with_the_same_request(
    tenant: Tenant, serve: Serve, operator: OperatorProcess, launch: Launcher
) -> None:
    assert operator.stop() == 0
    try:
        server = serve(deferrals=3, retry_after=2)
        first = launch()
        tenant.apply(*issuer(server), certificate(tenant))
        tenant.wait("the first wait", lambda: len(server.deferred()) >= 1)
        first.kill()
        second = launch()
        tenant.wait("another", lambda: len(server.deferred()) >= 2)
        second.kill()
        launch()
        tenant.wait_ready("web", seconds=40)
        assert len(set(server.deferred())) == 1
        assert len(server.issued_serials()) == 1
    finally:
        operator.start()


def test_certificates_that_live_for_seconds_are_renewed_by_themselves(
    tenant: Tenant, serve: Serve, operator: OperatorProcess
) -> None:
    assert operator.returncode is None
    server = serve(validity=timedelta(seconds=24))
    tenant.apply(*issuer(server), certificate(tenant))
    tenant.wait_ready("web")
    tenant.wait("two renewals", lambda: tenant.get("Certificate", "web")["status"]["revision"] >= 3, seconds=60)
    assert operations(server)[:3] == ["simpleenroll 200", "simplereenroll 200", "simplereenroll 200"]
