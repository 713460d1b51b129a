"""CRDs, RBAC rules and reference pages, rendered from ``model`` and ``kube``. Called by ``cli.manifests`` and by tests.

Nothing here talks to a cluster: it only turns the models and the rules into the files that are committed.
"""

from certwright.manifests.files import REMEDY, check, render, write

__all__ = ["REMEDY", "check", "render", "write"]
