"""The whole operator over an API server in memory: what it writes, and what users read, without a socket.

Everything is as in the real process but for three things: a test hands the keys to the operator (or lets ``work`` do
it), a loop stands for Kopf's watches, and `tests.handlers.ca` stands for the CAs.
"""

import asyncio
import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from certwright.handlers.assembly import Operator
from certwright.handlers.intake import Intake
from certwright.handlers.settings import NamespacedIssuers, Settings
from certwright.kube.client import JSON
from certwright.kube.objects import PLURALS, path_of
from certwright.model.metadata import API_VERSION, Key, Kind
from certwright.runtime.workers import Done, Result, Retry, run_workers
from tests.fakes.api_server import FakeAPIServer
from tests.fakes.clock import FakeClock, settle
from tests.handlers.ca import ScriptedCA, Workshop

Object = dict[str, Any]

KINDS = (Kind.CERTIFICATE, Kind.ISSUER, Kind.CLUSTER_ISSUER)
WEB = Key(Kind.CERTIFICATE, "shop", "web")
CA = Key(Kind.ISSUER, "shop", "ca")

ISSUER_SPEC = {"acme": {"server": "https://ca.example.com/dir", "privateKeySecretRef": {"name": "account"}}}
READY = {"type": "Ready", "status": "True", "reason": "Ready", "observedGeneration": 1}
PROBED = {"conditions": [READY], "observedGeneration": 1, "lastProbe": "2030-01-01T00:00:00Z"}
"""The status of an issuer that was probed when the tests' clock began."""

SETTINGS = Settings(
    kubeconfig=None,
    context=None,
    namespaces=(),
    operator_namespace="certwright",
    workers=1,
    api_qps=300.0,
    leader_election=False,
    lease_name="certwright",
    identity="test",
    secret_watch=True,
    http01_listen=None,
    http01_service=("certwright-http01", 8089),
    http01_self_check_port=80,
    http01_namespaced_issuers=NamespacedIssuers.CLAIMED,
    recursive_nameservers=("127.0.0.1:53",),
    deny_cidrs=(),
    allow_cidrs=(),
    metrics_listen=None,
    grace=timedelta(seconds=1),
)


class Killed(BaseException):
    """What kill -9 looks like from inside: nothing that follows happens."""


class MortalAPIServer(FakeAPIServer):
    """Kills whoever sent it the last of so many writes, after having carried it out."""

    writes_left: int | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Any:
        answer = await super().request(method, path, query=query, body=body, content_type=content_type, accept=accept)
        if method != "GET" and self.writes_left is not None:
            self.writes_left -= 1
            if not self.writes_left:
                self.writes_left = None
                raise Killed
        return answer


