"""The Java KeyStore: what a reader made from the JDK's description finds in it."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key

from certwright.model.keys import KeyKind, public_der
from certwright.model.keystores import Passwords, rendered
from certwright.model.verification import is_key_of
from tests.model.builders import CA, KINDS, ROOT, key_of, pair_of, root, spec_of
from tests.model.keystores.reading import JKS, read_jks

PASSWORD = "changeit"


def made(kind: KeyKind = KINDS[1], *, password: str = PASSWORD, **fields: Any) -> dict[str, bytes]:
    spec = spec_of(keystores={"jks": {"create": True, "passwordSecretRef": {"name": "p"}, **fields}})
    return rendered(spec, pair_of(spec, key_of(kind)), Passwords(jks=password))


def key_store(kind: KeyKind = KINDS[1], *, password: str = PASSWORD, **fields: Any) -> JKS:
    return read_jks(made(kind, password=password, **fields)["keystore.jks"], password)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_key_and_its_chain_are_in_it(kind: KeyKind) -> None:
    found = key_store(kind)
    ((key, chain),) = found.keys.values()
    assert public_der(key_of(kind)) == public_der(load_der_private_key(key, None))  # type: ignore[arg-type] # of any kind
    assert is_key_of(chain[0], key_of(kind))
    assert [CA.certificate] == chain[1:]


def test_the_ca_is_trusted_in_both_stores() -> None:
    assert {"ca": ROOT.certificate} == key_store().trusted
    trust = read_jks(made()["truststore.jks"], "changeit")
    assert {"ca": ROOT.certificate} == trust.trusted
    assert trust.keys == {}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, "certificate", id="the default"),
        pytest.param({"alias": "web"}, "web", id="a chosen one"),
        pytest.param({"alias": "Web"}, "web", id="Java looks for lower case only"),
        pytest.param({"alias": "caf\u00e9"}, "caf\u00e9", id="beyond ASCII"),
    ],
)
def test_the_alias(fields: dict[str, Any], expected: str) -> None:
    assert [expected] == list(key_store(**fields).keys)


def test_an_alias_that_the_ca_would_have_is_the_keys() -> None:
    found = key_store(alias="CA")
    assert (list(found.keys), list(found.trusted)) == (["ca"], ["ca-1"])


def test_an_alias_beyond_the_first_plane_is_written_as_java_does() -> None:
    assert b"\x00\x06\xed\xa0\xbd\xed\xb4\x91" in made(alias="\U0001f511")["keystore.jks"]


@pytest.mark.parametrize("password", ["x", "p\u00e4ssw\u00f6rd", "\U0001f511" * 3, "a" * 1024])
def test_any_password_opens_it(password: str) -> None:
    assert key_store(password=password).keys


def test_another_password_does_not() -> None:
    with pytest.raises(ValueError, match="password was incorrect"):
        read_jks(made()["keystore.jks"], "another")


def test_its_date_is_that_of_the_certificate() -> None:
    spec = spec_of()
    assert {int(pair_of(spec).leaf.not_valid_before_utc.timestamp() * 1000)} == key_store().dates


def test_every_anchor_is_trusted_under_a_name_of_its_own() -> None:
    spec = spec_of(keystores={"jks": {"create": True, "password": "p"}})
    pair = pair_of(spec)
    other = root("Other")
    anchors = (ROOT.certificate, other.certificate, ROOT.certificate)
    stores = rendered(spec, type(pair)(chain=pair.chain, key=pair.key, anchors=anchors), Passwords(jks="p"))
    expected = {"ca": ROOT.certificate, "ca-1": other.certificate}
    assert expected == read_jks(stores["truststore.jks"], "p").trusted
