"""Changes that spoil a good manifest, with the field and the remedy that the API server's message must name."""

from dataclasses import dataclass

from e2e.good_manifests import (
    ACME,
    CERTIFICATE,
    CMP,
    DNS_PROVIDERS,
    EST,
    SCEP,
    SCEP_WEBHOOK,
    Manifest,
    manifest,
)

_SECRET = {"name": "s"}


@dataclass(frozen=True, slots=True)
class Bad:
    """A good spec with a merge patch (None removes), the path in the message, and its words."""

    kind: str
    good: Manifest
    patch: Manifest
    field: str
    remedy: str

    @property
    def document(self) -> Manifest:
        return manifest(self.kind, _merged(self.good, self.patch))


def _merged(target: Manifest, patch: Manifest) -> Manifest:
    """RFC 7386, for objects."""
    merged = dict(target)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merged(merged[name], value)
        else:
            merged[name] = value
    return merged


def _certificate(patch: Manifest, field: str, remedy: str) -> Bad:
    return Bad("Certificate", CERTIFICATE, patch, field, remedy)


def _key(patch: Manifest, remedy: str) -> Bad:
    return _certificate({"privateKey": patch}, "spec.privateKey", remedy)


def _issuer(good: Manifest, patch: Manifest, field: str, remedy: str) -> Bad:
    return Bad("Issuer", good, patch, field, remedy)


def _solver(solver: Manifest, field: str, remedy: str) -> Bad:
    return _issuer(ACME, {"acme": {"solvers": [solver]}}, f"spec.acme.solvers[0]{field}", remedy)


def _dns01(settings: Manifest, field: str, remedy: str) -> Bad:
    return _solver({"dns01": settings}, f".dns01{field}", remedy)


