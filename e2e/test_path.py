"""The path of a Certificate, on a real API server with a real CA: each line a user can rely on."""

import json
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from e2e.operator_process import OperatorProcess
from e2e.processes import wait_until
from e2e.tenant import condition_of
from e2e.world import World

pytestmark = pytest.mark.usefixtures("operator")


def names(leaf: x509.Certificate) -> set[str]:
    return set(
        leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    )


def test_a_first_certificate_stands_in_its_secret(world: World) -> None:
    wanted = [f"www.{world.namespace}.example.test", f"api.{world.namespace}.example.test"]
    world.apply(world.issuer(), world.certificate("www", *wanted))
    status = world.wait_ready("www")["status"]
    secret = world.get("Secret", "www-tls")
    leaf = world.leaf("www-tls")
    assert secret["type"] == "kubernetes.io/tls"
    assert set(wanted) == names(leaf)
    assert secret["metadata"]["labels"] == {"certwright.io/managed": "true", "certwright.io/role": "certificate"}
    annotations = secret["metadata"]["annotations"]
    assert annotations["certwright.io/alt-names"] == ",".join(sorted(wanted))
    assert annotations["certwright.io/issuer-name"] == "pebble"
    assert annotations["certwright.io/fingerprint"] == status["fingerprintSHA256"]
    assert status["revision"] == 1
    assert status["serialNumber"] == f"{leaf.serial_number:x}"
    assert status["observedGeneration"] == 1
    assert [condition["type"] for condition in status["conditions"]] == ["Ready"]
    assert status["nextAction"]["when"] == status["renewalTime"]
    assert world.staged() == []
    assert [(kind, reason) for kind, reason, _ in world.events("www")] == [("Normal", "Issued")]


def test_apex_and_wildcard_are_proved_together(world: World) -> None:
    apex = f"{world.namespace}.example.test"
    world.apply(world.issuer(), world.certificate("wild", apex, f"*.{apex}"))
    world.wait_ready("wild")
    assert {apex, f"*.{apex}"} == names(world.leaf("wild-tls"))
    assert world.bind9.query(f"_acme-challenge.{apex}") == []


def test_a_renew_annotation_renews_once_for_each_value(world: World) -> None:
    world.apply(world.issuer(), world.certificate("www"))
    first = world.wait_ready("www")["status"]
    world.kubectl("annotate", "certificates.certwright.io/www", "certwright.io/renew=one")
    second = world.wait("a new serial number", lambda: _changed(world, first["serialNumber"]))
    assert second["revision"] == 2
    assert second["lastRenewRequest"] == "one"
    world.kubectl("annotate", "certificates.certwright.io/www", "certwright.io/renew-")
    world.kubectl("annotate", "certificates.certwright.io/www", "certwright.io/renew=one")
    time.sleep(1)
    assert world.get("Certificate", "www")["status"]["serialNumber"] == second["serialNumber"]
    assert world.events("www")[-1][2].startswith("Certificate written to Secret www-tls (ManualRenewal)")


def _changed(world: World, serial: str) -> dict[str, object] | None:
    status: dict[str, object] = world.get("Certificate", "www")["status"]
    return status if status["serialNumber"] != serial else None


def test_a_renewal_happens_when_its_time_has_come(world: World) -> None:
    certificate = world.certificate("www")
    world.apply(world.issuer(profile="shortlived"), certificate)
    first = world.wait_ready("www")["status"]
    world.apply(world.certificate("www", renewBefore="143h59m50s"))
    second = world.wait("a renewal by time", lambda: _changed(world, first["serialNumber"]), seconds=40)
    assert second["revision"] == 2
    # The next one would be ten seconds away again: let it rest.
    world.apply(world.certificate("www", renewBefore="24h"))
    world.wait_ready("www")


def test_another_name_in_the_spec_is_issued_and_kubectl_wait_waits_for_it(world: World) -> None:
    old, new = f"old.{world.namespace}.example.test", f"new.{world.namespace}.example.test"
    world.apply(world.issuer(), world.certificate("www", old))
    world.wait_ready("www")
    world.apply(world.certificate("www", old, new))
    status = world.wait_ready("www")["status"]
    assert names(world.leaf("www-tls")) == {old, new}
    assert (status["revision"], status["observedGeneration"]) == (2, 2)


