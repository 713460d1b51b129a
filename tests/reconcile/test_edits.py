"""What follows from an edit of the spec: another certificate, another Secret with the same one, or nothing.

The table is the promise that users rely on. "nothing" still applies the Secret once, since a removed label cannot be
told from one that was never there; such an apply changes nothing.
"""

from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

import pytest

from certwright.model import policy
from certwright.model.chain import to_pem
from certwright.model.observed import DeliveredSecret, Observed
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec, CertificateStatus, IssuerSpec
from certwright.reconcile.certificate import next_step
from certwright.reconcile.certificate_status import settled
from certwright.reconcile.steps import Begin, Reapply
from tests.model.builders import (
    CA,
    KINDS,
    NOW,
    ROOT,
    certificate_of,
    issued_status,
    issuer_of,
    key_of,
    observed_of,
    pair_of,
    secret_from,
    secret_of,
    spec_of,
    with_data,
    with_status,
)


class Follows(StrEnum):
    REISSUED = "re-issued"
    REAPPLIED = "re-applied"
    NOTHING = "nothing"


def change(
    before: dict[str, Any], after: dict[str, Any], *, protocol: str = "acme", issuer_spec: Any = None
) -> Observed:
    """A Certificate that was issued with the one spec and has the other now."""
    old = certificate_of(spec_of(**before))
    key = key_of(KINDS[0]) if before.get("privateKey", {}).get("algorithm") == "RSA" else None
    secret = secret_of(old, pair_of(old.spec, key))
    status = issued_status(old, secret).model_copy(update={"protocol": protocol})
    new = certificate_of(spec_of(**after), status, generation=2)
    issuer = issuer_of()
    if issuer_spec is not None:
        issuer = replace(issuer, spec=IssuerSpec.model_validate(issuer_spec))
    return observed_of(new, secret=secret, issuer=issuer)


def follows(observed: Observed) -> Follows:
    match next_step(observed):
        case Begin():
            return Follows.REISSUED
        case Reapply(drift=("spec",)):
            return Follows.NOTHING
        case Reapply():
            return Follows.REAPPLIED
        case other:
            raise AssertionError(other)


ASIS: dict[str, Any] = {}
OID = "1.3.6.1.4.1.55555.1"
EXTENSION = {"extensions": [{"oid": OID, "value": "BQA="}]}
OTHER_EXTENSION = {"extensions": [{"oid": OID, "value": "AQH/"}]}
CONSTRAINTS = {"permitted": {"dnsDomains": ["example.com"]}}

