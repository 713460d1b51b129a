"""Problem documents and the links that come with them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols.acme import ErrorType, Identifier
from certwright.protocols.acme.links import Links
from certwright.protocols.acme.problems import URN, parse_problem
from tests.protocols.acme.answers import LEAVES, answer, as_json, problem


class TestProblems:
    @given(body=st.binary(max_size=200) | as_json(LEAVES).map(lambda value: json.dumps(value).encode()))
    def test_any_body_is_a_problem_or_none(self, body: bytes) -> None:
        found = problem(body)
        assert found is None or str(found).isprintable()

    @pytest.mark.parametrize("kind", ErrorType)
    def test_each_registered_type_is_known(self, kind: ErrorType) -> None:
        found = problem({"type": URN + kind, "detail": "why"})
        assert found is not None
        assert (kind, kind.value) == (found.type, found.code)

    @pytest.mark.parametrize(
        ("uri", "code"),
        [
            pytest.param(f"{URN}brandNew", "brandNew", id="not-registered"),
            pytest.param("https://example.test/errors/1", "https://example.test/errors/1", id="not-acme"),
            pytest.param(None, "about:blank", id="none"),
            pytest.param(f"{URN}unknown", "unknown", id="our-own-word"),
        ],
    )
    def test_any_other_is_generic_and_keeps_its_words(self, uri: str | None, code: str) -> None:
        found = problem({"type": uri, "detail": "why"})
        assert found is not None
        assert (ErrorType.UNKNOWN, code) == (found.type, found.code)

    def test_all_that_it_says_is_there(self) -> None:
        links = '<https://ca.test/terms>;rel="terms-of-service", </docs?a=b,c>; title="a, \\"b\\""; rel="help up"'
        found = problem(
            {
                "type": f"{URN}badSignatureAlgorithm",
                "detail": "line one\nline\x1b[31m two",
                "status": 400,
                "instance": "https://ca.test/visit",
                "algorithms": ["ES256", "RS256"],
                "subproblems": [
                    {"type": f"{URN}caa", "detail": "forbidden", "identifier": {"type": "dns", "value": "A.test"}},
                    "nonsense",
                ],
            },
            headers={"link": links},
        )
        assert found is not None
        assert found.detail == "line one line [31m two"
        assert (found.status, found.instance, found.algorithms) == (400, "https://ca.test/visit", ("ES256", "RS256"))
        assert found.terms_of_service == "https://ca.test/terms"
        assert found.help_url == "https://acme.test/docs?a=b,c"
        first, second = found.subproblems
        assert (ErrorType.CAA, Identifier.dns("a.test")) == (first.type, first.identifier)
        assert (second.type, second.identifier) == (ErrorType.UNKNOWN, None)

    def test_a_long_one_is_cut(self) -> None:
        sub = {"type": f"{URN}caa", "detail": "no", "identifier": {"type": "dns", "value": "a.test"}}
        found = problem({"type": f"{URN}compound", "detail": "x" * 5000, "subproblems": [sub] * 1500})
        assert found is not None
        assert (len(found.detail), len(found.subproblems)) == (1024, 1000)
        assert str(found).endswith("a.test: no (caa); and 995 more")

    @pytest.mark.parametrize(
        ("content", "media_type"),
        [
            pytest.param(b"<html>", "text/html", id="html"),
            pytest.param(b"<html>", "application/problem+json", id="html-that-lies"),
            pytest.param(b"", "application/problem+json", id="empty"),
            pytest.param(b'{"error": "x"}', "application/json", id="another-api"),
        ],
    )
    def test_what_is_none(self, content: bytes, media_type: str) -> None:
        assert parse_problem(answer(content, headers={"content-type": media_type})) is None


class TestLinks:
    @given(header=st.text(alphabet=st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=100))
    def test_any_header_is_read(self, header: str) -> None:
        links = Links.of(answer(b"", headers=[("link", header.strip())]))
        assert all(url.startswith("http") for _, url in links.found)

    @given(st.text(alphabet='<>;,="\\ relhpx/:', max_size=60))
    def test_any_punctuation_is_read(self, header: str) -> None:
        Links.of(answer(b"", headers=[("link", header.strip())]))

    @pytest.mark.parametrize(
        "header",
        [
            pytest.param('</b>;rel="alternate"', id="relative"),
            pytest.param("<https://acme.test/b>; rel=alternate", id="unquoted"),
            pytest.param('<https://acme.test/b> ; title="x, <y>; rel=no" ; REL="up alternate"', id="with-a-title"),
            pytest.param('<https://acme.test/a>;rel="index",</b>;rel="alternate"', id="after-another"),
        ],
    )
    def test_an_alternate_is_found(self, header: str) -> None:
        assert Links.of(answer(b"", headers=[("link", header)])).all("alternate") == ("https://acme.test/b",)

    def test_several_headers_add_up(self) -> None:
        headers = [("link", '</a>;rel="alternate"'), ("link", '</b>;rel="alternate"')]
        assert len(Links.of(answer(b"", headers=headers)).all("alternate")) == 2

    def test_a_long_header_takes_no_long_time(self) -> None:
        Links.of(answer(b"", headers=[("link", "<a>" + '; x="\\' * 20_000)]))
