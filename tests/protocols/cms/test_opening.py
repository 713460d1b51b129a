import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from certwright.protocols import cms
from certwright.protocols.cms import der
from certwright.protocols.cms.passwords import MAX_ITERATIONS
from certwright.protocols.cms.structures import ContentInfo, load, sole
from tests.protocols.cms.material import (
    ALL_LEGACY,
    CONTENT,
    PASSWORD,
    certificate,
    ec_holder,
    ec_key,
    rsa_holder,
    rsa_key,
    shared_key,
    vector,
)
from tests.protocols.cms.messages import enveloped

CONTENT_KEY = bytes(range(16))
AES256_WRAP = cms.Algorithm("2.16.840.1.101.3.4.1.45")

OPENS: list[tuple[str, cms.OpeningKey]] = [
    ("ktri-aes128-cbc", rsa_holder()),
    ("ktri-aes192-cbc", rsa_holder()),
    ("ktri-aes256-cbc", rsa_holder()),
    ("ktri-aes256-gcm", rsa_holder()),
    ("ktri-oaep-sha1", rsa_holder()),
    ("ktri-oaep-sha256", rsa_holder()),
    ("ktri-oaep-label", rsa_holder()),
    ("ktri-by-key-identifier", rsa_holder()),
    ("ktri-streamed", rsa_holder()),
    ("ktri-two-recipients", rsa_holder()),
    ("ktri-two-recipients", rsa_holder("other")),
    ("kari-sha1", ec_holder()),
    ("kari-sha224", ec_holder()),
    ("kari-sha256", ec_holder()),
    ("kari-sha384-wrap192", ec_holder("ec521")),
    ("kari-p521-sha512-wrap256", ec_holder("ec521")),
    ("kari-cofactor", ec_holder()),
    ("kari-by-key-identifier", ec_holder()),
    ("kari-aes128-gcm", ec_holder()),
    ("kekri-aes128", shared_key(16)),
    ("kekri-aes256", shared_key(32)),
    ("kekri-aes256-gcm", shared_key(32)),
    ("pwri-aes128", PASSWORD),
    ("pwri-aes256", PASSWORD),
    ("mixed-recipients", rsa_holder()),
    ("mixed-recipients", ec_holder()),
    ("mixed-recipients", shared_key(16)),
    ("mixed-recipients", PASSWORD),
]
WRONG: list[tuple[str, cms.OpeningKey]] = [
    ("ktri-aes256-gcm", rsa_holder("other")),
    ("ktri-oaep-sha256", rsa_holder("other")),
    ("ktri-two-recipients", cms.PrivateKeyHolder(rsa_key())),
    ("ktri-aes128-cbc", ec_holder()),
    ("kari-sha256", ec_holder("ec521")),
    ("kari-sha256", rsa_holder()),
    ("kekri-aes128", shared_key(32)),
    ("kekri-aes128", cms.SharedKey(bytes(16), shared_key(16).identifier)),
    ("kekri-aes128", cms.SharedKey(shared_key(16).key, b"another name")),
    ("pwri-aes128", cms.Password(b"another")),
    ("pwri-aes128", rsa_holder()),
]


def names(rows: list[tuple[str, cms.OpeningKey]]) -> list[str]:
    return [f"{name} by {type(key).__name__}" for name, key in rows]


@pytest.mark.parametrize(("name", "key"), OPENS, ids=names(OPENS))
def test_what_openssl_enveloped_is_opened(name: str, key: cms.OpeningKey) -> None:
    assert cms.open_enveloped(vector(f"{name}.der"), key) == cms.Opened(cms.ID_DATA, CONTENT)


@pytest.mark.parametrize(("name", "key"), WRONG, ids=names(WRONG))
def test_a_key_that_does_not_fit_opens_nothing_and_says_no_more(name: str, key: cms.OpeningKey) -> None:
    with pytest.raises(cms.CannotOpen) as refusal:
        cms.open_enveloped(vector(f"{name}.der"), key)
    assert str(refusal.value) == "The enveloped data cannot be opened with the key at hand."