EDITS: dict[str, tuple[dict[str, Any], dict[str, Any], Follows]] = {
    # What is asked for: unset means none.
    "a name added": (ASIS, {"dnsNames": ["a.example.com", "b.example.com"]}, Follows.REISSUED),
    "names in another order": (
        {"dnsNames": ["a.example.com", "b.example.com"]},
        {"dnsNames": ["b.example.com", "a.example.com"]},
        Follows.NOTHING,
    ),
    "a name in capitals": (ASIS, {"dnsNames": ["A.example.com"]}, Follows.NOTHING),
    "a name added where the CA may alter names": (
        {"acceptChanges": ["Names"]},
        {"acceptChanges": ["Names"], "dnsNames": ["b.example.com"]},
        Follows.REISSUED,
    ),
    "an other name removed": (
        {"otherNames": [{"oid": "1.3.6.1.4.1.311.20.2.3", "utf8Value": "a@example.com"}]},
        ASIS,
        Follows.REISSUED,
    ),
    "a subject added": (ASIS, {"subject": {"organizations": ["Example"]}}, Follows.REISSUED),
    "a subject removed": ({"subject": {"organizations": ["Example"]}}, ASIS, Follows.REISSUED),
    "a common name removed": ({"commonName": "web"}, ASIS, Follows.REISSUED),
    "the same subject as a literal": ({"commonName": "web"}, {"literalSubject": "CN=web"}, Follows.NOTHING),
    "a CA asked for": (ASIS, {"isCA": True}, Follows.REISSUED),
    "an extension added": (ASIS, {"csr": EXTENSION}, Follows.REISSUED),
    "an extension changed": ({"csr": EXTENSION}, {"csr": OTHER_EXTENSION}, Follows.REISSUED),
    "an extension removed": ({"csr": EXTENSION}, ASIS, Follows.REISSUED),
    "an empty csr": (ASIS, {"csr": {}}, Follows.NOTHING),
    # What is asked for: unset fits whatever is there.
    "usages set to what it has": (ASIS, {"usages": ["digital signature", "server auth"]}, Follows.NOTHING),
    "a usage in another word": (
        {"usages": ["digital signature"]},
        {"usages": ["signing"]},
        Follows.NOTHING,
    ),
    "a usage added": (ASIS, {"usages": ["digital signature", "client auth"]}, Follows.REISSUED),
    "a usage removed": (
        {"usages": ["digital signature", "server auth", "client auth"]},
        {"usages": ["digital signature", "server auth"]},
        Follows.REISSUED,
    ),
    "all usages removed": ({"usages": ["client auth"]}, ASIS, Follows.NOTHING),
    "usages kept out of the request": (ASIS, {"encodeUsagesInRequest": False}, Follows.REISSUED),
    "usages left in the request": (ASIS, {"encodeUsagesInRequest": True}, Follows.NOTHING),
    "the usual signature": (ASIS, {"signatureAlgorithm": "ECDSAWithSHA256"}, Follows.NOTHING),
    "another signature": (ASIS, {"signatureAlgorithm": "ECDSAWithSHA512"}, Follows.REISSUED),
    "a signature removed": ({"signatureAlgorithm": "ECDSAWithSHA512"}, ASIS, Follows.NOTHING),
    "another key": (ASIS, {"privateKey": {"algorithm": "RSA"}}, Follows.REISSUED),
    "the key that it has": (ASIS, {"privateKey": {"algorithm": "ECDSA", "size": 256}}, Follows.NOTHING),
    "a key removed": ({"privateKey": {"algorithm": "RSA"}}, ASIS, Follows.NOTHING),
    "another profile": ({"acme": {"profile": "classic"}}, {"acme": {"profile": "shortlived"}}, Follows.REISSUED),
    "a profile removed": ({"acme": {"profile": "classic"}}, ASIS, Follows.NOTHING),
    "another chain": (ASIS, {"acme": {"preferredChain": "Root X2"}}, Follows.REISSUED),
    "a field of another protocol": (ASIS, {"est": {"serverKeyGeneration": True}}, Follows.NOTHING),
    "another issuer": (ASIS, {"issuerRef": {"name": "other"}}, Follows.REISSUED),
    "a duration that nobody sends": (ASIS, {"duration": "24h"}, Follows.NOTHING),
    # What is delivered.
    "another encoding": (ASIS, {"privateKey": {"encoding": "PKCS8"}}, Follows.REAPPLIED),
    "another format": (ASIS, {"additionalOutputFormats": [{"type": "DER"}]}, Follows.REAPPLIED),
    "a template": (ASIS, {"secretTemplate": {"labels": {"team": "web"}}}, Follows.REAPPLIED),
    "a template removed": ({"secretTemplate": {"labels": {"team": "web"}}}, ASIS, Follows.NOTHING),
    "the root included": (ASIS, {"chain": {"includeRoot": True}}, Follows.REAPPLIED),
    "the root left out": ({"chain": {"includeRoot": True}}, ASIS, Follows.REAPPLIED),
    "the intermediates left out": (ASIS, {"chain": {"leafOnly": True}}, Follows.REAPPLIED),
    "the intermediates asked for again": ({"chain": {"leafOnly": True}}, ASIS, Follows.REISSUED),
    "a Secret that goes with it": (ASIS, {"deletion": "DeleteSecret"}, Follows.REAPPLIED),
    # What is neither.
    "an earlier renewal": (ASIS, {"renewBefore": "48h"}, Follows.NOTHING),
    "no renewal": (ASIS, {"renewal": {"policy": "Disabled"}}, Follows.NOTHING),
    "another backoff": (ASIS, {"retry": {"max": "1h"}}, Follows.NOTHING),
    "a pause": (ASIS, {"suspend": True}, Follows.NOTHING),
    "keys kept": (ASIS, {"privateKey": {"rotationPolicy": "Never"}}, Follows.NOTHING),
    "changes accepted": (ASIS, {"acceptChanges": ["Names", "Subject"]}, Follows.NOTHING),
    "a history": (ASIS, {"revisionHistoryLimit": 3}, Follows.NOTHING),
}


