"""End-to-end tests: a real control plane and real certificate authorities, all on loopback.

``controlplane`` brings up etcd, kube-apiserver and kube-controller-manager; ``peers`` brings up the servers that
certwright talks to. Both take their programs from ``tools`` and let ``processes`` watch over them, so that nothing
outlives the run. The tests, the demo and the bench are the callers.
"""