@pytest.mark.parametrize(
    ("name", "key", "algorithm"),
    [
        ("ktri-des3", rsa_holder(), cms.LegacyAlgorithm.DES3),
        ("ktri-des", rsa_holder(), cms.LegacyAlgorithm.DES),
        ("pwri-des3", PASSWORD, cms.LegacyAlgorithm.DES3),
    ],
)
def test_a_weak_cipher_is_opened_by_name_only(name: str, key: cms.OpeningKey, algorithm: cms.LegacyAlgorithm) -> None:
    encoded = vector(f"{name}.der")
    assert cms.open_enveloped(encoded, key, accept={algorithm}).content == CONTENT
    with pytest.raises(cms.LegacyAlgorithmRefused) as refusal:
        cms.open_enveloped(encoded, key, accept=ALL_LEGACY - {algorithm})
    assert refusal.value.algorithm is algorithm


def test_an_unknown_cipher_is_named() -> None:
    with pytest.raises(cms.UnsupportedAlgorithm) as refusal:
        cms.open_enveloped(vector("ktri-rc2.der"), rsa_holder(), accept=ALL_LEGACY)
    assert refusal.value.oid == "1.2.840.113549.3.2"


def test_the_only_recipient_is_tried_whomever_it_names() -> None:
    renamed = cms.PrivateKeyHolder(rsa_key(), ec_holder().certificate)
    assert cms.open_enveloped(vector("ktri-aes128-cbc.der"), renamed).content == CONTENT
    assert cms.open_enveloped(vector("kari-sha256.der"), cms.PrivateKeyHolder(ec_key())).content == CONTENT


def test_the_first_key_that_fits_is_used() -> None:
    keys = (ec_holder(), cms.Password(b"another"), shared_key(32), rsa_holder())
    assert cms.open_enveloped(vector("ktri-aes128-cbc.der"), *keys).content == CONTENT


def test_a_bare_structure_is_opened_as_cmp_has_it() -> None:
    bare = sole(load(ContentInfo, vector("ktri-aes128-cbc.der"))["content"])
    assert cms.open_enveloped(bare, rsa_holder()).content == CONTENT


@pytest.mark.parametrize("name", ["signed-rsa-sha256", "certs-only", "key-pkcs8"])
def test_another_structure_is_malformed(name: str) -> None:
    with pytest.raises(cms.MalformedCMS):
        cms.open_enveloped(vector(f"{name}.der"), rsa_holder())


@pytest.mark.parametrize("name", ["ktri-aes128-cbc", "ktri-aes256-gcm", "kari-aes128-gcm", "kekri-aes256-gcm"])
def test_whatever_octet_is_changed_the_error_is_one_of_ours(name: str) -> None:
    encoded = vector(f"{name}.der")
    keys = (rsa_holder(), ec_holder(), shared_key(32))
    for at in range(len(encoded)):
        changed = encoded[:at] + bytes((encoded[at] ^ 0x01,)) + encoded[at + 1 :]
        try:
            opened = cms.open_enveloped(changed, *keys)
        except cms.CMSError:
            continue
        # Names of the recipient and of the content's type are not protected; by CBC neither is the content.
        assert name == "ktri-aes128-cbc" or opened.content == CONTENT


@pytest.mark.parametrize("spoiled", ["RSA block", "content"])
def test_a_wrong_rsa_block_fails_like_a_wrong_content(spoiled: str) -> None:
    encoded = bytearray(vector("ktri-aes256-gcm.der"))
    block = encoded.index(b"\x04\x82\x01\x00") + 4
    encoded[block + 100 if spoiled == "RSA block" else -1] ^= 1
    with pytest.raises(cms.CannotOpen) as refusal:
        cms.open_enveloped(bytes(encoded), rsa_holder())
    assert (str(refusal.value), refusal.value.__cause__) == (str(cms.CannotOpen()), None)


def test_too_many_iterations_are_refused_before_the_work() -> None:
    derivation = cms.KeyDerivation(salt=b"salt", iterations=MAX_ITERATIONS + 1, digest=cms.DigestAlgorithm.SHA256)
    with pytest.raises(cms.MalformedCMS, match="PBKDF2"):
        cms.KeyDerivation.read(derivation.algorithm)


