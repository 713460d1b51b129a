"""Finds the API server and the credentials for it: a kubeconfig file where one is named, else the pod's own account."""

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import yaml
from kubernetes.aio import client, config

SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class ConnectionSettingsError(Exception):
    """No usable kubeconfig and no service account; the message says what was tried and what to do."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the API server is and who we are there."""

    configuration: client.Configuration

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self.configuration.host)

    async def authorization(self) -> str | None:
        """The bearer header of this moment (bound tokens are rotated), or None with client certificates."""
        settings = await self.configuration.auth_settings()
        bearer = settings.get("BearerToken")
        return str(bearer["value"]) if bearer else None

    def tls(self) -> ssl.SSLContext:
        """Trust in the API server alone, with our client certificate where there is one."""
        context = ssl.create_default_context(
            cafile=self.configuration.ssl_ca_cert, cadata=self.configuration.ca_cert_data
        )
        if self.configuration.cert_file:
            context.load_cert_chain(self.configuration.cert_file, self.configuration.key_file)
        if not self.configuration.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    async def session(self, *, connections: int) -> aiohttp.ClientSession:
        """A session of its own for Kopf's watches, so that they never wait behind our requests."""
        authorization = await self.authorization()
        headers = {"Authorization": authorization} if authorization else {}
        connector = aiohttp.TCPConnector(limit=connections, ssl=self.tls())
        return aiohttp.ClientSession(connector=connector, headers=headers)


async def connect(*, kubeconfig: str | None = None, context: str | None = None) -> Connection:
    """Load what `certwright run` was told, else ``KUBECONFIG``, else the pod's account, else ``~/.kube/config``.

    Raises `ConnectionSettingsError`; no request is made yet.
    """
    where = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    connection = Connection(client.Configuration())
    if kubeconfig and not _is_file(kubeconfig):
        raise _unusable(where, "there is no such file")
    try:
        await _load(connection.configuration, kubeconfig, context)
        connection.tls()
    except (config.ConfigException, OSError, ValueError) as error:
        raise _unusable(where, str(error)) from error
    except (yaml.YAMLError, TypeError, AttributeError, KeyError) as error:
        # The library's words for a file of another kind quote it, and it may hold a token.
        raise _unusable(where, "this is no kubeconfig file") from error
    return connection


async def _load(configuration: client.Configuration, kubeconfig: str | None, context: str | None) -> None:
    is_pod = "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ
    if is_pod and not kubeconfig and not context:
        config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]
    else:
        await config.load_kube_config(  # type: ignore[no-untyped-call]
            kubeconfig, context=context, client_configuration=configuration
        )


def _is_file(path: str) -> bool:
    return Path(path).expanduser().is_file()


def _unusable(where: str, why: str) -> ConnectionSettingsError:
    return ConnectionSettingsError(
        f"no usable Kubernetes credentials in {where}: {why}. Name a file with --kubeconfig."
    )


def own_namespace(read: Callable[[], str] | None = None) -> str | None:
    """The namespace this pod runs in, or None outside a cluster."""
    try:
        return (read or SERVICE_ACCOUNT_NAMESPACE.read_text)().strip() or None
    except OSError:
        return None
