"""``python -m e2e.tools``: gets every program that the suite runs, before the first test; ``make e2e`` begins with it.

A build takes minutes, which would count against the time of the test that happens to need it first. What cannot be had
here is said, and its tests say so again.
"""

from e2e.tools import UnavailableError, catalogue, find
from e2e.tools.progress import say

_ALL = (
    catalogue.ETCD,
    catalogue.KUBE_APISERVER,
    catalogue.kube_controller_manager(catalogue.KUBERNETES_VERSION),
    catalogue.KUBECTL,
    catalogue.HELM,
    catalogue.GATEWAY_API,
    catalogue.PEBBLE,
    catalogue.PEBBLE_CHALLTESTSRV,
    catalogue.SCRIPTED_EST_SERVER,
    catalogue.ESTSERVER,
    catalogue.SCEPSERVER,
    catalogue.SCEPCLIENT,
    catalogue.STEP_CA,
    catalogue.CMP_SERVER,
)


def main() -> None:
    for tool in _ALL:
        try:
            find(tool)
        except UnavailableError as reason:
            say(str(reason))


if __name__ == "__main__":
    main()