@pytest.mark.parametrize(("before", "after", "expected"), EDITS.values(), ids=list(EDITS))
def test_an_edit_has_this_consequence(before: dict[str, Any], after: dict[str, Any], expected: Follows) -> None:
    assert expected is follows(change(before, after))


SENT: dict[str, tuple[dict[str, Any], dict[str, Any], Follows]] = {
    "set to the lifetime it has": (ASIS, {"duration": "2160h"}, Follows.NOTHING),
    "set to another": (ASIS, {"duration": "24h"}, Follows.REISSUED),
    "changed": ({"duration": "2160h"}, {"duration": "24h"}, Follows.REISSUED),
    "written otherwise": ({"duration": "60m"}, {"duration": "1h"}, Follows.NOTHING),
    "removed": ({"duration": "24h"}, ASIS, Follows.NOTHING),
}


ALWAYS = {"acme": {"server": "https://ca", "privateKeySecretRef": {"name": "a"}, "requestValidity": "Always"}}
TOLD: dict[str, tuple[str, dict[str, Any]]] = {
    "over ACME": ("acme", ALWAYS),
    "over CMP": ("cmp", {"cmp": {"url": "https://ca"}}),
}
UNTOLD: dict[str, tuple[str, dict[str, Any]]] = {
    "over EST": ("est", {"est": {"url": "https://ca"}}),
    "over CMP in a PKCS#10 request": ("cmp", {"cmp": {"url": "https://ca", "renewalOperation": "p10cr"}}),
}


@pytest.mark.parametrize(("protocol", "issuer"), TOLD.values(), ids=list(TOLD))
@pytest.mark.parametrize(("before", "after", "expected"), SENT.values(), ids=list(SENT))
def test_an_edit_of_a_duration_that_the_ca_is_told(
    protocol: str, issuer: Any, before: dict[str, Any], after: dict[str, Any], expected: Follows
) -> None:
    assert expected is follows(change(before, after, protocol=protocol, issuer_spec=issuer))


@pytest.mark.parametrize(("protocol", "issuer"), UNTOLD.values(), ids=list(UNTOLD))
def test_an_edit_of_a_duration_that_nobody_is_told(protocol: str, issuer: Any) -> None:
    assert Follows.NOTHING is follows(change(ASIS, {"duration": "24h"}, protocol=protocol, issuer_spec=issuer))


PROTOCOLS: dict[str, tuple[str, dict[str, Any]]] = {
    "est": ("est", {"est": {"serverKeyGeneration": True}}),
    "cmp, key": ("cmp", {"cmp": {"centralKeyGeneration": True}}),
    "cmp, profile": ("cmp", {"cmp": {"certProfile": "tls"}}),
}


