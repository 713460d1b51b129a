"""Which stores are made, that they are the same bytes each time, and that nothing of a password is seen in them."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from certwright.model.keystores import Passwords, objection, password_refs, rendered, store_names
from tests.model.builders import CA, P256, ROOT, key_of, pair_of, spec_of
from tests.model.keystores.reading import read_jks

JKS = {"create": True, "password": "changeit"}
PKCS12 = {"create": True, "password": "changeit"}
BOTH = {"keystores": {"jks": JKS, "pkcs12": PKCS12}}
PASSWORDS = Passwords(jks="changeit", pkcs12="changeit")
ALL = ("keystore.jks", "truststore.jks", "keystore.p12", "truststore.p12")
PAIR = pair_of(spec_of())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, (), id="none"),
        pytest.param({"keystores": {}}, (), id="an empty field"),
        pytest.param({"keystores": {"jks": {**JKS, "create": False}}}, (), id="one that is not to be created"),
        pytest.param({"keystores": {"jks": JKS}}, ALL[:2], id="JKS"),
        pytest.param({"keystores": {"pkcs12": PKCS12}}, ALL[2:], id="PKCS12"),
        pytest.param(BOTH, ALL, id="both"),
    ],
)
def test_what_is_wanted_is_made(fields: dict[str, Any], expected: tuple[str, ...]) -> None:
    spec = spec_of(**fields)
    assert expected == tuple(rendered(spec, PAIR, PASSWORDS))
    assert expected == store_names(spec, PAIR.anchors)


def test_without_a_ca_certificate_there_is_nothing_to_trust() -> None:
    spec = spec_of(**BOTH)
    made = rendered(spec, replace(PAIR, anchors=()), PASSWORDS)
    assert {"keystore.jks", "keystore.p12"} == made.keys() == set(store_names(spec, ()))


@pytest.mark.parametrize("profile", ["LegacyDES", "Modern2023", "Modern2026"])
def test_the_same_pair_and_password_are_the_same_bytes(profile: str) -> None:
    spec = spec_of(keystores={"jks": JKS, "pkcs12": {**PKCS12, "profile": profile}})
    assert rendered(spec, PAIR, PASSWORDS) == rendered(spec, PAIR, PASSWORDS)


def other_key() -> Any:
    return pair_of(spec_of(), key_of(P256, 1))


@pytest.mark.parametrize(
    ("fields", "pair", "passwords", "changed"),
    [
        pytest.param({}, None, Passwords(jks="other", pkcs12="changeit"), ALL[:2], id="the password of one"),
        pytest.param({}, other_key(), PASSWORDS, (ALL[0], *ALL[2:]), id="another key"),
        pytest.param({}, replace(PAIR, anchors=(CA.certificate,)), PASSWORDS, ALL, id="another CA"),
        pytest.param({"jks": {**JKS, "alias": "web"}}, None, PASSWORDS, ALL[:1], id="another alias"),
        pytest.param({"pkcs12": {**PKCS12, "profile": "Modern2023"}}, None, PASSWORDS, ALL[2:], id="another profile"),
    ],
)
def test_what_changes_is_written_anew(fields: dict[str, Any], pair: Any, passwords: Passwords, changed: Any) -> None:
    before = rendered(spec_of(**BOTH), PAIR, PASSWORDS)
    after = rendered(spec_of(keystores={"jks": JKS, "pkcs12": PKCS12, **fields}), pair or PAIR, passwords)
    assert set(changed) == {name for name in ALL if before[name] != after[name]}


def test_no_salt_is_used_for_two_passwords() -> None:
    """Else whoever sees two stores of a pair could try a password on both at once."""
    spec = spec_of(**BOTH)
    one = rendered(spec, PAIR, PASSWORDS)["keystore.jks"]
    other = rendered(spec, PAIR, Passwords(jks="other", pkcs12="other"))["keystore.jks"]
    salts = [read_jks(store, password).salts for store, password in ((one, "changeit"), (other, "other"))]
    assert salts[0] != salts[1]


def test_a_leaf_alone_is_alone_in_the_keystores_too() -> None:
    spec = spec_of(**BOTH, chain={"leafOnly": True})
    made = rendered(spec, PAIR, PASSWORDS)
    ((_, chain),) = read_jks(made["keystore.jks"], "changeit").keys.values()
    assert [PAIR.leaf] == chain
    others = pkcs12.load_pkcs12(made["keystore.p12"], b"changeit").additional_certs
    assert [ROOT.certificate] == [each.certificate for each in others]


@pytest.mark.parametrize(
    ("pkcs12", "expected"),
    [
        pytest.param({}, None, id="the default"),
        pytest.param({"profile": "Modern2026"}, None, id="one that can be written"),
        pytest.param({"profile": "LegacyRC2"}, "set LegacyDES or leave profile out", id="one that cannot"),
        pytest.param({"profile": "LegacyRC2", "create": False}, None, id="one that is not to be created"),
    ],
)
def test_what_cannot_be_written_is_said_with_the_remedy(pkcs12: dict[str, Any], expected: str | None) -> None:
    said = objection(spec_of(keystores={"pkcs12": {**PKCS12, **pkcs12}}))
    assert said is None if expected is None else expected in (said or "")


def test_passwords_elsewhere_are_found() -> None:
    stores = {"jks": JKS, "pkcs12": {"create": True, "passwordSecretRef": {"name": "p"}}}
    assert [ref.name for ref in password_refs(spec_of(keystores=stores))] == ["p"]


@pytest.mark.parametrize("value", [PASSWORDS, spec_of(**BOTH)], ids=["passwords", "the spec"])
def test_no_repr_shows_a_password(value: object) -> None:
    assert "changeit" not in f"{value!r} {value}"
