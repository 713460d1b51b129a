"""CAs that answer with something else than was asked for, over every protocol.

A Certificate finds the CA that its name asks for, so that one server serves a whole table of lies at once: all of them
are told first, then the CA tells the truth, then it lies about the renewals.
"""

import base64
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from e2e.controlplane import ControlPlane
from e2e.peers.liars import BEHAVIOUR, ACMELiar, Behaviour, CMPLiar, ESTLiar, Forgery, Liar, SCEPLiar
from e2e.tenant import Object, Tenant, condition_of
from e2e.world import World

EVERY = frozenset({"ACME", "CMP", "EST", "SCEP"})
DAY = timedelta(days=1)
REJECTED, TRANSIENT = "Rejected", "Transient"
FAILURE_FIELDS = {"lastError", "failedIssuanceAttempts", "lastFailureTime", "enrolment"}
REST = 3
"""Seconds in which a CA that was refused must hear nothing more."""


@dataclass(frozen=True, kw_only=True)
class Lie:
    """One thing that a CA can do, and what is told of it.

    ``accept`` is the member of acceptChanges that lets it through. ``over`` are the protocols over which it can be done
    and noticed.
    """

    told: str
    forgery: Forgery | None = None
    answer: Callable[[], httpx.Response] | None = None
    spec: Object = field(default_factory=dict)
    accept: str = ""
    over: frozenset[str] = EVERY

    @property
    def class_(self) -> str:
        """A forged certificate is what the CA says; anything else may be anybody's on the way."""
        return REJECTED if self.forgery else TRANSIENT


def coming(behaviour: Behaviour) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(200, content=b"x" * 1000, extensions={BEHAVIOUR: behaviour})


SUBJECT: Object = {"subject": {"organizations": ["Example"]}}
USAGES: Object = {"usages": ["digital signature", "server auth", "client auth"]}
LIES: Mapping[str, Lie] = {
    "another-key": Lie(forgery=Forgery(other_key=True), told="key"),
    "fewer-names": Lie(
        forgery=Forgery(names=["fewer-names.example.test"]),
        told="name www.fewer-names.example.test is missing",
        accept="Names",
    ),
    "more-names": Lie(
        forgery=Forgery(more_names=["evil.example.test"]), told="name evil.example.test was not", accept="Names"
    ),
    "other-names": Lie(
        forgery=Forgery(names=["evil.example.test"]), told="name other-names.example.test is missing", accept="Names"
    ),
    "no-subject": Lie(
        forgery=Forgery(drops_subject=True),
        spec=SUBJECT,
        told="subject O=Example is missing",
        accept="Subject",
        over=EVERY - {"ACME"},  # which cannot ask for one
    ),
    "fewer-usages": Lie(
        forgery=Forgery(usages=[ExtendedKeyUsageOID.SERVER_AUTH]),
        spec=USAGES,
        told="usage client auth is missing",
        accept="Usages",
    ),
    "expired": Lie(forgery=Forgery(begins=-2 * DAY, lasts=DAY), told="expired at"),
    "not-yet-valid": Lie(forgery=Forgery(begins=DAY), told="is not valid before"),
    "ca": Lie(forgery=Forgery(is_ca=True), told="it is a CA certificate, and isCA was not asked for"),
    "too-long": Lie(
        forgery=Forgery(lasts=3 * DAY),
        spec={"duration": "24h"},
        told="is valid for 72h0m0s, and 24h0m0s was asked for",
        accept="Validity",
        over=frozenset({"ACME"}),  # the others do not send it
    ),
    "forged": Lie(
        forgery=Forgery(signed_by_another=True),
        told="the chain does not verify",
        over=EVERY - {"CMP"},  # whose anchors are for its messages: a leaf without a chain is taken at their word
    ),
    "long-chain": Lie(
        forgery=Forgery(links=10),
        told="the chain does not verify",
        over=EVERY - {"CMP"},  # whose server adds its own
    ),
    "garbage": Lie(answer=lambda: httpx.Response(200, content=b"\x00garbage" * 100), told=""),
    "huge": Lie(answer=lambda: httpx.Response(200, content=bytes(5 * 2**20)), told="longer than 1048576 bytes"),
    "silent": Lie(answer=coming(Behaviour.SILENT), told="no answer in time"),
    "slow": Lie(answer=coming(Behaviour.SLOW), told="no answer in time"),
}
CASES = [
    pytest.param(protocol, name, id=f"{protocol}-{name}")
    for protocol in sorted(EVERY)
    for name, lie in LIES.items()
    if protocol in lie.over
]
FORGERIES = [case for case in CASES if LIES[str(case.values[1])].forgery]
ACCEPTABLE = [case for case in CASES if LIES[str(case.values[1])].accept]