@pytest.mark.parametrize(("protocol", "after"), PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_a_field_of_the_protocol_that_issued_counts(protocol: str, after: dict[str, Any]) -> None:
    assert Follows.REISSUED is follows(change(ASIS, after, protocol=protocol))
    assert Follows.NOTHING is follows(change(after, ASIS, protocol=protocol))


def carried_out(observed: Observed) -> Observed:
    """The Secret as the step wrote it, and the status that tells of it."""
    step = next_step(observed)
    assert isinstance(step, Reapply)
    written = replace(observed, secret=secret_from(step.body, resource_version="21"))
    assert isinstance(written.secret, DeliveredSecret)
    return with_status(written, settled(written, written.secret))


@pytest.mark.parametrize(
    ("before", "after"),
    [(before, after) for before, after, expected in EDITS.values() if expected is not Follows.REISSUED],
    ids=[name for name, (*_, expected) in EDITS.items() if expected is not Follows.REISSUED],
)
def test_an_edit_and_its_reversal_ask_for_nothing(before: dict[str, Any], after: dict[str, Any]) -> None:
    done = carried_out(change(before, after))
    reverted = replace(done, certificate=certificate_of(spec_of(**before), done.certificate.status, generation=3))
    found = follows(reverted)
    is_lost = bool(after.get("chain", {}).get("leafOnly"))  # Only the CA has the intermediates now.
    assert (found is Follows.REISSUED) == is_lost


def test_a_value_that_was_said_once_is_remembered_while_it_is_unset() -> None:
    unset = carried_out(change({"usages": ["client auth", "server auth"]}, ASIS))
    again = certificate_of(spec_of(usages=["server auth", "client auth"]), unset.certificate.status, generation=3)
    assert Follows.NOTHING is follows(replace(unset, certificate=again))


@pytest.mark.parametrize("after", [after for _, after, _ in EDITS.values()], ids=list(EDITS))
def test_a_status_without_a_record_is_never_a_reason(after: dict[str, Any]) -> None:
    """As an earlier version left it, or a restore."""
    certificate = certificate_of(spec_of(**after))
    secret = secret_of(certificate, pair_of(certificate.spec, key_for(certificate.spec)))
    status = issued_status(certificate, secret).model_copy(update={"requested": {}, "chain_sha256": None})
    observed = observed_of(certificate_of(certificate.spec, status), secret=secret)
    found = policy.first(policy.GOODNESS, observed)
    assert found is None or found.reason is Reason.INCORRECT_ISSUER


def key_for(spec: CertificateSpec) -> Any:
    return key_of(KINDS[0]) if spec.private_key and spec.private_key.algorithm == "RSA" else None


def test_a_field_that_this_version_records_first_is_no_reason() -> None:
    observed = change(ASIS, {"csr": EXTENSION})
    status = observed.certificate.status
    known = {name: value for name, value in status.requested.items() if name != "csr.extensions"}
    older = with_status(observed, status.model_copy(update={"requested": known}))
    assert Follows.NOTHING is follows(older)
    assert carried_out(older).certificate.status.requested["csr.extensions"] != "-"


SWAPPED: dict[str, tuple[dict[str, Any], Follows | None]] = {
    "cut off": (ASIS, Follows.REISSUED),
    "cut off where only the leaf is wanted": ({"chain": {"leafOnly": True}}, None),
}


@pytest.mark.parametrize(("fields", "expected"), SWAPPED.values(), ids=list(SWAPPED))
def test_intermediates_that_are_tampered_with(fields: dict[str, Any], expected: Follows | None) -> None:
    observed = observed_of(certificate_of(spec_of(**fields)))
    secret = observed.secret
    assert isinstance(secret, DeliveredSecret)
    tampered = replace(observed, secret=with_data(secret, tls_crt=to_pem(secret.chain[:1])))
    found = policy.first(policy.TRIGGERS, tampered)
    assert (found is not None) == (expected is Follows.REISSUED)


def test_a_root_in_the_chain_is_no_tampering() -> None:
    observed = observed_of()
    secret = observed.secret
    assert isinstance(secret, DeliveredSecret)
    with_root = with_data(secret, tls_crt=to_pem([*secret.chain, ROOT.certificate]))
    assert Follows.REAPPLIED is follows(replace(observed, secret=with_root))


def test_a_certificate_that_the_status_does_not_know_yet_is_not_issued_again() -> None:
    """Killed after the Secret was written, with a spec that was edited: the record is of the one before."""
    before = change(ASIS, {"csr": EXTENSION})
    delivered = secret_of(certificate_of(before.certificate.spec), pair_of(before.certificate.spec, key_of(number=7)))
    assert policy.first(policy.NEWS, replace(before, secret=delivered)) is None


def test_the_record_is_short_and_says_nothing() -> None:
    status: CertificateStatus = observed_of().certificate.status
    assert all(len(value) in {1, 16} for value in status.requested.values())
    assert len(str(status.requested)) < 1024
    assert timedelta(0) < (status.not_after or NOW) - NOW
    assert CA.certificate.subject.rfc4514_string() not in str(status.requested)
