"""PKCS#12 as OpenSSL reads it, and the algorithms that each profile promises."""

from typing import Any

import pytest
from asn1crypto import pkcs12 as asn1
from cryptography.hazmat.primitives.serialization import load_der_private_key, pkcs12

from certwright.model.keys import KeyKind, public_der
from certwright.model.keystores import Passwords, rendered
from tests.model.builders import CA, KINDS, P256, ROOT, key_of, pair_of, spec_of

PASSWORD = "changeit"
PROFILES = ("LegacyDES", "Modern2023", "Modern2026")
READABLE = [kind for kind in KINDS if not str(kind).startswith("ML-DSA")]
"""Of which cryptography opens PKCS#12; the others are opened piece by piece."""
PBE_3DES, PBES2, PBMAC1 = "1.2.840.113549.1.12.1.3", "1.2.840.113549.1.5.13", "1.2.840.113549.1.5.14"
SHA1, SHA256 = "1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1"


def made(profile: str | None = None, kind: KeyKind = P256, *, password: str = PASSWORD) -> dict[str, bytes]:
    fields = {"profile": profile} if profile else {}
    spec = spec_of(keystores={"pkcs12": {"create": True, "passwordSecretRef": {"name": "p"}, **fields}})
    return rendered(spec, pair_of(spec, key_of(kind)), Passwords(pkcs12=password))


def key_bag(store: bytes) -> Any:
    """The shrouded key, as asn1crypto takes it apart."""
    safe = asn1.Pfx.load(store, strict=True).authenticated_safe
    (bag,) = asn1.SafeContents.load(safe[1]["content"].native, strict=True)
    return bag["bag_value"].untag()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", READABLE, ids=str)
def test_the_key_and_its_chain_are_in_it(profile: str, kind: KeyKind) -> None:
    found = pkcs12.load_pkcs12(made(profile, kind)["keystore.p12"], b"changeit")
    assert found.key is not None
    assert found.cert is not None
    assert public_der(key_of(kind)) == public_der(found.key)  # type: ignore[arg-type] # it is compared
    assert [CA.certificate, ROOT.certificate] == [each.certificate for each in found.additional_certs]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_ca_is_in_the_truststore(profile: str) -> None:
    found = pkcs12.load_pkcs12(made(profile)["truststore.p12"], b"changeit")
    assert (found.key, found.cert) == (None, None)
    assert [(ROOT.certificate, b"ca")] == [(one.certificate, one.friendly_name) for one in found.additional_certs]


@pytest.mark.parametrize("profile", PROFILES)
def test_another_password_does_not_open_it(profile: str) -> None:
    for store in made(profile).values():
        with pytest.raises(ValueError, match="password"):
            pkcs12.load_pkcs12(store, b"another")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("password", ["x", "p\u00e4ssw\u00f6rd", "a" * 1024])
def test_any_password_opens_it(profile: str, password: str) -> None:
    for store in made(profile, password=password).values():
        assert pkcs12.load_pkcs12(store, password.encode()).additional_certs


@pytest.mark.parametrize(
    ("profile", "encryption", "mac"),
    [
        pytest.param(None, PBE_3DES, SHA1, id="the default"),
        pytest.param("LegacyDES", PBE_3DES, SHA1, id="LegacyDES"),
        pytest.param("Modern2023", PBES2, SHA256, id="Modern2023"),
        pytest.param("Modern2026", PBES2, PBMAC1, id="Modern2026"),
    ],
)
def test_the_algorithms_are_those_of_the_profile(profile: str | None, encryption: str, mac: str) -> None:
    for name, store in made(profile).items():
        pfx = asn1.Pfx.load(store, strict=True)
        assert mac == pfx["mac_data"]["mac"]["digest_algorithm"]["algorithm"].dotted
        info = pfx.authenticated_safe[0]["content"]["encrypted_content_info"]
        assert encryption == info["content_encryption_algorithm"]["algorithm"].dotted
        if name == "keystore.p12":
            assert encryption == key_bag(store)["encryption_algorithm"]["algorithm"].dotted


@pytest.mark.parametrize("profile", ["Modern2023", "Modern2026"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in READABLE], ids=str)
def test_a_key_that_cryptography_does_not_expect_there_is_in_it_all_the_same(profile: str, kind: KeyKind) -> None:
    key = load_der_private_key(key_bag(made(profile, kind)["keystore.p12"]).dump(), b"changeit")
    assert public_der(key_of(kind)) == public_der(key)  # type: ignore[arg-type] # it is compared
