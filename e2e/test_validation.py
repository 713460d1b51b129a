"""The API server alone accepts every good manifest and refuses every bad one, naming the field and the remedy."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from certwright.manifests.crds import RESOURCES, object_schema
from certwright.manifests.rbac import roles
from certwright.model.resources import (
    ACMEAccount,
    CACertificate,
    CertificateStatus,
    Condition,
    CredentialSeen,
    DailyUsage,
    Enrolment,
    IssuedBy,
    IssuerStatus,
    LastError,
    NextAction,
    RenewalInfo,
    SecretSeen,
    StatusPart,
    Window,
)
from e2e.bad_manifests import BAD, Bad
from e2e.controlplane import ControlPlane, KubectlError
from e2e.good_manifests import ACME, EST, GOOD, Manifest, manifest

CRDS = Path(__file__).parent.parent / "crds"
IMMUTABLE = "the protocol of an issuer is immutable; make another issuer and change issuerRef"


_INSTANT = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
_CONDITION = Condition(
    type="Ready",
    status="False",
    reason="Pending",
    message="The CA has not answered yet.",
    last_transition_time=_INSTANT,
    observed_generation=1,
)

CERTIFICATE_STATUS = CertificateStatus(
    conditions=(_CONDITION,),
    observed_generation=1,
    not_before=_INSTANT,
    not_after=_INSTANT,
    renewal_time=_INSTANT,
    revision=1,
    serial_number="0a",
    fingerprint_sha256="ab",
    issuer_ref=IssuedBy(name="ca", kind="Issuer", group="certwright.io"),
    protocol="acme",
    secret=SecretSeen(uid="u", resource_version="1", checks=1),
    enrolment=Enrolment(
        protocol="acme",
        phase="order",
        started_at=_INSTANT,
        transaction_id="https://ca.example.com/order/1",
        poll_after=_INSTANT,
        message="waits",
    ),
    renewal_info=RenewalInfo(
        window=Window(start=_INSTANT, end=_INSTANT), explanation_url="https://ca.example.com", next_check=_INSTANT
    ),
    failed_issuance_attempts=1,
    last_failure_time=_INSTANT,
    last_error=LastError(error_class="Rejected", reason="Rejected", code="caa", message="no", time=_INSTANT),
    next_action=NextAction(what="try again", when=_INSTANT),
    last_renew_request="1",
    last_retry_request="2",
)

ISSUER_STATUS = IssuerStatus(
    conditions=(_CONDITION,),
    observed_generation=1,
    protocol="acme",
    url="https://ca.example.com/dir",
    capabilities=("renewalInfo",),
    ca_certificates=(CACertificate(subject="CN=ca", not_after=_INSTANT, fingerprint_sha256="ab"),),
    acme=ACMEAccount(
        uri="https://ca.example.com/account/1",
        server="https://ca.example.com/dir",
        contact=("mailto:pki@example.com",),
        key_thumbprint="t",
        terms_of_service="https://ca.example.com/terms",
        last_new_account_request="1",
    ),
    usage=DailyUsage(day="2026-01-31", reserved=10),
    credentials=(CredentialSeen(name="s", not_after=_INSTANT),),
    last_probe=_INSTANT,
)


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane) -> ControlPlane:
    control_plane.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={CRDS}")
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"--filename={CRDS}")
    return control_plane


def create(api: ControlPlane, document: Manifest) -> Manifest:
    """The object as the API server would store it."""
    arguments = ("create", "--dry-run=server", "--validate=strict", "--output=json", "--filename=-")
    answer: Manifest = json.loads(api.kubectl(*arguments, stdin=json.dumps(document)))
    return answer


@pytest.mark.parametrize("document", GOOD.values(), ids=GOOD)
def test_a_good_manifest_is_stored_as_it_is(api: ControlPlane, document: Manifest) -> None:
    assert document["spec"] == create(api, document)["spec"]


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_manifest_is_refused_with_field_and_remedy(api: ControlPlane, bad: Bad) -> None:
    with pytest.raises(KubectlError) as refusal:
        create(api, bad.document)

    lines = [line for line in str(refusal.value).splitlines() if bad.field in line]
    assert any(bad.remedy in line for line in lines), str(refusal.value)


@pytest.mark.parametrize(
    ("document", "status"),
    [(GOOD["certificate"], CERTIFICATE_STATUS), (GOOD["acme"], ISSUER_STATUS)],
    ids=["certificate", "issuer"],
)
def test_a_status_is_stored_as_it_is(api: ControlPlane, document: Manifest, status: StatusPart) -> None:
    name = f"{document['kind'].lower()}.certwright.io/{document['metadata']['name']}"
    api.kubectl("create", "--filename=-", stdin=json.dumps(document))

    patch = json.dumps({"status": status.to_api()})
    api.kubectl("patch", name, "--subresource=status", "--type=merge", f"--patch={patch}")

    stored = json.loads(api.kubectl("get", name, "--output=json"))["status"]
    assert status.to_api() == stored
    assert type(status).from_api(stored) == status
    api.kubectl("delete", name)


def test_the_roles_are_accepted(api: ControlPlane) -> None:
    items = list(roles(namespace="default", service_account="certwright", watched=("default",)))
    items += roles(namespace="default", service_account="certwright")
    # Applied, not created: other tests have installed them on this control plane already.
    arguments = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "--filename=-")

    made = api.kubectl(*arguments, stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    assert len(items) == len(made.splitlines())


def test_the_protocol_of_an_issuer_is_immutable(api: ControlPlane) -> None:
    issuer = manifest("ClusterIssuer", ACME)
    issuer["metadata"] = {"name": "immutable"}
    api.kubectl("create", "--filename=-", stdin=json.dumps(issuer))

    with pytest.raises(KubectlError, match=IMMUTABLE):
        api.kubectl("replace", "--filename=-", stdin=json.dumps(issuer | {"spec": EST}))

    api.kubectl("delete", "clusterissuer", "immutable")


def test_nothing_in_a_certificate_is_immutable(api: ControlPlane) -> None:
    first = GOOD["cert-managers-fields"]
    api.kubectl("create", "--filename=-", stdin=json.dumps(first))

    api.kubectl("replace", "--filename=-", stdin=json.dumps(GOOD["own-fields"]))

    api.kubectl("delete", "certificate.certwright.io", first["metadata"]["name"])


def test_users_find_certificates_by_short_name_category_and_issuer(api: ControlPlane) -> None:
    document = manifest("Certificate", GOOD["certificate"]["spec"])
    document["metadata"] = {"name": "found"}
    api.kubectl("create", "--filename=-", stdin=json.dumps(document))

    assert "found" in api.kubectl("get", "cwc")
    assert "found" in api.kubectl("get", "certwright")
    assert "found" in api.kubectl("get", "cwc", "--field-selector=spec.issuerRef.name=ca")
    assert "found" not in api.kubectl("get", "cwc", "--field-selector=spec.issuerRef.name=other")

    api.kubectl("delete", "cwc", "found")


def test_every_rule_has_a_bad_manifest() -> None:
    schemas = [object_schema(resource)["properties"]["spec"] for resource in RESOURCES]
    messages = {message for schema in schemas for message in _messages(schema)} - {IMMUTABLE}

    remedies = [bad.remedy for bad in BAD.values()]
    assert sorted(message for message in messages if not any(remedy in message for remedy in remedies)) == []


def _messages(schema: dict[str, Any]) -> Iterator[str]:
    yield from (rule["message"] for rule in schema.get("x-kubernetes-validations", ()))
    for field in [*schema.get("properties", {}).values(), *(schema[word] for word in ("items",) if word in schema)]:
        yield from _messages(field)
