"""What the kubelet and Prometheus ask: /livez, /readyz and /metrics.

``handlers`` builds the application, adds routes of its own if it has any, and serves it with ``serving.serve`` before
anything else starts, so that a process which hangs at start can say so.
"""

import asyncio

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from certwright.runtime.health import Health


def probe_app(*, live: Health, ready: Health, registry: CollectorRegistry) -> web.Application:
    """An application with the three routes.

    Live means that a restart would not help; ready, that this process does its part, be it as leader or as standby.
    A probe answers 200 or 503, and its body lists every check in words.
    """

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        # Ten thousand certificates are a quarter of a second of formatting: in a thread, the loop goes on beside it.
        # A collector that reads what the loop changes must copy it in one step.
        body = await asyncio.to_thread(encode, registry)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def livez(_request: web.Request) -> web.Response:
        return _answer(live)

    async def readyz(_request: web.Request) -> web.Response:
        return _answer(ready)

    app = web.Application()
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return app


def _answer(health: Health) -> web.Response:
    report = health.report()
    return web.Response(text=str(report), status=200 if report.is_good else 503)