@pytest.mark.parametrize("key_bytes", [None, 16])
@pytest.mark.parametrize("digest", list(cms.HMAC_OIDS))
def test_a_derivation_reads_back(digest: cms.DigestAlgorithm, key_bytes: int | None) -> None:
    derivation = cms.KeyDerivation(salt=b"salt", iterations=10, key_bytes=key_bytes, digest=digest)
    assert cms.KeyDerivation.read(derivation.algorithm) == derivation
    assert len(derivation.derive(b"sesame", key_bytes=16)) == 16


def test_a_key_length_that_contradicts_the_cipher_is_malformed() -> None:
    with pytest.raises(cms.MalformedCMS):
        cms.KeyDerivation(salt=b"salt", iterations=10, key_bytes=16).derive(b"sesame", key_bytes=32)


def test_more_than_twenty_recipients_are_refused() -> None:
    encoded = cms.envelop(CONTENT, [certificate("rsa")] * 21)
    with pytest.raises(cms.MalformedCMS, match="more than 20 recipients"):
        cms.open_enveloped(encoded, rsa_holder())


def test_a_password_may_wrap_by_aes_as_in_cmp() -> None:
    derivation = cms.KeyDerivation(salt=b"salt", iterations=10, digest=cms.DigestAlgorithm.SHA256)
    wrapping_key = derivation.derive(PASSWORD.secret, key_bytes=32)
    recipient = der.explicit(
        3,
        der.integer(0),
        b"\xa0" + derivation.algorithm.encode()[1:],
        AES256_WRAP.encode(),
        der.octet_string(aes_key_wrap(wrapping_key, CONTENT_KEY)),
    )
    assert cms.open_enveloped(enveloped(recipient, key=CONTENT_KEY), PASSWORD).content == CONTENT


@pytest.mark.parametrize("material", [None, b"from the sender"], ids=["bare", "with keying material"])
def test_an_x25519_key_agrees(material: bytes | None) -> None:
    ours, ephemeral = x25519.X25519PrivateKey.generate(), x25519.X25519PrivateKey.generate()
    info = der.sequence(
        AES256_WRAP.encode(),
        b"" if material is None else der.explicit(0, der.octet_string(material)),
        der.explicit(2, der.octet_string(b"\0\0\1\0")),
    )
    wrapping_key = X963KDF(hashes.SHA256(), 32, info).derive(ephemeral.exchange(ours.public_key()))
    public_key = der.element(0x03, b"\0", ephemeral.public_key().public_bytes_raw())
    key_identifier = der.explicit(0, der.octet_string(b"any"))
    recipient = der.explicit(
        1,
        der.integer(3),
        der.explicit(0, der.explicit(1, cms.Algorithm("1.3.101.110").encode(), public_key)),
        b"" if material is None else der.explicit(1, der.octet_string(material)),
        cms.Algorithm("1.3.132.1.11.1", AES256_WRAP.encode()).encode(),
        der.sequence(der.sequence(key_identifier, der.octet_string(aes_key_wrap(wrapping_key, CONTENT_KEY)))),
    )
    encoded = enveloped(recipient, key=CONTENT_KEY)
    assert cms.open_enveloped(encoded, cms.PrivateKeyHolder(ours)).content == CONTENT
    with pytest.raises(cms.CannotOpen):
        cms.open_enveloped(encoded, cms.PrivateKeyHolder(ephemeral))
    with pytest.raises(cms.CannotOpen):
        cms.open_enveloped(encoded, ec_holder())


@pytest.mark.parametrize(
    ("algorithm", "named"),
    [
        pytest.param(cms.Algorithm("1.2.3.4", AES256_WRAP.encode()), "1.2.3.4", id="key agreement"),
        pytest.param(cms.Algorithm("1.3.132.1.11.1", cms.Algorithm("1.2.3.5").encode()), "1.2.3.5", id="key wrap"),
    ],
)
def test_an_unknown_way_to_the_key_is_named(algorithm: cms.Algorithm, named: str) -> None:
    recipient = der.explicit(
        1,
        der.integer(3),
        der.explicit(0, der.explicit(1, cms.Algorithm("1.3.101.110").encode(), der.element(0x03, b"\0"))),
        algorithm.encode(),
        der.sequence(der.sequence(der.explicit(0, der.octet_string(b"any")), der.octet_string(bytes(24)))),
    )
    with pytest.raises(cms.UnsupportedAlgorithm) as refusal:
        cms.open_enveloped(enveloped(recipient), ec_holder())
    assert refusal.value.oid == named
