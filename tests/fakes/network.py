"""A network under HTTP: connections that give prepared answers, addresses that are down. No socket is opened."""

from collections.abc import Iterable

import httpcore


class FakeNetwork(httpcore.AsyncNetworkBackend):
    """Every connection gives the same ``answers``, one for each request; ``tried`` are the addresses asked for."""

    def __init__(self, *answers: bytes, down: Iterable[str] = ()) -> None:
        self.answers = answers
        self.down = frozenset(down)
        self.tried: list[str] = []
        self.timeouts: list[float | None] = []

    @property
    def opened(self) -> int:
        return len(self.tried)

    async def connect_tcp(
        self,
        host: str,
        port: int,  # noqa: ARG002 - the signature is httpcore's
        timeout: float | None = None,  # noqa: ASYNC109 - as above
        local_address: str | None = None,  # noqa: ARG002 - as above
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - as above
    ) -> httpcore.AsyncNetworkStream:
        self.tried.append(host)
        self.timeouts.append(timeout)
        if host in self.down:
            raise httpcore.ConnectError("refused")
        return httpcore.AsyncMockStream(list(self.answers))
