"""``make demo`` as a person runs it: what it prints, what it answers, and that nothing of it is left, however it ends.

Every run has a temporary directory of its own, by which its processes and files are found again.
"""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from e2e.authority import Authority
from e2e.controlplane import ControlPlane
from e2e.controlplane.kubectl import Kubectl
from e2e.demo import chain
from e2e.processes import wait_until
from e2e.tools import catalogue, find

ROOT = Path(__file__).parent.parent
CONTEXT = "certwright-e2e"
SECONDS = 90
WORKED = "all of it worked, "


class Demo:
    """A run, read line by line."""

    def __init__(self, temporary: Path, *arguments: str, environment: Mapping[str, str]) -> None:
        self.temporary = temporary
        self.lines: list[str] = []
        self.longest_silence = 0.0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "e2e.demo", *arguments],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(temporary), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def read_until(self, wanted: str) -> None:
        last = time.monotonic()
        assert self._process.stdout
        for line in self._process.stdout:
            if self.lines:  # before the first one, Python itself starts
                self.longest_silence = max(self.longest_silence, time.monotonic() - last)
            last = time.monotonic()
            self.lines.append(line.rstrip())
            if wanted in line:
                return
        pytest.fail(f"{wanted!r} was never printed:\n{self.text}")

    def code(self) -> int:
        """Read to the end; the exit code."""
        assert self._process.stdout
        self.lines += [line.rstrip() for line in self._process.stdout]
        return self._process.wait(SECONDS)

    def interrupt(self) -> None:
        """Ctrl-C, which a terminal sends to everything in the foreground."""
        os.killpg(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        assert self._process.stdout
        self._process.stdout.close()

    def processes(self) -> dict[int, str]:
        """What runs with its temporary directory: command lines by process ID."""
        found = {}
        mark = f"TMPDIR={self.temporary}".encode()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
        return found

    def nothing_is_left(self) -> bool:
        return not self.processes() and not any(self.temporary.iterdir())


Start = Callable[..., Demo]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def started(*arguments: str, **environment: str) -> Demo:
            demo = Demo(tmp_path, *arguments, environment=environment)
            stack.callback(demo.close)
            return demo

        yield started


@pytest.fixture
def users_cluster() -> Iterator[ControlPlane]:
    """A cluster that the demo did not bring up, with something in it."""
    with ControlPlane() as cluster:
        cluster.kubectl("create", "namespace", "shop")
        cluster.kubectl("create", "secret", "generic", "shop-tls", "--namespace=shop", "--from-literal=tls.crt=mine")
        yield cluster


def inventory(cluster: ControlPlane) -> list[str]:
    """Everything that a demo could leave or touch, with versions."""
    kinds = "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,secrets,serviceaccounts"
    columns = "custom-columns=K:.kind,S:.metadata.namespace,N:.metadata.name,V:.metadata.resourceVersion"
    lines = cluster.kubectl("get", kinds, "--all-namespaces", "--no-headers", f"--output={columns}").splitlines()
    return sorted(" ".join(line.split()) for line in lines)


def test_all_four_at_once(start: Start) -> None:
    demo = start()
    demo.read_until("Stopping the servers")
    assert demo.code() == 0, demo.text
    assert WORKED in demo.lines[-1]
    apply = " ".join(f"-f examples/issuer-{name}.yaml" for name in ("dns01", "est", "scep", "cmp"))
    assert f"kubectl apply {apply}" in demo.text
    names = ("shop-acme", "shop-est", "shop-scep", "shop-cmp")
    first, renewed, moved = (table(demo.text, number) for number in range(3))
    assert [row[:5] for row in first] == [[name, "True", name[5:], name[5:], f"{name}-tls"] for name in names]
    assert all(old[5] != new[5] for old, new in zip(first, renewed, strict=True))
    assert [new[2] for old, new in zip(renewed, moved, strict=True) if old != new] == ["est"]
    assert moved[2][:5] == ["shop-scep", "True", "est", "est", "shop-scep-tls"]
    prose = " ".join(demo.text.split())
    assert "Issued: Certificate written to Secret shop-scep-tls (IncorrectIssuer); serial" in prose
    assert "shop-scep-tls ECDSA P-256; verified up to CN=EST test CA root, for shop.example.com and www." in prose
    assert "no more: 2 over ACME, 3 over EST, 2 over SCEP, 2 over CMP" in prose
    assert demo.longest_silence < 3
    assert demo.nothing_is_left()


def test_what_cannot_run_here_is_left_out(start: Start, tmp_path_factory: pytest.TempPathFactory) -> None:
    only_kubectl = tmp_path_factory.mktemp("bin")
    (only_kubectl / "kubectl").symlink_to(find(catalogue.KUBECTL))
    demo = start("--proof=http01", PATH=str(only_kubectl))
    assert demo.code() == 0, demo.text
    assert "cmp is left out: there is no java on the PATH to run the CMP server" in demo.text
    assert [row[0] for row in table(demo.text, 0)] == ["shop-acme", "shop-est", "shop-scep"]
    assert WORKED in demo.lines[-1]


def test_over_http_where_there_is_no_bind(start: Start) -> None:
    demo = start("--protocol=acme", "--proof=http01")
    demo.read_until("Stopping the servers")
    assert demo.code() == 0, demo.text
    assert WORKED in demo.lines[-1]
    assert "apply -f examples/issuer-http01.yaml" in demo.text
    assert re.search(r"Ready=False after \S+ s: IssuerNotFound: Issuer acme-shortlived does not exist", demo.text)
    assert "verified      from the certificate up to the root, for shop.example.com and www.shop." in demo.text
    assert re.search(r"serial number [0-9a-f]+ -> [0-9a-f]+", demo.text)
    assert demo.longest_silence < 3
    assert demo.nothing_is_left()


@pytest.mark.parametrize(
    ("protocol", "told"),
    [
        pytest.param(
            "est",
            (
                r"apply -f examples/issuer-est\.yaml",
                r"POST /\.well-known/est/simpleenroll 200, let in by the password",
                r"IssuerNotFound: Issuer est-by-fingerprint does not exist",
                r"POST /\.well-known/est/simplereenroll 200, let in by the certificate",
                r"key +ECDSA P-256",
                r"make demo KEEP=1 PROTOCOL=est`",
            ),
            id="est",
        ),
        pytest.param(
            "cmp",
            (
                r"apply -f examples/issuer-cmp\.yaml",
                r"the authority saw: ir, protected with the shared secret \(PBM\)",
                r"IssuerNotFound: Issuer cmp-by-certificate does not exist",
                r"ir, signed with the device's certificate, answered ip, and got a certConf",
                r"the authority saw: kur, signed with the certificate that it renews",
                r"key +ECDSA P-256",
                r"make demo KEEP=1 PROTOCOL=cmp`",
            ),
            id="cmp",
        ),
        pytest.param(
            "scep",
            (
                r"apply -f examples/issuer-scep\.yaml",
                r"the authority saw: PKCSReq, with the challenge in it",
                r"IssuerNotFound: Issuer scep-without-renewal does not exist",
                r"the authority saw: RenewalReq, signed with the certificate that it renews",
                r"key +RSA 2048",
                r"make demo KEEP=1 PROTOCOL=scep`",
            ),
            id="scep",
        ),
    ],
)
def test_over_the_other_protocols(start: Start, protocol: str, told: Sequence[str]) -> None:
    demo = start(f"--protocol={protocol}")
    assert demo.code() == 0, demo.text
    assert WORKED in demo.lines[-1]
    prose = " ".join(demo.text.split())
    assert [each for each in told if not re.search(each, prose)] == []
    assert re.search(r"serial number [0-9a-f]+ -> [0-9a-f]+", demo.text)
    assert demo.nothing_is_left()


def table(text: str, number: int) -> list[list[str]]:
    """The rows below a head, by the number of the table."""
    found = re.split(r"NAME +READY +PROTOCOL +ISSUER.*\n", text)[number + 1]
    return [re.split(r" {2,}", line.strip()) for line in found.split("\n\n")[0].splitlines() if "  shop-" in line]


def test_kept_running_it_does_what_it_says(start: Start, tmp_path: Path) -> None:
    demo = start("--keep")
    demo.read_until("To stop it and remove everything")
    kubeconfig = Path(re.findall(r"export KUBECONFIG=(\S+)", demo.text)[0])
    kubectl = Kubectl(find(catalogue.KUBECTL), kubeconfig, tmp_path / "kubectl-cache")

    def leaf() -> x509.Certificate | None:
        found = kubectl("get", "secret", "shop-est-tls", "--ignore-not-found", "--output=json")
        pem = base64.b64decode(json.loads(found)["data"]["tls.crt"]) if found else None
        return x509.load_pem_x509_certificate(pem) if pem else None

    before = leaf()
    kubectl("delete", "secret", "shop-est-tls")
    again = wait_until(leaf, "the deleted Secret comes back", within=timedelta(seconds=30))
    kubectl("annotate", "cwc", "shop-est", "certwright.io/renew=2", "--overwrite")
    wait_until(lambda: leaf() != again, "the renewal", within=timedelta(seconds=30))

    demo.interrupt()
    assert demo.code() == 0, demo.text
    assert again != before
    assert not demo.processes()
    assert [entry.name for entry in tmp_path.iterdir()] == ["kubectl-cache"]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("Starting the servers", id="while-kubernetes-starts"),
        pytest.param("certificate authority: pebble", id="while-it-is-installed"),
        pytest.param("examples/four-certificates.yaml", id="while-it-issues"),
    ],
)
def test_interrupted_it_leaves_nothing(start: Start, line: str) -> None:
    demo = start()
    demo.read_until(line)
    demo.interrupt()
    assert demo.code() == 130, demo.text
    assert re.search(r"interrupted, .* nothing is left running", demo.lines[-1])
    assert "Traceback" not in demo.text
    assert demo.nothing_is_left()


