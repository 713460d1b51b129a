"""Keeps what CAs hand over as their next trust anchors, so that a restart trusts no less than the process before it."""

import logging
from collections.abc import Sequence

from certwright.handlers.credentials import Credentials
from certwright.kube.errors import ConflictError
from certwright.kube.secrets import Secrets, encoded
from certwright.model.chain import fingerprint
from certwright.model.enrolment import LearnedAnchor
from certwright.model.learned import anchors_secret, from_data, is_same, to_data
from certwright.model.observed import KnownIssuer

_log = logging.getLogger(__name__)


class LearnedAnchors:
    """One Secret for each issuer that has learned anything."""

    def __init__(self, *, secrets: Secrets, credentials: Credentials) -> None:
        self._secrets = secrets
        self._credentials = credentials

    async def keep(self, issuer: KnownIssuer, learned: Sequence[LearnedAnchor]) -> None:
        """Write them unless they are there already. Raises `KubeError`."""
        namespace = self._credentials.namespace_of(issuer)
        body = anchors_secret(issuer.metadata, issuer.key, namespace, encoded(to_data(learned)))
        name = body["metadata"]["name"]
        there = await self._secrets.get(namespace, name)
        if is_same(from_data(there.data) if there is not None else (), learned):
            return
        for anchor in learned:
            _log.info("%s: trusts %s (%s)", issuer.key, fingerprint(anchor.certificate), anchor.source)
        if there is not None:
            body["metadata"] |= {"uid": there.metadata.uid, "resourceVersion": there.metadata.resource_version}
            await self._secrets.replace(namespace, name, body)
            return
        try:
            await self._secrets.create(namespace, body)
        except ConflictError:
            _log.debug("%s: its anchors were written meanwhile, and are looked at with the next probe", issuer.key)
