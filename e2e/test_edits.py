"""What follows from an edit of a Certificate: another certificate, another Secret with the same one, or nothing at all.

Every row runs over every protocol, all rows of a protocol at once: issued, edited, and looked at when all is quiet.
What a protocol or its CA here cannot do is named beside the row. The decision itself is proved in ``tests/reconcile``.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from e2e import issuers
from e2e.bench.authorities import CMP, EST, SCEP, Sole
from e2e.controlplane import ControlPlane
from e2e.peers import Bind9, Pebble
from e2e.tenant import Object, Tenant


class Follows(StrEnum):
    REISSUED = "re-issued"
    REAPPLIED = "re-applied"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Edit:
    """``before`` and ``after`` are fields of the spec; None takes one away."""

    before: Object = field(default_factory=dict)
    after: Object = field(default_factory=dict)
    follows: Follows
    cannot: frozenset[str] = frozenset()


def edit(before: Object, after: Object, follows: Follows, *cannot: str) -> Edit:
    return Edit(before=before, after=after, follows=follows, cannot=frozenset(cannot))


ASIS: Object = {}
TWO = ["{name}-1.example.test", "{name}-2.example.test"]
OID = "1.3.6.1.4.1.55555.1"
KEYS = {"privateKey": {"algorithm": "RSA", "size": 2048}}
LABELS = {"secretTemplate": {"labels": {"team": "web"}, "annotations": {"example.test/owner": "web"}}}
ORGANISATION = {"subject": {"organizations": ["Example"]}}
NO_SUBJECT = ("acme",)  # pebble, like Let's Encrypt, certifies names alone.

EDITS: Mapping[str, Edit] = {
    "a name added": edit(ASIS, {"dnsNames": TWO}, Follows.REISSUED),
    "a name removed": edit({"dnsNames": TWO}, {"dnsNames": TWO[:1]}, Follows.REISSUED),
    "names in another order": edit({"dnsNames": TWO}, {"dnsNames": TWO[::-1]}, Follows.NOTHING),
    "a subject added": edit(ASIS, ORGANISATION, Follows.REISSUED, *NO_SUBJECT),
    "a subject removed": edit(ORGANISATION, {"subject": None}, Follows.REISSUED, *NO_SUBJECT),
    "an extension added": edit(
        ASIS, {"csr": {"extensions": [{"oid": OID, "value": "BQA="}]}}, Follows.REISSUED, "acme"
    ),
    "usages kept out of the request": edit(ASIS, {"encodeUsagesInRequest": False}, Follows.REISSUED),
    "usages left in the request": edit(ASIS, {"encodeUsagesInRequest": True}, Follows.NOTHING),
    "another signature": edit(KEYS, {"signatureAlgorithm": "SHA384WithRSA"}, Follows.REISSUED),
    "the usual signature": edit(KEYS, {"signatureAlgorithm": "SHA256WithRSA"}, Follows.NOTHING),
    "another key": edit(KEYS, {"privateKey": {"algorithm": "RSA", "size": 3072}}, Follows.REISSUED),
    "a key that is left open again": edit(KEYS, {"privateKey": None}, Follows.NOTHING),
    "a duration": edit(ASIS, {"duration": "24h"}, Follows.NOTHING, "cmp"),
    "a duration that the CA is told": edit(ASIS, {"duration": "24h"}, Follows.REISSUED, "acme", "est", "scep"),
    "another encoding": edit(KEYS, {"privateKey": {**KEYS["privateKey"], "encoding": "PKCS8"}}, Follows.REAPPLIED),
    "further formats": edit(
        ASIS, {"additionalOutputFormats": [{"type": "DER"}, {"type": "CombinedPEM"}]}, Follows.REAPPLIED
    ),
    "formats removed": edit(
        {"additionalOutputFormats": [{"type": "DER"}]}, {"additionalOutputFormats": None}, Follows.REAPPLIED
    ),
    "a template": edit(ASIS, LABELS, Follows.REAPPLIED),
    "a template removed": edit(LABELS, {"secretTemplate": None}, Follows.REAPPLIED),
    "the Secret goes with it": edit(ASIS, {"deletion": "DeleteSecret"}, Follows.REAPPLIED),
    "another renewal": edit(ASIS, {"renewBefore": "10m"}, Follows.NOTHING),
    "no renewal": edit(ASIS, {"renewal": {"policy": "Disabled"}}, Follows.NOTHING),
    "another backoff": edit(ASIS, {"retry": {"max": "1h"}}, Follows.NOTHING),
    "changes accepted": edit(ASIS, {"acceptChanges": ["Validity"]}, Follows.NOTHING),
    "keys kept": edit(KEYS, {"privateKey": {**KEYS["privateKey"], "rotationPolicy": "Never"}}, Follows.NOTHING),
    "a pause": edit(ASIS, {"suspend": True}, Follows.NOTHING),
}


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A CA of one protocol: the objects of its Issuer, and the serial numbers that it has issued."""

    objects: list[Object]
    issued: Callable[[], list[str]]


