"""Whose a Secret is, on a real API server with its garbage collector: who may write it, take it over, keep it.

The CA is an EST server, which counts: what is done without the CA issues nothing. The operator has the generated role
and nothing more, as everywhere.
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from e2e.gate import Gate, When
from e2e.issuers import est_issuer
from e2e.launching import Launcher
from e2e.operator_process import OperatorProcess
from e2e.peers.est import ScriptedESTServer
from e2e.tenant import Object, Tenant, secret

USER, PASSWORD = "device", "est-pass-0001"
NAME = "web.example.test"
TLS = "kubernetes.io/tls"
TOKEN = "kubernetes.io/service-account-token"


@pytest.fixture(scope="module")
def ca() -> Iterator[ScriptedESTServer]:
    with ScriptedESTServer(username=USER, password=PASSWORD) as server:
        yield server


def issuer(ca: ScriptedESTServer) -> list[Object]:
    return est_issuer("ca", ca, username=USER, password=PASSWORD)


def pair(name: str = NAME, *, days: int = 90) -> dict[str, str]:
    """A certificate that signed itself, as somebody may have made it by hand."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "by hand")])
    leaf = (
        x509.CertificateBuilder(subject_name=x509.Name([]), issuer_name=subject, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return {"tls.crt": leaf.public_bytes(Encoding.PEM).decode(), "tls.key": pem.decode()}


def certificate(tenant: Tenant, name: str = "web", **spec: Any) -> Object:
    return tenant.certificate(name, NAME, **{"secretName": "web-tls", **spec})


def owners(tenant: Tenant, name: str = "web-tls") -> list[str]:
    references = tenant.get("Secret", name)["metadata"].get("ownerReferences", [])
    return [reference["kind"] for reference in references]


def patch(tenant: Tenant, name: str, **changes: Any) -> None:
    """An edit of a Secret by somebody else."""
    tenant.kubectl("patch", "secret", name, "--type=merge", f"--patch={json.dumps(changes)}")


@pytest.mark.usefixtures("operator")
class TestAdopting:
    def test_a_pair_is_taken_over_without_an_enrolment(self, tenant: Tenant, ca: ScriptedESTServer) -> None:
        issued, data = len(ca.issued_serials()), pair()
        foreign = secret("web-tls", TLS, **data, other="theirs")
        foreign["metadata"] |= {
            "labels": {"app": "shop", "controller.cert-manager.io/fao": "true"},
            "annotations": {"cert-manager.io/certificate-name": "old"},
        }
        tenant.apply(foreign, *issuer(ca), certificate(tenant, adoption="Adopt", secretTemplate={"labels": {"a": "b"}}))
        status = tenant.wait_ready("web")["status"]
        found = tenant.get("Secret", "web-tls")
        assert tenant.data("web-tls") == {key: value.encode() for key, value in {**data, "other": "theirs"}.items()}
        assert found["metadata"]["labels"] == {
            "a": "b",
            "app": "shop",
            "controller.cert-manager.io/fao": "true",
            "certwright.io/managed": "true",
            "certwright.io/role": "certificate",
        }
        leaf = tenant.leaf("web-tls")
        assert status["revision"] == 1
        assert status["serialNumber"] == f"{leaf.serial_number:x}"
        assert datetime.fromisoformat(status["renewalTime"]) < leaf.not_valid_after_utc
        (note,) = [note for _, reason, note in tenant.events("web") if reason == "Adopted"]
        assert "If cert-manager's Certificate old still exists, delete it" in note
        assert len(ca.issued_serials()) == issued

        tenant.renew("web")
        assert len(ca.issued_serials()) == issued + 1
        assert tenant.data("web-tls")["other"] == b"theirs"

    def test_an_opaque_secret_stays_one(self, tenant: Tenant, ca: ScriptedESTServer) -> None:
        issued = len(ca.issued_serials())
        tenant.apply(secret("web-tls", **pair()), *issuer(ca), certificate(tenant, adoption="Adopt"))
        tenant.wait_ready("web")
        assert len(ca.issued_serials()) == issued
        tenant.renew("web")
        assert tenant.get("Secret", "web-tls")["type"] == "Opaque"
        assert len(ca.issued_serials()) == issued + 1

    def test_a_pair_for_other_names_is_taken_over_and_issued_anew(self, tenant: Tenant, ca: ScriptedESTServer) -> None:
        issued = len(ca.issued_serials())
        tenant.apply(secret("web-tls", TLS, **pair("b.test")), *issuer(ca), certificate(tenant, adoption="Adopt"))
        tenant.wait_ready("web")
        assert len(ca.issued_serials()) == issued + 1
        (note,) = [note for _, reason, note in tenant.events("web") if reason == "Adopted"]
        assert "the certificate is not what spec asks for" in note

    @pytest.mark.parametrize("data", [pair(), {"tls.crt": "", "tls.key": ""}], ids=["a pair", "nothing"])
    def test_a_secret_is_replaced_once(self, tenant: Tenant, ca: ScriptedESTServer, data: dict[str, str]) -> None:
        issued = len(ca.issued_serials())
        tenant.apply(secret("web-tls", TLS, **data), *issuer(ca), certificate(tenant, adoption="Replace"))
        tenant.wait_ready("web")
        assert len(ca.issued_serials()) == issued + 1
        patch(tenant, "web-tls", metadata={"labels": {"x": "y"}})
        tenant.wait("the look at it", lambda: _is_seen(tenant))
        assert len(ca.issued_serials()) == issued + 1

    def test_where_there_is_no_pair_the_remedy_is_told(self, tenant: Tenant, ca: ScriptedESTServer) -> None:
        empty = {"tls.crt": "", "tls.key": ""}
        tenant.apply(secret("web-tls", TLS, **empty), *issuer(ca), certificate(tenant, adoption="Adopt"))
        condition = tenant.wait_condition("Certificate", "web", reason="SecretNotOwned")
        assert "set spec.adoption to Replace" in condition["message"]
        tenant.apply(certificate(tenant, adoption="Replace"))
        tenant.wait_ready("web")


def _is_seen(tenant: Tenant) -> bool:
    version = tenant.get("Secret", "web-tls")["metadata"]["resourceVersion"]
    return bool(tenant.get("Certificate", "web")["status"]["secret"]["resourceVersion"] == version)


@pytest.mark.usefixtures("operator")
class TestAHostileTenant:
    """Who may write Certificates and no Secrets gets at nobody's Secret by any ``adoption``."""

    @staticmethod
    def targets(tenant: Tenant, ca: ScriptedESTServer) -> dict[str, str]:
        """Secrets that no Certificate may write, by name, and what is said of each."""
        token = secret("token", TOKEN)
        token["metadata"]["annotations"] = {"kubernetes.io/service-account.name": "default"}
        frozen = {**secret("frozen", TLS, **pair()), "immutable": True}
        client = est_issuer("other", ca, auth={"clientCertificate": {"secretRef": {"name": "client"}}})
        tenant.apply(
            token,
            frozen,
            secret("client", TLS, **pair()),
            secret("opaque", **pair(), password="theirs"),
            secret("account-key", **{"tls.key": pair()["tls.key"]}),
            secret("made-by-account", "certwright.io/account", **{"tls.key": pair()["tls.key"]}),
            secret("release", "helm.sh/release.v1", release="theirs"),
            *client,
            *issuer(ca),
            tenant.certificate("victim", "victim.example.test"),
        )
        tenant.wait_ready("victim")
        tenant.wait("the token", lambda: "data" in tenant.get("Secret", "token"))
        uid = tenant.get("Certificate", "victim")["metadata"]["uid"]
        record = secret(f"certwright-{uid}", "certwright.io/enrolment", csr="theirs")
        tenant.apply(record)
        return {
            "token": f"is of type {TOKEN}",
            "frozen": "is immutable",
            "client": "uses it",
            "opaque": "other keys than certwright writes",
            "account-key": "a key without a certificate",
            "made-by-account": "is of type certwright.io/account",
            "release": "is of type helm.sh/release.v1",
            "ca-password": "uses it",
            f"certwright-{uid}": "kept for what certwright stages",
            "certwright-6ac7dbff-6205-426e-84b9-f2d7629cc65d": "kept for what certwright stages",
            "victim-tls": "belongs to Certificate victim",
        }

    def test_reads_why_and_changes_nothing(self, tenant: Tenant, ca: ScriptedESTServer) -> None:
        targets = self.targets(tenant, ca)
        before = {name: tenant.get("Secret", name) for name in targets if tenant.exists("Secret", name)}
        issued = len(ca.issued_serials())
        told: dict[tuple[str, str], str] = {}
        for adoption in ("Refuse", "Adopt", "Replace"):
            attempts = {f"{adoption.lower()}-{number}": name for number, name in enumerate(targets)}
            spec = {"adoption": adoption, "deletion": "DeleteSecret"}
            tenant.apply(*(tenant.certificate(each, NAME, secretName=name, **spec) for each, name in attempts.items()))
            for each, name in attempts.items():
                told[adoption, name] = tenant.wait("a refusal", partial(_refusal, tenant, each))
            for each in attempts:
                tenant.kubectl("delete", f"certificates.certwright.io/{each}")
        for (adoption, name), message in told.items():
            why = targets[name]
            assert why in message or (adoption == "Refuse" and "not written by certwright" in message), (adoption, name)
        assert {name: tenant.get("Secret", name) for name in targets if tenant.exists("Secret", name)} == before
        assert len(ca.issued_serials()) == issued

    def test_a_template_sets_no_labels_of_ours(self, tenant: Tenant, ca: ScriptedESTServer) -> None:
        template = {"annotations": {"certwright.io/certificate-name": "victim"}}
        with pytest.raises(Exception, match="reserved"):
            tenant.apply(*issuer(ca), certificate(tenant, secretTemplate=template))


def _refusal(tenant: Tenant, name: str) -> str | None:
    """What the Ready condition says once it says that the Secret is not this Certificate's."""
    conditions = tenant.get("Certificate", name).get("status", {}).get("conditions", [])
    found = [each for each in conditions if each["type"] == "Ready"]
    if not found or found[0]["reason"] not in {"SecretNotOwned", "IncorrectCertificate"}:
        return None
    return str(found[0]["message"])


@pytest.mark.usefixtures("operator")
class TestAnotherSecretName:
    @pytest.mark.parametrize("deletion", ["KeepSecret", "DeleteSecret"])
    def test_copies_the_pair(self, tenant: Tenant, ca: ScriptedESTServer, deletion: str) -> None:
        tenant.apply(*issuer(ca), certificate(tenant, deletion=deletion))
        tenant.wait_ready("web")
        issued, data = len(ca.issued_serials()), tenant.data("web-tls")
        tenant.apply(certificate(tenant, deletion=deletion, secretName="new-tls"))
        status = tenant.wait_ready("web")["status"]
        assert tenant.data("new-tls") == data
        assert tenant.get("Secret", "new-tls")["type"] == TLS
        assert (status["revision"], status["secret"]["name"]) == (1, "new-tls")
        assert tenant.exists("Secret", "web-tls") is (deletion == "KeepSecret")
        assert deletion == "DeleteSecret" or tenant.data("web-tls") == data
        assert len(ca.issued_serials()) == issued

        tenant.apply(certificate(tenant, deletion=deletion))
        tenant.wait_ready("web")
        assert tenant.data("web-tls") == data
        assert len(ca.issued_serials()) == issued

    def test_is_given_to_another_certificate_afterwards(self, tenant: Tenant, ca: ScriptedESTServer) -> None:
        tenant.apply(*issuer(ca), certificate(tenant))
        tenant.wait_ready("web")
        issued = len(ca.issued_serials())
        tenant.apply(certificate(tenant, secretName="new-tls"))
        tenant.wait_ready("web")
        tenant.apply(certificate(tenant, "other", adoption="Adopt"))
        tenant.wait_ready("other")
        assert len(ca.issued_serials()) == issued


@pytest.mark.parametrize(
    ("method", "path", "when"),
    [
        pytest.param("PATCH", r"/secrets/new-tls\?", When.BEFORE, id="before the copy"),
        pytest.param("PATCH", r"/secrets/new-tls\?", When.AFTER, id="after the copy"),
        pytest.param("DELETE", r"/secrets/web-tls", When.AFTER, id="after the former Secret is gone"),
        pytest.param("PATCH", r"/certificates/web/status", When.AFTER, id="after the status"),
    ],
)
def test_a_move_that_is_killed_is_ended_without_an_enrolment(
    tenant: Tenant,
    ca: ScriptedESTServer,
    operator: OperatorProcess,
    gate: Gate,
    launch: Launcher,
    method: str,
    path: str,
    when: When,
) -> None:
    tenant.apply(*issuer(ca), certificate(tenant, deletion="DeleteSecret"))
    tenant.wait_ready("web")
    issued, data = len(ca.issued_serials()), tenant.data("web-tls")
    assert operator.stop() == 0
    try:
        process = launch(gate)
        trap = gate.trap(method, path, when, process.kill)
        tenant.apply(certificate(tenant, deletion="DeleteSecret", secretName="new-tls"))
        assert trap.sprung.wait(20)
        launch()
        tenant.wait_ready("web")
        tenant.wait("the end of the former", lambda: not tenant.exists("Secret", "web-tls"))
        assert tenant.data("new-tls") == data
        assert len(ca.issued_serials()) == issued
    finally:
        operator.start()


@pytest.mark.usefixtures("operator")
class TestTwoCertificates:
    def test_the_younger_names_the_older_and_takes_over_when_it_may(
        self, tenant: Tenant, ca: ScriptedESTServer
    ) -> None:
        tenant.apply(*issuer(ca), certificate(tenant))
        tenant.wait_ready("web")
        issued = len(ca.issued_serials())
        tenant.apply(certificate(tenant, "younger", adoption="Replace"))
        condition = tenant.wait_condition("Certificate", "younger", reason="IncorrectCertificate")
        assert "Secret web-tls belongs to Certificate web" in condition["message"]
        assert len(ca.issued_serials()) == issued
        tenant.kubectl("delete", "certificates.certwright.io/web")
        tenant.wait_ready("younger", seconds=10)
        assert len(ca.issued_serials()) == issued + 1

    def test_out_of_one_file_one_of_them_is_issued(self, tenant: Tenant, ca: ScriptedESTServer) -> None:
        issued = len(ca.issued_serials())
        names = [f"web{number}" for number in range(5)]
        tenant.apply(*issuer(ca), *(certificate(tenant, name) for name in names))

        def told() -> list[str] | None:
            found = [name for name in names if "IncorrectCertificate" in json.dumps(tenant.get("Certificate", name))]
            return found if len(found) == len(names) - 1 else None

        losers = tenant.wait("all but one", told)
        tenant.wait_ready(next(name for name in names if name not in losers))
        assert len(ca.issued_serials()) == issued + 1


@pytest.mark.usefixtures("operator")
class TestDeletion:
    def test_the_garbage_collector_takes_the_secret_or_leaves_it(self, tenant: Tenant, ca: ScriptedESTServer) -> None:
        tenant.apply(*issuer(ca))
        for name, deletion in (("kept", "KeepSecret"), ("gone", "DeleteSecret")):
            tenant.apply(certificate(tenant, name, secretName=f"{name}-tls", deletion=deletion))
            tenant.wait_ready(name)
        data = tenant.data("kept-tls")
        tenant.kubectl("delete", "certificates.certwright.io/kept", "certificates.certwright.io/gone")
        tenant.wait("the Secret's end", lambda: not tenant.exists("Secret", "gone-tls"))
        assert tenant.data("kept-tls") == data

    def test_switching_needs_no_ca(self, tenant: Tenant, ca: ScriptedESTServer) -> None:
        tenant.apply(*issuer(ca), certificate(tenant))
        tenant.wait_ready("web")
        issued = len(ca.issued_serials())
        tenant.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}})
        theirs = tenant.kubectl("get", "configmap", "theirs", "--output=jsonpath={.metadata.uid}")
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "theirs", "uid": theirs}
        patch(tenant, "web-tls", metadata={"ownerReferences": [reference]})
        tenant.apply(certificate(tenant, deletion="DeleteSecret"))
        tenant.wait("our reference", lambda: sorted(owners(tenant)) == ["Certificate", "ConfigMap"])
        references = tenant.get("Secret", "web-tls")["metadata"]["ownerReferences"]
        assert not any("blockOwnerDeletion" in each for each in references)
        tenant.apply(certificate(tenant, deletion="KeepSecret"))
        tenant.wait("its end", lambda: owners(tenant) == ["ConfigMap"])
        tenant.wait_ready("web")
        assert len(ca.issued_serials()) == issued

    def test_there_is_a_finalizer_for_revocation_only(self, tenant: Tenant, ca: ScriptedESTServer) -> None:
        tenant.apply(*issuer(ca), certificate(tenant, deletion="DeleteSecret"))
        tenant.wait_ready("web")
        assert "finalizers" not in tenant.get("Certificate", "web")["metadata"]