CERTIFICATES: dict[str, Bad] = {
    "two-kinds-of-issuer": _certificate(
        {"issuerRefs": [{"name": "b"}]}, "spec", "issuerRef and issuerRefs: set exactly"
    ),
    "no-issuer": _certificate({"issuerRef": None}, "spec", "issuerRef and issuerRefs: set exactly one"),
    "empty-issuers": _certificate(
        {"issuerRef": None, "issuerRefs": []}, "spec", "issuerRef and issuerRefs: set exactly"
    ),
    "foreign-issuer": _certificate(
        {"issuerRef": {"group": "cert-manager.io"}}, "spec.issuerRef", "issuerRef.group: only"
    ),
    "unknown-issuer-kind": _certificate({"issuerRef": {"kind": "Vault"}}, "spec.issuerRef.kind", '"ClusterIssuer"'),
    "no-name": _certificate({"dnsNames": []}, "spec", "a certificate needs a name; set commonName"),
    "literal-and-common-name": _certificate(
        {"literalSubject": "CN=a", "commonName": "a"}, "spec", "remove subject and commonName, or literalSubject"
    ),
    "literal-and-subject": _certificate(
        {"literalSubject": "CN=a", "subject": {"countries": ["DE"]}}, "spec", "literalSubject is the whole subject"
    ),
    "renewed-twice": _certificate(
        {"renewBefore": "1h", "renewBeforePercentage": 30}, "spec", "renewBefore and renewBeforePercentage exclude"
    ),
    "renewed-before-issued": _certificate(
        {"renewBefore": "60m", "duration": "1h"}, "spec", "renewBefore must be shorter than duration; lower it"
    ),
    "too-short": _certificate({"duration": "59s"}, "spec", "duration must be 1m or longer"),
    "renewed-never": _certificate({"renewBefore": "0s"}, "spec", "renewBefore must be longer than 0s"),
    "constrained-leaf": _certificate({"nameConstraints": {"critical": True}}, "spec", "set isCA: true or remove them"),
    "signature-of-another-key": _certificate(
        {"signatureAlgorithm": "SHA256WithRSA", "privateKey": {"algorithm": "ECDSA"}},
        "spec",
        "signatureAlgorithm does not fit privateKey.algorithm",
    ),
    "size-alone": _key({"size": 2048}, "set privateKey.algorithm beside it"),
    "small-rsa": _key({"algorithm": "RSA", "size": 1024}, "privateKey.size of an RSA key must be 2048 to 8192"),
    "odd-curve": _key({"algorithm": "ECDSA", "size": 255}, "privateKey.size of an ECDSA key must be 256, 384 or 521"),
    "sized-ml-dsa": _key({"algorithm": "ML-DSA-44", "size": 44}, "privateKey.size does not apply to ML-DSA"),
    **{
        f"reserved-{what}-{domain}": _certificate(
            {"secretTemplate": {what: {f"{domain}/a": "b"}}},
            "spec.secretTemplate",
            f"secretTemplate.{what}: keys of certwright.io, cert-manager.io, kubernetes.io and k8s.io are reserved",
        )
        for domain in ("certwright.io", "cert-manager.io", "kubernetes.io", "k8s.io")
        for what in ("labels", "annotations")
    },
    "two-passwords": _certificate(
        {"keystores": {"jks": {"create": True, "password": "a", "passwordSecretRef": _SECRET}}},
        "spec.keystores.jks",
        "set exactly one of password and passwordSecretRef",
    ),
    "no-password": _certificate(
        {"keystores": {"pkcs12": {"create": True}}}, "spec.keystores.pkcs12", "keystores.pkcs12 needs one password"
    ),
    "contradictory-chain": _certificate(
        {"chain": {"includeRoot": True, "leafOnly": True}}, "spec.chain", "chain.includeRoot and chain.leafOnly exclude"
    ),
    "backwards-retry": _certificate(
        {"retry": {"initial": "2h", "max": "1h"}}, "spec.retry", "retry.initial must not be longer than retry.max"
    ),
    "url-for-name": _certificate({"dnsNames": ["https://a"]}, "spec.dnsNames[0]", "write a host name such as"),
    "name-for-address": _certificate({"ipAddresses": ["a.b"]}, "spec.ipAddresses[0]", "write an IPv4 or IPv6 address"),
    "path-for-uri": _certificate({"uris": ["/a"]}, "spec.uris[0]", "write a URI with its scheme"),
    "mailto": _certificate({"emailAddresses": ["mailto:a@b"]}, "spec.emailAddresses[0]", "write one address, such as"),
    "no-identifier": _certificate(
        {"otherNames": [{"oid": "upn", "utf8Value": "a"}]}, "spec.otherNames[0].oid", "write an object identifier"
    ),
    "address-for-range": _certificate(
        {"isCA": True, "nameConstraints": {"permitted": {"ipRanges": ["10.0.0.1"]}}},
        "spec.nameConstraints.permitted.ipRanges[0]",
        "write a range in CIDR form",
    ),
    "no-cron": _certificate(
        {"renewal": {"windows": [{"cron": "every night", "windowDuration": "1h"}]}},
        "spec.renewal.windows[0].cron",
        "write five fields, such as",
    ),
    "days": _certificate({"duration": "90d"}, "spec.duration", "should match '^([0-9]"),
    "bare-number": _certificate({"renewBefore": "5"}, "spec.renewBefore", "should match '^([0-9]"),
    "huge-duration": _certificate({"duration": "9999999h"}, "spec.duration", "should match '^([0-9]"),
    "no-percentage": _certificate(
        {"renewBeforePercentage": 100}, "spec.renewBeforePercentage", "less than or equal to 99"
    ),
    "no-secret-name": _certificate({"secretName": "Web_TLS"}, "spec.secretName", "should match '^[a-z0-9]"),
    "long-common-name": _certificate({"commonName": "a" * 65}, "spec.commonName", "may not be more than 64"),
    "too-many-names": _certificate({"dnsNames": ["a"] * 1001}, "spec.dnsNames", "must have at most 1000 items"),
    "no-usage": _certificate({"usages": ["web"]}, "spec.usages[0]", '"server auth"'),
    "no-adoption": _certificate({"adoption": "Steal"}, "spec.adoption", '"Refuse", "Adopt", "Replace"'),
    "no-base64": _certificate(
        {"csr": {"extensions": [{"oid": "1.2.3", "value": "%%%%"}]}}, "spec.csr.extensions[0].value", "of type byte"
    ),
    "misspelt": _certificate({"dnsName": ["a"]}, "spec.dnsName", "unknown field"),
}

