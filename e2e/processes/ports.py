"""Free ports on loopback, for servers that cannot choose one themselves and tell us."""

import contextlib
import random
import socket

_ASSIGNED_BY_HAND = range(20_000, 32_768)
"""Below those that systems give to outgoing connections, which would take a port before its server is started."""

_TRIES = 1_000


def free_ports(count: int) -> list[int]:
    """Answer distinct ports that are free for both TCP and UDP on 127.0.0.1.

    All of them are held until the last one is found, or the same port could be handed out twice. They are drawn at
    random, so that several programs that look for ports at once find different ones.
    """
    ports: list[int] = []
    with contextlib.ExitStack() as held:
        for port in random.SystemRandom().sample(_ASSIGNED_BY_HAND, k=_TRIES):
            if len(ports) == count:
                return ports
            with contextlib.suppress(OSError):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    held.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
                ports.append(port)
    raise RuntimeError(f"there are no {count} free ports among {_TRIES} of {_ASSIGNED_BY_HAND}: end what holds them")