@dataclass(frozen=True, slots=True)
class Seen:
    """What there was at one moment: the Certificate, the fingerprint in its Secret, and what the CA was asked."""

    certificate: Object
    fingerprint: str
    asked: int
    asked_later: int

    @property
    def status(self) -> Object:
        status: Object = self.certificate["status"]
        return status

    def condition(self, type_: str) -> tuple[str, str]:
        found = condition_of(self.certificate, type_) or {}
        return found.get("status", ""), found.get("reason", "")


@dataclass(frozen=True, slots=True)
class Story:
    """What happened to every Certificate of one protocol, by name."""

    lied: Mapping[str, Seen]
    accepted: Mapping[str, Seen]
    true: Mapping[str, Seen]
    renewed: Mapping[str, Seen]
    reverted: Mapping[str, Seen]


class Telling:
    """Tells the story of one protocol."""

    def __init__(self, tenant: Tenant, liar: Liar) -> None:
        self.tenant, self.liar = tenant, liar
        self.lies = {name: lie for name, lie in LIES.items() if liar.protocol in lie.over}

    def tell(self) -> Story:
        tenant = self.tenant
        more = {"requestValidity": "Always"} if self.liar.protocol == "ACME" else {}
        tenant.apply(*self.liar.issuer("ca", **more))
        tenant.wait_issuer("ca")
        self.lie()
        tenant.apply(*(self.certificate(name) for name in self.lies))
        lied = self.look(self.lies, self.has_failed)
        forged = [name for name, lie in self.lies.items() if lie.accept]
        tenant.apply(*(self.certificate(name, acceptChanges=[self.lies[name].accept]) for name in forged))
        accepted = self.look(forged, self.is_ready)
        self.liar.forgeries.clear()
        self.liar.answers.clear()
        tenant.apply(*(self.certificate(name) for name in forged))
        self.request("retry", *self.lies)
        true = self.look(self.lies, self.is_ready)
        self.lie()
        refused = [name for name, lie in self.lies.items() if lie.forgery]
        self.request("renew", *refused)
        renewed = self.look(refused, self.has_failed)
        tenant.kubectl("annotate", "certificates.certwright.io", *refused, "certwright.io/renew-")
        tenant.apply(*(self.certificate(name, f"x.{name}.example.test") for name in refused))
        self.look(refused, lambda found: self.has_failed(found) and found["status"]["observedGeneration"] > 1)
        tenant.apply(*(self.certificate(name) for name in refused))
        return Story(lied, accepted, true, renewed, self.look(refused, self.is_ready))

    def lie(self) -> None:
        self.liar.forgeries |= {name: lie.forgery for name, lie in self.lies.items() if lie.forgery}
        self.liar.answers |= {name: lie.answer for name, lie in self.lies.items() if lie.answer}

    def certificate(self, name: str, *more_names: str, **more: Any) -> Object:
        names = f"{name}.example.test", f"www.{name}.example.test", *more_names
        return self.tenant.certificate(name, *names, issuer="ca", **self.lies[name].spec, **more)

    def request(self, what: str, *names: str) -> None:
        value = f"certwright.io/{what}={time.monotonic_ns()}"
        self.tenant.kubectl("annotate", "--overwrite", "certificates.certwright.io", *names, value)

    def look(self, names: Iterable[str], is_so: Callable[[Object], bool]) -> dict[str, Seen]:
        """Wait for it to be so with all of them, rest, and tell what was asked of the CA meanwhile."""
        names = list(names)
        self.wait_for(names, is_so)
        asked = dict(self.liar.asked)
        self.tenant.kubectl("label", "--overwrite", "certificates.certwright.io", *names, f"touched=t{asked['ca']}")
        time.sleep(REST)
        certificates, secrets = self.listed("certificates.certwright.io"), self.listed("secrets")
        return {
            name: Seen(
                certificates[name], fingerprint(secrets.get(f"{name}-tls")), asked.get(name, 0), self.liar.asked[name]
            )
            for name in names
        }

    def listed(self, resource: str) -> dict[str, Object]:
        found = json.loads(self.tenant.kubectl("get", resource, "--output=json"))["items"]
        return {one["metadata"]["name"]: one for one in found}

    def wait_for(self, names: Sequence[str], is_so: Callable[[Object], bool]) -> None:
        found: dict[str, Object] = {}

        def are_so() -> bool:
            found.update(self.listed("certificates.certwright.io"))
            return all(is_so(found[name]) for name in names)

        try:
            self.tenant.wait(f"all of {self.liar.protocol}", are_so, seconds=60)
        except Exception as error:
            late = {name: found[name].get("status") for name in names if not is_so(found[name])}
            error.add_note(json.dumps(late, indent=1))
            raise

    @staticmethod
    def has_failed(found: Object) -> bool:
        status = found.get("status", {})
        return "lastError" in status and status["observedGeneration"] == found["metadata"]["generation"]

    @staticmethod
    def is_ready(found: Object) -> bool:
        condition = condition_of(found, "Ready") or {}
        is_new = condition.get("observedGeneration") == found["metadata"]["generation"]
        return condition.get("status") == "True" and is_new and "lastError" not in found["status"]


