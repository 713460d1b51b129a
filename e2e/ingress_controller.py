"""A stand-in for an Ingress controller and a Gateway: it leads requests where the objects in the API server say.

It knows hosts, Exact paths, Services of another namespace behind a ReferenceGrant, and ExternalName Services; that is
all that HTTP-01 routes use. Which port stands for a Service is told to it, since nothing runs pods here. Every request
is decided from what the API server holds at that moment, so that a route that is gone leads nowhere.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import httpx

from e2e.controlplane import ControlPlane

Object = dict[str, Any]
KINDS = "ingresses.networking.k8s.io,httproutes.gateway.networking.k8s.io,services,referencegrants"


class IngressController:
    """Listens on one port of loopback while it is entered."""

    def __init__(self, control_plane: ControlPlane, *, port: int, responder: str, service: str) -> None:
        """``service`` (``namespace/name:port``) is the one behind which ``responder`` (``host:port``) listens."""
        self._control_plane = control_plane
        self._responder = responder
        self._service = service
        self.followed: set[str] = set()
        """The routes that were followed, as ``Kind namespace/name``."""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        controller = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = controller.answer(self.headers["Host"], self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        return Handler

    def answer(self, host: str, path: str) -> tuple[int, bytes]:
        """What the responder says, if a route leads there."""
        objects = json.loads(self._control_plane.kubectl("get", KINDS, "--all-namespaces", "--output=json"))["items"]
        for name, service in (*_by_ingresses(objects, host, path), *_by_routes(objects, host, path)):
            if service == self._service:
                self.followed.add(name)
                found = httpx.get(f"http://{self._responder}{path}", headers={"Host": host})
                return found.status_code, found.content
        return 404, b"no route\n"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _by_ingresses(objects: list[Object], host: str, path: str) -> Iterator[tuple[str, str]]:
    """The Ingresses that fit, and the Services that they lead to."""
    for ingress in (each for each in objects if each["kind"] == "Ingress"):
        namespace = ingress["metadata"]["namespace"]
        for rule in ingress["spec"].get("rules", []):
            for each in rule["http"]["paths"] if rule.get("host") == _name(host) else []:
                if (each["pathType"], each["path"]) == ("Exact", path):
                    backend = each["backend"]["service"]
                    yield _of(ingress), _service(objects, namespace, backend["name"], backend["port"]["number"])


def _by_routes(objects: list[Object], host: str, path: str) -> Iterator[tuple[str, str]]:
    """The HTTPRoutes that fit, and the Services that they may lead to."""
    for route in (each for each in objects if each["kind"] == "HTTPRoute"):
        namespace = route["metadata"]["namespace"]
        for rule in route["spec"]["rules"] if _name(host) in route["spec"].get("hostnames", []) else []:
            if {"path": {"type": "Exact", "value": path}} in rule["matches"]:
                for backend in rule["backendRefs"]:
                    if _is_granted(objects, namespace, backend):
                        yield _of(route), f"{backend['namespace']}/{backend['name']}:{backend['port']}"


def _service(objects: list[Object], namespace: str, name: str, port: int) -> str:
    """The Service that stands for this one, whatever namespace that is in."""
    for each in objects:
        if (each["kind"], each["metadata"]["namespace"], each["metadata"]["name"]) == ("Service", namespace, name):
            target, where, rest = each["spec"].get("externalName", f"{name}.{namespace}.svc").split(".", 2)
            assert rest.partition(".")[0] == "svc"
            return f"{where}/{target}:{port}"
    return f"{namespace}/{name}:{port}"


def _is_granted(objects: list[Object], namespace: str, backend: Object) -> bool:
    source = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": namespace}
    target = {"group": "", "kind": "Service", "name": backend["name"]}
    return any(
        source in each["spec"]["from"] and target in each["spec"]["to"]
        for each in objects
        if each["kind"] == "ReferenceGrant" and each["metadata"]["namespace"] == backend["namespace"]
    )


def _of(route: Object) -> str:
    return f"{route['kind']} {route['metadata']['namespace']}/{route['metadata']['name']}"


def _name(host: str) -> str:
    return host.partition(":")[0]
