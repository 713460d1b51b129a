"""``certwright run``: reads the flags, sets up logging, runs the operator, and turns failures into one clear line."""

import asyncio
import ipaddress
import os
import socket
import sys
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, TypeVar

import typer

from certwright.cli.logging import LogFormat, LogLevel, set_up_logging

T = TypeVar("T")

EXIT_FAILED = 1
HIGHEST_PORT = 65_535


def _env(flag: str) -> str:
    return "CERTWRIGHT_" + flag.upper().replace("-", "_")


def run(
    *,
    kubeconfig: Annotated[
        str | None, typer.Option(envvar=_env("kubeconfig"), help="Kubeconfig file. Default: the pod's account.")
    ] = None,
    context: Annotated[str | None, typer.Option(envvar=_env("context"), help="Context of the kubeconfig file.")] = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option(envvar=_env("namespace"), help="Namespace to watch; repeatable. Default: all namespaces."),
    ] = None,
    operator_namespace: Annotated[
        str | None,
        typer.Option(
            envvar=_env("operator-namespace"),
            help="Namespace of the Lease, of ClusterIssuers' Secrets and of the HTTP-01 answers. Default: the pod's.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(envvar=_env("workers"), min=1, max=500, help="Objects worked on at the same time.")
    ] = 50,
    kube_api_qps: Annotated[
        float, typer.Option(envvar=_env("kube-api-qps"), min=1, help="Requests per second to the API server.")
    ] = 300.0,
    leader_election: Annotated[
        bool, typer.Option(envvar=_env("leader-election"), help="Whether replicas choose one that works.")
    ] = True,
    lease_name: Annotated[str, typer.Option(envvar=_env("lease-name"), help="Name of the Lease.")] = "certwright",
    secret_watch: Annotated[
        bool,
        typer.Option(
            envvar=_env("secret-watch"),
            help="Whether written Secrets are watched; if not, each is read every ten minutes.",
        ),
    ] = True,
    http01_listen: Annotated[
        str, typer.Option(envvar=_env("http01-listen"), help="host:port of the HTTP-01 responder; empty: none.")
    ] = ":8089",
    http01_service: Annotated[
        str,
        typer.Option(
            envvar=_env("http01-service"),
            help="name:port of the Service that leads to the responders, for Ingresses and HTTPRoutes.",
        ),
    ] = "certwright-http01:8089",
    http01_self_check_port: Annotated[
        int,
        typer.Option(
            envvar=_env("http01-self-check-port"),
            min=1,
            max=65535,
            help="Port that stands for port 80 in the operator's own look at a proof.",
        ),
    ] = 80,
    http01_namespaced_issuers: Annotated[
        str,
        typer.Option(
            envvar=_env("http01-namespaced-issuers"),
            help="Hosts that a namespaced Issuer may prove over HTTP-01: 'claimed' by an Ingress or HTTPRoute of the"
            " Certificate's namespace, or 'any' where all tenants trust each other.",
        ),
    ] = "claimed",
    recursive_nameservers: Annotated[
        str,
        typer.Option(
            envvar=_env("recursive-nameservers"),
            help="Name servers for all self-checks, as address:port, separated by commas. Default: the system's.",
        ),
    ] = "",
    deny_cidrs: Annotated[
        str, typer.Option(envvar=_env("deny-cidrs"), help="Networks that no issuer may reach, separated by commas.")
    ] = "",
    allow_cidrs: Annotated[
        str, typer.Option(envvar=_env("allow-cidrs"), help="Exceptions from denied networks, separated by commas.")
    ] = "",
    metrics_listen: Annotated[
        str,
        typer.Option(envvar=_env("metrics-listen"), help="host:port of /livez, /readyz and /metrics; empty: none."),
    ] = ":9402",
    shutdown_grace: Annotated[
        float, typer.Option(envvar=_env("shutdown-grace"), min=0, help="Seconds for running steps at SIGTERM.")
    ] = 20.0,
    log_format: Annotated[LogFormat, typer.Option(envvar=_env("log-format"), help="text or json.")] = LogFormat.TEXT,
    log_level: Annotated[LogLevel, typer.Option(envvar=_env("log-level"), help="Least severe lines.")] = LogLevel.INFO,
) -> None:
    """Run the operator until SIGTERM."""
    # Imported here, so that `certwright --help` does not wait for Kopf and the Kubernetes client.
    from certwright.handlers.application import run as run_operator
    from certwright.handlers.failures import explain
    from certwright.handlers.settings import NamespacedIssuers, Settings
    from certwright.runtime.supervise import exit_within

    set_up_logging(log_format, log_level)
    settings = Settings(
        kubeconfig=kubeconfig,
        context=context,
        namespaces=tuple(namespace or ()),
        operator_namespace=operator_namespace or _own_namespace(),
        workers=workers,
        api_qps=kube_api_qps,
        leader_election=leader_election,
        lease_name=lease_name,
        identity=socket.gethostname(),
        secret_watch=secret_watch,
        http01_listen=_address("--http01-listen", http01_listen),
        http01_service=_service(http01_service),
        http01_self_check_port=http01_self_check_port,
        http01_namespaced_issuers=_checked(
            "--http01-namespaced-issuers", http01_namespaced_issuers, NamespacedIssuers, "claimed or any"
        ),
        recursive_nameservers=_nameservers(recursive_nameservers),
        deny_cidrs=_networks("--deny-cidrs", deny_cidrs),
        allow_cidrs=_networks("--allow-cidrs", allow_cidrs),
        metrics_listen=_address("--metrics-listen", metrics_listen),
        grace=timedelta(seconds=shutdown_grace),
    )
    try:
        asyncio.run(run_operator(settings))
    except Exception as error:
        exit_within(timedelta(seconds=5), code=EXIT_FAILED)
        line = explain(error)
        if line is None:
            raise
        print(f"certwright: {line}", file=sys.stderr)  # noqa: T201 - the one line for whoever started it
        raise typer.Exit(EXIT_FAILED) from None


def _usage(flag: str, value: str, wanted: str) -> typer.BadParameter:
    return typer.BadParameter(f"{value!r}: write {wanted}", param_hint=flag)


def _checked(flag: str, value: str, parse: Callable[[str], T], wanted: str) -> T:
    try:
        return parse(value)
    except ValueError:
        raise _usage(flag, value, wanted) from None


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _networks(flag: str, text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(_checked(flag, part, ipaddress.ip_network, "networks such as 10.0.0.0/8") for part in _listed(text))


def _nameservers(text: str) -> tuple[str, ...]:
    from certwright.solvers.dns01.exchange import Nameserver

    return tuple(
        str(_checked("--recursive-nameservers", part, Nameserver.parse, "addresses such as 192.0.2.1 or 192.0.2.1:53"))
        for part in _listed(text)
    )


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= HIGHEST_PORT:
        raise ValueError(text)
    return number


def _address(flag: str, text: str) -> tuple[str, int] | None:
    if not text:
        return None
    host, _, port = text.rpartition(":")
    number = _checked(flag, port, _port, "host:port, :port, or nothing")
    return host.strip("[]"), number


def _service(text: str) -> tuple[str, int]:
    name, _, port = text.rpartition(":")
    if not name:
        raise _usage("--http01-service", text, "name:port")
    return name, _checked("--http01-service", port, _port, "name:port")


def _own_namespace() -> str:
    from certwright.handlers.application import own_namespace

    found = own_namespace() or os.environ.get("POD_NAMESPACE")
    if not found:
        raise typer.BadParameter("outside a cluster it must be said", param_hint="--operator-namespace")
    return found
