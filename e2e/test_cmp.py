"""CMP against the reference RA component of RFC 9483, and what that does not carry against an endpoint of our own.

The tests say which: ``url`` is the component, ``ours_url`` proves nothing about other servers.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeAlias

import pytest
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certwright.protocols.cmp import State
from e2e.issuers import cmp_issuer
from e2e.launching import Launcher
from e2e.operator_process import OperatorProcess
from e2e.peers.cmp import CMPServer, Errors, Failure
from e2e.tenant import Object, Tenant, secret

Serve: TypeAlias = Callable[..., CMPServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(CMPServer(**{"request_template": b"", **options}))


def certificate(tenant: Tenant, *names: str, **spec: Any) -> Object:
    return tenant.certificate("web", *(names or ["web.example.test"]), **spec)


def bodies(server: CMPServer) -> list[str]:
    """The types of the requests but for the probes', as in ``ir``."""
    return [one.request for one in server.exchanges() if one.request != "genm"]


@pytest.mark.usefixtures("operator")
class TestEnrolling:
    @pytest.mark.parametrize("algorithm", ["PBM", "PBMAC1"])
    def test_a_shared_secret_first_and_then_the_certificate_itself(
        self, tenant: Tenant, serve: Serve, algorithm: str
    ) -> None:
        server = serve(macs=(algorithm,))
        made = cmp_issuer("ca", server)
        made[-1]["spec"]["cmp"]["protection"]["mac"]["algorithm"] = algorithm
        tenant.apply(*made, certificate(tenant))
        status = tenant.wait_ready("web")["status"]
        assert (status["protocol"], status["serialNumber"]) == ("cmp", server.issued_serials()[0])
        first = tenant.data("web-tls")
        tenant.renew("web")
        assert tenant.data("web-tls")["tls.key"] != first["tls.key"]
        assert bodies(server) == ["ir", "kur"]
        protections = [one.protection for one in server.exchanges() if one.request != "genm"]
        assert protections == [algorithm, "signature"]

    def test_a_certificate_for_clients_protects_the_first_request(self, tenant: Tenant, serve: Serve) -> None:
        server = serve()
        client = server.hierarchy.issue("a-device", names=["device.example.test"])
        tenant.apply(*cmp_issuer("ca", server, client=client), certificate(tenant))
        tenant.wait_ready("web")
        assert [one.protection for one in server.exchanges() if one.request == "ir"] == ["signature"]

    @pytest.mark.parametrize("operation", ["ir", "cr", "p10cr"])
    def test_the_first_request_is_of_the_kind_that_was_chosen(
        self, tenant: Tenant, serve: Serve, operation: str
    ) -> None:
        server = serve()
        tenant.apply(*cmp_issuer("ca", server, initialOperation=operation), certificate(tenant))
        tenant.wait_ready("web")
        assert bodies(server) == [operation]

    def test_a_certificate_is_confirmed_after_it_was_checked(self, tenant: Tenant, serve: Serve) -> None:
        server = serve(implicit_confirm=False)
        tenant.apply(*cmp_issuer("ca", server), certificate(tenant))
        tenant.wait_ready("web")
        tenant.renew("web")
        assert bodies(server) == ["ir", "certConf", "kur", "certConf"]
        assert server.confirmed_serials() == server.issued_serials()

    def test_an_approval_is_waited_for(self, tenant: Tenant, serve: Serve) -> None:
        server = serve(polls=2, check_after=3)
        polling = {"minInterval": "2s", "maxInterval": "5s"}
        tenant.apply(*cmp_issuer("ca", server, polling=polling), certificate(tenant))
        shown = tenant.wait("the wait", lambda: tenant.get("Certificate", "web").get("status", {}).get("enrolment"))
        assert len(bytes.fromhex(shown["transactionID"])) == 16
        tenant.wait_ready("web")
        assert len(server.issued_serials()) == 1
        assert bodies(server).count("pollReq") >= 2

    @pytest.mark.parametrize("as_error", [False, True], ids=["a rejection", "an error message"])
    def test_a_refusal_is_told_in_the_cas_words(self, tenant: Tenant, serve: Serve, *, as_error: bool) -> None:
        refusal = Failure(fail_info="badCertTemplate", text="this name is reserved", as_error=as_error)
        server = serve(failures={"web.example.test": refusal})
        tenant.apply(*cmp_issuer("ca", server), certificate(tenant))
        message = tenant.wait_condition("Certificate", "web", reason="Rejected")["message"]
        assert "this name is reserved" in message
        assert "badCertTemplate" in message
        assert tenant.staged() == []

    def test_an_unprotected_error_ends_nothing(self, tenant: Tenant, serve: Serve) -> None:
        refusal = Failure(fail_info="badCertTemplate", text="believe me", as_error=True)
        server = serve(failures={"web.example.test": refusal}, errors=Errors.UNPROTECTED)
        tenant.apply(*cmp_issuer("ca", server), certificate(tenant))
        error = tenant.wait("the error", lambda: tenant.get("Certificate", "web").get("status", {}).get("lastError"))
        assert error["class"] == "Transient"
        assert "believe me" not in error["message"]
        assert len(tenant.staged()) == 1

    def test_a_wrong_secret_is_told_at_the_issuer_and_asks_for_nothing(self, tenant: Tenant, serve: Serve) -> None:
        server = serve()
        right, issuer = cmp_issuer("ca", server)
        tenant.apply(secret("ca-mac", secret="another-secret"), issuer, certificate(tenant))
        tenant.wait_condition("Certificate", "web", reason="IssuerNotReady")
        assert server.issued_serials() == []
        tenant.apply(right)
        tenant.wait_ready("web")

    def test_the_certificates_own_secret_serves_once(self, tenant: Tenant, serve: Serve) -> None:
        server = serve(more_secrets={"dev-7": "own-secret-0007"}, one_time_secrets=True)
        own = {"mac": {"reference": "dev-7", "secretRef": {"name": "own"}}}
        made = cmp_issuer("ca", server)
        del made[-1]["spec"]["cmp"]["protection"]
        tenant.apply(made[-1], secret("own", secret="own-secret-0007"), certificate(tenant, cmp=own))
        status = tenant.wait_ready("web")["status"]
        assert status["usedCredential"]
        tenant.renew("web")
        assert bodies(server) == ["ir", "kur"]

    def test_a_registration_authority_signs_around_the_request(self, tenant: Tenant, serve: Serve) -> None:
        server = serve()
        made = cmp_issuer("ca", server)
        made[-1]["spec"]["cmp"]["protection"]["registrationAuthority"] = {"secretRef": {"name": "ra"}}
        pair = server.ra_certificate
        ra = secret("ra", "kubernetes.io/tls", **{"tls.crt": pair.certificate, "tls.key": pair.private_key})
        tenant.apply(ra, *made, certificate(tenant))
        tenant.wait_ready("web")
        assert all(one.is_nested for one in server.exchanges() if one.request in {"ir", "nested"})

    def test_the_ca_makes_the_key(self, tenant: Tenant, serve: Serve) -> None:
        server = serve()
        tenant.apply(*cmp_issuer("ca", server), certificate(tenant, cmp={"centralKeyGeneration": True}))
        tenant.wait_ready("web")
        assert len(server.issued_serials()) == 1

    def test_a_lost_key_is_asked_back(self, tenant: Tenant, serve: Serve) -> None:
        """At the endpoint of ours: the component knows no key recovery."""
        server = serve()
        wanted = certificate(tenant, cmp={"centralKeyGeneration": True, "keyRecovery": True})
        tenant.apply(*cmp_issuer("ca", server, url=server.ours_url), wanted)
        tenant.wait_ready("web")
        first = tenant.data("web-tls")
        tenant.kubectl("delete", "secret", "web-tls")
        tenant.wait("the Secret", lambda: tenant.exists("Secret", "web-tls"))
        tenant.wait_ready("web")
        second = tenant.data("web-tls")
        assert (second["tls.key"], second["tls.crt"]) == (first["tls.key"], first["tls.crt"])
        assert bodies(server) == ["ir", "krr"]
        assert len(server.issued_serials()) == 1

    def test_a_refused_renewal_is_enrolled_anew(self, tenant: Tenant, serve: Serve) -> None:
        server = serve()
        tenant.apply(*cmp_issuer("ca", server), certificate(tenant, retry={"initial": "1s"}))
        tenant.wait_ready("web")
        server.change(refuse_key_updates=True)
        tenant.renew("web")
        assert bodies(server) == ["ir", "kur", "ir"]

    def test_what_the_ca_wants_is_held_against_the_certificate(self, tenant: Tenant, serve: Serve) -> None:
        """The component's own template wants a commonName."""
        server = serve(request_template=None)
        tenant.apply(*cmp_issuer("ca", server), certificate(tenant))
        message = tenant.wait_condition("Certificate", "web", reason="InvalidSpec")["message"]
        assert "commonName" in message
        tenant.apply(certificate(tenant, commonName="web.example.test"))
        tenant.wait_ready("web")

    def test_a_post_quantum_certificate(self, tenant: Tenant, serve: Serve) -> None:
        server = serve()
        tenant.apply(*cmp_issuer("ca", server), certificate(tenant, privateKey={"algorithm": "ML-DSA-65"}))
        tenant.wait_ready("web")
        assert isinstance(load_pem_private_key(tenant.data("web-tls")["tls.key"], None), mldsa.MLDSA65PrivateKey)


def waiting(tenant: Tenant) -> bytes | None:
    """What is stored of a transaction that waits; None while it does not."""
    resume = [tenant.data(name)["resume.json"] for name in tenant.staged()]
    return resume[0] if resume and State.WAITING.encode() in resume[0] else None


def test_waiting_survives_restarts_in_the_same_transaction(
    tenant: Tenant, serve: Serve, operator: OperatorProcess, launch: Launcher
) -> None:
    assert operator.stop() == 0
    try:
        server = serve(polls=3, check_after=2)
        first = launch()
        polling = {"minInterval": "2s", "maxInterval": "5s"}
        tenant.apply(*cmp_issuer("ca", server, polling=polling), certificate(tenant))
        asked = tenant.wait("the first wait", lambda: waiting(tenant))
        # A kill before the answer to a question is stored loses its nonce: then the transaction is begun anew.
        tenant.wait("what the first question came to", lambda: waiting(tenant) not in {None, asked})
        first.kill()
        assert "pollReq" in bodies(server)
        launch()
        tenant.wait_ready("web", seconds=40)
        assert bodies(server).count("ir") == 1
        assert len(server.issued_serials()) == 1
    finally:
        operator.start()