def test_a_failure_shows_the_object_and_the_log(start: Start) -> None:
    demo = start("--protocol=acme")
    demo.read_until("examples/certificate-waiting.yaml")
    (operator,) = (pid for pid, command in demo.processes().items() if "certwright.cli.main run" in command)
    os.kill(operator, signal.SIGKILL)
    assert demo.code() == 1
    assert "the operator ended with code -9" in demo.text
    assert "Certificate blog when it was last seen" in demo.text
    assert "Issuer default/acme: Ready" in demo.text.partition("The end of the operator's log")[2]
    assert demo.nothing_is_left()


def test_in_a_users_cluster_only_its_namespace_is_touched(start: Start, users_cluster: ControlPlane) -> None:
    kubeconfig = str(users_cluster.admin_kubeconfig)
    before = inventory(users_cluster)
    killed = start(f"--context={CONTEXT}", "--protocol=est", "--keep", KUBECONFIG=kubeconfig)
    killed.read_until("To stop it and remove everything")
    while_it_ran = inventory(users_cluster)
    second = start(f"--context={CONTEXT}", KUBECONFIG=kubeconfig)
    assert second.code() == 1
    assert "another demo runs in namespace certwright-demo" in second.text
    killed.kill()
    wait_until(killed.nothing_is_left, "everything on this machine ends with the killed demo")

    again = start(f"--context={CONTEXT}", KUBECONFIG=kubeconfig)
    assert again.code() == 0, again.text
    assert "an earlier run was killed there" in again.text
    assert WORKED in again.lines[-1]
    assert f"kubectl --context={CONTEXT} -n certwright-demo get cwc -o wide" in again.text
    assert before == inventory(users_cluster)
    made = [line.split() for line in set(while_it_ran) - set(before)]
    cluster_wide = {kind for kind, namespace, *_ in made if namespace == "<none>"}
    assert cluster_wide == {"Namespace", "CustomResourceDefinition"}
    assert {namespace for _, namespace, *_ in made} == {"<none>", "certwright-demo"}
    assert again.nothing_is_left()