def test_an_edit_that_needs_no_certificate_asks_for_none(world: World) -> None:
    world.apply(world.issuer(), world.certificate("www"))
    first = world.wait_ready("www")["status"]
    template = {"labels": {"team": "web"}}
    world.apply(world.certificate("www", renewBefore="1h", secretTemplate=template))
    status = world.wait_ready("www")["status"]
    world.wait("the label", lambda: world.get("Secret", "www-tls")["metadata"]["labels"].get("team") == "web")
    assert status["serialNumber"] == first["serialNumber"]
    assert status["renewalTime"] > first["renewalTime"]
    world.apply(world.certificate("www"))
    world.wait("the label to go", lambda: "team" not in world.get("Secret", "www-tls")["metadata"]["labels"])


def test_a_deleted_secret_is_issued_anew(world: World) -> None:
    world.apply(world.issuer(), world.certificate("www"))
    first = world.wait_ready("www")["status"]
    world.kubectl("delete", "secret", "www-tls")
    second = world.wait("another certificate", lambda: _changed(world, first["serialNumber"]))
    assert world.exists("Secret", "www-tls")
    assert second["revision"] == 2


def test_a_tampered_secret_is_issued_anew_and_foreign_labels_survive(world: World) -> None:
    world.apply(world.issuer(), world.certificate("www"))
    first = world.wait_ready("www")["status"]
    world.kubectl("label", "secret", "www-tls", "theirs=yes")
    other = ec.generate_private_key(ec.SECP256R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    patch = json.dumps({"stringData": {"tls.key": pem}})
    world.kubectl("patch", "secret", "www-tls", "--type=merge", f"--patch={patch}")
    world.wait("another certificate", lambda: _changed(world, first["serialNumber"]))
    assert world.get("Secret", "www-tls")["metadata"]["labels"]["theirs"] == "yes"


def test_edited_metadata_is_repaired_without_the_ca(world: World) -> None:
    world.apply(world.issuer(), world.certificate("www"))
    first = world.wait_ready("www")["status"]
    issued = world.issued()
    world.kubectl("annotate", "secret", "www-tls", "certwright.io/alt-names=lies", "--overwrite")
    wanted = f"www-{world.namespace}.example.test"

    def told() -> object:
        return world.get("Secret", "www-tls")["metadata"]["annotations"]["certwright.io/alt-names"]

    world.wait("the repair", lambda: told() == wanted)
    assert world.get("Certificate", "www")["status"]["serialNumber"] == first["serialNumber"]
    assert world.issued() == issued


def test_an_issuer_that_appears_late_is_noticed_within_seconds(world: World) -> None:
    world.apply(world.certificate("www"))
    condition = world.wait_condition("Certificate", "www", reason="IssuerNotFound")
    assert "Issuer pebble does not exist in namespace" in condition["message"]
    assert "create it" in condition["message"]
    began = time.monotonic()
    world.apply(world.issuer())
    world.wait_ready("www")
    assert time.monotonic() - began < 10


def test_a_secret_of_the_issuer_that_appears_late_is_noticed_within_seconds(world: World) -> None:
    world.kubectl("delete", "secret", "tsig")
    world.apply(world.issuer(), world.certificate("www"))
    condition = world.wait_condition("Issuer", "pebble", reason="MissingReference")
    assert f"Secret {world.namespace}/tsig does not exist" in condition["message"]
    waiting = world.wait_condition("Certificate", "www", reason="IssuerNotReady")
    assert "tsig" in waiting["message"]
    began = time.monotonic()
    world.apply(world.tsig_secret())
    world.wait_ready("www")
    assert time.monotonic() - began < 15


def test_terms_of_service_are_never_agreed_to_silently(world: World) -> None:
    world.apply(world.issuer(termsOfServiceAgreed=False))
    condition = world.wait_condition("Issuer", "pebble", reason="InvalidConfiguration")
    assert "termsOfServiceAgreed" in condition["message"]


def test_a_rejected_name_is_told_with_the_ca_s_words_and_retried_later(world: World) -> None:
    world.apply(world.issuer(), world.certificate("www", "blocked.example.test"))
    condition = world.wait_condition("Certificate", "www", reason="Rejected", type_="Issuing")
    status = world.get("Certificate", "www")["status"]
    assert "blocked.example.test" in condition["message"]
    assert status["lastError"]["class"] == "Rejected"
    assert status["failedIssuanceAttempts"] == 1
    assert status["nextAction"]["what"] == "try again"
    assert condition_of({"status": status}, "Ready")["status"] == "False"  # type: ignore[index]
    assert world.staged() == []
    mended = world.certificate("www")
    world.apply(mended)
    status = world.wait_ready("www")["status"]
    assert "lastError" not in status
    assert "failedIssuanceAttempts" not in status


def test_what_acme_cannot_say_is_told_before_the_ca_is_asked(world: World) -> None:
    world.apply(world.issuer(), world.certificate("www", uris=["spiffe://example.test/web"]))
    condition = world.wait_condition("Certificate", "www", reason="InvalidSpec")
    assert "spiffe://example.test/web" in condition["message"] or "uris" in condition["message"]
    assert world.staged() == []


def test_an_unreachable_server_is_told_and_tried_again(world: World) -> None:
    issuer = world.issuer()
    issuer["spec"]["acme"]["server"] = "https://127.0.0.1:9/dir"
    world.apply(issuer, world.certificate("www"))
    condition = world.wait_condition("Issuer", "pebble", reason="Unreachable")
    assert "127.0.0.1" in condition["message"]
    world.wait_condition("Certificate", "www", reason="IssuerNotReady")
    world.apply(world.issuer())
    world.wait_ready("www")


def test_a_foreign_secret_is_never_touched(world: World) -> None:
    foreign = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "www-tls"}, "stringData": {"mine": "yes"}}
    world.apply(foreign)
    before = world.get("Secret", "www-tls")
    issued = world.issued()
    world.apply(world.issuer(), world.certificate("www"))
    condition = world.wait_condition("Certificate", "www", reason="SecretNotOwned")
    assert "Secret www-tls exists and was not written by certwright" in condition["message"]
    assert world.get("Secret", "www-tls") == before
    assert world.issued() == issued


