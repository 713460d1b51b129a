"""All Certificates of one driver, made at once and looked at together: a test then waits for its own only.

One at a time, two hundred of them would take minutes.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import Any

from cryptography import x509

from certwright.model.reasons import Reason
from e2e.conformance.delivered import Delivered
from e2e.conformance.drivers import ISSUER, Driver, Refused
from e2e.conformance.features import Act, Feature
from e2e.conformance.following import Certificates, Requests
from e2e.processes import NotInTimeError, wait_until
from e2e.tenant import API, Object, Tenant, condition_of

PATIENCE = timedelta(seconds=90)
_FINAL = {Reason.NOT_IMPLEMENTED, Reason.INVALID_SPEC, Reason.UNEXPECTED_CERTIFICATE}


class Batch:
    """One driver's Certificates in a namespace of their own."""

    def __init__(
        self,
        tenant: Tenant,
        driver: Driver[Any],
        features: Sequence[Feature],
        *,
        certificates: Certificates,
        requests: Requests,
    ) -> None:
        self.driver = driver
        self._tenant = tenant
        self._features = features
        self._certificates = certificates
        self._requests = requests
        self._known_secrets: Mapping[str, Object] = {}

    def create(self) -> None:
        """The Issuer, and every Certificate with what it names."""
        beside = {json.dumps(each): each for feature in self._features for each in feature.beside}
        certificates = (self._certificate(feature) for feature in self._features)
        items = [*self.driver.objects(), *beside.values(), *certificates]
        bundle = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        # Unlike apply, it does not look first for what cannot be there.
        self._tenant.kubectl("create", "--filename=-", stdin=bundle)

    def _certificate(self, feature: Feature) -> Object:
        """What is to be refused is asked for once; what is not gets another chance on a machine that is too slow."""
        is_refused = isinstance(self.driver.cannot.get(feature.name), Refused)
        retry = {"initial": "24h", "max": "24h"} if is_refused else {"initial": "5s", "max": "10s"}
        spec = {"secretName": feature.slug, "issuerRef": {"name": ISSUER}, "retry": retry, **feature.spec}
        return {"apiVersion": API, "kind": "Certificate", "metadata": {"name": feature.slug}, "spec": spec}

    def refusal(self, feature: Feature, reason: str) -> Object:
        """The Ready condition, when it has that reason."""
        what = f"{feature} is refused ({reason})"
        return _ready(self._until(feature, lambda found: _ready(found).get("reason") == reason, what))

    def requests(self, feature: Feature) -> Sequence[x509.CertificateSigningRequest]:
        """What the CA may have been asked for so far."""
        return self._requests.of(self._certificates.latest()[feature.slug]["metadata"]["uid"])

    def delivered(self, feature: Feature) -> Delivered:
        """What the user has in the end."""
        match feature.then:
            case Act.NOTHING:
                certificate = self._until(feature, _is_ready, f"{feature} is issued")
                return self._delivered(certificate, self._secret(feature))
            case Act.DELETE:
                return self._deleted(feature, self._acted[feature.slug])
            case Act.RENEW | Act.RELABEL:
                before = self._acted[feature.slug]
                wanted = 2 if feature.then is Act.RENEW else 1
                certificate = self._until(
                    feature, lambda found: _is_ready(found) and _revision(found) >= wanted, f"{feature}, after that"
                )
                return self._delivered(certificate, self._secrets()[feature.slug], before)

    def certificates_made(self) -> int:
        """How many certificates the CA has to have made for what the Certificates have become when all is over."""
        for feature in self._features:
            match self.driver.cannot.get(feature.name):
                case Refused(reason=reason):
                    self.refusal(feature, reason)
                case _:
                    self.delivered(feature)
        certificates = self._certificates.latest().values()
        unexpected = [one for one in certificates if _ready(one).get("reason") == Reason.UNEXPECTED_CERTIFICATE]
        return len(unexpected) + sum(map(_revision, certificates))

    def _delivered(self, certificate: Object, secret: Object, before: Object | None = None, **more: Any) -> Delivered:
        name, uid = certificate["metadata"]["name"], certificate["metadata"]["uid"]
        return Delivered(
            status=certificate["status"],
            metadata=secret["metadata"],
            data=_data(secret),
            requests=wait_until(lambda: self._requests.of(uid), f"the request of {name}"),
            before=_data(before) if before is not None else {},
            **more,
        )

    def _deleted(self, feature: Feature, before: Object) -> Delivered:
        wait_until(lambda: self._certificates.is_gone(feature.slug), f"{feature}: the end", within=PATIENCE)
        certificate = self._certificates.latest()[feature.slug]
        return self._delivered(
            certificate,
            before,
            events=[reason for _, reason, _ in self._tenant.events(feature.slug)],
            is_revoked=certificate["status"]["serialNumber"] in self.driver.revoked_serials(),
        )

    @cached_property
    def _acted(self) -> Mapping[str, Object]:
        """What is done with ready Certificates is done with all of them at once; their Secrets before that."""
        for feature in self._features:
            if feature.then is not Act.NOTHING:
                self._until(feature, _is_ready, f"{feature} is issued")
        before = self._secrets()
        patch = json.dumps({"spec": {"secretTemplate": {"labels": {"team": "other"}}}})
        self._do(Act.RENEW, "annotate", "certwright.io/renew=now")
        self._do(Act.RELABEL, "patch", "--type=merge", f"--patch={patch}")
        self._do(Act.DELETE, "delete", "--wait=false")
        return before

    def _do(self, act: Act, verb: str, *arguments: str) -> None:
        names = [f"certificates.certwright.io/{one.slug}" for one in self._features if one.then is act]
        if names:
            self._tenant.kubectl(verb, *names, *arguments)

    def _until(self, feature: Feature, condition: Callable[[Object], bool], what: str) -> Object:
        """The Certificate when it is so; fails early where it never will be."""

        def found() -> Object:
            return self._certificates.latest().get(feature.slug, {})

        def is_over() -> bool:
            return bool(found()) and (condition(found()) or _ready(found()).get("reason") in _FINAL)

        with suppress(NotInTimeError):
            wait_until(is_over, what, within=PATIENCE)
        assert condition(found()), f"{what}: {json.dumps(found().get('status'), indent=1)}"
        return found()

    def _secret(self, feature: Feature) -> Object:
        """Of a Certificate that is ready, to which nothing is done: read once, with all others that are there."""
        if feature.slug not in self._known_secrets:
            self._known_secrets = self._secrets()
        return self._known_secrets[feature.slug]

    def _secrets(self) -> Mapping[str, Object]:
        items = json.loads(self._tenant.kubectl("get", "secrets", "--output=json"))["items"]
        return {item["metadata"]["name"]: item for item in items}


def _ready(certificate: Object) -> Object:
    """The condition, unless it speaks of an older spec."""
    found = condition_of(certificate, "Ready") or {}
    return found if found.get("observedGeneration") == certificate["metadata"]["generation"] else {}


def _is_ready(certificate: Object) -> bool:
    return _ready(certificate).get("status") == "True"


def _revision(certificate: Object) -> int:
    return int(certificate["status"].get("revision", 0))


def _data(secret: Object) -> Mapping[str, bytes]:
    return {name: base64.b64decode(value) for name, value in secret["data"].items()}
