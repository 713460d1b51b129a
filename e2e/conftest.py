"""Fixtures of the end-to-end suite: one control plane and one of each peer for the whole run.

A test that needs a server with other options starts its own, for instance ``with Pebble(bind9.url, eab_keys=…)``.
"""

import itertools
import os
import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from e2e.controlplane import ControlPlane
from e2e.gate import Gate
from e2e.gateway_api import install_gateway_api
from e2e.installation import install
from e2e.issuers import DIRECT
from e2e.launching import Launcher
from e2e.operator_process import OperatorProcess
from e2e.peers import Bind9, Pebble, PeerUnavailableError
from e2e.tenant import Object, Tenant
from e2e.world import World

BLOCKED = "blocked.example.test"
"""A name that the CA refuses to issue for."""


def _outcome(peer: PeerUnavailableError) -> BaseException:
    """A laptop may lack a peer; where the suite is the proof (``CI=true``), a skip would be a hole in it."""
    if os.environ.get("CI") == "true":
        return pytest.fail.Exception(f"with CI=true every peer must be there: {peer}", pytrace=False)
    return pytest.skip.Exception(str(peer))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, None, None]:
    try:
        return (yield)
    except PeerUnavailableError as peer:
        raise _outcome(peer) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    try:
        return (yield)
    except PeerUnavailableError as peer:
        raise _outcome(peer) from None


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object],
    request: pytest.FixtureRequest,
) -> Generator[None, object, object]:
    """A server's programs may have to be built, which takes minutes: that progress must not be captured."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    if fixturedef.scope != "session" or capture is None:
        return (yield)
    with capture.global_and_fixture_disabled():
        return (yield)


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    with ControlPlane() as control_plane:
        yield control_plane


@pytest.fixture(scope="session")
def gateway_api(control_plane: ControlPlane) -> None:
    """The control plane has the Gateway API's kinds, and no Gateway."""
    install_gateway_api(control_plane)


@pytest.fixture(scope="session")
def bind9() -> Iterator[Bind9]:
    with Bind9() as bind9:
        yield bind9


@pytest.fixture(scope="session")
def pebble(bind9: Bind9) -> Iterator[Pebble]:
    """Refuses a third of the good nonces and reuses no authorization, so that every order is proved."""
    with Pebble(bind9.url, nonce_reject=30, authz_reuse=0, blocked_names=(BLOCKED,)) as pebble:
        yield pebble


@pytest.fixture(scope="session")
def kubeconfig(control_plane: ControlPlane) -> Path:
    """The operator's own: its ServiceAccount with the generated role, and nothing more."""
    return install(control_plane)


@pytest.fixture(scope="module")
def operator_flags() -> Sequence[str]:
    """What a module's operator is told beside the rest; a module that wants more has a fixture of this name."""
    return ()


@pytest.fixture(scope="module")
def operator(
    kubeconfig: Path,
    bind9: Bind9,
    pebble: Pebble,
    operator_flags: Sequence[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[OperatorProcess]:
    """The operator for a module's tests, answering on the very port that the CA asks."""
    process = OperatorProcess(
        kubeconfig,
        directory=tmp_path_factory.mktemp("operator"),
        nameserver=bind9.url,
        http01_port=pebble.http_port,
        self_check_port=pebble.http_port,
        flags=operator_flags,
    )
    with process:
        yield process
        assert process.stop() == 0, process.tail()


_numbers = itertools.count(1)


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A new one for each test."""
    name = f"test-{next(_numbers)}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def tenant(control_plane: ControlPlane, kubeconfig: Path, namespace: str) -> Tenant:
    """For tests that bring a CA of their own."""
    return Tenant(control_plane=control_plane, kubeconfig=kubeconfig, namespace=namespace)


@pytest.fixture
def world(control_plane: ControlPlane, kubeconfig: Path, bind9: Bind9, pebble: Pebble, namespace: str) -> World:
    """With the TSIG key in its namespace."""
    world = World(control_plane=control_plane, bind9=bind9, pebble=pebble, kubeconfig=kubeconfig, namespace=namespace)
    world.apply(world.tsig_secret())
    return world


@pytest.fixture
def gate(control_plane: ControlPlane) -> Iterator[Gate]:
    """Between an operator that the test launches and the API server."""
    with Gate(control_plane.url, control_plane.ca_pem) as gate:
        yield gate


@pytest.fixture
def launch(kubeconfig: Path, bind9: Bind9, tmp_path: Path) -> Iterator[Launcher]:
    """Starts operators that end with the test. Beside the module's own, only one that elects is a mere standby."""
    launcher = Launcher(kubeconfig, bind9, tmp_path)
    yield launcher
    launcher.close()


@pytest.fixture
def alone(operator: OperatorProcess) -> Iterator[None]:
    """The module's operator rests, while a test launches one of its own."""
    assert operator.stop() == 0, operator.tail()
    yield
    operator.start()


@pytest.fixture
def cluster_issuer(control_plane: ControlPlane, world: World) -> Iterator[Callable[..., str]]:
    """Makes ClusterIssuers that prove over HTTP-01, with what else is said in their spec; answers their names."""
    made: list[str] = []

    def make(*, solvers: list[Object] | None = None, **spec: Any) -> str:
        name = f"cluster-{secrets.token_hex(4)}"
        issuer = world.issuer(name, solvers=solvers or [DIRECT]) | {"kind": "ClusterIssuer"}
        world.apply({**issuer, "spec": {**issuer["spec"], **spec}})
        made.append(name)
        return name

    yield make
    for name in made:
        control_plane.kubectl("delete", f"clusterissuers.certwright.io/{name}")
        control_plane.kubectl("delete", "secret", f"{name}-account", "--namespace=certwright", "--ignore-not-found")
