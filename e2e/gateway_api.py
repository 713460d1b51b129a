"""Puts the Gateway API's standard kinds into a cluster; nothing there serves them, so a route only has to be valid."""

from e2e.installation import ESTABLISHED_WITHIN, Cluster
from e2e.tools import catalogue, find


def install_gateway_api(cluster: Cluster) -> None:
    """The kinds are served when this returns."""
    definitions = find(catalogue.GATEWAY_API)
    cluster.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={definitions}")
    cluster.kubectl(
        "wait", "--for=condition=Established", f"--timeout={ESTABLISHED_WITHIN}", f"--filename={definitions}"
    )
