"""Whatever a server sends is either understood or a MalformedAnswer: nothing else comes out of a parser."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols.acme import (
    AccountStatus,
    Authorization,
    AuthorizationStatus,
    ChallengeStatus,
    ErrorType,
    MalformedAnswer,
    OrderStatus,
    dns01_name,
    dns01_value,
    http01_path,
)
from certwright.protocols.acme.account import parse_account
from certwright.protocols.acme.authorization import parse_authorization
from certwright.protocols.acme.certificate import parse_chain
from certwright.protocols.acme.challenge import parse_challenge_answer
from certwright.protocols.acme.directory import parse_directory
from certwright.protocols.acme.order import parse_order
from certwright.protocols.acme.problems import URN
from certwright.protocols.transport import Answer
from tests.protocols.acme.answers import LEAVES, URL, answer, as_json

PARSERS: dict[str, Callable[[Answer], Any]] = {
    "directory": parse_directory,
    "account": lambda given_answer: parse_account(given_answer, url=URL),
    "order": lambda given_answer: parse_order(given_answer, url=URL),
    "authorization": lambda given_answer: parse_authorization(given_answer, url=URL),
    "challenge": parse_challenge_answer,
    "chain": parse_chain,
}

VALID: dict[str, dict[str, Any]] = {
    "directory": {"newNonce": URL, "newAccount": URL, "newOrder": URL},
    "account": {"status": "valid"},
    "order": {
        "status": "pending",
        "identifiers": [{"type": "dns", "value": "a.test"}],
        "authorizations": [URL],
        "finalize": URL,
    },
    "authorization": {
        "status": "pending",
        "identifier": {"type": "dns", "value": "a.test"},
        "challenges": [{"type": "http-01", "url": URL, "status": "pending", "token": "t0"}],
    },
    "challenge": {"type": "http-01", "url": URL, "status": "pending", "token": "t0"},
}


@pytest.mark.parametrize("noun", PARSERS)
@given(body=st.binary(max_size=200) | as_json(LEAVES).map(lambda value: json.dumps(value).encode()))
def test_any_body_is_understood_or_malformed(noun: str, body: bytes) -> None:
    with suppress(MalformedAnswer):
        PARSERS[noun](answer(body))


@pytest.mark.parametrize("noun", VALID)
@given(data=st.data())
def test_any_field_may_be_wrong(noun: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted({*VALID[noun], "error", "expires", "meta", "contact", "profile", "token"})))
    wrong = {**VALID[noun], name: data.draw(as_json(LEAVES))}
    with suppress(MalformedAnswer):
        str(PARSERS[noun](answer(wrong)))


@pytest.mark.parametrize(("noun", "name"), [(noun, name) for noun, fields in VALID.items() for name in fields])
def test_a_missing_field_is_malformed_or_has_a_meaning(noun: str, name: str) -> None:
    fields = {key: value for key, value in VALID[noun].items() if key != name}
    if (noun, name) in {("authorization", "challenges"), ("challenge", "status")}:
        assert PARSERS[noun](answer(fields))
        return
    with pytest.raises(MalformedAnswer, match=f"The {noun}|identifier"):
        PARSERS[noun](answer(fields))


class TestStatuses:
    @pytest.mark.parametrize("enum", [AccountStatus, OrderStatus, AuthorizationStatus, ChallengeStatus])
    def test_a_new_word_is_unknown_and_no_failure(self, enum: Callable[[str], str]) -> None:
        assert enum("postponed") == "unknown"


class TestDirectories:
    def test_all_that_it_says_is_there(self) -> None:
        meta = {
            "termsOfService": "https://ca.test/terms",
            "website": "https://ca.test",
            "caaIdentities": ["ca.test", 7],
            "externalAccountRequired": True,
            "profiles": {"short": "six days", "odd": None},
        }
        extra = {"renewalInfo": URL, "newAuthz": URL, "revokeCert": URL, "keyChange": URL, "aBcD": "https://why"}
        found = parse_directory(answer({**VALID["directory"], **extra, "meta": meta}))
        assert (found.renewal_info, found.new_authz, found.revoke_cert, found.key_change) == (URL, URL, URL, URL)
        assert (found.terms_of_service, found.website) == ("https://ca.test/terms", "https://ca.test")
        assert (found.caa_identities, found.external_account_required) == (("ca.test",), True)
        assert dict(found.profiles) == {"short": "six days", "odd": ""}

    def test_one_without_metadata_is_good(self) -> None:
        found = parse_directory(answer(VALID["directory"]))
        assert (found.terms_of_service, found.external_account_required, dict(found.profiles)) == (None, False, {})


class TestOrders:
    def test_all_that_it_says_is_there(self) -> None:
        more = {
            "status": "invalid",
            "certificate": URL,
            "profile": "short",
            "expires": "2030-01-02T03:04:05.123456789+02:00",
            "notBefore": "yesterday",
            "notAfter": "2030-01-01T00:00:00",
            "error": {"type": f"{URN}caa", "detail": "no"},
        }
        order = parse_order(answer(VALID["order"] | more), url=URL)
        assert (order.certificate, order.profile) == (URL, "short")
        assert order.expires == datetime(2030, 1, 2, 1, 4, 5, 123456, tzinfo=UTC)
        assert (order.not_before, order.not_after) == (None, None)
        assert order.error is not None
        assert order.error.type is ErrorType.CAA

    def test_too_many_of_anything_is_malformed(self) -> None:
        with pytest.raises(MalformedAnswer, match="more than 1000"):
            parse_order(answer(VALID["order"] | {"authorizations": [URL] * 1001}), url=URL)

    @pytest.mark.parametrize(
        "url",
        [
            pytest.param("http://acme.test/x", id="plain-http"),
            pytest.param("/relative", id="relative"),
            pytest.param("https://u:p@acme.test/x", id="credentials"),
            pytest.param("https://acme.test/x#y", id="fragment"),
            pytest.param("https://acme.test/x y", id="space"),
            pytest.param("https://acme.test/ü", id="not-ascii"),
            pytest.param("https://acme.test\\@evil.test/", id="backslash"),
            pytest.param("https://acme.test/" + "x" * 3000, id="long"),
            pytest.param("https:///x", id="no-host"),
            pytest.param("https://acme.test/x\n", id="newline"),
        ],
    )
    def test_what_may_not_be_asked_is_malformed(self, url: str) -> None:
        with pytest.raises(MalformedAnswer, match="finalize"):
            parse_order(answer(VALID["order"] | {"finalize": url}), url=URL)


class TestAuthorizations:
    def challenges(self, *found: dict[str, Any]) -> Authorization:
        return parse_authorization(answer(VALID["authorization"] | {"challenges": list(found)}), url=URL)

    def test_unknown_challenge_types_stay_and_do_no_harm(self) -> None:
        odd = {"type": "mystery-07", "url": URL, "status": "pending", "token": "../../etc"}
        persistent = {"type": "dns-persist-01", "url": URL, "status": "pending"}
        found = self.challenges(odd, persistent)
        assert [challenge.token for challenge in found.challenges] == [None, None]
        assert found.challenge("dns-01") is None

    @pytest.mark.parametrize("token", ["../etc/passwd", "a/b", "a b", "", "ü", "a.b", None, "x" * 300])
    def test_a_token_that_could_leave_its_path_is_malformed(self, token: str | None) -> None:
        with pytest.raises(MalformedAnswer, match="token"):
            self.challenges({"type": "http-01", "url": URL, "status": "pending", "token": token})

    def test_a_failed_attempt_shows_while_the_challenge_is_pending(self) -> None:
        tried = {
            "type": "http-01",
            "url": URL,
            "token": "t",
            "error": {"type": f"{URN}connection", "detail": "refused"},
        }
        challenge = self.challenges(tried).challenge("http-01")
        assert challenge is not None
        assert challenge.error is not None
        assert (challenge.status, challenge.error.type) == (ChallengeStatus.PENDING, ErrorType.CONNECTION)

    def test_a_given_up_one_may_come_without_challenges(self) -> None:
        found = parse_authorization(answer(VALID["authorization"] | {"challenges": None}), url=URL)
        assert found.challenges == ()


class TestWhatIsShown:
    def test_http01(self) -> None:
        assert http01_path("t0-_") == "/.well-known/acme-challenge/t0-_"
        with pytest.raises(MalformedAnswer):
            http01_path("../x")

    def test_dns01_is_one_place_for_a_name_and_its_wildcard(self) -> None:
        assert dns01_name("*.a.test") == dns01_name("a.test") == "_acme-challenge.a.test"

    def test_dns01_value_is_an_unpadded_digest(self) -> None:
        # printf 'token.thumbprint' | openssl dgst -sha256 -binary | basenc --base64url
        assert dns01_value("token.thumbprint") == "61rBZ_4knHblO0MNoxFsXZ_eTFUHum0B6IVRbhvUn5I"


@pytest.mark.parametrize("noun", sorted({*VALID} - {"directory"}))
def test_retry_after_comes_along_with_what_is_polled(noun: str) -> None:
    polled = replace(answer(VALID[noun]), retry_after=timedelta(seconds=3))
    assert PARSERS[noun](polled).retry_after == timedelta(seconds=3)
