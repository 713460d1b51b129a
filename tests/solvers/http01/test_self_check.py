"""The operator's own request, which sees what a CA would see."""

import httpx
import pytest

from certwright.protocols.transport import AddressPolicy, AddressRefused, NameNotResolved
from certwright.solvers.http01.self_check import open_self_check_client
from tests.solvers.http01.conftest import Web, looking_at

PATH = "/.well-known/acme-challenge/token"
HERE = f"http://www.shop.test{PATH}"
PROOF = "token.thumbprint"


def ok(text: str = PROOF) -> httpx.Response:
    return httpx.Response(200, text=text)


def to(location: str, status: int = 302) -> httpx.Response:
    return httpx.Response(status, headers={"Location": location})


@pytest.mark.parametrize(
    "web",
    [
        pytest.param({HERE: ok()}, id="at once"),
        pytest.param({HERE: ok(f"{PROOF}\r\n")}, id="with a line end"),
        pytest.param({HERE: to("/x", 301), "http://www.shop.test/x": ok()}, id="redirect to a path"),
        pytest.param({HERE: to(f"https://shop.test{PATH}", 308), f"https://shop.test{PATH}": ok()}, id="to https"),
        pytest.param({HERE: to("http://shop.test:443/y"), "http://shop.test:443/y": ok()}, id="to port 443"),
    ],
)
async def test_the_proof_is_seen(web: Web) -> None:
    assert await looking_at(web).complaint("www.shop.test", "token", expected=PROOF) == ""


@pytest.mark.parametrize(
    ("web", "complaint"),
    [
        pytest.param({}, "answers with HTTP status 404 instead of the proof", id="nothing there"),
        pytest.param({HERE: ok("<h1>secret</h1>")}, r"something else \(15 bytes\)", id="another answer"),
        pytest.param({HERE: ok("x" * 2000)}, "longer than 1024 bytes", id="endless answer"),
        pytest.param({HERE: to("http://shop.test:8080/")}, "where no CA follows", id="other port"),
        pytest.param({HERE: to("ftp://shop.test/")}, "where no CA follows", id="other scheme"),
        pytest.param({HERE: to("http://a:b/")}, "did not get through", id="broken location"),
        pytest.param({HERE: to(HERE)}, "more than 10 redirects", id="circle"),
        pytest.param({HERE: httpx.ConnectError("no")}, "did not get through", id="no connection"),
        pytest.param({HERE: AddressRefused("www.shop.test", "10.0.0.1")}, "--allow-cidrs", id="refused address"),
        pytest.param({HERE: NameNotResolved("www.shop.test: unknown")}, r"www\.shop\.test: unknown", id="unknown"),
    ],
)
async def test_what_stands_in_the_way_is_told(web: Web, complaint: str) -> None:
    told = await looking_at(web).complaint("www.shop.test", "token", expected=PROOF)
    assert complaint.replace("\\", "") in told
    assert "secret" not in told


async def test_an_ipv6_address_is_asked_in_brackets() -> None:
    web = {f"http://[2001:db8::1]{PATH}": ok()}
    assert await looking_at(web).complaint("2001:db8::1", "token", expected=PROOF) == ""


async def test_another_port_can_stand_for_port_80() -> None:
    web = {f"http://www.shop.test:5002{PATH}": to("http://www.shop.test:5002/x"), "http://www.shop.test:5002/x": ok()}
    assert await looking_at(web, port=5002).complaint("www.shop.test", "token", expected=PROOF) == ""


async def test_names_are_looked_up_where_the_operator_says() -> None:
    look = looking_at({HERE: ok()}, hosts={"www.shop.test": ["192.0.2.7"]})
    assert await look.complaint("www.shop.test", "token", expected=PROOF) == ""
    told = await look.complaint("shop.test", "token", expected=PROOF)
    assert told.endswith("(shop.test: the name has no address)")


async def test_the_next_address_is_tried_where_one_is_dead() -> None:
    web = {f"http://192.0.2.8{PATH}": ok()}
    look = looking_at(web, hosts={"www.shop.test": ["192.0.2.7", "192.0.2.8"]})

    # The dead one: whatever asks it by address gets no connection.
    dead = httpx.ConnectError("no")

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "192.0.2.7":
            raise dead
        return ok()

    object.__setattr__(look, "http", httpx.AsyncClient(transport=httpx.MockTransport(answer)))
    assert await look.complaint("www.shop.test", "token", expected=PROOF) == ""


async def test_the_client_carries_nothing_and_trusts_nobodys_environment() -> None:
    async with open_self_check_client(user_agent="certwright", addresses=AddressPolicy()) as http:
        assert http.headers["User-Agent"] == "certwright"
        assert "Authorization" not in http.headers
        assert not http.trust_env
        assert not http.follow_redirects
