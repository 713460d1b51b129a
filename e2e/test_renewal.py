"""Renewal by time alone, from CAs that issue for seconds: over every protocol, in windows, at a certificate's end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from e2e.issuers import acme_issuer, cmp_issuer, dns01, est_issuer, scep_issuer, tsig_secret
from e2e.peers import Bind9, Pebble, StepCA
from e2e.peers.cmp import CMPServer
from e2e.peers.est import ScriptedESTServer
from e2e.peers.pebble import Profile
from e2e.tenant import Object, Tenant, condition_of

CHALLENGE = "scep-challenge-0001"
LEAP_DAY = {"cron": "0 0 29 2 *", "windowDuration": "1h"}

Serve: TypeAlias = Callable[[timedelta], ScriptedESTServer]

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts an EST server whose certificates live for so long."""
    with ExitStack() as stack:
        yield lambda life: stack.enter_context(ScriptedESTServer(validity=life))


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def status_of(tenant: Tenant, name: str = "web") -> Object:
    status: Object = tenant.get("Certificate", name).get("status") or {}
    return status


def renewal_of(tenant: Tenant) -> datetime:
    return datetime.fromisoformat(status_of(tenant)["renewalTime"])


def wait_revision(tenant: Tenant, number: int, *, within: float) -> Object:
    """Until so many were issued; at no time meanwhile may the certificate in the Secret have expired."""

    def reached() -> Object | None:
        assert tenant.leaf("web-tls").not_valid_after_utc > datetime.now(UTC), "it was renewed too late"
        status = status_of(tenant)
        return status if status["revision"] >= number else None

    found: Object = tenant.wait(f"revision {number}", reached, seconds=within)
    return found


def reasons(tenant: Tenant) -> list[str]:
    return [reason for _, reason, _ in tenant.events("web")]


def test_over_every_protocol_time_alone_renews_in_time(tenant: Tenant, bind9: Bind9) -> None:
    life, names = seconds(40), ("acme", "est", "cmp", "scep")
    with ExitStack() as stack:
        pebble = stack.enter_context(Pebble(bind9.url, profiles={"default": Profile("forty seconds", life)}))
        est = stack.enter_context(ScriptedESTServer(validity=life))
        cmp = stack.enter_context(CMPServer(validity=life, request_template=b""))
        scep = stack.enter_context(StepCA(validity=life, challenge=CHALLENGE))
        tenant.apply(
            tsig_secret(bind9),
            *acme_issuer("acme-ca", pebble, solvers=[dns01(bind9)]),
            *est_issuer("est-ca", est),
            *cmp_issuer("cmp-ca", cmp),
            *scep_issuer(
                "scep-ca",
                scep,
                challenge=CHALLENGE,
                challengeOnRenewal=True,
                legacyAlgorithms={"accept": ["SHA-1"]},
            ),
        )
        for name in names:
            tenant.wait_issuer(f"{name}-ca")
        tenant.apply(*(tenant.certificate(name, issuer=f"{name}-ca") for name in names))
        for name in names:
            tenant.wait_ready(name)

        def are_renewed() -> bool:
            for name in names:
                assert tenant.leaf(f"{name}-tls").not_valid_after_utc > datetime.now(UTC), f"{name} came too late"
            return all(status_of(tenant, name)["revision"] >= 3 for name in names)

        tenant.wait("two renewals of each", are_renewed, seconds=90)
        for name in names:
            status = status_of(tenant, name)
            assert status["protocol"] == name
            assert status["revision"] <= 6
            assert {kind for kind, _, _ in tenant.events(name)} == {"Normal"}


