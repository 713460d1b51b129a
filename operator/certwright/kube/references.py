"""The only reader of Secrets and ConfigMaps that an Issuer or a Certificate names.

Whoever may write an Issuer could otherwise make the operator send any Secret of the cluster to a server of his own:
so only the referrer's own namespace is read, and Secrets that are credentials of Kubernetes itself are refused.
"""

from dataclasses import dataclass

from certwright.kube.client import APIServer
from certwright.kube.errors import ForbiddenError, NotFoundError
from certwright.kube.objects import core_path
from certwright.kube.permissions import Rule, Scope
from certwright.kube.secrets import Secret, Secrets

RULES = (
    Rule("", ("configmaps",), ("get",), Scope.WATCHED),
    Rule("", ("secrets", "configmaps"), ("get",), Scope.OPERATOR),
)

REFUSED_TYPES = frozenset(
    {"kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token", "helm.sh/release.v1"},
)


@dataclass(frozen=True, slots=True)
class MissingReference(Exception):
    """A referenced object that is not there, lacks the key or may not be used; ``message`` names the remedy."""

    message: str

    def __str__(self) -> str:
        """The sentence for users."""
        return self.message


class References:
    """Reads by name, at the moment it is asked; nothing is cached here."""

    def __init__(self, server: APIServer) -> None:
        self._server = server
        self._secrets = Secrets(server)

    async def secret(self, namespace: str, name: str, key: str) -> bytes:
        """The bytes under ``key``; raises `MissingReference`."""
        return (await self.whole_secret(namespace, name, key)).data[key]

    async def whole_secret(self, namespace: str, name: str, *keys: str) -> Secret:
        """The Secret, which holds something under each of ``keys``; raises `MissingReference`."""
        try:
            secret = await self._secrets.get(namespace, name)
        except ForbiddenError as error:
            raise MissingReference(
                f"Secret {namespace}/{name} may not be read: the operator's role forbids it"
            ) from error
        if secret is None:
            wanted = " and ".join(repr(key) for key in keys)
            raise MissingReference(f"Secret {namespace}/{name} does not exist: create it with the key {wanted}")
        if secret.type in REFUSED_TYPES:
            raise MissingReference(f"Secret {namespace}/{name} has type {secret.type}, which no issuer may use")
        for key in keys:
            if not secret.data.get(key):
                raise MissingReference(f"Secret {namespace}/{name} has no key {key!r}: add it")
        return secret

    async def config_map(self, namespace: str, name: str, key: str) -> bytes:
        """The text under ``key`` as bytes; raises `MissingReference`."""
        try:
            body = await self._server.get(core_path("configmaps", namespace, name))
        except NotFoundError:
            raise MissingReference(f"ConfigMap {namespace}/{name} does not exist: create it with {key!r}") from None
        except ForbiddenError as error:
            raise MissingReference(f"ConfigMap {namespace}/{name} may not be read by the operator's role") from error
        value = (body.get("data") or {}).get(key)
        if not value:
            raise MissingReference(f"ConfigMap {namespace}/{name} has no key {key!r}: add it")
        return str(value).encode()
