"""NDES's page in every form in which servers show it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.issuers.scep.challenges.ndes_page import Refusal, ShownPassword, read_page
from tests.fakes.ndes import ALWAYS, FORBIDDEN_PAGE, FULL_PAGE, GERMAN_PAGE, ONCE, PASSWORD_PAGE, THUMBPRINT

PASSWORD = "6A8D0C3BBA1E2F47"


def page(text: str = PASSWORD_PAGE, *, password: str = PASSWORD, validity: str = ONCE) -> str:
    return text.format(password=password, thumbprint=THUMBPRINT, validity=validity)


@pytest.mark.parametrize(
    ("encoding", "bom"),
    [
        pytest.param("utf-16-le", b"", id="UTF-16 LE"),
        pytest.param("utf-16-le", b"\xff\xfe", id="UTF-16 LE with BOM"),
        pytest.param("utf-16-be", b"", id="UTF-16 BE"),
        pytest.param("utf-16-be", b"\xfe\xff", id="UTF-16 BE with BOM"),
        pytest.param("utf-8", b"", id="UTF-8"),
        pytest.param("utf-8", b"\xef\xbb\xbf", id="UTF-8 with BOM"),
    ],
)
@pytest.mark.parametrize("text", [pytest.param(PASSWORD_PAGE, id="English"), pytest.param(GERMAN_PAGE, id="German")])
def test_the_password_is_found(encoding: str, bom: bytes, text: str) -> None:
    assert read_page(bom + page(text).encode(encoding)) == ShownPassword(PASSWORD, is_repeatable=False)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<p>The enrollment challenge password is: 0123abcd</p>", id="not bold"),
        pytest.param("<p>the ENROLLMENT challenge password is <b>0123abcd</b></p>", id="other case, no colon"),
        pytest.param("The enrollment challenge password is:&nbsp;<STRONG>0123abcd</STRONG>", id="entity"),
        pytest.param("The enrollment challenge\r\n password is:<B\n>0123abcd\n</B>", id="over lines"),
        pytest.param("<B>FFFFFFFFFF</B> challenge password is: <B>0123abcd</B>", id="another number in bold"),
    ],
)
def test_other_spellings_are_read(text: str) -> None:
    assert read_page(text.encode()) == ShownPassword("0123abcd", is_repeatable=False)


def test_a_password_that_does_not_expire_serves_again() -> None:
    assert read_page(page(validity=ALWAYS).encode()) == ShownPassword(PASSWORD, is_repeatable=True)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(FULL_PAGE.encode("utf-16-le"), Refusal.CACHE_FULL, id="cache full"),
        pytest.param(FORBIDDEN_PAGE.encode("utf-16-le"), Refusal.NO_PERMISSION, id="no permission"),
        pytest.param(b"", Refusal.UNKNOWN, id="empty"),
        pytest.param(b"<html>It works!</html>", Refusal.UNKNOWN, id="another page"),
        pytest.param(b"The challenge password is: 123", Refusal.UNKNOWN, id="too short"),
        pytest.param(b"The challenge password is: " + b"A" * 65, Refusal.UNKNOWN, id="too long"),
        pytest.param(b"<B>0123ABCD</B><B>89ABCDEF</B>", Refusal.UNKNOWN, id="two numbers, no sentence"),
        pytest.param(b"<" * 60_000, Refusal.UNKNOWN, id="nothing but brackets"),
        pytest.param(b"<b>" * 20_000, Refusal.UNKNOWN, id="nothing but tags"),
        pytest.param(b"\xff\xfe\x00", Refusal.UNKNOWN, id="half a letter"),
    ],
)
def test_a_page_without_a_password_says_why(body: bytes, expected: Refusal) -> None:
    assert read_page(body) is expected


@given(st.binary(max_size=2000))
def test_any_page_is_read(body: bytes) -> None:
    found = read_page(body)
    assert isinstance(found, Refusal) or 8 <= len(found.value) <= 64


def test_the_password_is_not_in_the_repr() -> None:
    assert PASSWORD not in repr(read_page(page().encode()))
