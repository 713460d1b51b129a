"""Probes say in words what is wrong, whatever the checks do."""

from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from prometheus_client import CollectorRegistry, Gauge

from certwright.runtime.health import Health
from certwright.runtime.probes import probe_app


async def ask(app: web.Application, path: str, accept: str = "*/*") -> web.Response:
    """The answer of the application, without a socket."""
    request = make_mocked_request("GET", path, headers={"Accept": accept}, app=app)
    response = await app._handle(request)
    assert isinstance(response, web.Response)
    return response


def application(live: Health | None = None, ready: Health | None = None) -> web.Application:
    registry = CollectorRegistry()
    Gauge("queue_depth", "Keys that wait.", registry=registry).set(7)
    return probe_app(live=live or Health(), ready=ready or Health(), registry=registry)


async def test_good_health_is_200_and_lists_every_check() -> None:
    live = Health()
    live.add("loop", lambda: None)
    live.add("watch", lambda: None)
    response = await ask(application(live=live), "/livez")
    assert (response.status, response.text) == (200, "[ok] loop\n[ok] watch\ngood\n")


async def test_one_bad_check_is_503_and_says_why() -> None:
    ready = Health()
    ready.add("caches", lambda: "Certificates are still being listed")
    ready.add("leader", lambda: None)
    response = await ask(application(ready=ready), "/readyz")
    assert response.status == 503
    assert response.text == "[no] caches: Certificates are still being listed\n[ok] leader\nnot good\n"


async def test_checks_are_asked_anew_each_time() -> None:
    findings = iter(["not yet", None])
    ready = Health()
    ready.add("synced", lambda: next(findings))
    app = application(ready=ready)
    assert [(await ask(app, "/readyz")).status for _ in range(2)] == [503, 200]


async def test_a_check_that_fails_itself_is_a_finding_without_its_text() -> None:
    def broken() -> str | None:
        raise KeyError("token=abc")

    live = Health()
    live.add("broken", broken)
    response = await ask(application(live=live), "/livez")
    assert response.status == 503
    assert response.text == "[no] broken: the check itself failed: KeyError\nnot good\n"


async def test_metrics_are_those_of_the_registry_in_the_format_asked_for() -> None:
    app = application()
    plain = await ask(app, "/metrics")
    assert plain.body is not None
    assert "queue_depth 7.0" in str(plain.text)
    assert plain.content_type == "text/plain"
    assert (await ask(app, "/metrics", "application/openmetrics-text")).content_type == "application/openmetrics-text"


async def test_routes_can_be_added() -> None:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = application()
    app.router.add_get("/hello", hello)
    assert (await ask(app, "/hello")).text == "hello"
