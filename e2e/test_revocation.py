"""The finalizer on a real control plane, with a CA that certwright cannot ask for revocations: nothing ever hangs.

What a CA that can be asked does is in ``test_cmp_revocation``.
"""

import json
import secrets
from typing import Any

import pytest

from e2e.operator_process import OperatorProcess
from e2e.world import World

FINALIZER = "certwright.io/revocation"
ON_DELETE: dict[str, Any] = {"revocation": {"onDelete": True}}


def finalizers(world: World, name: str = "www") -> list[str]:
    found: list[str] = world.get("Certificate", name)["metadata"].get("finalizers", [])
    return found


def outliving(world: World) -> list[str]:
    """The enrolment Secrets that hold nothing but superseded certificates."""
    listed = world.kubectl("get", "secrets", "--selector=certwright.io/role=revocation", "--output=json")
    return [item["metadata"]["name"] for item in json.loads(listed)["items"]]


def delete(world: World, *what: str) -> None:
    world.kubectl("delete", *what, "--wait=false")


def told(world: World, name: str = "www") -> list[str]:
    return [note for _, reason, note in world.events(name) if reason == "RevocationImpossible"]


@pytest.mark.usefixtures("operator")
class TestTheFinalizer:
    def test_comes_with_the_policy_and_goes_with_it(self, world: World) -> None:
        world.apply(world.issuer(), world.certificate("www"))
        world.wait_ready("www")
        assert finalizers(world) == []
        world.apply(world.certificate("www", **ON_DELETE))
        world.wait("the finalizer", lambda: finalizers(world) == [FINALIZER])
        assert world.get("Certificate", "www")["status"]["revision"] == 1
        world.wait("the Event", lambda: "speaks ACME" in "".join(told(world)))
        world.apply(world.certificate("www"))
        world.wait("its end", lambda: finalizers(world) == [])
        world.wait_ready("www")

    def test_is_let_go_of_at_once_where_the_ca_cannot_be_asked(self, world: World) -> None:
        world.apply(world.issuer(), world.certificate("www", **ON_DELETE))
        world.wait_ready("www")
        assert finalizers(world) == [FINALIZER]
        delete(world, "certificates.certwright.io/www")
        world.wait("the end of the Certificate", lambda: not world.exists("Certificate", "www"), seconds=10)
        assert "revoke it at the CA by hand" in told(world)[-1]

    def test_is_let_go_of_where_the_secret_is_gone(self, world: World) -> None:
        world.apply(world.issuer(), world.certificate("www", **ON_DELETE))
        world.wait_ready("www")
        delete(world, "certificates.certwright.io/www", "secret/www-tls")
        world.wait("the end of the Certificate", lambda: not world.exists("Certificate", "www"), seconds=10)

    def test_holds_no_namespace(self, world: World) -> None:
        names = [f"www{number}" for number in range(5)]
        world.apply(world.issuer(), *(world.certificate(name, **ON_DELETE) for name in names))
        for name in names:
            world.wait_ready(name)
        world.kubectl("delete", "namespace", world.namespace, "--timeout=60s")
        world.control_plane.kubectl("create", "namespace", world.namespace)


def test_a_deletion_waits_for_an_operator_that_is_not_running(world: World, operator: OperatorProcess) -> None:
    world.apply(world.issuer(), world.certificate("www", **ON_DELETE))
    world.wait_ready("www")
    assert operator.stop() == 0
    delete(world, "certificates.certwright.io/www")
    assert world.get("Certificate", "www")["metadata"]["deletionTimestamp"]
    operator.start()
    world.wait("the end of the Certificate", lambda: not world.exists("Certificate", "www"))


@pytest.mark.usefixtures("operator")
def test_what_a_renewal_replaced_waits_in_the_secret(world: World) -> None:
    policy: dict[str, Any] = {"revocation": {"onSupersede": {"after": "3s"}}}
    world.apply(world.issuer(), world.certificate("www", **policy))
    serial = world.wait_ready("www")["status"]["serialNumber"]
    annotation = f"certwright.io/renew={secrets.token_hex(4)}"
    world.kubectl("annotate", "certificates.certwright.io/www", annotation)
    world.wait("the kept certificate", lambda: outliving(world))
    action = world.wait_ready("www")["status"]["nextAction"]
    assert action["what"] == f"revoke the superseded certificate {serial}"
    world.wait("its end", lambda: not outliving(world))
    assert any(serial in note for note in told(world))
    world.wait(
        "the renewal to be next",
        lambda: world.get("Certificate", "www")["status"]["nextAction"]["what"] == "renew the certificate",
    )