def fingerprint(secret: Object | None) -> str:
    """Of the certificate that stands in a Secret."""
    if secret is None:
        return ""
    leaf = x509.load_pem_x509_certificates(base64.b64decode(secret["data"]["tls.crt"]))[0]
    return leaf.fingerprint(hashes.SHA256()).hex()


def tell(tenant: Tenant, liar: Liar) -> Story | Exception:
    """A story that cannot be told to its end fails every test of it, once it was tried."""
    try:
        return Telling(tenant, liar).tell()
    except Exception as error:  # noqa: BLE001 - it is raised in each test
        return error


LIARS: Mapping[str, Callable[[World], Liar]] = {
    "ACME": lambda world: ACMELiar(world.dns01()),
    "CMP": lambda _: CMPLiar(),
    "EST": lambda _: ESTLiar(),
    "SCEP": lambda _: SCEPLiar(),
}


@pytest.fixture(scope="module")
def stories(request: pytest.FixtureRequest, control_plane: ControlPlane) -> Callable[[str], Story]:
    """Each protocol's story is told when a test asks for it first, and lived through once."""
    request.getfixturevalue("operator")
    told: dict[str, Story | Exception] = {}

    def story(protocol: str) -> Story:
        if protocol not in told:
            world = World(
                control_plane=control_plane,
                kubeconfig=request.getfixturevalue("kubeconfig"),
                bind9=request.getfixturevalue("bind9"),
                pebble=request.getfixturevalue("pebble"),
                namespace=f"lies-{protocol.lower()}",
            )
            control_plane.kubectl("create", "namespace", world.namespace)
            world.apply(world.tsig_secret())
            with LIARS[protocol](world) as liar:
                told[protocol] = tell(world, liar)
            control_plane.kubectl("delete", "namespace", world.namespace, "--wait=false")
        found = told[protocol]
        if isinstance(found, Exception):
            raise found.with_traceback(None)
        return found

    return story


