import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certwright.protocols import cms
from certwright.protocols.cms import der
from tests.protocols.cms.material import certificate, ec_key, rsa_holder, rsa_key, vector

PKCS8 = vector("key-pkcs8.der")


def encoded(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def public_keys(package: cms.KeyPackage) -> list[object]:
    return [key.public_key() for key in package.keys]


@pytest.mark.parametrize("name", ["key-pkcs8", "key-package", "key-package-signed"])
def test_a_key_is_read_in_every_wrapping(name: str) -> None:
    package = cms.key_package(vector(f"{name}.der"))
    assert public_keys(package) == [certificate("other").public_key()]


def test_the_signature_of_a_package_is_left_to_the_caller() -> None:
    package = cms.key_package(cms.open_enveloped(vector("key-package-enveloped.der"), rsa_holder()).content)
    assert public_keys(package) == [certificate("other").public_key()]
    assert package.signed is not None
    assert package.signed.content_type == cms.ID_ASYMMETRIC_KEY_PACKAGE
    assert package.signed.verify()[0][1] == certificate("ec")


def test_an_unsigned_package_says_so() -> None:
    assert cms.key_package(vector("key-package.der")).signed is None


def test_a_bare_signed_data_is_read_as_cmp_nests_it() -> None:
    signed = cms.sign(PKCS8, key=ec_key(), certificate=certificate("ec"), content_type=cms.ID_ASYMMETRIC_KEY_PACKAGE)
    start = signed.index(b"\x30\x82", 4)
    package = cms.key_package(signed[start:])
    assert package.signed is not None
    package.signed.verify()


def test_several_keys_keep_their_order() -> None:
    keys = (rsa_key(), ec_key(), ed25519.Ed25519PrivateKey.generate())
    package = cms.key_package(der.sequence(*(encoded(key) for key in keys)))
    assert public_keys(package) == [key.public_key() for key in keys]


def test_a_key_with_its_public_key_beside_it_is_read() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    version_two = der.sequence(
        der.integer(1),
        cms.Algorithm("1.3.101.112").encode(),
        der.octet_string(der.octet_string(key.private_bytes_raw())),
        der.element(0x81, b"\0", key.public_key().public_bytes_raw()),
    )
    assert public_keys(cms.key_package(der.sequence(version_two))) == [key.public_key()]


def test_an_ml_dsa_key_is_read() -> None:
    key = mldsa.MLDSA65PrivateKey.generate()
    package = cms.key_package(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    assert public_keys(package) == [key.public_key()]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(der.sequence(der.integer(0), cms.Algorithm("1.3.101.112").encode()), id="no key"),
        pytest.param(
            der.sequence(der.integer(0), cms.Algorithm("1.3.101.112").encode(), der.octet_string(b"sesame")),
            id="wrong key",
        ),
        pytest.param(der.sequence(*[PKCS8] * 11), id="eleven keys"),
        pytest.param(vector("signed-detached.der"), id="no content"),
        pytest.param(vector("ktri-aes128-cbc.der"), id="envelope"),
        pytest.param(der.sequence(), id="empty"),
    ],
)
def test_what_holds_no_keys_is_malformed_and_quotes_nothing(broken: bytes) -> None:
    with pytest.raises(cms.MalformedCMS) as malformed:
        cms.key_package(broken)
    assert "sesame" not in str(malformed.value)
    assert malformed.value.__suppress_context__ or malformed.value.__context__ is None


def test_a_key_of_an_unknown_kind_is_refused() -> None:
    unknown = der.sequence(der.integer(0), cms.Algorithm("1.2.3.4").encode(), der.octet_string(b""))
    with pytest.raises(cms.CMSError):
        cms.key_package(unknown)


def test_no_key_is_in_the_repr() -> None:
    assert "RSAPrivateKey" not in repr(cms.key_package(vector("key-package-signed.der")))
