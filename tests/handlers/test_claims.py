"""Who else lays claim to a Secret, told from what the watches have shown."""

from dataclasses import replace
from typing import Any

import pytest

from certwright.handlers.claims import Claims
from certwright.handlers.inventory import Inventory
from certwright.model.metadata import Key, Kind
from certwright.model.observed import Absent, AsRecorded, DeliveredSecret
from tests.model.builders import certificate_of, metadata_of, secret_of, spec_of

NAMESPACE = "team"
FOREIGN = replace(
    secret_of(certificate_of()), metadata=metadata_of(name="web-tls", uid="foreign", labels={}, annotations={})
)

SPECS: dict[str, dict[str, Any]] = {
    "a client certificate": {"est": {"auth": {"clientCertificate": {"secretRef": {"name": "web-tls"}}}}},
    "an account key": {"acme": {"privateKeySecretRef": {"name": "web-tls"}}},
    "a solver's token": {
        "acme": {"solvers": [{"dns01": {"cloudflare": {"apiTokenSecretRef": {"name": "web-tls", "key": "tls.key"}}}}]}
    },
    "a CA bundle": {"tls": {"caBundleSecretRef": {"name": "web-tls"}}},
}
HARMLESS: dict[str, dict[str, Any]] = {
    "another Secret": {"acme": {"privateKeySecretRef": {"name": "other"}}},
    "a ConfigMap": {"tls": {"caBundleConfigMapRef": {"name": "web-tls"}}},
    "a name that is none of a Secret": {"acme": {"profile": "web-tls"}},
    "nonsense": {"acme": {"privateKeySecretRef": "web-tls", "solvers": ["web-tls"]}},
}


def user(spec: dict[str, Any], issuer: Key, *, adoption: str = "Replace", operator_namespace: str = "other") -> Any:
    inventory = Inventory()
    meta = {"namespace": issuer.namespace, "name": issuer.name, "uid": "u", "resourceVersion": "1"}
    inventory.upsert_issuer(issuer, {"metadata": meta, "spec": spec})
    claims = Claims(inventory, operator_namespace=operator_namespace)
    return claims.user(certificate_of(spec_of(adoption=adoption)), FOREIGN)


ISSUER = Key(Kind.ISSUER, NAMESPACE, "ca")
CLUSTER_ISSUER = Key(Kind.CLUSTER_ISSUER, "", "ca")


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_whatever_an_issuer_refers_to_is_its_own(spec: dict[str, Any]) -> None:
    assert user(spec, ISSUER) == "Issuer team/ca"
    assert user(spec, ISSUER._replace(namespace="elsewhere")) is None
    assert user(spec, CLUSTER_ISSUER) is None
    assert user(spec, CLUSTER_ISSUER, operator_namespace=NAMESPACE) == "ClusterIssuer ca"


@pytest.mark.parametrize("spec", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_it_does_not_refer_to_is_not(spec: dict[str, Any]) -> None:
    assert user(spec, ISSUER) is None


def test_nobody_is_asked_where_nothing_is_taken_over() -> None:
    assert user(SPECS["an account key"], ISSUER, adoption="Refuse") is None


def certificates(**created: str) -> Claims:
    """Certificates that all name the same Secret, by when they were made."""
    inventory = Inventory()
    for number, (name, when) in enumerate(created.items()):
        key = Key(Kind.CERTIFICATE, NAMESPACE, name)
        meta = {"namespace": NAMESPACE, "name": name, "uid": f"uid-{number}", "resourceVersion": "1"}
        spec = {"secretName": "web-tls", "issuerRef": {"name": "ca"}, "dnsNames": ["a.example.com"]}
        inventory.upsert_certificate(key, {"metadata": {**meta, "creationTimestamp": when}, "spec": spec})
    return Claims(inventory, operator_namespace="other")


EARLY, LATE = "2030-01-01T00:00:00Z", "2030-01-01T00:00:01Z"


@pytest.mark.parametrize(
    ("created", "secret", "rival"),
    [
        pytest.param({"web": EARLY}, Absent(), None, id="there is no other"),
        pytest.param({"web": EARLY, "other": LATE}, Absent(), None, id="the other is younger"),
        pytest.param({"web": LATE, "other": EARLY}, Absent(), "other", id="the other is older"),
        pytest.param({"other": EARLY, "web": EARLY}, Absent(), "other", id="the other came first"),
        pytest.param({"web": LATE, "other": EARLY}, AsRecorded(), None, id="it is as recorded"),
        pytest.param(
            {"web": LATE, "other": EARLY}, secret_of(certificate_of()), None, id="it was written for this one"
        ),
        pytest.param(
            {"web": EARLY, "other": LATE},
            secret_of(certificate_of(name="other")),
            "other",
            id="it was written for the other",
        ),
        pytest.param(
            {"web": EARLY}, secret_of(certificate_of(name="gone")), None, id="it was written for one long gone"
        ),
        pytest.param({"web": LATE, "other": EARLY}, FOREIGN, "other", id="it is nobody's"),
    ],
)
def test_of_two_certificates_one_writes(
    created: dict[str, str], secret: Absent | AsRecorded | DeliveredSecret, rival: str | None
) -> None:
    assert rival == certificates(**created).rival(certificate_of(), secret)
