"""Every feature of a Certificate through every driver; ``e2e/conformance`` has both tables.

What a protocol cannot do is proved too: that it is said, and that the CA was not asked where that could be known.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from e2e.conformance.batch import Batch
from e2e.conformance.drivers import DRIVERS, Driver, Otherwise, Refused
from e2e.conformance.features import FEATURES, Feature
from e2e.conformance.following import Certificates, Requests
from e2e.controlplane import ControlPlane
from e2e.operator_process import OperatorProcess
from e2e.peers import Bind9, Pebble
from e2e.tenant import Tenant


@pytest.fixture(scope="module")
def operator_flags(pebble: Pebble) -> Sequence[str]:
    """The responder is reached over IPv6 too."""
    return (
        f"--http01-listen=:{pebble.http_port}",
        "--allow-cidrs=127.0.0.0/8,::1/128",
        "--http01-namespaced-issuers=any",
    )


@pytest.fixture(scope="module")
def requests(control_plane: ControlPlane) -> Iterator[Requests]:
    with Requests(control_plane) as requests:
        yield requests


@pytest.fixture(scope="module", params=DRIVERS, ids=lambda driver: driver.protocol)
def batch(
    request: pytest.FixtureRequest,
    control_plane: ControlPlane,
    operator: OperatorProcess,
    bind9: Bind9,
    requests: Requests,
) -> Iterator[Batch]:
    """All of a driver's Certificates that this run will look at."""
    driver: Driver[Any] = request.param(bind9, operator.http01_port)
    namespace = f"conformance-{driver.protocol.lower()}"
    tenant = Tenant(control_plane=control_plane, kubeconfig=control_plane.admin_kubeconfig, namespace=namespace)
    control_plane.kubectl("create", "namespace", namespace)
    driver.peer.start()
    try:
        with Certificates(control_plane, namespace) as certificates:
            batch = Batch(tenant, driver, selected(request), certificates=certificates, requests=requests)
            batch.create()
            yield batch
    finally:
        driver.peer.stop()
    control_plane.kubectl("delete", "namespace", namespace, "--wait=false")


def selected(request: pytest.FixtureRequest) -> list[Feature]:
    chosen = {item.callspec.params.get("feature") for item in request.session.items if hasattr(item, "callspec")}
    return [feature for feature in FEATURES if feature in chosen]


@pytest.mark.parametrize("feature", FEATURES, ids=str)
def test_feature(batch: Batch, feature: Feature) -> None:
    match batch.driver.cannot.get(feature.name):
        case Refused() as refused:
            message = batch.refusal(feature, refused.reason)["message"]
            assert [word for word in refused.words if word not in message] == [], message
            assert bool(batch.requests(feature)) is refused.is_asked
        case otherwise:
            expected = otherwise.expects if isinstance(otherwise, Otherwise) else feature.expects
            found = batch.delivered(feature)
            assert {name: getattr(found, name) for name in expected} == expected


def test_the_ca_was_asked_for_nothing_else(batch: Batch) -> None:
    """Each certificate that it made is one that was delivered, or refused after it had come."""
    expected = batch.certificates_made()
    assert len(set(batch.driver.peer.issued_serials())) == expected
