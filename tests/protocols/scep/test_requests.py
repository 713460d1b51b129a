"""What goes out: methods, URLs, algorithms; never weaker because of what a server says about itself."""

from base64 import b64decode
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest

from certwright.protocols.scep import LegacyAlgorithm, LegacyAlgorithms, Method, SCEPClient
from certwright.protocols.scep.query import operation_url
from certwright.protocols.scep.vocabulary import Operation
from tests.fakes.clock import FakeClock
from tests.fakes.scep.messages import REQUIRED, read_request
from tests.fakes.scep.server import FakeSCEPServer
from tests.protocols.scep.conftest import Device

Connect = Callable[..., SCEPClient]


@pytest.mark.parametrize(
    ("capabilities", "cipher", "digest"),
    [
        pytest.param("SCEPStandard", "aes128_cbc", "sha256", id="standard"),
        pytest.param("AES\nSHA-256\nSHA-512", "aes128_cbc", "sha256", id="both-digests"),
        pytest.param("AES\nSHA-512", "aes128_cbc", "sha512", id="only-the-stronger-digest"),
        pytest.param("AES256\nSHA-256", "aes256_cbc", "sha256", id="only-the-stronger-cipher"),
        pytest.param("DES3\nSHA-1", "aes128_cbc", "sha256", id="weak-list"),
        pytest.param("", "aes128_cbc", "sha256", id="empty-list"),
        pytest.param(None, "aes128_cbc", "sha256", id="no-list"),
        pytest.param("<html>DES3 SHA-1</html>", "aes128_cbc", "sha256", id="rubbish"),
    ],
)
async def test_algorithms_follow_the_capabilities_but_never_down(
    device: Device, server: FakeSCEPServer, capabilities: str | None, cipher: str, digest: str
) -> None:
    server.capabilities = capabilities
    await device.enrolled()
    assert [cipher] == server.ciphers
    assert [digest] == [request.digest for request in server.seen]


@pytest.mark.parametrize(
    ("send", "cipher", "digest"),
    [
        pytest.param({LegacyAlgorithm.DES3}, "tripledes_3key", "sha256", id="triple-des"),
        pytest.param({LegacyAlgorithm.SHA1}, "aes128_cbc", "sha1", id="sha-1"),
        pytest.param({LegacyAlgorithm.DES3, LegacyAlgorithm.SHA1}, "tripledes_3key", "sha1", id="both"),
    ],
)
async def test_what_the_user_names_is_sent_whatever_the_server_claims(
    connect: Connect, server: FakeSCEPServer, clock: FakeClock, *, send: set[LegacyAlgorithm], cipher: str, digest: str
) -> None:
    client = connect(legacy=LegacyAlgorithms(send=frozenset(send)))
    await Device(client, clock).enrolled()
    assert [(cipher, digest)] == [(server.ciphers[0], server.seen[0].digest)]


@pytest.mark.parametrize("never", [LegacyAlgorithm.DES, LegacyAlgorithm.MD5])
def test_single_des_and_md5_cannot_be_sent(never: LegacyAlgorithm) -> None:
    with pytest.raises(ValueError, match="DES3 and SHA-1"):
        LegacyAlgorithms(send=frozenset({never}))


@pytest.mark.parametrize(
    ("method", "capabilities", "expected"),
    [
        pytest.param(Method.AUTO, "SCEPStandard", "POST", id="auto-standard"),
        pytest.param(Method.AUTO, "POSTPKIOperation", "POST", id="auto-announced"),
        pytest.param(Method.AUTO, "AES\nSHA-256", "GET", id="auto-left-out"),
        pytest.param(Method.AUTO, None, "POST", id="auto-no-list"),
        pytest.param(Method.POST, "AES", "POST", id="post"),
        pytest.param(Method.GET, "SCEPStandard", "GET", id="get"),
    ],
)
async def test_messages_are_posted_unless_the_server_does_not_take_that(
    connect: Connect,
    server: FakeSCEPServer,
    clock: FakeClock,
    *,
    method: Method,
    capabilities: str | None,
    expected: str,
) -> None:
    server.capabilities = capabilities
    await Device(connect(method=method), clock).enrolled()
    assert expected == server.requests[-1].method


async def test_a_request_has_exactly_the_attributes_that_are_required(device: Device, server: FakeSCEPServer) -> None:
    await device.enrolled()
    assert server.seen[0].attributes == REQUIRED


async def test_a_post_says_what_it_carries(device: Device, server: FakeSCEPServer) -> None:
    await device.enrolled()
    request = server.requests[-1]
    assert request.url == f"{FakeSCEPServer.url}?operation=PKIOperation"
    assert request.headers["Content-Type"] == "application/x-pki-message"


async def test_a_get_escapes_everything_that_base64_has_and_urls_need(
    connect: Connect, server: FakeSCEPServer, clock: FakeClock
) -> None:
    await Device(connect(method=Method.GET), clock).enrolled()
    query = server.requests[-1].url.query.decode()
    message = query.partition("message=")[2]
    assert not set("+/=&") & set(message)
    assert read_request(b64decode(parse_qs(query)["message"][0])).message_type == "19"


async def test_the_ca_identifier_goes_with_the_questions_about_the_ca(
    connect: Connect, server: FakeSCEPServer, clock: FakeClock
) -> None:
    await Device(connect(ca_identifier="CA & Söhne"), clock).enrolled()
    queries = [request.url.query.decode() for request in server.requests]
    name = "CA%20%26%20S%C3%B6hne"
    expected = [f"operation=GetCACert&message={name}", f"operation=GetCACaps&message={name}", "operation=PKIOperation"]
    assert expected == queries


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("http://ca.test", "http://ca.test?operation=GetCACaps", id="bare"),
        pytest.param("http://ca.test/scep/", "http://ca.test/scep/?operation=GetCACaps", id="slash"),
        pytest.param("http://ca.test/scep?", "http://ca.test/scep?operation=GetCACaps", id="empty-query"),
        pytest.param("http://ca.test/p?a=1&b=%2f", "http://ca.test/p?a=1&b=%2f&operation=GetCACaps", id="query"),
        pytest.param("http://ca.test/p?a=1&#x?y", "http://ca.test/p?a=1&operation=GetCACaps", id="fragment"),
    ],
)
def test_the_operation_comes_after_the_query_that_is_there(url: str, expected: str) -> None:
    assert expected == operation_url(url, Operation.GET_CA_CAPS)


async def test_what_is_secret_is_in_no_repr(device: Device) -> None:
    transaction = await device.transaction(device.csr(challenge="swordfish"), challenge="swordfish")
    assert "swordfish" not in repr(transaction)
    assert "PrivateKey" not in repr(transaction)