ISSUERS: dict[str, Bad] = {
    "two-protocols": _issuer(ACME, EST, "spec", "set exactly one of acme, est, cmp and scep"),
    "no-protocol": _issuer({}, {}, "spec", "set exactly one of acme, est, cmp and scep"),
    "proxy-in-namespace": _issuer(ACME, {"proxyURL": "http://p"}, "spec", "proxyURL is for ClusterIssuers only"),
    "proxy-password": Bad("ClusterIssuer", ACME, {"proxyURL": "http://u:p@h"}, "spec.proxyURL", "without credentials"),
    "two-trusts": _issuer(
        ACME, {"tls": {"caBundleSecretRef": _SECRET, "caBundleConfigMapRef": _SECRET}}, "spec.tls", "keep one"
    ),
    "two-contacts": _issuer(
        ACME, {"acme": {"contact": ["mailto:a@b"], "email": "a@b"}}, "spec.acme", "acme.contact and acme.email exclude"
    ),
    "contact-without-scheme": _issuer(
        ACME, {"acme": {"contact": ["a@b.example"]}}, "spec.acme.contact[0]", "such as mailto:pki@example.com"
    ),
    "plain-acme": _issuer(ACME, {"acme": {"server": "http://ca"}}, "spec.acme.server", "write an https:// URL"),
    "no-account-key": _issuer(
        ACME, {"acme": {"privateKeySecretRef": None}}, "spec.acme.privateKeySecretRef", "Required"
    ),
    "address-limit": _issuer(ACME, {"limits": {"perDay": 0}}, "spec.limits.perDay", "greater than or equal to 1"),
    "no-range": _issuer(ACME, {"allow": {"ipRanges": ["10"]}}, "spec.allow.ipRanges[0]", "write a range in CIDR form"),
    "empty-solver": _solver({}, "", "set exactly one of http01, dns01, tlsALPN01, dnsPersist01"),
    "two-solvers": _solver({"tlsALPN01": {}, "dnsPersist01": {}}, "", "a solver proves names in one way"),
    "empty-http01": _solver({"http01": {}}, ".http01", "http01: set exactly one of ingress, gateway and direct"),
    "two-http01": _solver({"http01": {"direct": {}, "ingress": {}}}, ".http01", "http01: set exactly one of ingress"),
    "two-ingresses": _solver(
        {"http01": {"ingress": {"className": "a", "name": "b"}}},
        ".http01.ingress",
        "className makes an Ingress and name",
    ),
    "gateway-without-parent": _solver(
        {"http01": {"gateway": {"parentRefs": []}}}, ".http01.gateway.parentRefs", "at least 1 item"
    ),
    "empty-dns01": _dns01({}, "", "dns01 needs one provider; set exactly one of rfc2136"),
    "two-providers": _dns01(dict(list(DNS_PROVIDERS.items())[:2]), "", "dns01 needs one provider; set exactly one of"),
    "nameserver-url": _dns01({"rfc2136": {"nameserver": "udp://ns"}}, ".rfc2136.nameserver", "write host or host:port"),
    "half-a-key": _dns01(
        {"rfc2136": {"nameserver": "ns", "tsigKeyName": "a"}}, ".rfc2136", "tsigKeyName and tsigSecretSecretRef belong"
    ),
    "two-cloudflare-credentials": _dns01(
        {"cloudflare": {"email": "a", "apiKeySecretRef": _SECRET, "apiTokenSecretRef": _SECRET}},
        ".cloudflare",
        "cloudflare: set exactly one of apiTokenSecretRef and apiKeySecretRef",
    ),
    "cloudflare-key-without-email": _dns01(
        {"cloudflare": {"apiKeySecretRef": _SECRET}}, ".cloudflare", "set cloudflare.email or use apiTokenSecretRef"
    ),
    "two-azure-credentials": _dns01(
        {"azureDNS": DNS_PROVIDERS["azureDNS"] | {"clientSecretSecretRef": _SECRET}},
        ".azureDNS",
        "azureDNS: clientSecretSecretRef and managedIdentity exclude each other",
    ),
    "two-route53-ids": _dns01(
        {"route53": {"accessKeyID": "a", "accessKeyIDSecretRef": _SECRET}},
        ".route53",
        "route53: accessKeyID and accessKeyIDSecretRef exclude each other",
    ),
    "plain-est": _issuer(EST, {"est": {"url": "http://est"}}, "spec.est.url", "write an https:// URL"),
    "operation-label": _issuer(
        EST, {"est": {"label": "cacerts"}}, "spec.est.label", "not the name of an EST operation"
    ),
    "no-fingerprint": _issuer(
        EST,
        {"est": {"bootstrap": {"fingerprintSHA256": "ab"}}},
        "spec.est.bootstrap.fingerprintSHA256",
        "write a SHA-256 fingerprint: 64 hexadecimal digits",
    ),
    "two-protections": _issuer(
        CMP,
        {"cmp": {"protection": {"signature": {"secretRef": _SECRET}}}},
        "spec.cmp.protection",
        "mac and signature exclude each other",
    ),
    "ftp": _issuer(CMP, {"cmp": {"url": "ftp://cmp"}}, "spec.cmp.url", "write an http:// or https:// URL"),
    "backwards-polling": _issuer(
        CMP,
        {"cmp": {"polling": {"minInterval": "2h"}}},
        "spec.cmp.polling",
        "polling.minInterval must not be longer than polling.maxInterval",
    ),
    "unpinned-scep": _issuer(
        SCEP, {"scep": {"caFingerprintSHA256": None}}, "spec.scep", "scep.caFingerprintSHA256 is needed with an http://"
    ),
    "two-challenges": _issuer(
        SCEP,
        {"scep": {"challenge": {"secretRef": _SECRET}}},
        "spec.scep.challenge",
        "set exactly one of secretRef, ndes",
    ),
    "plain-webhook": _issuer(
        SCEP_WEBHOOK,
        {"scep": {"challenge": {"webhook": {"url": "http://hook"}}}},
        "spec.scep.challenge.webhook.url",
        "write an https:// URL",
    ),
    "sent-md5": _issuer(
        SCEP, {"scep": {"legacyAlgorithms": {"send": ["MD5"]}}}, "spec.scep.legacyAlgorithms.send[0]", '"DES3", "SHA-1"'
    ),
}

BAD = CERTIFICATES | ISSUERS
