"""Why a certificate is issued, in the order of telling, and what is never a reason."""

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.model import policy
from certwright.model.chain import fingerprint, to_pem
from certwright.model.keys import encode
from certwright.model.observed import Absent, DeliveredSecret, Observed
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec, CertificateStatus
from tests.model.builders import (
    CA,
    DAY,
    KINDS,
    NOW,
    certificate_of,
    key_of,
    observed_of,
    root,
    spec_of,
    with_annotations,
    with_data,
    with_status,
)
from tests.model.worlds import Change, emptied, other_leaf, world


def with_pair_of_another_kind(secret: DeliveredSecret) -> DeliveredSecret:
    key = key_of(KINDS[2])
    return with_data(secret, tls_crt=to_pem([CA.issue(spec_of(), key)]), tls_key=encode(key))


def unknown_key(secret: DeliveredSecret) -> DeliveredSecret:
    """A certificate for a key of an algorithm that the library does not know."""
    der = CA.issue(spec_of(), key_of(KINDS[4])).public_bytes(Encoding.DER)
    unknown = der.replace(bytes.fromhex("06032b6570"), bytes.fromhex("06032b657f"))
    return with_data(secret, tls_crt=to_pem([x509.load_der_x509_certificate(unknown)]))


TRIGGERED: dict[str, tuple[Observed, Reason, str]] = {
    "the Secret is gone": (observed_of(secret=Absent()), Reason.DOES_NOT_EXIST, "Secret web-tls does not exist"),
    "no key": (world(lambda s: with_data(s, tls_key=None)), Reason.MISSING_DATA, "Secret web-tls has no tls.key"),
    "an empty certificate": (world(lambda s: with_data(s, tls_crt=b"")), Reason.MISSING_DATA, "has no tls.crt"),
    "no data": (
        world(lambda s: replace(s, data={})),
        Reason.MISSING_DATA,
        "Secret web-tls has no tls.key and tls.crt",
    ),
    "a broken certificate": (
        world(lambda s: with_data(s, tls_crt=b"junk")),
        Reason.INVALID_CERTIFICATE,
        "tls.crt of Secret web-tls is not a PEM certificate",
    ),
    "a broken key": (
        world(lambda s: with_data(s, tls_key=b"junk")),
        Reason.INVALID_KEY_PAIR,
        "tls.key of Secret web-tls is not a PEM private key",
    ),
    "another key": (
        world(lambda s: with_data(s, tls_key=encode(key_of(number=1)))),
        Reason.INVALID_KEY_PAIR,
        "do not belong together",
    ),
    "a broken ca.crt": (
        world(lambda s: with_data(s, ca_crt=b"junk")),
        Reason.INVALID_CERTIFICATE,
        "ca.crt of Secret web-tls holds no PEM certificates",
    ),
    "a certificate for a key that nobody knows": (world(unknown_key), Reason.INVALID_KEY_PAIR, "do not belong"),
    "a key that cannot sign as asked": (
        world(signatureAlgorithm="SHA256WithRSA"),
        Reason.SECRET_MISMATCH,
        "spec.signatureAlgorithm asks for RSA 2048, Secret web-tls has ECDSA 256",
    ),
    "an issuer that is no longer named": (
        world(issuerRef={"name": "new"}),
        Reason.INCORRECT_ISSUER,
        "was issued by Issuer ca, which this Certificate no longer names",
    ),
    "the same name of the other kind": (
        world(issuerRef={"name": "ca", "kind": "ClusterIssuer"}),
        Reason.INCORRECT_ISSUER,
        "issued by Issuer ca",
    ),
    "an edited issuer": (
        world(lambda s: with_annotations(s, issuer_name="forged")),
        Reason.INCORRECT_ISSUER,
        "issued by Issuer forged",
    ),
    "another algorithm is asked for": (
        world(privateKey={"algorithm": "RSA"}),
        Reason.SECRET_MISMATCH,
        "spec.privateKey asks for RSA 2048, Secret web-tls has ECDSA 256",
    ),
    "another size is asked for": (
        world(privateKey={"algorithm": "ECDSA", "size": 384}),
        Reason.SECRET_MISMATCH,
        "asks for ECDSA 384",
    ),
    "the certificate was replaced": (
        world(other_leaf),
        Reason.SECRET_MISMATCH,
        "tls.crt of Secret web-tls is not the certificate that was issued",
    ),
    "the pair was replaced": (world(with_pair_of_another_kind), Reason.SECRET_MISMATCH, "not the certificate"),
    "a name was added to spec": (
        world(dnsNames=["a.example.com", "b.example.com"]),
        Reason.REQUEST_CHANGED,
        "name b.example.com is missing",
    ),
    "a name was removed from spec": (
        world(dnsNames=["b.example.com"]),
        Reason.REQUEST_CHANGED,
        "name a.example.com was not asked for",
    ),
    "a subject was added to spec": (world(commonName="web"), Reason.REQUEST_CHANGED, "subject CN=web is missing"),
    "a usage was added to spec": (
        world(usages=["client auth"]),
        Reason.REQUEST_CHANGED,
        "usage client auth is missing",
    ),
    "a CA is asked for": (world(isCA=True), Reason.REQUEST_CHANGED, "isCA is missing"),
    "an impossible name": (world(dnsNames=["a..b"]), Reason.INVALID_SPEC, "cannot be issued as it is"),
    "an impossible subject": (world(literalSubject="x"), Reason.INVALID_SPEC, "the subject cannot be encoded"),
    "the renewal is due": (
        replace(world(), now=NOW + 61 * DAY),
        Reason.RENEWING,
        "the renewal was due at 2030-02-28T22:43:06Z",
    ),
    "an earlier renewal is asked for": (
        replace(world(renewBefore="2000h"), now=NOW + 10 * DAY),
        Reason.RENEWING,
        "the renewal was due at",
    ),
    "the certificate has expired": (replace(world(), now=NOW + 91 * DAY), Reason.RENEWING, "the renewal was due"),
}


