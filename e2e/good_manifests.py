"""Manifests that the API server must accept: what a user of each protocol writes, with every field there is.

``test_validation`` applies them; ``bad_manifests`` spoils them one field at a time.
"""

from typing import Any

Manifest = dict[str, Any]

FINGERPRINT = ":".join(["AB"] * 32)
BUNDLE = "LS0tLS1CRUdJTi0tLS0tCg=="


def manifest(kind: str, spec: Manifest) -> Manifest:
    return {"apiVersion": "certwright.io/v1alpha1", "kind": kind, "metadata": {"name": "sample"}, "spec": spec}


CERTIFICATE: Manifest = {"secretName": "web", "issuerRef": {"name": "ca"}, "dnsNames": ["a.example.com"]}

CERT_MANAGERS: Manifest = {
    "secretName": "web-tls",
    "issuerRef": {"name": "ca", "kind": "ClusterIssuer", "group": "certwright.io"},
    "commonName": "a.example.com",
    "subject": {
        "organizations": ["Example"],
        "countries": ["DE"],
        "organizationalUnits": ["Web"],
        "localities": ["Berlin"],
        "provinces": ["Berlin"],
        "streetAddresses": ["Unter den Linden 1"],
        "postalCodes": ["10117"],
        "serialNumber": "42",
    },
    "dnsNames": ["a.example.com", "*.b.example.com", "bücher.example", "_sip.example.com"],
    "ipAddresses": ["10.0.0.1", "2001:db8::1"],
    "uris": ["spiffe://example.com/ns/a/sa/b", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"],
    "emailAddresses": ["pki@example.com"],
    "otherNames": [{"oid": "1.3.6.1.4.1.311.20.2.3", "utf8Value": "upn@example.com"}],
    "duration": "2160h0m0s",
    "renewBefore": "360h",
    "renewal": {
        "policy": "RenewBefore",
        "windows": [{"cron": "0 2 * * *", "windowDuration": "2h", "timezone": "Europe/Berlin"}],
    },
    "privateKey": {"algorithm": "RSA", "size": 4096, "encoding": "PKCS8", "rotationPolicy": "Never"},
    "signatureAlgorithm": "SHA384WithRSA",
    "usages": ["server auth", "client auth", "cert sign", "s/mime"],
    "encodeUsagesInRequest": False,
    "isCA": True,
    "nameConstraints": {
        "critical": True,
        "permitted": {"dnsDomains": ["example.com"], "ipRanges": ["10.0.0.0/8", "2001:db8::/32"]},
        "excluded": {"emailAddresses": ["example.org"], "uriDomains": [".example.org"]},
    },
    "secretTemplate": {"annotations": {"example.com/a": "b"}, "labels": {"app.kubernetes.io/name": "web"}},
    "keystores": {
        "jks": {"create": True, "alias": "web", "passwordSecretRef": {"name": "p", "key": "password"}},
        "pkcs12": {"create": True, "profile": "Modern2023", "password": "changeit"},
    },
    "additionalOutputFormats": [{"type": "DER"}, {"type": "CombinedPEM"}],
    "revisionHistoryLimit": 3,
}

OWN_FIELDS: Manifest = {
    "secretName": "web",
    "issuerRefs": [{"name": "first"}, {"name": "second", "kind": "ClusterIssuer"}],
    "literalSubject": "CN=web,O=Example,C=DE",
    "duration": "1.5h",
    "renewBeforePercentage": 30,
    "privateKey": {"algorithm": "ML-DSA-65"},
    "signatureAlgorithm": "ML-DSA-65",
    "acme": {"profile": "shortlived", "preferredChain": "Example Root"},
    "est": {
        "serverKeyGeneration": True,
        "password": {"username": "web", "passwordSecretRef": {"name": "p", "key": "password"}},
    },
    "cmp": {
        "certProfile": "web",
        "centralKeyGeneration": True,
        "keyRecovery": True,
        "mac": {"reference": "web", "secretRef": {"name": "m"}},
    },
    "scep": {"challengeSecretRef": {"name": "c"}},
    "csr": {
        "extensions": [{"oid": "1.3.6.1.5.5.7.1.24", "critical": False, "value": "MAMCAQU="}],
        "attributes": [{"oid": "1.2.840.113549.1.9.2", "values": ["BAA="]}],
    },
    "chain": {"includeRoot": True},
    "acceptChanges": ["Names", "Validity", "Subject", "Usages"],
    "adoption": "Adopt",
    "revocation": {"onDelete": True, "onSupersede": {"after": "1h"}, "reason": "superseded"},
    "deletion": "DeleteSecret",
    "rollout": {"targets": [{"kind": "Deployment", "name": "web"}]},
    "retry": {"initial": "1m", "max": "24h"},
    "suspend": True,
}

MANY_NAMES: Manifest = CERTIFICATE | {
    "dnsNames": [f"{number:04}.{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.abcd" for number in range(1000)],
    "ipAddresses": [f"2001:db8:1111:2222:3333:4444:5555:{number:04x}" for number in range(1000)],
    "uris": [f"spiffe://example.com/{number:04}/{'a' * 300}" for number in range(1000)],
    "emailAddresses": [f"{number:04}@example.com" for number in range(1000)],
}
"""As many names as are allowed, most of them as long as they can be: CEL has to stay within its run-time budget."""

ACME: Manifest = {"acme": {"server": "https://acme.example.com/directory", "privateKeySecretRef": {"name": "account"}}}

_SECRET = {"name": "s", "key": "k"}

DNS_PROVIDERS: dict[str, Manifest] = {
    "rfc2136": {
        "nameserver": "ns1.example.com:53",
        "protocol": "TCP",
        "tsigKeyName": "acme",
        "tsigAlgorithm": "HMACSHA256",
        "tsigSecretSecretRef": _SECRET,
    },
    "webhook": {"groupName": "acme.example.com", "solverName": "own", "config": {"zone": {"id": 1}}},
    "acmeDNS": {"host": "https://acme-dns.example.com", "accountSecretRef": _SECRET},
    "akamai": {
        "serviceConsumerDomain": "akab.example.com",
        "clientTokenSecretRef": _SECRET,
        "clientSecretSecretRef": _SECRET,
        "accessTokenSecretRef": _SECRET,
    },
    "azureDNS": {"subscriptionID": "s", "resourceGroupName": "r", "managedIdentity": {"clientID": "c"}},
    "cloudDNS": {"project": "p", "serviceAccountSecretRef": _SECRET},
    "cloudflare": {"apiTokenSecretRef": _SECRET},
    "digitalocean": {"tokenSecretRef": _SECRET},
    "route53": {"region": "eu-central-1", "accessKeyID": "a", "secretAccessKeySecretRef": _SECRET},
}

ACME_COMPLETE: Manifest = {
    "acme": {
        "server": "https://acme.example.com/directory",
        "contact": ["mailto:pki@example.com"],
        "termsOfServiceAgreed": True,
        "privateKeySecretRef": {"name": "account", "key": "tls.key"},
        "externalAccountBinding": {"keyID": "kid", "keySecretRef": _SECRET, "algorithm": "HS256"},
        "profile": "tlsserver",
        "preferredChain": "Example Root",
        "requestValidity": "Always",
        "renewalInfo": "Disabled",
        "solvers": [
            {"selector": {"dnsNames": ["a.example.com"], "dnsZones": ["example.com"], "matchLabels": {"a": "b"}}}
            | {"http01": {"ingress": {"className": "nginx", "ingressTemplate": {"metadata": {"labels": {"a": "b"}}}}}},
            {"http01": {"ingress": {"name": "web"}}},
            {"http01": {"gateway": {"parentRefs": [{"name": "g", "sectionName": "http", "port": 80}]}}},
            {"http01": {"direct": {}}},
            {"tlsALPN01": {}},
            {"dnsPersist01": {}},
            *(
                {
                    "dns01": {
                        provider: settings,
                        "cnameStrategy": "Follow",
                        "nameservers": ["10.0.0.53:53", "[2001:db8::53]:53"],
                        "propagation": {"timeout": "5m", "interval": "5s", "wait": "1m"},
                    }
                }
                for provider, settings in DNS_PROVIDERS.items()
            ),
        ],
    },
    "tls": {"caBundle": BUNDLE},
    "timeouts": {"connect": "5s", "request": "1m30s"},
    "limits": {"concurrency": 5, "perMinute": 60, "perDay": 1000},
    "allow": {
        "namespaces": ["default"],
        "namespaceSelector": {
            "matchLabels": {"a": "b"},
            "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
        },
        "dnsNames": ["*.example.com"],
        "ipRanges": ["10.0.0.0/8"],
        "uris": ["spiffe://example.com/*"],
        "emailAddresses": ["*@example.com"],
        "otherNames": ["1.3.6.1.4.1.311.20.2.3:*@example.com"],
        "commonNames": ["*"],
        "usages": ["server auth"],
        "keyAlgorithms": ["ECDSA", "Ed25519"],
        "maxDuration": "2160h",
        "isCA": False,
    },
}

EST: Manifest = {
    "est": {
        "url": "https://est.example.com",
        "label": "iot",
        "auth": {
            "password": {"username": "u", "passwordSecretRef": _SECRET, "scheme": "Digest"},
            "bearer": {"secretRef": _SECRET},
            "clientCertificate": {"secretRef": {"name": "s"}},
        },
        "renewWith": "Credential",
        "bootstrap": {"fingerprintSHA256": FINGERPRINT},
        "csrAttributes": "Ignore",
        "channelBinding": "Required",
    }
}

_POLLING = {"maxDuration": "168h", "minInterval": "10s", "maxInterval": "1h"}

CMP: Manifest = {
    "cmp": {
        "url": "http://cmp.example.com/.well-known/cmp/p/web",
        "protection": {
            "mac": {
                "reference": "r",
                "secretRef": _SECRET,
                "algorithm": "PBMAC1",
                "hash": "SHA256",
                "iterations": 20000,
            },
            "registrationAuthority": {"secretRef": {"name": "ra"}},
        },
        "initialOperation": "p10cr",
        "renewalOperation": "kur",
        "sender": "CN=web",
        "recipient": "CN=Example CA,O=Example",
        "certProfile": "web",
        "implicitConfirm": False,
        "trust": {"caBundleConfigMapRef": {"name": "roots", "key": "ca.crt"}, "acceptCaPubs": True},
        "polling": _POLLING,
        "interop": {"ignoreKeyUsage": True, "allowUnprotectedErrors": True, "senderKID": "web"},
    },
    "tls": {"caBundleSecretRef": _SECRET},
}

SCEP: Manifest = {
    "scep": {
        "url": "http://scep.example.com/certsrv/mscep/mscep.dll",
        "caIdentifier": "ca",
        "caFingerprintSHA256": "0f" * 32,
        "challenge": {
            "ndes": {
                "url": "https://scep.example.com/certsrv/mscep_admin/",
                "credentialsSecretRef": {"name": "ndes"},
            },
            "lifetime": "60m",
            "maxOutstanding": 5,
        },
        "challengeOnRenewal": True,
        "renewalOperation": "PKCSReq",
        "httpMethod": "GET",
        "legacyAlgorithms": {"send": ["DES3", "SHA-1"], "accept": ["DES3", "DES", "SHA-1", "MD5"]},
        "polling": _POLLING,
    }
}

SCEP_WEBHOOK: Manifest = {
    "scep": {
        "url": "https://scep.example.com/scep",
        "challenge": {
            "webhook": {"url": "https://hook.example.com", "hmacSecretRef": _SECRET, "caBundle": BUNDLE},
        },
    }
}

PROXY: Manifest = {"proxyURL": "http://proxy.example.com:3128"}
"""Added to a ClusterIssuer; an Issuer with it is refused."""

GOOD: dict[str, Manifest] = {
    "certificate": manifest("Certificate", CERTIFICATE),
    "cert-managers-fields": manifest("Certificate", CERT_MANAGERS),
    "own-fields": manifest("Certificate", OWN_FIELDS),
    "key-of-another-kind": manifest("Certificate", CERTIFICATE | {"privateKey": {"algorithm": "Ed25519", "size": 256}}),
    "many-names": manifest("Certificate", MANY_NAMES),
    "acme": manifest("Issuer", ACME),
    "acme-complete": manifest("Issuer", ACME_COMPLETE),
    "est": manifest("Issuer", EST),
    "cmp": manifest("Issuer", CMP),
    "scep": manifest("Issuer", SCEP),
    "scep-webhook": manifest("Issuer", SCEP_WEBHOOK),
    "cluster-acme": manifest("ClusterIssuer", ACME_COMPLETE | PROXY),
    "cluster-est": manifest("ClusterIssuer", EST | PROXY),
    "cluster-cmp": manifest("ClusterIssuer", CMP | PROXY),
    "cluster-scep": manifest("ClusterIssuer", SCEP | PROXY),
}
