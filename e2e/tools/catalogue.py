"""Every foreign program of the end-to-end suite with its version: the place to change when one is raised."""

from pathlib import Path

from e2e.tools.debian import DebianPackage
from e2e.tools.download import ChecksumBeside, Download, GitHubAsset, ReleaseIndex
from e2e.tools.golang import GoBuild, GoSource
from e2e.tools.gomodule import GoModuleYAML
from e2e.tools.maven import MavenSource
from e2e.tools.places import DirectoryFromEnvironment, InDirectory, OnPath
from e2e.tools.tool import Tool

KUBERNETES_VERSION = "v1.37.2"

_ENVTEST = Download(
    ReleaseIndex("https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"),
)
_ASSETS = DirectoryFromEnvironment("KUBEBUILDER_ASSETS")
_VERSION_PACKAGE = "k8s.io/component-base/version"


def _kubernetes_release(name: str) -> Download:
    binary = f"https://dl.k8s.io/release/{{version}}/bin/{{os}}/{{arch}}/{name}"
    return Download(ChecksumBeside(binary, f"{binary}.sha256"))


def _kubernetes_build(name: str, version: str) -> GoBuild:
    """Without the version flags the API server would call itself v0.0.0 and clients would refuse it."""
    major, minor, _ = version.removeprefix("v").split(".", maxsplit=2)
    return GoBuild(
        module="k8s.io/kubernetes",
        package=f"k8s.io/kubernetes/cmd/{name}",
        staging_version=f"v0.{version.partition('.')[2]}",
        ldflags=(
            f"-X {_VERSION_PACKAGE}.gitVersion={version}",
            f"-X {_VERSION_PACKAGE}.gitMajor={major}",
            f"-X {_VERSION_PACKAGE}.gitMinor={minor}",
        ),
    )


KUBE_APISERVER = Tool(
    name="kube-apiserver",
    version=KUBERNETES_VERSION,
    installed=[_ASSETS],
    sources=[
        _ENVTEST,
        _kubernetes_release("kube-apiserver"),
        _kubernetes_build("kube-apiserver", KUBERNETES_VERSION),
    ],
)


def kube_controller_manager(version: str = KUBERNETES_VERSION) -> Tool:
    """Of the API server's minor version, which may come from ``KUBEBUILDER_ASSETS``; envtest does not have it."""
    return Tool(
        name="kube-controller-manager",
        version=version,
        installed=[_ASSETS],
        sources=[
            _kubernetes_release("kube-controller-manager"),
            _kubernetes_build("kube-controller-manager", version),
        ],
    )


KUBECTL = Tool(
    name="kubectl",
    version=KUBERNETES_VERSION,
    installed=[_ASSETS, OnPath()],
    sources=[_ENVTEST, _kubernetes_release("kubectl"), _kubernetes_build("kubectl", KUBERNETES_VERSION)],
)

_ETCD_RELEASE = "https://github.com/etcd-io/etcd/releases/download/{version}"
ETCD = Tool(
    name="etcd",
    version="v3.7.3",
    installed=[_ASSETS],
    sources=[
        Download(
            ChecksumBeside(f"{_ETCD_RELEASE}/etcd-{{version}}-{{os}}-{{arch}}.tar.gz", f"{_ETCD_RELEASE}/SHA256SUMS"),
        ),
        GoBuild(module="go.etcd.io/etcd/server/v3", package="go.etcd.io/etcd/server/v3"),
    ],
)

_HELM_ARCHIVE = "https://get.helm.sh/helm-{version}-{os}-{arch}.tar.gz"
HELM = Tool(
    name="helm",
    version="v4.3.1",
    installed=[OnPath()],
    sources=[
        Download(ChecksumBeside(_HELM_ARCHIVE, f"{_HELM_ARCHIVE}.sha256sum")),
        GoBuild(module="helm.sh/helm/v4", package="helm.sh/helm/v4/cmd/helm"),
    ],
)


def _pebble(name: str) -> Tool:
    """The one on the PATH may be Debian's, which is too old for profiles: ours is always of this version."""
    return Tool(
        name=name,
        version="v2.10.1",
        sources=[
            Download(GitHubAsset("letsencrypt/pebble", f"{name}-{{os}}-{{arch}}.tar.gz")),
            GoBuild(module="github.com/letsencrypt/pebble/v2", package=f"github.com/letsencrypt/pebble/v2/cmd/{name}"),
        ],
    )


PEBBLE = _pebble("pebble")
PEBBLE_CHALLTESTSRV = _pebble("pebble-challtestsrv")

_PEERS = Path(__file__).parents[1] / "peers"

_EST = "github.com/globalsign/est"
ESTSERVER = Tool(
    name="estserver",
    version="v1.0.6",
    sources=[GoBuild(module=_EST, package=f"{_EST}/cmd/estserver")],
)

_SCRIPTED_EST = GoSource(_PEERS / "est" / "scripted")
SCRIPTED_EST_SERVER = Tool(name="scriptedest", version=_SCRIPTED_EST.version, sources=[_SCRIPTED_EST])


def _scep(name: str) -> Tool:
    """The one on the PATH may be Debian's, which is another peer of the suite."""
    module = "github.com/micromdm/scep/v2"
    return Tool(name=name, version="v2.3.0", sources=[GoBuild(module=module, package=f"{module}/cmd/{name}")])


SCEPSERVER = _scep("scepserver")
SCEPCLIENT = _scep("scepclient")

# The old one is the system's package or nothing: it is tested as it is found in the field.
INSTALLED_SCEPSERVER = Tool(name="scepserver", version="installed", installed=[OnPath()])

_STEP = "github.com/smallstep/certificates"
STEP_CA = Tool(
    name="step-ca",
    version="v0.30.2",
    sources=[GoBuild(module=_STEP, package=f"{_STEP}/cmd/step-ca")],
)

_CMP = MavenSource(_PEERS / "cmp" / "server")
CMP_SERVER = Tool(name="cmpserver", version=_CMP.version, sources=[_CMP])

# BIND has no binaries to download and is not written in Go: the system's package or nothing.
NAMED = Tool(
    name="named",
    version="installed",
    installed=[
        OnPath(),
        *(InDirectory(Path(place)) for place in ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")),
    ],
)

PROMTOOL = Tool(
    name="promtool",
    version="debian",
    installed=[OnPath()],
    sources=[DebianPackage("prometheus", "usr/bin/promtool")],
)

_GATEWAY_KINDS = ("gatewayclasses", "gateways", "httproutes", "referencegrants")
GATEWAY_API = Tool(
    name="gateway-api.yaml",
    version="v1.6.3",
    sources=[
        GoModuleYAML(
            module="sigs.k8s.io/gateway-api",
            paths=[f"config/crd/standard/gateway.networking.k8s.io_{kind}.yaml" for kind in _GATEWAY_KINDS],
        ),
    ],
)