class Cluster:
    """An API server, a CA, and one operator that can be killed and started anew."""

    operator: Operator
    intake: Intake

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.clock = FakeClock()
        self.server = MortalAPIServer()
        self.server.now = self.clock.now
        self.ca = ScriptedCA(self.clock)
        self.workshop = Workshop(self.ca)
        self.is_shown = asyncio.Event()
        """While it is cleared, Kopf's watches lag behind."""
        self.is_shown.set()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """A new process: its caches are filled, and it begins to count requests."""
        self.operator = Operator(
            self.settings,
            self.server,
            clock=self.clock,
            kinds=KINDS,
            api_server_addresses=(),
            resolve=self.workshop.resolve,
        )
        self.intake = Intake(self.operator.inventory, self.operator.queue)
        services = [self.operator.queue.run(), *(self._follow(kind) for kind in KINDS)]
        if self.operator.watch is not None:
            services.append(self.operator.watch.run())
        self._tasks = [asyncio.create_task(service) for service in services]
        await settle()
        self.operator.queue.open()
        await self.woken()
        self.server.requests.clear()

    async def stop(self) -> None:
        """As kill -9: nothing is finished."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError, Killed):
                await task
        self.operator.executor.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def _follow(self, kind: str) -> None:
        """One list, then a watch: what Kopf does."""
        path = f"/apis/{API_VERSION}/{PLURALS[kind]}"
        listed = await self.server.get(path)
        for item in listed["items"]:
            self.intake.take(kind, {"type": None, "object": item})
        query = {"resourceVersion": listed["metadata"]["resourceVersion"]}
        async with self.server.stream(path, query=query, accept=JSON, timeout_seconds=60) as events:
            async for event in events:
                await self.is_shown.wait()
                self.intake.take(kind, event)

    async def work(self) -> None:
        """From now on workers take the keys that the queue hands out, as time passes."""
        working = run_workers(
            self.operator.queue,
            self.operator.handle,
            count=2,
            stop=asyncio.Event(),
            grace=timedelta(seconds=1),
            clock=self.clock,
        )
        self._tasks.append(asyncio.create_task(working))
        await settle()

    async def sync(self) -> None:
        """Let the sweep compare what the watches have shown with what there is; it goes on every ten minutes."""
        self._tasks.append(asyncio.create_task(self.operator.sweep.run()))
        await self.clock.advance(1)

    async def handle(self, key: Key = WEB) -> Result:
        """Work on one key once; the watches have shown everything before and after."""
        await settle()
        result = await self.operator.handle(key)
        await settle()
        return result

    async def delay(self, key: Key = WEB) -> float | None:
        """Work on one key once; the seconds after which it wants to come again."""
        result = await self.handle(key)
        match result:
            case Done(after=after):
                return after.total_seconds() if after is not None else None
            case Retry():
                raise AssertionError("it wants to be retried")

    async def woken(self) -> set[Key]:
        """Take the keys that wait for a worker, and forget them."""
        await settle()
        keys = set()
        while len(self.operator.queue):
            key = await self.operator.queue.get()
            self.operator.queue.done(key)
            keys.add(key)
        return keys

    async def create(self, kind: str, name: str, **parts: Any) -> Object:
        """What a user would do with a file; ``parts`` are spec, status and more of the object or its metadata."""
        namespace = "" if kind == Kind.CLUSTER_ISSUER else "shop"
        body = {"apiVersion": API_VERSION, "kind": kind, **parts}
        body["metadata"] = {"name": name, **(parts.get("metadata") or {})}
        query = {"fieldManager": "kubectl"}
        created: Object = await self.server.request("POST", path_of(kind, namespace), query=query, body=body)
        return created

    async def issuer(self, name: str = "ca", *, kind: str = Kind.ISSUER, **parts: Any) -> Object:
        """An issuer that is ready, but for ``parts``."""
        return await self.create(kind, name, **{"spec": ISSUER_SPEC, "status": PROBED, **parts})

    async def certificate(self, name: str = "web", *, metadata: Object | None = None, **spec: Any) -> Object:
        """A Certificate for one name into Secret ``<name>-tls``."""
        wanted = {"secretName": f"{name}-tls", "issuerRef": {"name": "ca"}, "dnsNames": [f"{name}.example.com"], **spec}
        return await self.create(Kind.CERTIFICATE, name, spec=wanted, metadata=metadata or {})

    async def edit(self, key: Key = WEB, **patch: Any) -> Object:
        """A merge patch by a user, under a field manager of his own."""
        edited: Object = await self.server.merge(path_of(*key), patch, manager="kubectl")
        return edited

    async def annotate(self, key: Key = WEB, **annotations: str) -> None:
        """Annotations of ours, by the last part of their name."""
        named = {f"certwright.io/{name.replace('_', '-')}": value for name, value in annotations.items()}
        await self.edit(key, metadata={"annotations": named})

    async def delete(self, key: Key = WEB) -> None:
        await self.server.delete(path_of(*key))

    async def issued(self, name: str = "web", **spec: Any) -> Object:
        """A Certificate with a certificate, all of it told and forgotten: what a test of later days begins with."""
        issuer = spec.get("issuerRef", {"name": "ca"})["name"]
        if issuer not in self.server.names("issuers"):
            await self.issuer(issuer)
        await self.certificate(name, **spec)
        await self.handle(WEB._replace(name=name))
        await self.woken()
        self.server.requests.clear()
        return self.secret(f"{name}-tls")

    def status(self, name: str = "web") -> Object:
        status: Object = self.server.body("certificates", name).get("status") or {}
        return status

    def condition(self, type_: str = "Ready", *, name: str = "web", plural: str = "certificates") -> tuple[str, str]:
        """Status and reason of a condition; empty where there is none."""
        conditions = (self.server.body(plural, name).get("status") or {}).get("conditions") or []
        found = [(each["status"], each["reason"]) for each in conditions if each["type"] == type_]
        return found[0] if found else ("", "")

    def secret(self, name: str = "web-tls") -> Object:
        return self.server.body("secrets", name)

    @property
    def staged(self) -> list[str]:
        """The names of the enrolment Secrets."""
        return [name for name in self.server.names("secrets") if name.startswith("certwright-")]

    def events(self) -> list[tuple[str, str]]:
        """Type and reason of every Event, the oldest first."""
        found = [stored.body for key, stored in self.server.objects.items() if key[1] == "events"]
        return [(event["type"], event["reason"]) for event in found]

    @contextmanager
    def answering(self, call: str, status: int) -> Iterator[None]:
        """The API server answers such calls (as ``writes`` names them) with a status; 0: not at all."""

        def trouble(method: str, path: str) -> int | None:
            return status if f"{method} {_resource(path)}" == call else None

        before, self.server.trouble = self.server.trouble, trouble
        yield
        self.server.trouble = before

    def writes(self) -> list[str]:
        """What was written since the last look, as ``PATCH certificates/status``."""
        found = [f"{method} {_resource(path)}" for method, path in self.server.writes() if method != "WATCH"]
        self.server.requests.clear()
        return found


def decoded(secret: Object) -> dict[str, bytes]:
    """A Secret's data."""
    return {name: base64.b64decode(value) for name, value in secret["data"].items()}


def _resource(path: str) -> str:
    parts = path.partition("/namespaces/")[2].split("/")[1:] or path.split("/")[4:]
    return "/".join(part for position, part in enumerate(parts) if position != 1)