Stories = Callable[[str], Story]


@pytest.mark.parametrize(("protocol", "name"), CASES)
class TestALie:
    def test_it_is_told_with_its_remedy_and_nothing_is_written(
        self, stories: Stories, protocol: str, name: str
    ) -> None:
        seen, lie = stories(protocol).lied[name], LIES[name]
        error, reason = seen.status["lastError"], "UnexpectedCertificate" if lie.forgery else "Unreachable"
        assert (error["class"], error["reason"]) == (lie.class_, reason)
        assert seen.condition("Ready") == seen.condition("Issuing") == ("False", reason)
        assert lie.told in error["message"]
        assert seen.fingerprint == ""
        if lie.forgery:
            remedy = f"spec.acceptChanges: [{lie.accept}]" if lie.accept else "have the ca corrected"
            assert remedy.lower() in error["message"].lower()

    def test_the_ca_is_left_alone_for_the_time_that_is_told(self, stories: Stories, protocol: str, name: str) -> None:
        seen, lie = stories(protocol).lied[name], LIES[name]
        assert seen.asked == seen.asked_later == 1
        assert seen.status.get("failedIssuanceAttempts") == (1 if lie.forgery else None)
        assert ("lastFailureTime" in seen.status) == bool(lie.forgery)
        next_ = seen.status["nextAction"]
        assert next_["what"] == "try again"
        if lie.forgery:
            waits = datetime.fromisoformat(next_["when"]) - datetime.fromisoformat(seen.status["lastFailureTime"])
            assert waits == timedelta(minutes=1)
        assert datetime.fromisoformat(next_["when"]) > datetime.now(UTC) - timedelta(minutes=10)

    def test_the_truth_takes_all_of_it_back(self, stories: Stories, protocol: str, name: str) -> None:
        seen = stories(protocol).true[name]
        assert seen.condition("Ready") == ("True", "Ready")
        assert seen.condition("Issuing") == ("", "")
        assert FAILURE_FIELDS.isdisjoint(seen.status)
        assert seen.fingerprint == seen.status["fingerprintSHA256"]


@pytest.mark.parametrize(("protocol", "name"), ACCEPTABLE)
def test_what_is_accepted_by_name_is_delivered(stories: Stories, protocol: str, name: str) -> None:
    seen = stories(protocol).accepted[name]
    assert seen.fingerprint == seen.status["fingerprintSHA256"] != ""
    assert FAILURE_FIELDS.isdisjoint(seen.status)


@pytest.mark.parametrize(("protocol", "name"), FORGERIES)
class TestALieAboutARenewal:
    def test_the_old_certificate_stays_and_stays_ready(self, stories: Stories, protocol: str, name: str) -> None:
        before, seen = stories(protocol).true[name], stories(protocol).renewed[name]
        assert seen.condition("Ready") == ("True", "Ready")
        assert seen.condition("Issuing") == ("False", "UnexpectedCertificate")
        assert seen.fingerprint == before.fingerprint
        assert seen.status["lastError"]["reason"] == "UnexpectedCertificate"
        assert seen.asked == seen.asked_later == before.asked_later + 1

    def test_an_edit_that_was_refused_and_taken_back_leaves_nothing(
        self, stories: Stories, protocol: str, name: str
    ) -> None:
        """No certificate is asked for: the one that is there is what the spec asks for again."""
        before, seen = stories(protocol).renewed[name], stories(protocol).reverted[name]
        assert seen.condition("Ready") == ("True", "Ready")
        assert seen.condition("Issuing") == ("", "")
        assert FAILURE_FIELDS.isdisjoint(seen.status)
        assert seen.fingerprint == before.fingerprint
        assert seen.asked == seen.asked_later == before.asked_later + 1
