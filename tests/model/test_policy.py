"""What is observed, and what is said about it: each check, the order of telling, and what is never a mismatch."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.model import policy
from certwright.model.chain import fingerprint, to_pem
from certwright.model.keys import encode
from certwright.model.metadata import ANNOTATION_RENEW, ANNOTATION_RETRY
from certwright.model.observed import Absent, AsRecorded, DeliveredSecret, Observed
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec, CertificateStatus
from tests.model.builders import (
    CA,
    DAY,
    HOUR,
    KINDS,
    NOW,
    certificate_of,
    common_name,
    issued_status,
    key_of,
    observed_of,
    pair_of,
    root,
    secret_of,
    signed,
    spec_of,
    with_annotations,
    with_data,
    with_status,
)

Change = Callable[[DeliveredSecret], DeliveredSecret]
SECOND = timedelta(seconds=1)


def world(change: Change = lambda secret: secret, **fields: Any) -> Observed:
    """An issued Certificate whose Secret was changed afterwards, or whose spec was given ``fields`` afterwards."""
    before = certificate_of()
    secret = secret_of(before)
    status = issued_status(before, secret)
    generation = 2 if fields else 1
    certificate = certificate_of(spec_of(**fields), status, generation=generation)
    return observed_of(certificate, secret=change(secret))


def other_leaf(secret: DeliveredSecret) -> DeliveredSecret:
    return with_data(secret, tls_crt=to_pem([CA.issue(spec_of()), CA.certificate]))


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
    "a certificate for a key that nobody knows": (world(unknown_key), Reason.INVALID_KEY_PAIR, "do not belong"),
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
    "the signature algorithm is another": world(signatureAlgorithm="ECDSAWithSHA512"),
    "the issuer's annotations are gone": world(
        lambda s: with_annotations(s, issuer_name=None, issuer_kind=None, issuer_group=None)
    ),
    "some of the issuer's annotations are gone": world(
        lambda s: with_annotations(s, issuer_kind=None, issuer_group=None)
    ),
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


def emptied(observed: Observed) -> Observed:
    return with_status(observed, CertificateStatus())


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


def asked(value: str | None, status: CertificateStatus, annotation: str = ANNOTATION_RENEW) -> Observed:
    annotations = {annotation: value} if value is not None else {}
    certificate = certificate_of(None, status, annotations=annotations)
    return observed_of(certificate, secret=AsRecorded())


RECORDED = issued_status(certificate_of(), secret_of(certificate_of()))


@pytest.mark.parametrize(
    ("value", "done", "is_wanted"),
    [
        pytest.param(None, None, False, id="nothing was ever requested"),
        pytest.param("1", None, True, id="a first request"),
        pytest.param("1", "1", False, id="a request that was done"),
        pytest.param("2", "1", True, id="another request"),
        pytest.param(None, "1", False, id="the request was removed"),
        pytest.param("", None, True, id="an empty value is a value"),
        pytest.param("", "", False, id="an empty value that was done"),
        pytest.param("x" * 5000, "x" * 1024, False, id="a long value that was done"),
        pytest.param("x" * 5000, "x" * 1023, True, id="a long value that is new"),
    ],
)
def test_a_request_is_done_once_for_each_value(value: str | None, done: str | None, *, is_wanted: bool) -> None:
    renewed = asked(value, RECORDED.model_copy(update={"last_renew_request": done}))
    found = policy.first(policy.TRIGGERS, renewed)
    assert is_wanted is (found is not None and found.reason is Reason.MANUAL_RENEWAL)
    retried = asked(value, RECORDED.model_copy(update={"last_retry_request": done}), ANNOTATION_RETRY)
    assert is_wanted is policy.retry_was_requested(retried.certificate)


def test_a_request_counts_as_done_while_the_whole_status_is_empty() -> None:
    secret = secret_of(certificate_of())
    certificate = certificate_of(annotations={ANNOTATION_RENEW: "1", ANNOTATION_RETRY: "1"})
    observed = emptied(observed_of(certificate, secret=secret))
    assert policy.first(policy.TRIGGERS, observed) is None
    assert not policy.retry_was_requested(observed.certificate)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        pytest.param(NOW, None, id="before the renewal"),
        pytest.param(NOW + 61 * DAY, Reason.RENEWING, id="after it"),
    ],
)
def test_a_secret_that_was_not_read_again_is_judged_by_the_status(now: Any, reason: Reason | None) -> None:
    observed = replace(observed_of(), secret=AsRecorded(), now=now)
    found = policy.first(policy.TRIGGERS, observed)
    assert reason == (found.reason if found else None)


@pytest.mark.parametrize("lost", [["renewal_time"], ["renewal_time", "not_before"], ["renewal_time", "not_after"]])
def test_a_lost_renewal_time_is_derived_again_as_far_as_that_can_be_done(lost: list[str]) -> None:
    observed = replace(observed_of(), secret=AsRecorded())
    status = observed.certificate.status.model_copy(update=dict.fromkeys(lost))
    expected = observed.certificate.status.renewal_time if len(lost) == 1 else None
    assert expected == policy.due_time(with_status(observed, status))


def test_the_date_set_at_issuance_stands_until_the_spec_changes() -> None:
    """A certificate that came overdue would else be renewed as soon as its Secret is read for any reason."""
    certificate = certificate_of(spec_of(renewBefore="2159h30m"))
    observed = observed_of(certificate)
    assert policy.first(policy.TRIGGERS, observed) is None
    assert observed.certificate.status.renewal_time == policy.due_time(observed)
    edited = replace(
        observed.certificate, spec=spec_of(renewBefore="1h"), metadata=certificate_of(generation=2).metadata
    )
    later = policy.due_time(replace(observed, certificate=edited))
    assert later is not None
    assert later > NOW + 89 * DAY


READINESS: dict[str, tuple[Observed, Reason | None]] = {
    "all is well": (world(), None),
    "a renewal is due": (replace(world(), now=NOW + 61 * DAY), None),
    "a renewal was requested": (asked("1", RECORDED), None),
    "it has expired": (replace(world(), now=NOW + 91 * DAY), Reason.EXPIRED),
    "it has expired, unread": (replace(world(), secret=AsRecorded(), now=NOW + 91 * DAY), Reason.EXPIRED),
    "it expired while renewal was off": (
        replace(world(renewal={"policy": "Disabled"}), now=NOW + 91 * DAY),
        Reason.EXPIRED,
    ),
    "the spec changed": (world(dnsNames=["b.example.com"]), Reason.REQUEST_CHANGED),
    "the Secret is another Certificate's": (
        world(lambda s: with_annotations(s, certificate_name="other")),
        Reason.SECRET_NOT_OWNED,
    ),
    "the Secret is immutable": (world(lambda s: replace(s, is_immutable=True)), None),
}


@pytest.mark.parametrize(("observed", "reason"), READINESS.values(), ids=list(READINESS))
def test_this_is_whether_a_workload_can_rely_on_it(observed: Observed, reason: Reason | None) -> None:
    found = policy.first(policy.READINESS, observed)
    assert reason == (found.reason if found else None)


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_a_certificate_expires_at_its_last_instant(seconds: int) -> None:
    end = NOW - HOUR + 90 * DAY
    observed = replace(world(), now=end + seconds * SECOND)
    assert (seconds < 0) is (policy.certificate_has_expired(observed) is None)


def unlabelled(secret: DeliveredSecret) -> DeliveredSecret:
    return replace(secret, metadata=replace(secret.metadata, labels={}))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(lambda s: s, None, id="ours"),
        pytest.param(unlabelled, "exists and was not written by certwright", id="nobody's"),
        pytest.param(
            lambda s: with_annotations(s, certificate_name="other"), "belongs to Certificate other", id="another's"
        ),
        pytest.param(
            lambda s: replace(s, is_immutable=True), "is immutable and cannot be renewed: delete it", id="immutable"
        ),
    ],
)
def test_what_was_not_written_for_this_certificate_is_not_touched(change: Change, told: str | None) -> None:
    found = policy.foreign_secret(world(change))
    assert (found is None) is (told is None)
    if found is not None:
        assert found.reason is Reason.SECRET_NOT_OWNED
        assert str(told) in found.message
        assert "delete" in found.message


@pytest.mark.parametrize("secret", [Absent(), AsRecorded()], ids=["absent", "as recorded"])
def test_no_secret_is_nobodys_conflict(secret: Absent | AsRecorded) -> None:
    assert policy.foreign_secret(replace(world(), secret=secret)) is None


def test_a_self_signed_certificate_is_as_good_as_any_when_it_is_what_was_asked_for() -> None:
    spec = spec_of(dnsNames=None, commonName="me")
    leaf = signed(common_name("me"), key_of(), by=(common_name("me"), key_of()), valid=(NOW - HOUR, NOW + 90 * DAY))
    observed = observed_of(certificate_of(spec), secret=secret_of(certificate_of(spec), pair_of(spec, leaf=leaf)))
    assert policy.first(policy.READINESS, observed) is None


def test_issuers_are_those_of_either_field() -> None:
    one: CertificateSpec = spec_of()
    many = spec_of(issuerRef=None, issuerRefs=[{"name": "a"}, {"name": "b"}])
    assert [ref.name for ref in policy.issuer_refs(certificate_of(one))] == ["ca"]
    assert [ref.name for ref in policy.issuer_refs(certificate_of(many))] == ["a", "b"]


def test_an_anchor_that_someone_replaced_is_no_reason_to_issue() -> None:
    stranger = to_pem([root("Stranger").certificate])
    assert policy.first(policy.TRIGGERS, world(lambda s: with_data(s, ca_crt=stranger))) is None
