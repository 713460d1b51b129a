"""What the Secret watch shows, turned into keys: a Secret that was edited or deleted wakes its Certificate.

An account key that is lost, or comes back, wakes its issuers.
"""

from certwright.handlers.drivers import Drivers
from certwright.handlers.enrolment import Enrolments
from certwright.handlers.inventory import Inventory
from certwright.kube.secret_watch import Seen
from certwright.model.metadata import (
    ANNOTATION_CERTIFICATE_NAME,
    LABEL_ROLE,
    ROLE_ACCOUNT,
    ROLE_ENROLMENT,
    ROLE_REVOCATION,
    Key,
    Kind,
    ObjectMetadata,
)
from certwright.runtime.queue import WorkQueue


def summarise(secret: ObjectMetadata) -> Seen:
    """The little that is kept of a Secret's metadata."""
    return Seen(
        uid=secret.uid,
        resource_version=secret.resource_version,
        role=secret.labels.get(LABEL_ROLE, ""),
        certificate=secret.annotations.get(ANNOTATION_CERTIFICATE_NAME, ""),
    )


class SecretChanges:
    """Hears of every change that the watch sees.

    ``enrolments`` and ``drivers``, which stand on the watch themselves, are handed in later.
    """

    def __init__(self, *, inventory: Inventory, queue: WorkQueue[Key], operator_namespace: str) -> None:
        self._inventory = inventory
        self._queue = queue
        self._operator_namespace = operator_namespace
        self._lost_accounts: set[tuple[str, str]] = set()
        self.enrolments: Enrolments | None = None
        self.drivers: Drivers | None = None

    def notify(self, namespace: str, name: str, seen: Seen, *, is_gone: bool) -> None:
        """One Secret appeared, changed or went."""
        if seen.role == ROLE_ACCOUNT:
            self._account(namespace, name, is_gone=is_gone)
            return
        named = Key(Kind.CERTIFICATE, namespace, seen.certificate)
        is_record = seen.role in {ROLE_ENROLMENT, ROLE_REVOCATION}
        # Whoever edits a Secret may have taken the role or the name away: the Certificate still says what it writes.
        writers = () if is_record else self._inventory.writers_of(namespace, name)
        for key in writers or (named,):
            self._wake(key, name, seen, is_record=is_record, is_gone=is_gone)

    def _wake(self, key: Key, name: str, seen: Seen, *, is_record: bool, is_gone: bool) -> None:
        record = self._inventory.certificates.get(key)
        if record is None or (is_record and not is_gone):
            return  # Of our own records only the loss is news.
        if not is_record and (record.secret_name != name or (not is_gone and record.matches(seen))):
            return
        if self.enrolments is not None and key in self.enrolments:
            self.enrolments.disturb(key)
            return
        self._queue.add(key)

    def _account(self, namespace: str, name: str, *, is_gone: bool) -> None:
        """Only a loss and its end are news: what is there at the start of a process must cost no probe."""
        if not is_gone and (namespace, name) not in self._lost_accounts:
            return
        (self._lost_accounts.add if is_gone else self._lost_accounts.discard)((namespace, name))
        operator_namespace = self._operator_namespace
        for key in self._inventory.users_of_account(namespace, name, operator_namespace=operator_namespace):
            if self.drivers is not None:
                self.drivers.probe_again(key)
