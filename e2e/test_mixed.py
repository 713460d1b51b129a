"""Four hundred Certificates at once, a hundred over each protocol, by one operator beside a CA that does not answer."""

import json
import os
import signal
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from cryptography import x509

from e2e.bench.audit import Request
from e2e.bench.cluster import Certificates
from e2e.bench.mixed import Mixed
from e2e.bench.stage import Place, Stage
from e2e.demo import chain
from e2e.issuers import est_issuer
from e2e.peers import ScriptedESTServer
from e2e.tenant import Object, condition_of

PROTOCOLS = ("acme", "est", "scep", "cmp")
EACH = 100
SILENT = 20
STALLED_AFTER = 60.0
DUE_WRITES = {"acme": 5, "est": 4, "scep": 4, "cmp": 4}
NAMES = [f"site-{number}" for number in range(len(PROTOCOLS) * EACH)]
SILENT_NAMES = [f"silent-{number}" for number in range(SILENT)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What there is when the last of the four hundred is Ready."""

    certificates: dict[str, Object]
    secrets: dict[str, Object]
    events: Sequence[Object]
    requests: Sequence[Request]


def say(text: str) -> None:
    print(text)


@pytest.fixture(scope="module")
def mixed() -> Mixed:
    return Mixed()


@pytest.fixture(scope="module")
def place(mixed: Mixed) -> Iterator[Place]:
    with Stage(mixed, say) as place:
        yield place


@pytest.fixture(scope="module")
def silent(place: Place) -> Iterator[ScriptedESTServer]:
    """It answered when its Issuer became Ready, and is halted since; connections to it are still taken."""
    with ScriptedESTServer() as server:
        (issuer,) = est_issuer("silent", server)
        # By default 30 s, for which nobody wants to wait here.
        place.tenant.apply({**issuer, "spec": {**issuer["spec"], "timeouts": {"request": "10s"}}})
        place.tenant.wait_issuer("silent")
        os.kill(server.pid, signal.SIGSTOP)
        yield server


@pytest.fixture(scope="module")
def outcome(place: Place, silent: ScriptedESTServer) -> Outcome:
    assert silent.pid
    place.add_issuer()
    tenant = place.tenant
    with Certificates(tenant.control_plane, tenant.namespace) as watched:
        waiting = [tenant.certificate(name, f"{name}.example.test", issuer="silent") for name in SILENT_NAMES]
        place.audit.skip()
        watched.create(*waiting, *(place.certificate(name) for name in NAMES))
        watched.wait_ready(NAMES, stalled_after=STALLED_AFTER, progress=lambda ready: say(f"{ready} Ready"))
        say(f"{max(watched.ready.values()) - min(watched.created.values()):.1f} s")

    def found(kind: str) -> list[Object]:
        items: list[Object] = json.loads(tenant.kubectl("get", kind, "--output=json"))["items"]
        return items

    tenant.wait("the last record is gone", lambda: len(tenant.staged()) <= SILENT)
    certificates, secrets = (
        {one["metadata"]["name"]: one for one in found(kind)} for kind in ("certificates.certwright.io", "secrets")
    )
    return Outcome(certificates, secrets, found("events.events.k8s.io"), place.audit.read())


def test_each_is_ready_over_its_protocol(outcome: Outcome, mixed: Mixed) -> None:
    told = {name: outcome.certificates[name]["status"] for name in NAMES}
    assert {name: status["protocol"] for name, status in told.items()} == {
        name: mixed.protocol_of(name) for name in NAMES
    }
    assert {status["revision"] for status in told.values()} == {1}
    assert Counter(status["issuerRef"]["name"] for status in told.values()) == dict.fromkeys(PROTOCOLS, EACH)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_authority_was_asked_twice(outcome: Outcome, mixed: Mixed, protocol: str) -> None:
    told = [outcome.certificates[name]["status"]["serialNumber"] for name in of(protocol, mixed)]
    issued = mixed.parts[protocol].issued_serials()
    assert sorted(int(serial, 16) for serial in issued) == sorted(int(serial, 16) for serial in told)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_chain_ends_in_the_root_of_its_authority(outcome: Outcome, mixed: Mixed, protocol: str) -> None:
    root = x509.load_pem_x509_certificate(mixed.parts[protocol].root.encode())
    keys = set()
    for name in of(protocol, mixed):
        data = {key: b64decode(value) for key, value in outcome.secrets[f"{name}-tls"]["data"].items()}
        pair = chain.read(data["tls.crt"], data["tls.key"])
        chain.verify(pair, root, names=[f"{name}.example.test"], now=datetime.now(UTC))
        keys.add(pair.key_fingerprint)
    assert len(keys) == EACH


def test_each_costs_what_it_costs_alone(outcome: Outcome, mixed: Mixed) -> None:
    """One write more is allowed where it took over two seconds, and was told."""
    owners = owner_of_record(outcome)
    written: dict[str, Counter[str]] = {name: Counter() for name in NAMES}
    for request in outcome.requests:
        name = owners.get(request.name, request.name.removesuffix("-tls"))
        if request.is_budgeted and name in written:
            written[name][request.what] += 1
    told_slow = {name for name, made in written.items() if made["PATCH certificates/status"] == 2}
    cost = {name: made.total() - (name in told_slow) for name, made in written.items()}
    assert cost == {name: DUE_WRITES[mixed.protocol_of(name)] for name in NAMES}
    assert [request for request in outcome.requests if request.is_write and request.status >= 400] == []


def test_no_event_warns(outcome: Outcome) -> None:
    about = [event for event in outcome.events if event["regarding"]["name"] in set(NAMES)]
    assert {event["type"] for event in about} == {"Normal"}
    assert Counter(event["reason"] for event in about)["Issued"] == len(NAMES)


def test_who_waits_for_the_silent_one_is_told_and_served_in_the_end(
    place: Place, outcome: Outcome, silent: ScriptedESTServer
) -> None:
    assert outcome.certificates.keys() >= set(SILENT_NAMES)
    tenant = place.tenant

    def untold() -> list[str]:
        conditions = {name: condition_of(tenant.get("Certificate", name), "Ready") for name in SILENT_NAMES}
        return [name for name, told in conditions.items() if told is None or told["reason"] != "Unreachable"]

    tenant.wait("all of them are told", lambda: not untold(), seconds=60)
    os.kill(silent.pid, signal.SIGCONT)
    resources = [f"certificates.certwright.io/{name}" for name in SILENT_NAMES]
    tenant.kubectl("wait", "--for=condition=Ready", "--timeout=90s", *resources)
    assert len(silent.issued_serials()) == SILENT


def owner_of_record(outcome: Outcome) -> dict[str, str]:
    """The Certificate that each enrolment Secret, called after its UID, belonged to."""
    return {f"certwright-{one['metadata']['uid']}": name for name, one in outcome.certificates.items()}


def of(protocol: str, mixed: Mixed) -> list[str]:
    return [name for name in NAMES if mixed.protocol_of(name) == protocol]
