"""Free ports on loopback, for servers that cannot choose one themselves and tell us."""

import contextlib
import socket


def free_ports(count: int) -> list[int]:
    """Answer distinct ports that are free for both TCP and UDP on 127.0.0.1.

    All of them are held until the last one is found, or the same port could be handed out twice.
    """
    ports: list[int] = []
    with contextlib.ExitStack() as held:
        while len(ports) < count:
            stream = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            stream.bind(("127.0.0.1", 0))
            datagram = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            with contextlib.suppress(OSError):
                datagram.bind(stream.getsockname())
                ports.append(stream.getsockname()[1])
    return ports
