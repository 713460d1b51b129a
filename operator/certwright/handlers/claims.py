"""Who else lays claim to a Secret: another Certificate that names it, an issuer that uses it. Asked by `observation`.

It is answered from what the watches have shown, without a request and without a scan of the namespace's Certificates.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from certwright.handlers.inventory import Inventory
from certwright.model.metadata import Key, Kind
from certwright.model.observed import AsRecorded, Certificate, DeliveredSecret, SecretState, is_ours
from certwright.model.ownership import certificate_of
from certwright.model.resources import Adoption


class Claims:
    """The claims that are known."""

    def __init__(self, inventory: Inventory, *, operator_namespace: str) -> None:
        self._inventory = inventory
        self._operator_namespace = operator_namespace

    def rival(self, certificate: Certificate, secret: SecretState) -> str | None:
        """The Certificate that the Secret is left to: the one that it was written for, else the older one.

        Of two that were made within a second it is the one that was seen first.
        """
        if isinstance(secret, AsRecorded):
            return None
        namespace, own = certificate.metadata.namespace, certificate.metadata.name
        owner = certificate_of(secret.metadata) if isinstance(secret, DeliveredSecret) else None
        if owner == own:
            return None
        if owner is not None and self._is_claimed_by(owner, secret, namespace):
            return owner
        writers = self._inventory.writers_of(namespace, certificate.spec.secret_name)
        if len(writers) <= 1:
            return None
        oldest = min(writers, key=self._created)
        return oldest.name if oldest.name != own else None

    def _is_claimed_by(self, name: str, secret: SecretState, namespace: str) -> bool:
        """Whether such a Certificate lives and writes this Secret, or has yet to move out of it."""
        record = self._inventory.certificates.get(Key(Kind.CERTIFICATE, namespace, name))
        if record is None or not isinstance(secret, DeliveredSecret):
            return False
        return record.secret_name == secret.metadata.name or record.secret_uid == secret.metadata.uid

    def _created(self, key: Key) -> str:
        return self._inventory.certificates[key].created

    def user(self, certificate: Certificate, secret: SecretState) -> str | None:
        """The issuer that uses a Secret which the Certificate would take over; None: none does, or it would not."""
        is_taken_over = certificate.spec.adoption not in {None, Adoption.REFUSE} and not is_ours(certificate, secret)
        if not is_taken_over or not isinstance(secret, DeliveredSecret):
            return None
        for key, body in self._inventory.issuers.items():
            where = key.namespace or self._operator_namespace
            if where == secret.metadata.namespace and secret.metadata.name in _secrets_in(body.get("spec") or {}):
                return str(key)
        return None


def _secrets_in(spec: Mapping[str, Any]) -> Iterator[str]:
    """The names of all Secrets that an issuer's spec refers to, however deep."""
    for name, value in spec.items():
        if isinstance(value, Mapping):
            if name.lower().endswith("secretref") and isinstance(value.get("name"), str):
                yield value["name"]
            yield from _secrets_in(value)
        elif isinstance(value, list):
            for each in value:
                if isinstance(each, Mapping):
                    yield from _secrets_in(each)