@pytest.mark.usefixtures("operator")
class TestDrift:
    TEMPLATE: ClassVar[dict[str, Any]] = {"labels": {"team": "web"}, "annotations": {"note": "ours"}}

    def prepared(self, tenant: Tenant, ca: ScriptedESTServer) -> int:
        tenant.apply(*issuer(ca), certificate(tenant, secretTemplate=self.TEMPLATE))
        tenant.wait_ready("web")
        theirs: dict[str, Any] = {
            "labels": {"their": "label"},
            "annotations": {"their": "annotation"},
            "finalizers": ["example.com/theirs"],
        }
        patch(tenant, "web-tls", metadata=theirs, data={"their": base64.b64encode(b"data").decode()})
        return len(ca.issued_serials())

    @pytest.mark.parametrize(
        "metadata",
        [
            pytest.param({"labels": {"team": None}}, id="a label removed"),
            pytest.param({"labels": {"team": "other"}}, id="a label edited"),
            pytest.param({"annotations": {"note": "theirs"}}, id="an annotation edited"),
            pytest.param({"annotations": {"certwright.io/fingerprint": None}}, id="an annotation of ours removed"),
            pytest.param({"labels": {"certwright.io/managed": None}}, id="our mark removed"),
        ],
    )
    def test_is_repaired_without_the_ca(self, tenant: Tenant, ca: ScriptedESTServer, metadata: Object) -> None:
        issued = self.prepared(tenant, ca)
        tenant.wait("the look at it", lambda: _is_seen(tenant))
        wanted = tenant.get("Secret", "web-tls")
        patch(tenant, "web-tls", metadata=metadata)
        tenant.wait("the repair", lambda: _content(tenant.get("Secret", "web-tls")) == _content(wanted))
        tenant.wait("the look at it", lambda: _is_seen(tenant))
        assert len(ca.issued_serials()) == issued
        patch(tenant, "web-tls", metadata={"finalizers": None})

    def test_another_manager_that_takes_a_field_is_overruled(self, tenant: Tenant, ca: ScriptedESTServer) -> None:
        issued = self.prepared(tenant, ca)
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web-tls", "labels": {"team": "theirs"}}}
        apply = ["apply", "--server-side", "--force-conflicts", "--field-manager=other", "--filename=-"]
        tenant.kubectl(*apply, stdin=json.dumps(body))
        tenant.wait("the repair", lambda: tenant.get("Secret", "web-tls")["metadata"]["labels"]["team"] == "web")
        assert len(ca.issued_serials()) == issued
        patch(tenant, "web-tls", metadata={"finalizers": None})

    def test_what_is_removed_from_the_template_disappears(self, tenant: Tenant, ca: ScriptedESTServer) -> None:
        issued = self.prepared(tenant, ca)
        tenant.apply(certificate(tenant, secretTemplate={"labels": {"other": "label"}}))
        tenant.wait("the new label", lambda: "other" in tenant.get("Secret", "web-tls")["metadata"]["labels"])
        metadata = tenant.get("Secret", "web-tls")["metadata"]
        assert "team" not in metadata["labels"]
        assert "note" not in metadata["annotations"]
        assert metadata["labels"]["their"] == "label"
        assert metadata["annotations"]["their"] == "annotation"
        assert metadata["finalizers"] == ["example.com/theirs"]
        assert tenant.data("web-tls")["their"] == b"data"
        tenant.wait_ready("web")
        tenant.renew("web")
        assert tenant.data("web-tls")["their"] == b"data"
        assert len(ca.issued_serials()) == issued + 1
        patch(tenant, "web-tls", metadata={"finalizers": None})


def _content(found: Object) -> tuple[Object, Object, Object]:
    return found["metadata"]["labels"], found["metadata"]["annotations"], found["data"]
