"""What the user reads when a port cannot be had."""

import errno
import os
import socket

import pytest

from certwright.runtime.serving import ListenError


@pytest.mark.parametrize(
    ("host", "cause", "message"),
    [
        pytest.param(
            "127.0.0.1",
            OSError(errno.EADDRINUSE, "error while attempting to bind on address ('127.0.0.1', 8081)"),
            "Cannot listen on 127.0.0.1 port 8081: Address already in use. Free it or choose another address.",
            id="in-use",
        ),
        pytest.param(
            "",
            OSError(errno.EACCES, os.strerror(errno.EACCES)),
            "Cannot listen on * port 8081: Permission denied. Free it or choose another address.",
            id="privileged",
        ),
        pytest.param(
            "nowhere.invalid",
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "Cannot listen on nowhere.invalid port 8081: Name or service not known. Free it or choose another address.",
            id="unresolvable",
        ),
    ],
)
def test_names_address_and_cause(host: str, cause: OSError, message: str) -> None:
    assert str(ListenError(host, 8081, cause)) == message