def test_a_namespace_of_somebody_else_is_left_alone(start: Start, users_cluster: ControlPlane) -> None:
    users_cluster.kubectl("create", "namespace", "certwright-demo")
    before = inventory(users_cluster)
    kubeconfig = str(users_cluster.admin_kubeconfig)
    demo = start(f"--context={CONTEXT}", KUBECONFIG=kubeconfig)
    assert demo.code() == 1
    assert "namespace certwright-demo exists and was not made by the demo" in demo.text
    assert before == inventory(users_cluster)


def test_an_unknown_context_is_said_in_one_line(start: Start) -> None:
    demo = start("--context=nowhere")
    assert demo.code() == 1
    assert 'context "nowhere" does not exist' in demo.text
    assert "Traceback" not in demo.text
    assert demo.nothing_is_left()


def test_its_verdict_on_a_chain_is_more_than_a_line() -> None:
    authority, stranger = Authority.create("root"), Authority.create("another root")
    served = authority.issue("web", names=["web.example.com"])
    pair = chain.read(served.certificate.encode(), served.private_key.encode())
    now = datetime.now(UTC)
    chain.verify(pair, authority.certificate, names=["web.example.com"], now=now)
    with pytest.raises(chain.BrokenChainError, match="does not verify for other"):
        chain.verify(pair, authority.certificate, names=["web.example.com", "other.example.com"], now=now)
    with pytest.raises(chain.BrokenChainError, match="does not verify for web"):
        chain.verify(pair, stranger.certificate, names=["web.example.com"], now=now)
    with pytest.raises(chain.BrokenChainError, match="does not belong"):
        chain.read(served.certificate.encode(), authority.issue("web").private_key.encode())
