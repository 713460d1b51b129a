"""Creates Certificates fast and sees when each is Ready: straight to the API server, since kubectl takes 50 ms each."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import httpx

from e2e.controlplane import ControlPlane
from e2e.tenant import Object, condition_of

_CREATORS = 8
_PAUSE = 0.02
_REPORT_EVERY = 2.0
_PATH = "/apis/certwright.io/v1alpha1/namespaces/{}/certificates"


class StalledError(RuntimeError):
    """No Certificate became Ready for a long time, although some still wait."""


def open_client(control_plane: ControlPlane) -> httpx.Client:
    """As the administrator, with the client certificate."""
    pki = control_plane.directory / "pki"
    context = ssl.create_default_context(cadata=control_plane.ca_pem)
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    return httpx.Client(base_url=control_plane.url, verify=context, timeout=30)


class Certificates:
    """The Certificates of one namespace: when each was created, and when a watch showed it Ready."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self._path = _PATH.format(namespace)
        self._http = open_client(control_plane)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._is_watching = threading.Event()
        self._is_closing = False
        self.created: dict[str, float] = {}
        self.ready: dict[str, float] = {}

    def create(self, *certificates: Object) -> None:
        """Create all of them, a few at a time."""
        with ThreadPoolExecutor(_CREATORS) as pool:
            list(pool.map(self._create, certificates))

    def wait_ready(self, names: Sequence[str], *, stalled_after: float, progress: Callable[[int], None]) -> None:
        """Until a watch has shown all of them Ready; ``progress`` is told how many are, now and then."""
        last_change = last_report = time.monotonic()
        count = 0
        while count < len(names):
            time.sleep(_PAUSE)
            now, before = time.monotonic(), count
            count = sum(name in self.ready for name in names)
            last_change = now if count > before else last_change
            if now - last_change > stalled_after:
                raise StalledError(f"{count} of {len(names)} Ready, and no further one for {stalled_after:.0f} s")
            if now - last_report > _REPORT_EVERY:
                last_report = now
                progress(count)

    def latencies(self, names: Sequence[str]) -> list[float]:
        """Seconds from the creation of each to its being Ready."""
        return [self.ready[name] - self.created[name] for name in names]

    def _create(self, certificate: Object) -> None:
        self.created[certificate["metadata"]["name"]] = time.monotonic()
        self._http.post(self._path, json=certificate).raise_for_status()

    def _watch(self) -> None:
        version = self._http.get(self._path).raise_for_status().json()["metadata"]["resourceVersion"]
        query = {"watch": "true", "resourceVersion": version}
        try:
            with self._http.stream("GET", self._path, params=query, timeout=None) as answer:
                self._is_watching.set()
                for line in answer.iter_lines():
                    self._take(json.loads(line)["object"])
        except (httpx.HTTPError, RuntimeError):
            if not self._is_closing:
                raise

    def _take(self, certificate: Object) -> None:
        condition = condition_of(certificate, "Ready")
        if condition is not None and condition["status"] == "True":
            self.ready.setdefault(certificate["metadata"]["name"], time.monotonic())

    def __enter__(self) -> Self:
        self._watcher.start()
        if not self._is_watching.wait(10):
            raise StalledError("the watch of the Certificates was not answered")
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._is_closing = True
        self._http.close()
