"""What is parsed and written again is the same, under the API's names."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from certwright.model.resources import (
    CertificateSpec,
    CertificateStatus,
    IssuerKind,
    IssuerSpec,
    IssuerStatus,
    KeyAlgorithm,
    LastError,
    Part,
    Protocol,
    Usage,
    api_name,
)

CERTIFICATE = {
    "secretName": "web",
    "issuerRef": {"name": "ca", "kind": "ClusterIssuer"},
    "dnsNames": ["a.example.com"],
    "ipAddresses": ["10.0.0.1"],
    "otherNames": [{"oid": "1.2.3", "utf8Value": "x"}],
    "duration": "2160h0m0s",
    "isCA": True,
    "privateKey": {"algorithm": "ECDSA", "size": 256, "encoding": "PKCS8"},
    "usages": ["server auth", "s/mime"],
    "csr": {"extensions": [{"oid": "1.2.3", "value": "BQA="}]},
    "scep": {"challengeSecretRef": {"name": "challenge"}},
}

ISSUERS: dict[Protocol, dict[str, Any]] = {
    Protocol.ACME: {
        "acme": {
            "server": "https://ca.example.com/dir",
            "privateKeySecretRef": {"name": "account"},
            "externalAccountBinding": {"keyID": "k", "keySecretRef": {"name": "eab"}},
            "solvers": [
                {"dns01": {"rfc2136": {"nameserver": "ns"}, "cnameStrategy": "Follow"}},
                {"dns01": {"acmeDNS": {"host": "https://a", "accountSecretRef": {"name": "b"}}}},
                {"dns01": {"route53": {"hostedZoneID": "Z", "accessKeyIDSecretRef": {"name": "b"}}}},
                {"http01": {"gateway": {"parentRefs": [{"name": "g", "sectionName": "http"}]}}},
                {"tlsALPN01": {}},
                {"dnsPersist01": {}},
            ],
        },
        "proxyURL": "http://proxy.example.com:3128",
        "tls": {"caBundle": "YWJj"},
    },
    Protocol.EST: {
        "est": {"url": "https://est.example.com", "bootstrap": {"fingerprintSHA256": "ab" * 32}},
        "allow": {"namespaceSelector": {"matchLabels": {"a": "b"}}, "isCA": True, "maxDuration": "24h0m0s"},
    },
    Protocol.CMP: {
        "cmp": {
            "url": "http://cmp.example.com/pkix",
            "protection": {"mac": {"reference": "r", "secretRef": {"name": "s"}}},
            "trust": {"caBundleConfigMapRef": {"name": "roots"}, "acceptCaPubs": True},
            "interop": {"senderKID": ""},
        }
    },
    Protocol.SCEP: {
        "scep": {
            "url": "http://scep.example.com",
            "caIdentifier": "ca",
            "caFingerprintSHA256": "0f" * 32,
            "challenge": {"webhook": {"url": "https://hook.example.com", "hmacSecretRef": {"name": "s"}}},
            "legacyAlgorithms": {"accept": ["SHA-1", "DES"]},
        }
    },
}


def test_a_certificate_survives_a_round_trip() -> None:
    assert CertificateSpec.model_validate(CERTIFICATE).to_api() == CERTIFICATE


@pytest.mark.parametrize("protocol", ISSUERS)
def test_an_issuer_survives_a_round_trip(protocol: Protocol) -> None:
    spec = IssuerSpec.model_validate(ISSUERS[protocol])

    assert protocol is spec.protocol
    assert ISSUERS[protocol] == spec.to_api()


def test_values_have_types_of_their_own() -> None:
    spec = CertificateSpec.model_validate(CERTIFICATE)

    assert spec.duration == timedelta(days=90)
    assert spec.private_key is not None
    assert spec.private_key.algorithm is KeyAlgorithm.ECDSA
    assert spec.usages == (Usage.SERVER_AUTH, Usage.S_MIME)
    assert spec.csr is not None
    assert spec.csr.extensions[0].value == b"\x05\x00"


def test_an_issuer_is_named_briefly() -> None:
    spec = CertificateSpec.model_validate({"secretName": "web", "issuerRef": {"name": "ca"}})

    assert [(ref.kind, ref.group) for ref in spec.issuers] == [(IssuerKind.ISSUER, "certwright.io")]


def test_fallback_issuers_keep_their_order() -> None:
    spec = CertificateSpec.model_validate({"secretName": "web", "issuerRefs": [{"name": "b"}, {"name": "a"}]})

    assert [ref.name for ref in spec.issuers] == ["b", "a"]


def test_unknown_fields_are_ignored() -> None:
    newer = CERTIFICATE | {"fieldOfTheFuture": {"a": 1}}

    assert CertificateSpec.model_validate(newer) == CertificateSpec.model_validate(CERTIFICATE)


def test_fingerprints_are_compared_in_one_form() -> None:
    colons = ":".join(["AB"] * 32)
    est = {"url": "https://est.example.com", "bootstrap": {"fingerprintSHA256": colons}}

    spec = IssuerSpec.model_validate({"est": est})

    assert spec.est is not None
    assert spec.est.bootstrap is not None
    assert spec.est.bootstrap.fingerprint_sha256 == "ab" * 32


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"secretName": None}, "secretName", id="missing"),
        pytest.param({"commonName": "x" * 65}, "commonName", id="too-long"),
        pytest.param({"duration": "1 day"}, "duration", id="no-duration"),
        pytest.param({"usages": ["serving"]}, "usages", id="no-usage"),
    ],
)
def test_a_spec_that_does_not_fit_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        CertificateSpec.model_validate(CERTIFICATE | change)


def test_a_password_is_not_shown() -> None:
    keystores = {"pkcs12": {"create": True, "password": "hunter2"}}

    assert "hunter2" not in repr(CertificateSpec.model_validate(CERTIFICATE | {"keystores": keystores}))


def test_times_are_written_in_utc_and_whole_seconds() -> None:
    elsewhere = datetime(2026, 1, 1, 1, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))

    assert CertificateStatus(not_after=elsewhere).to_api() == {"notAfter": "2026-01-01T00:00:00Z"}


def test_a_status_of_another_version_is_read_as_far_as_it_fits() -> None:
    other = {
        "conditions": [{"type": "Novel", "status": "Perhaps"}],
        "notAfter": "2026-01-01T00:00:00Z",
        "renewalInfo": "soon",
        "enrolment": {"protocol": "carrier pigeon", "phase": "flying"},
        "revision": "many",
    }

    status = CertificateStatus.from_api(other)

    assert status.not_after == datetime(2026, 1, 1, tzinfo=UTC)
    assert status.conditions[0].status == "Perhaps"
    assert status.enrolment is not None
    assert status.enrolment.protocol == "carrier pigeon"
    assert status.renewal_info is None
    assert status.revision is None


@pytest.mark.parametrize("empty", [None, {}], ids=["absent", "empty"])
@pytest.mark.parametrize("status", [CertificateStatus, IssuerStatus])
def test_no_status_is_an_empty_one(status: type[CertificateStatus], empty: dict[str, Any] | None) -> None:
    assert status.from_api(empty) == status()
    assert status().to_api() == {}


def test_an_error_keeps_its_class() -> None:
    error = LastError.model_validate({"class": "Rejected", "reason": "Rejected", "message": "no"})

    assert error.error_class == "Rejected"
    assert error.to_api()["class"] == "Rejected"


def test_parts_are_immutable() -> None:
    spec = CertificateSpec.model_validate(CERTIFICATE)

    with pytest.raises(ValidationError, match="frozen"):
        spec.secret_name = "other"  # type: ignore[misc] # what mypy refuses too


@pytest.mark.parametrize(
    ("python", "api"),
    [
        ("dns_names", "dnsNames"),
        ("is_ca", "isCA"),
        ("hosted_zone_id", "hostedZoneID"),
        ("tls_alpn01", "tlsALPN01"),
        ("dns_persist01", "dnsPersist01"),
        ("fingerprint_sha256", "fingerprintSHA256"),
        ("explanation_url", "explanationURL"),
        ("cname_strategy", "cnameStrategy"),
    ],
)
def test_names_are_spelled_as_the_api_does(python: str, api: str) -> None:
    assert api == api_name(python)


def test_every_part_ignores_what_it_does_not_know() -> None:
    parts = Part.__subclasses__()

    assert parts
    assert {part.model_config.get("extra") for part in parts} == {"ignore"}
