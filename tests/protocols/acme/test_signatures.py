"""Signing as the RFCs print it, and as a server that was written apart reads it."""

import base64
import json
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from certwright.protocols.acme import AccountKey, ExternalAccountBinding, MACAlgorithm, decode_mac_key
from certwright.protocols.acme.jws import (
    PrivateKey,
    base64url,
    bind_external_account,
    flattened,
    request_body,
    thumbprint,
)
from tests.fakes import jws
from tests.protocols.acme import vectors

KEYS: dict[str, PrivateKey] = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "RS256": rsa.generate_private_key(65537, 2048),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def test_rs256_is_rfc_7515_a2() -> None:
    signed = flattened(AccountKey(vectors.rsa_key()), vectors.unpadded(vectors.PAYLOAD), protected={})
    assert signed == {
        "protected": vectors.RS256_HEADER,
        "payload": vectors.PAYLOAD,
        "signature": vectors.RS256_SIGNATURE,
    }


def test_es256_has_the_header_payload_and_key_of_rfc_7515_a3() -> None:
    key = AccountKey(vectors.ec_key())
    signed = flattened(key, vectors.unpadded(vectors.PAYLOAD), protected={})
    assert (signed["protected"], signed["payload"]) == (vectors.ES256_HEADER, vectors.PAYLOAD)
    assert key.jwk == vectors.ES256_JWK
    assert jws.is_signed_by(jws.read(signed), vectors.ES256_JWK)


def test_the_reader_of_these_tests_accepts_the_signature_of_rfc_7515_a3() -> None:
    printed = {
        "protected": vectors.ES256_HEADER,
        "payload": vectors.PAYLOAD,
        "signature": vectors.ES256_SIGNATURE,
    }
    assert jws.is_signed_by(jws.read(printed), vectors.ES256_JWK)


def test_eddsa_is_rfc_8037_a4() -> None:
    key = AccountKey(vectors.ed25519_key())
    signed = flattened(key, vectors.ED25519_PAYLOAD, protected={})
    assert (signed["protected"], signed["signature"]) == (vectors.ED25519_HEADER, vectors.ED25519_SIGNATURE)
    assert (key.jwk, key.thumbprint) == (vectors.ED25519_JWK, vectors.ED25519_THUMBPRINT)


def test_thumbprint_is_rfc_7638_and_leaves_optional_members_out() -> None:
    assert thumbprint(vectors.THUMBPRINT_JWK) == vectors.THUMBPRINT


@pytest.mark.parametrize("algorithm", KEYS)
@given(payload=st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=3))
def test_a_request_verifies_with_the_key_that_it_carries(algorithm: str, payload: dict[str, str]) -> None:
    body = request_body(AccountKey(KEYS[algorithm]), payload, nonce="n0", url="https://a.test/x", kid=None)
    read = jws.read(body)
    assert {"alg", "nonce", "url", "jwk"} == set(read.header)
    assert (algorithm, "n0", "https://a.test/x") == (read.header["alg"], read.header["nonce"], read.header["url"])
    assert jws.is_signed_by(read, read.header["jwk"])
    assert payload == json.loads(read.payload)


def test_a_known_account_is_named_by_its_url_alone() -> None:
    body = request_body(AccountKey(KEYS["ES256"]), {}, nonce="n0", url="https://a.test/x", kid="https://a.test/acct/1")
    read = jws.read(body)
    assert {"alg", "nonce", "url", "kid"} == set(read.header)
    assert read.payload == b"{}"


def test_a_post_as_get_has_the_empty_payload() -> None:
    body = request_body(AccountKey(KEYS["ES256"]), None, nonce="n0", url="https://a.test/x", kid="k")
    assert json.loads(body)["payload"] == ""


def test_ecdsa_signatures_keep_their_width() -> None:
    key = AccountKey(KEYS["ES256"])
    # A short r or s comes about once in 128 signatures.
    assert {64} == {len(key.sign(bytes([n % 256, n // 256]))) for n in range(600)}


@pytest.mark.parametrize(
    "private",
    [
        pytest.param(ec.generate_private_key(ec.SECP256K1()), id="curve-of-another-world"),
        pytest.param(rsa.generate_private_key(65537, 1024), id="short-rsa"),  # noqa: S505 - that is what is refused
    ],
)
def test_keys_that_no_ca_takes_are_refused(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    with pytest.raises(ValueError, match="An ACME account key is"):
        AccountKey(private)


def test_a_key_shows_only_its_public_half() -> None:
    key = AccountKey(vectors.ed25519_key())
    assert repr(key) == f"AccountKey(EdDSA, thumbprint='{vectors.ED25519_THUMBPRINT}')"


@pytest.mark.parametrize("algorithm", MACAlgorithm)
def test_an_external_account_is_bound_by_its_mac(algorithm: MACAlgorithm) -> None:
    key = AccountKey(KEYS["ES256"])
    binding = ExternalAccountBinding(key_id="kid-1", mac_key=b"m" * 64, algorithm=algorithm)
    read = jws.read(bind_external_account(key, binding, url="https://a.test/new-account"))
    assert {"alg": algorithm, "kid": "kid-1", "url": "https://a.test/new-account"} == read.header
    assert key.jwk == json.loads(read.payload)
    assert jws.is_authenticated_by(read, b"m" * 64)
    assert "mmm" not in repr(binding)


MAC_KEY = bytes(range(251, 256)) + bytes(range(30))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(base64.urlsafe_b64encode(MAC_KEY).decode(), id="base64url-padded"),
        pytest.param(base64url(MAC_KEY), id="base64url"),
        pytest.param(base64.b64encode(MAC_KEY).decode(), id="base64-padded"),
        pytest.param(base64.b64encode(MAC_KEY).decode().rstrip("="), id="base64"),
        pytest.param(f"  {base64url(MAC_KEY)}\n", id="with-the-newline-of-a-file"),
    ],
)
def test_mac_keys_come_in_any_base64(text: str) -> None:
    assert decode_mac_key(text) == MAC_KEY


@pytest.mark.parametrize("text", ["", "====", "a", "not base64!", "höhö"])
def test_what_is_no_mac_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="is not base64") as caught:
        decode_mac_key(text)
    assert caught.value.__cause__ is None
    assert str(caught.value) == "The MAC key of the external account binding is not base64."


@given(st.text())
def test_decoding_a_mac_key_never_raises_anything_else(text: str) -> None:
    with suppress(ValueError):
        assert decode_mac_key(text)
