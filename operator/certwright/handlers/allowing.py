"""Asks an issuer's ``allow``, with the labels of the namespace where it selects by them."""

from certwright.kube.namespaces import Namespaces
from certwright.model.allow import refusal
from certwright.model.observed import Certificate, KnownIssuer


class Allowance:
    """Whether an issuer allows a Certificate."""

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces

    async def refusal(self, certificate: Certificate, issuer: KnownIssuer) -> str | None:
        """Why not, as a sentence that names the value; None: it does."""
        allow = issuer.spec.allow
        if allow is None:
            return None
        selects = allow.namespace_selector is not None
        labels = await self._namespaces.labels(certificate.metadata.namespace) if selects else {}
        return refusal(
            allow,
            certificate.metadata,
            certificate.spec,
            protocol=issuer.spec.protocol,
            namespace_labels=labels,
        )
