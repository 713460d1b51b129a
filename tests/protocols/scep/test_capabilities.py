"""GetCACaps: read as it comes, and never the reason for an error."""

from collections.abc import Callable

import httpx
import pytest

from certwright.protocols.scep import Capabilities, SCEPClient
from certwright.protocols.transport import ConnectionFailed
from tests.fakes.scep.server import FakeSCEPServer


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param(b"AES\nSHA-256\n", ("AES", "SHA-256"), id="lf"),
        pytest.param(b"AES\r\nSHA-256\r\n", ("AES", "SHA-256"), id="crlf"),
        pytest.param(b"  aes \n\nsha-512", ("AES", "SHA-512"), id="case-and-blanks"),
        pytest.param(b"Example.com-Thing\nRenewal", ("Renewal",), id="unknown-words"),
        pytest.param(b"\xff\xfe\x00AES\nDES3", ("DES3",), id="not-ascii"),
        pytest.param(b"SHA-1 SHA-256", (), id="one-line"),
        pytest.param(b"AES\n" + b"x\n" * 1_000_000, ("AES",), id="endless"),
        pytest.param(b"", (), id="empty"),
    ],
)
def test_the_list_is_read_leniently(text: bytes, names: tuple[str, ...]) -> None:
    found = Capabilities.parse(text)
    assert names == found.names
    assert bool(names) is found.is_known
    assert len(found.keywords) <= 100


def test_the_standard_implies_its_mandatory_parts() -> None:
    found = Capabilities.parse(b"SCEPStandard")
    assert (found.aes, found.sha256, found.post) == (True, True, True)
    assert (found.renewal, found.next_ca_cert, found.sha512, found.des3, found.sha1) == (False,) * 5


def closing() -> httpx.Response:
    raise httpx.RemoteProtocolError("closed")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda: httpx.Response(404), id="not-found"),
        pytest.param(lambda: httpx.Response(500, text="AES"), id="error-with-a-list"),
        pytest.param(lambda: httpx.Response(200, html="<html>\nAES and more\n</html>"), id="page"),
        pytest.param(closing, id="closed-connection"),
    ],
)
async def test_a_server_without_a_list_announces_nothing(
    client: SCEPClient, server: FakeSCEPServer, answer: Callable[[], httpx.Response]
) -> None:
    server.answers = [answer]
    found = await client.get_ca_caps()
    assert found.names == ()
    assert not found.is_known


def down() -> httpx.Response:
    raise httpx.ConnectError("refused")


async def test_a_server_that_is_down_is_not_one_without_a_list(client: SCEPClient, server: FakeSCEPServer) -> None:
    server.answers = [down]
    with pytest.raises(ConnectionFailed):
        await client.get_ca_caps()
