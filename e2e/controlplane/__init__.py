"""A real Kubernetes control plane on loopback: etcd, kube-apiserver and kube-controller-manager, without a node.

Tests, demo and bench start one with ``ControlPlane``; ``python -m e2e.controlplane`` starts one for a person.
"""

from e2e.controlplane.control_plane import ControlPlane
from e2e.controlplane.kubectl import KubectlError

__all__ = ["ControlPlane", "KubectlError"]
