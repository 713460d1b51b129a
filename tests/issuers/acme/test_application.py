"""What a Certificate means over ACME, and what is refused before the CA is asked."""

from typing import Any

import pytest

from certwright.issuers.acme import ConfiguredSolver
from certwright.issuers.acme.application import application_for
from certwright.model.enrolment import EnrolmentRequest, Prepared
from certwright.model.errors import IssuerError, RejectedError
from certwright.model.metadata import ObjectMetadata
from certwright.model.reasons import Reason
from certwright.model.resources import ACMEIssuer, CertificateSpec, Solver
from certwright.model.solving import ChallengeType
from tests.fakes.clock import FakeClock
from tests.fakes.solving import FakeSolver
from tests.issuers.acme.conftest import Stage, request_for

ISSUER = ACMEIssuer.model_validate({"server": "https://acme.test/dir", "privateKeySecretRef": {"name": "account"}})


def asking(**spec: Any) -> EnrolmentRequest:
    wanted = CertificateSpec.model_validate({"secretName": "s", "issuerRef": {"name": "ca"}, **spec})
    return EnrolmentRequest(
        certificate=ObjectMetadata("shop", "web", "uid", "1"), spec=wanted, started_at=FakeClock().now()
    )


def test_names_go_on_the_wire_in_their_wire_form() -> None:
    request = asking(dnsNames=["WWW.shop.test", "*.bücher.test"], ipAddresses=["2001:DB8::0:1", "192.0.2.7"])
    application = application_for(request, ISSUER, now=FakeClock().now())
    assert [(identifier.type, identifier.value) for identifier in application.identifiers] == [
        ("dns", "*.xn--bcher-kva.test"),
        ("dns", "www.shop.test"),
        ("ip", "192.0.2.7"),
        ("ip", "2001:db8::1"),
    ]


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        pytest.param({"dnsNames": ["a.test"], "isCA": True}, "isCA", id="CA certificate"),
        pytest.param({"dnsNames": ["a.test"], "uris": ["spiffe://a"]}, "cannot be proved", id="URI"),
        pytest.param({"dnsNames": ["a.test"], "emailAddresses": ["a@a.test"]}, "cannot be proved", id="e-mail"),
        pytest.param({"commonName": "a.test"}, "must be one of them", id="common name only"),
        pytest.param({"dnsNames": ["a.test"], "commonName": "b.test"}, r"b\.test must be among", id="other CN"),
        pytest.param(
            {"dnsNames": ["a.test"], "subject": {"organizations": ["Shop"]}}, "common name only", id="organisation"
        ),
        pytest.param({"dnsNames": ["a.test"], "literalSubject": "CN=a.test,O=Shop"}, "common name only", id="literal"),
        pytest.param({"dnsNames": ["a.test"], "otherNames": [{"oid": "1.2.3", "utf8Value": "a"}]}, "proved", id="UPN"),
        pytest.param({"dnsNames": ["a.test"], "commonName": "mein gerät"}, "with xn-- labels", id="Unicode CN"),
        pytest.param(
            {"dnsNames": ["a.test"], "literalSubject": "CN=b.test"}, r"b\.test must be among", id="literal CN"
        ),
        pytest.param({"dnsNames": ["a..test ü"]}, "is not a domain name", id="no name"),
        pytest.param({"dnsNames": [f"{n}.test" for n in range(201)]}, "more than 200 names", id="too many"),
    ],
)
async def test_what_acme_cannot_say_is_refused(stage: Stage, spec: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RejectedError, match=complaint) as caught:
        await stage.driver().prepare(asking(**spec))
    assert caught.value.reason is Reason.INVALID_SPEC
    assert stage.server.seen == []


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"dnsNames": ["a.test"], "commonName": "A.test"}, id="common name among the names"),
        pytest.param({"dnsNames": ["a.test"], "literalSubject": "CN=a.test"}, id="literal common name"),
        pytest.param({"ipAddresses": ["192.0.2.7"], "commonName": "192.0.2.7"}, id="address as common name"),
        pytest.param({"ipAddresses": ["2001:db8::1"], "commonName": "2001:DB8::0:1"}, id="address written otherwise"),
        pytest.param({"dnsNames": ["bücher.test"], "commonName": "xn--bcher-kva.test"}, id="A-labels as common name"),
    ],
)
async def test_what_acme_can_say_is_prepared(stage: Stage, spec: dict[str, Any]) -> None:
    stage.solvers = [over_http(), *over_dns()]
    assert await stage.driver().prepare(asking(**spec)) == Prepared()


def over_http(**selector: Any) -> ConfiguredSolver:
    spec = Solver.model_validate({"http01": {"direct": {}}, "selector": selector or None})
    return ConfiguredSolver(spec, FakeSolver(ChallengeType.HTTP_01))


def over_dns() -> list[ConfiguredSolver]:
    return [ConfiguredSolver(Solver.model_validate({"dns01": {"rfc2136": {"nameserver": "x"}}}), FakeSolver())]


@pytest.mark.parametrize(
    ("spec", "solvers", "complaint"),
    [
        pytest.param({"dnsNames": ["*.a.test"]}, [over_http()], r"prove \*\.a\.test by dns-01", id="wildcard"),
        pytest.param({"ipAddresses": ["192.0.2.7"]}, over_dns(), r"prove 192\.0\.2\.7 by http-01", id="address"),
        pytest.param(
            {"dnsNames": ["b.test"]},
            [over_http(dnsZones=["a.test"])],
            r"Its solvers: http-01 for dnsZones a\.test",
            id="selector",
        ),
    ],
)
async def test_a_name_that_no_solver_proves_is_refused_with_the_solvers_there_are(
    stage: Stage, spec: dict[str, Any], solvers: list[ConfiguredSolver], complaint: str
) -> None:
    stage.solvers = solvers
    with pytest.raises(IssuerError, match=complaint):
        await stage.driver().prepare(asking(**spec))


async def test_an_issuer_without_solvers_serves_a_ca_that_asks_for_no_proof(stage: Stage) -> None:
    stage.solvers = []
    assert await stage.driver().prepare(asking(dnsNames=["a.test"])) == Prepared()
    with pytest.raises(IssuerError, match="Its solvers: none"):
        await stage.driver().enrol(request_for(stage.clock, "a.test"), resume={})


async def test_a_profile_that_the_ca_does_not_offer_is_refused(stage: Stage) -> None:
    stage.server.meta = {"profiles": {"short": "a week"}}
    with pytest.raises(RejectedError, match=r"does not offer the profile long.*\(short\)"):
        await stage.driver().prepare(asking(dnsNames=["a.test"], acme={"profile": "long"}))