@contextmanager
def acme(bind9: Bind9, pebble: Pebble) -> Iterator[Authority]:
    issuer = issuers.acme_issuer("ca", pebble, solvers=[issuers.dns01(bind9)])
    already = len(pebble.issued_serials())
    yield Authority(
        objects=[issuers.tsig_secret(bind9), *issuer], issued=lambda: list(pebble.issued_serials())[already:]
    )


def alone(kind: type[Sole]) -> Callable[[Bind9, Pebble], AbstractContextManager[Authority]]:
    """One that has servers of its own, as the bench starts them."""

    @contextmanager
    def run(_bind9: Bind9, _pebble: Pebble) -> Iterator[Authority]:
        authority = kind()
        with authority:
            yield Authority(objects=authority.issuer(), issued=authority.issued_serials)

    return run


PROTOCOLS: Mapping[str, Callable[[Bind9, Pebble], AbstractContextManager[Authority]]] = {
    "acme": acme,
    "est": alone(EST),
    "scep": alone(SCEP),
    "cmp": alone(CMP),
}


@dataclass(frozen=True, kw_only=True)
class State:
    """A Certificate at rest: what it holds, and the version of its Secret."""

    serial: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Each row before and after its edit, and how many certificates the CA issued in all."""

    before: Mapping[str, State]
    after: Mapping[str, State]
    issued: int


def named(row: str) -> str:
    return row.replace(" ", "-").lower()


def states(tenant: Tenant, rows: Mapping[str, Edit]) -> Mapping[str, State] | None:
    """All of them at rest: the newest spec is observed, the certificate is good, and nothing is under way."""
    listed = json.loads(tenant.kubectl("get", "certificates.certwright.io", "--output=json"))["items"]
    secrets = json.loads(tenant.kubectl("get", "secrets", "--output=json"))["items"]
    versions = {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in secrets}
    found = {each["metadata"]["name"]: each for each in listed}
    if not all(is_at_rest(found[named(row)]) for row in rows):
        return None
    return {
        row: State(serial=found[named(row)]["status"]["serialNumber"], secret=versions[f"{named(row)}-tls"])
        for row in rows
    }


def is_at_rest(certificate: Object) -> bool:
    status = certificate.get("status", {})
    conditions = {each["type"]: each["status"] for each in status.get("conditions", [])}
    is_observed = status.get("observedGeneration") == certificate["metadata"]["generation"]
    return is_observed and conditions == {"Ready": "True"} and "lastError" not in status


@pytest.fixture(scope="module", params=list(PROTOCOLS))
def outcome(
    request: pytest.FixtureRequest,
    operator: Any,
    control_plane: ControlPlane,
    kubeconfig: Path,
    bind9: Bind9,
    pebble: Pebble,
) -> Iterator[tuple[str, Outcome]]:
    """Every row of one protocol, edited and come to rest."""
    del operator
    protocol: str = request.param
    rows = {row: each for row, each in EDITS.items() if protocol not in each.cannot}
    tenant = Tenant(control_plane=control_plane, kubeconfig=kubeconfig, namespace=f"edits-{protocol}")
    control_plane.kubectl("create", "namespace", tenant.namespace)
    with PROTOCOLS[protocol](bind9, pebble) as authority:
        tenant.apply(*authority.objects)
        tenant.wait_condition("Issuer", "ca", reason="Ready")
        tenant.apply(*(certificate(tenant, row, each.before) for row, each in rows.items()))
        before = tenant.wait("every certificate", lambda: states(tenant, rows), seconds=90)
        tenant.apply(*(certificate(tenant, row, {**each.before, **each.after}) for row, each in rows.items()))
        after = tenant.wait("every edit", lambda: states(tenant, rows), seconds=90)
        yield protocol, Outcome(before=before, after=after, issued=len(authority.issued()))
        # Nothing has moved since: what is said above is what stays.
        assert after == states(tenant, rows)
    control_plane.kubectl("delete", "namespace", tenant.namespace, "--wait=false")


def certificate(tenant: Tenant, row: str, fields: Object) -> Object:
    """The row's Certificate, for a name of its own unless the fields say otherwise."""
    name = named(row)
    filled: Object = json.loads(json.dumps(fields).replace("{name}", name))
    wanted = {field: value for field, value in filled.items() if value is not None}
    return tenant.certificate(name, *wanted.pop("dnsNames", [f"{name}.example.test"]), issuer="ca", **wanted)


@pytest.mark.parametrize("row", list(EDITS))
def test_an_edit_has_this_consequence(outcome: tuple[str, Outcome], row: str) -> None:
    protocol, done = outcome
    if protocol in EDITS[row].cannot:
        assert row not in done.after
        return
    before, after = done.before[row], done.after[row]
    match EDITS[row].follows:
        case Follows.REISSUED:
            assert before.serial != after.serial
        case Follows.REAPPLIED:
            assert before.serial == after.serial
            assert before.secret != after.secret
        case Follows.NOTHING:
            assert before == after


def test_the_ca_was_asked_once_for_each_and_once_more_where_it_had_to_be(outcome: tuple[str, Outcome]) -> None:
    _, done = outcome
    reissued = [row for row in done.after if EDITS[row].follows is Follows.REISSUED]
    assert len(done.before) + len(reissued) == done.issued