def test_a_suspended_certificate_waits(world: World) -> None:
    world.apply(world.issuer(), world.certificate("www", suspend=True))
    world.wait_condition("Certificate", "www", reason="Suspended")
    world.apply(world.certificate("www"))
    world.wait_ready("www")


def test_a_deleted_certificate_leaves_its_secret_and_nothing_else(world: World) -> None:
    world.apply(world.issuer(), world.certificate("www"))
    world.wait_ready("www")
    world.kubectl("delete", "certificates.certwright.io/www")
    assert world.exists("Secret", "www-tls")
    assert world.staged() == []


def test_a_secret_that_is_to_go_with_its_certificate_goes(world: World) -> None:
    world.apply(world.issuer(), world.certificate("www", deletion="DeleteSecret"))
    world.wait_ready("www")
    world.kubectl("delete", "certificates.certwright.io/www")
    world.wait("the garbage collector", lambda: not world.exists("Secret", "www-tls"))


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        pytest.param({"algorithm": "RSA", "size": 2048}, rsa.RSAPublicKey, id="rsa"),
        pytest.param({"algorithm": "ECDSA", "size": 384}, ec.EllipticCurvePublicKey, id="p-384"),
    ],
)
def test_the_key_is_of_the_kind_asked_for(world: World, spec: dict[str, object], kind: type) -> None:
    world.apply(world.issuer(), world.certificate("www", privateKey=spec))
    world.wait_ready("www")
    assert isinstance(world.leaf("www-tls").public_key(), kind)


def test_metrics_tell_what_is_there(world: World, operator: OperatorProcess) -> None:
    world.apply(world.issuer(), world.certificate("www"))
    world.wait_ready("www")
    labels = f'issuer_kind="Issuer",issuer_name="pebble",name="www",namespace="{world.namespace}",protocol="acme"'

    def found() -> bool:
        text = operator.metrics()
        return f"certwright_certificate_not_after_timestamp_seconds{{{labels}}}" in text

    wait_until(found, "the metric")
    assert 'certwright_issuance_total{issuer_kind="Issuer"' in operator.metrics()


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param(["certwright.io/role-"], id="the role"),
        pytest.param(["certwright.io/managed-"], id="the mark"),
        pytest.param(["certwright.io/managed-", "certwright.io/role-"], id="both"),
    ],
)
def test_labels_taken_away_are_put_back_without_the_ca(world: World, taken: list[str]) -> None:
    world.apply(world.issuer(), world.certificate("www"))
    first = world.wait_ready("www")["status"]
    world.kubectl("label", "secret", "www-tls", *taken)
    labels = {"certwright.io/managed": "true", "certwright.io/role": "certificate"}
    world.wait("the labels", lambda: world.get("Secret", "www-tls")["metadata"].get("labels") == labels)
    assert world.get("Certificate", "www")["status"]["serialNumber"] == first["serialNumber"]