class TestWindows:
    def test_a_renewal_waits_for_its_window(self, tenant: Tenant, serve: Serve) -> None:
        opens = (datetime.now(UTC) + seconds(70)).replace(second=0, microsecond=0)
        window = {"cron": f"{opens.minute} {opens.hour} * * *", "windowDuration": "10s"}
        # Without a window it would be renewed after ten minutes; the next one opens long after its end.
        tenant.apply(*est_issuer("ca", serve(seconds(1200))), certificate(tenant, window))
        tenant.wait_ready("web")
        planned = renewal_of(tenant)
        assert opens <= planned < opens + seconds(60)
        wait_revision(tenant, 2, within=(planned - datetime.now(UTC)).total_seconds() + 10)
        issued = tenant.events("web")
        assert [reason for _, reason, _ in issued if reason != "WindowError"] == ["Issued", "Issued"]
        assert tenant.leaf("web-tls").not_valid_before_utc >= planned - seconds(1)

    def test_windows_in_a_zone_that_never_come_are_told_and_overridden(self, tenant: Tenant, serve: Serve) -> None:
        window = {**LEAP_DAY, "timezone": "Europe/Berlin"}
        tenant.apply(*est_issuer("ca", serve(seconds(30))), certificate(tenant, window))
        tenant.wait_ready("web")
        assert status_of(tenant)["nextAction"]["what"].startswith("renew the certificate outside spec.renewal.windows")
        status = wait_revision(tenant, 3, within=60)
        assert condition_of({"status": status}, "Ready") is not None
        assert reasons(tenant).count("WindowError") == 1
        note = next(note for _, reason, note in tenant.events("web") if reason == "WindowError")
        assert "none of spec.renewal.windows opens in time" in note

    def test_what_cannot_be_read_is_named_before_the_ca_is_asked(self, tenant: Tenant, serve: Serve) -> None:
        server = serve(seconds(600))
        window = {"cron": "0 2 30 2 *", "windowDuration": "1h", "timezone": "Europe/Atlantis"}
        tenant.apply(*est_issuer("ca", server), certificate(tenant, window))
        message = tenant.wait_condition("Certificate", "web", reason="InvalidSpec")["message"]
        assert "spec.renewal.windows[0].cron: it never fires" in message
        assert "spec.renewal.windows[0].timezone: 'Europe/Atlantis'" in message
        assert server.issued_serials() == []
        tenant.apply(certificate(tenant, {"cron": "0 2 * * *", "windowDuration": "1h"}))
        tenant.wait_ready("web")
        tenant.apply(certificate(tenant, window))
        tenant.wait_condition("Certificate", "web", type_="Issuing", reason="InvalidSpec")
        tenant.wait_ready("web")
        assert len(server.issued_serials()) == 1


def certificate(tenant: Tenant, *windows: Object, **spec: Any) -> Object:
    return tenant.certificate("web", **{"renewal": {"windows": list(windows)}, **spec})


class TestEnd:
    def test_without_renewal_it_expires_is_told_and_renewed_on_request(self, tenant: Tenant, serve: Serve) -> None:
        server = serve(seconds(10))
        tenant.apply(*est_issuer("ca", server), tenant.certificate("web", renewal={"policy": "Disabled"}))
        status = tenant.wait_ready("web")["status"]
        assert "renewalTime" not in status
        tenant.wait_condition("Certificate", "web", reason="Expired", seconds=15)
        late = datetime.now(UTC) - datetime.fromisoformat(status["notAfter"])
        assert late < seconds(5)
        assert status_of(tenant)["revision"] == 1
        server.change(validity=seconds(600))
        tenant.renew("web")

    def test_a_certificate_that_has_expired_is_renewed_as_soon_as_that_can_be(
        self, tenant: Tenant, serve: Serve
    ) -> None:
        server = serve(seconds(8))
        tenant.apply(*est_issuer("ca", server), tenant.certificate("web"))
        tenant.wait_ready("web")
        tenant.apply(tenant.certificate("web", suspend=True))
        message = tenant.wait_condition("Certificate", "web", reason="Expired")["message"]
        assert "spec.suspend" in message
        server.change(validity=seconds(600))
        tenant.apply(tenant.certificate("web", suspend=False))
        assert tenant.wait_ready("web")["status"]["revision"] >= 2


def test_a_ca_that_ignores_the_duration_is_told_of(tenant: Tenant, serve: Serve) -> None:
    tenant.apply(*est_issuer("ca", serve(seconds(3600))), tenant.certificate("web", duration="24h"))
    status = tenant.wait_ready("web")["status"]
    told = "the CA made the certificate valid for 1h0m0s, and spec.duration asks for 24h0m0s"
    ready = condition_of({"status": status}, "Ready")
    assert ready is not None
    assert ready["message"].endswith(told)
    tenant.wait("the Event", lambda: ("Warning", "EnrolledOtherwise", told) in tenant.events("web"))
