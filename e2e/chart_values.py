"""Value sets of the chart that users have, and the chart with every value changed."""

from typing import Any

Values = dict[str, Any]

CHANGED: Values = {
    "nameOverride": "cw",
    "image": {"repository": "registry.example.com/certwright", "digest": f"sha256:{'0' * 64}", "pullPolicy": "Always"},
    "imagePullSecrets": [{"name": "registry"}],
    "replicaCount": 1,
    "leaderElection": {"enabled": False, "leaseName": "other"},
    "serviceAccount": {"name": "other", "annotations": {"example.com/role": "issuer"}},
    "crds": {"keep": False},
    "rbac": {"namespaces": ["a", "b"], "secrets": {"list": False}},
    "workers": 7,
    "kubeAPIQPS": 12.5,
    "http01": {
        "port": 8081,
        "service": {"name": "proofs", "port": 80, "type": "LoadBalancer", "annotations": {"example.com/pool": "edge"}},
        "selfCheckPort": 8080,
        "namespacedIssuers": "any",
    },
    "recursiveNameservers": ["192.0.2.53:53", "[2001:db8::53]:53"],
    "denyCIDRs": ["10.0.0.0/8", "2001:db8::/32"],
    "allowCIDRs": ["10.1.0.0/16"],
    "metrics": {"port": 9403, "service": {"annotations": {"example.com/scrape": "yes"}}},
    "podDisruptionBudget": {"maxUnavailable": "50%"},
    "networkPolicy": {"enabled": True, "egress": [{"ports": [{"port": 443}]}]},
    "shutdownGrace": 2.5,
    "logging": {"format": "json", "level": "debug"},
    "resources": {"limits": {"memory": "1Gi"}},
    "nodeSelector": {"kubernetes.io/arch": "arm64"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}}
            ]
        }
    },
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}
    ],
    "priorityClassName": "system-cluster-critical",
    "podAnnotations": {"example.com/note": "yes"},
    "podLabels": {"example.com/team": "pki"},
    "extraVolumes": [{"name": "extra", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "extra", "mountPath": "/extra"}],
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128"}],
}
"""No value that reaches a flag is what it is by default."""

ACCEPTED: dict[str, Values] = {
    "defaults": {},
    "all-changed": CHANGED,
    "replicas": {"replicaCount": 3},
    "namespaced": {"rbac": {"namespaces": ["a", "b"]}},
    "without-crds": {"crds": {"enabled": False}},
    "without-roles": {"rbac": {"create": False}, "serviceAccount": {"create": False, "name": "mine"}},
    "without-http01": {"http01": {"enabled": False}},
    "without-listing-secrets": {"rbac": {"secrets": {"list": False}}},
    "closed": {"networkPolicy": {"enabled": True}},
    "without-metrics-service": {"metrics": {"service": {"enabled": False}}},
    "without-aggregation": {"rbac": {"aggregateClusterRoles": False}},
    "own-name": {"fullnameOverride": "certificates", "image": {"tag": "edge"}},
}

MONITORED: dict[str, Values] = {
    "ServiceMonitor": {"metrics": {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}}},
    "PodMonitor": {"metrics": {"podMonitor": {"enabled": True, "labels": {"release": "prometheus"}}}},
}
"""By the kind of the Prometheus operator that comes out, which an API server without it does not know."""

REFUSED: dict[str, tuple[Values, str]] = {
    "unknown-at-the-top": ({"replicas": 2}, "replicas"),
    "unknown-inside": ({"crds": {"enable": True}}, "enable"),
    "unknown-deep-inside": ({"http01": {"service": {"ports": 80}}}, "ports"),
    "word-outside-the-set": ({"logging": {"level": "verbose"}}, "level"),
    "text-for-a-number": ({"workers": "many"}, "workers"),
    "number-out-of-range": ({"metrics": {"port": 70000}}, "port"),
    "no-namespace": ({"rbac": {"namespaces": ["team_a"]}}, "namespaces"),
    "no-network": ({"denyCIDRs": ["example.com"]}, "denyCIDRs"),
    "monitored-without-a-service": (
        {"metrics": {"service": {"enabled": False}, "serviceMonitor": {"enabled": True}}},
        "or use metrics.podMonitor",
    ),
    "no-duration": ({"metrics": {"podMonitor": {"interval": "1 minute"}}}, "interval"),
    "no-digest": ({"image": {"digest": "latest"}}, "digest"),
    "replicas-without-leader": (
        {"replicaCount": 2, "leaderElection": {"enabled": False}},
        "set it to 1 or enable leader election",
    ),
}
"""Each with the word that the message has to hold."""