@pytest.mark.parametrize(("observed", "reason", "told"), TRIGGERED.values(), ids=list(TRIGGERED))
def test_this_is_why_a_certificate_is_issued(observed: Observed, reason: Reason, told: str) -> None:
    found = policy.first(policy.TRIGGERS, observed)
    assert found is not None
    assert reason is found.reason
    assert told in found.message


FINE: dict[str, Observed] = {
    "all is well": world(),
    "the day before the renewal": replace(world(), now=NOW + 57 * DAY),
    "another Secret format is asked for": world(privateKey={"encoding": "PKCS8"}, chain={"leafOnly": True}),
    "the key's own kind is asked for": world(privateKey={"algorithm": "ECDSA", "size": 256}),
    "the usages that it has are asked for": world(usages=["digital signature", "server auth"]),
    "a later renewal is asked for": replace(world(renewBefore="24h"), now=NOW + 80 * DAY),
    "renewal is disabled": replace(world(renewal={"policy": "Disabled"}), now=NOW + 80 * DAY),
    "renewal is disabled, and it has expired": replace(world(renewal={"policy": "Disabled"}), now=NOW + 99 * DAY),
    "the issuer's annotations are gone": world(
        lambda s: with_annotations(s, issuer_name=None, issuer_kind=None, issuer_group=None)
    ),
    "some of the issuer's annotations are gone": world(
        lambda s: with_annotations(s, issuer_kind=None, issuer_group=None)
    ),
    "an empty ca.crt": world(lambda s: with_data(s, ca_crt=b"")),
    "the fingerprint's annotation is gone": world(lambda s: with_annotations(s, fingerprint=None)),
    "the issuer is named in a list": world(issuerRef=None, issuerRefs=[{"name": "new"}, {"name": "ca"}]),
    "the same names in other words": world(dnsNames=["A.Example.COM"]),
}


@pytest.mark.parametrize("observed", FINE.values(), ids=list(FINE))
def test_this_is_no_reason_to_issue(observed: Observed) -> None:
    assert policy.first(policy.TRIGGERS, observed) is None


ORDER: list[tuple[Reason, Change]] = [
    (Reason.MISSING_DATA, lambda s: with_data(s, tls_key=None)),
    (Reason.INVALID_CERTIFICATE, lambda s: with_data(s, tls_crt=b"junk")),
    (Reason.INVALID_KEY_PAIR, lambda s: with_data(s, tls_key=encode(key_of(number=1)))),
    (Reason.INCORRECT_ISSUER, lambda s: with_annotations(s, issuer_name="other")),
]


@pytest.mark.parametrize("position", range(len(ORDER)), ids=[str(reason) for reason, _ in ORDER])
def test_of_several_reasons_the_first_is_told(position: int) -> None:
    def change(secret: DeliveredSecret) -> DeliveredSecret:
        for _, each in reversed(ORDER[position:]):
            secret = each(secret)
        return secret

    found = policy.first(policy.TRIGGERS, replace(world(change, dnsNames=["b.example.com"]), now=NOW + 99 * DAY))
    assert found is not None
    assert ORDER[position][0] is found.reason


@pytest.mark.parametrize("observed", FINE.values(), ids=list(FINE))
def test_an_empty_status_is_never_a_reason_to_issue(observed: Observed) -> None:
    assert policy.first(policy.TRIGGERS, emptied(observed)) is None


@pytest.mark.parametrize("field", [name for name in CertificateStatus.model_fields if name != "last_renew_request"])
def test_no_absent_field_of_the_status_is_a_reason_to_issue(field: str) -> None:
    observed = world()
    absent = observed.certificate.status.model_copy(update={field: CertificateStatus.model_fields[field].default})
    assert policy.first(policy.TRIGGERS, with_status(observed, absent)) is None


def test_without_a_status_a_replaced_certificate_is_told_by_the_secrets_own_annotation() -> None:
    found = policy.first(policy.TRIGGERS, emptied(world(other_leaf)))
    assert found is not None
    assert found.reason is Reason.SECRET_MISMATCH


def test_the_status_is_believed_more_than_the_annotation() -> None:
    assert policy.first(policy.TRIGGERS, world(lambda s: with_annotations(s, fingerprint="forged"))) is None
    forged = world(lambda s: with_annotations(other_leaf(s), fingerprint=_fingerprint(other_leaf(s))))
    assert policy.first(policy.TRIGGERS, forged) is not None


def _fingerprint(secret: DeliveredSecret) -> str:
    return fingerprint(secret.chain[0])


def test_issuers_are_those_of_either_field() -> None:
    one: CertificateSpec = spec_of()
    many = spec_of(issuerRef=None, issuerRefs=[{"name": "a"}, {"name": "b"}])
    assert [ref.name for ref in policy.issuer_refs(certificate_of(one))] == ["ca"]
    assert [ref.name for ref in policy.issuer_refs(certificate_of(many))] == ["a", "b"]


def test_an_anchor_that_someone_replaced_is_no_reason_to_issue() -> None:
    stranger = to_pem([root("Stranger").certificate])
    assert policy.first(policy.TRIGGERS, world(lambda s: with_data(s, ca_crt=stranger))) is None
