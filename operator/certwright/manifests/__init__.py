"""CRDs, RBAC rules and reference pages, rendered from ``model`` and ``kube``. Called by ``cli.manifests`` and by tests.

Nothing here talks to a cluster: it only turns the models and the rules into the files that are committed.
"""

from certwright.manifests.files import REFERENCE, REMEDY, check, render, write
from certwright.manifests.reference import GENERATED

__all__ = ["GENERATED", "REFERENCE", "REMEDY", "check", "render", "write"]
