"""An aiohttp application on a port, and one clear sentence when the port cannot be had.

``handlers`` serves two with it: the probes, and on another port the HTTP-01 responder.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from aiohttp import web


class ListenError(Exception):
    """The address cannot be listened on; the text says which and why and is fit for the user."""

    def __init__(self, host: str, port: int, cause: OSError) -> None:
        # asyncio puts address and cause into one lower-case text; name resolution has numbers of its own, below zero.
        number = cause.errno or 0
        reason = os.strerror(number) if number > 0 else cause.strerror or str(cause)
        super().__init__(f"Cannot listen on {host or '*'} port {port}: {reason}. Free it or choose another address.")


@asynccontextmanager
async def serve(
    app: web.Application, *, host: str, port: int, drain: timedelta = timedelta(seconds=2)
) -> AsyncIterator[int]:
    """Serve ``app`` while the block runs; gives the port, which matters when 0 was asked for.

    Requests that are being answered at the end get ``drain``. Raises ``ListenError``.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=drain.total_seconds())
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ListenError(host, port, error) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
