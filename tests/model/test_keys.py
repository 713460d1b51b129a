"""Keys of every kind survive writing and reading, fit what asks for them, and are never shown."""

from dataclasses import replace
from typing import Any

import pytest
from asn1crypto import core, pem
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from hypothesis import given
from hypothesis import strategies as st

from certwright.model import keys
from certwright.model.enrolment import CurrentCertificate, EnrolmentRequest, Issued
from certwright.model.keys import InvalidKeyError, KeyKind, PrivateKey
from certwright.model.resources import KeyAlgorithm, KeyEncoding
from certwright.model.resources import PrivateKey as PrivateKeySpec
from certwright.model.tls_secret import KeyPair
from tests.model.builders import CA, KINDS, NOW, P256, key_of, metadata_of, spec_of, staged_of

kinds = pytest.mark.parametrize("kind", KINDS, ids=str)
RSA, ECDSA, ED25519, ML_DSA = KINDS[0], P256, KINDS[4], KINDS[6]


@kinds
def test_a_key_is_of_the_kind_that_was_asked_for(kind: KeyKind) -> None:
    assert kind == keys.kind_of(keys.generate(kind))


@kinds
@pytest.mark.parametrize("encoding", [None, *KeyEncoding], ids=str)
def test_a_key_is_the_same_after_writing_and_reading(kind: KeyKind, encoding: KeyEncoding | None) -> None:
    key = key_of(kind)
    read = keys.load(keys.encode(key, encoding))
    assert keys.public_der(key) == keys.public_der(read)
    assert keys.encode(key, encoding) == keys.encode(read, encoding)


@pytest.mark.parametrize(
    ("kind", "encoding", "label"),
    [
        pytest.param(RSA, None, "RSA PRIVATE KEY", id="RSA is PKCS#1 by default"),
        pytest.param(RSA, KeyEncoding.PKCS8, "PRIVATE KEY", id="RSA as PKCS#8"),
        pytest.param(ECDSA, None, "EC PRIVATE KEY", id="ECDSA is SEC 1 by default"),
        pytest.param(ECDSA, KeyEncoding.PKCS1, "EC PRIVATE KEY", id="ECDSA as PKCS1 is SEC 1"),
        pytest.param(ECDSA, KeyEncoding.PKCS8, "PRIVATE KEY", id="ECDSA as PKCS#8"),
        pytest.param(ED25519, KeyEncoding.PKCS1, "PRIVATE KEY", id="Ed25519 has no other form than PKCS#8"),
        pytest.param(ML_DSA, None, "PRIVATE KEY", id="ML-DSA has no other form than PKCS#8"),
    ],
)
def test_a_key_is_written_in_the_form_that_was_asked_for(
    kind: KeyKind, encoding: KeyEncoding | None, label: str
) -> None:
    first = keys.encode(key_of(kind), encoding).splitlines()[0]
    assert f"-----BEGIN {label}-----".encode() == first


def spec(algorithm: str | None = None, size: int | None = None) -> PrivateKeySpec:
    return PrivateKeySpec(algorithm=KeyAlgorithm(algorithm) if algorithm else None, size=size)


@pytest.mark.parametrize(
    ("kind", "wanted", "fits"),
    [
        pytest.param(RSA, None, True, id="nothing is asked for"),
        pytest.param(RSA, spec(), True, id="an empty block"),
        pytest.param(RSA, spec("RSA"), True, id="the algorithm alone"),
        pytest.param(RSA, spec("RSA", 2048), True, id="algorithm and size"),
        pytest.param(RSA, spec("RSA", 4096), False, id="another size"),
        pytest.param(RSA, spec("ECDSA"), False, id="another algorithm"),
        pytest.param(ECDSA, spec("ECDSA", 384), False, id="another curve"),
        pytest.param(ED25519, spec("Ed25519", 256), True, id="a size where there is only one"),
        pytest.param(ML_DSA, spec("ML-DSA-87"), False, id="another parameter set"),
        pytest.param(RSA, spec(None, 256), True, id="a size alone means nothing"),
    ],
)
def test_a_key_fits_what_is_asked_for(kind: KeyKind, wanted: PrivateKeySpec | None, *, fits: bool) -> None:
    assert fits is keys.fits(key_of(kind), wanted)


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        pytest.param(None, P256, id="nothing"),
        pytest.param(spec(), P256, id="an empty block"),
        pytest.param(spec("RSA"), RSA, id="RSA without a size"),
        pytest.param(spec("ECDSA", 521), KINDS[3], id="a curve"),
        pytest.param(spec("Ed25519", 256), ED25519, id="Ed25519 drops its size"),
        pytest.param(spec("ML-DSA-65"), ML_DSA, id="ML-DSA"),
        pytest.param(spec(None, 4096), P256, id="a size alone means nothing"),
    ],
)
def test_a_new_key_is_of_the_wanted_kind(wanted: PrivateKeySpec | None, kind: KeyKind) -> None:
    assert kind == keys.wanted_kind(wanted)
    assert keys.fits(key_of(kind), wanted)


def test_the_default_algorithm_is_the_protocols() -> None:
    assert keys.wanted_kind(None, RSA) == RSA
    assert keys.wanted_kind(spec("ECDSA"), RSA) == ECDSA


def test_only_rsa_keys_are_slow_to_make() -> None:
    assert [kind for kind in KINDS if keys.is_slow(kind)] == [RSA]


def pkcs8(key: dsa.DSAPrivateKey | x25519.X25519PrivateKey) -> bytes:
    none = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none)


def encrypted() -> bytes:
    key, cipher = key_of(), serialization.BestAvailableEncryption(b"secret")
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher)


def of_no_known_algorithm() -> bytes:
    # PrivateKeyInfo with the algorithm 1.2.3.4.
    return b"-----BEGIN PRIVATE KEY-----\nMA4CAQAwBwYDKgMEBQAEAA==\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "junk",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00\xff not PEM", id="no PEM"),
        pytest.param(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", id="PEM without a key"),
        pytest.param(keys.encode(key_of())[:120], id="a key cut off"),
        pytest.param(CA.certificate.public_bytes(serialization.Encoding.PEM), id="a certificate"),
        pytest.param(encrypted(), id="an encrypted key"),
        pytest.param(pkcs8(x25519.X25519PrivateKey.generate()), id="a key that cannot sign"),
        pytest.param(pkcs8(dsa.generate_private_key(2048)), id="DSA"),
        pytest.param(of_no_known_algorithm(), id="an unknown algorithm"),
    ],
)
def test_what_is_no_usable_key_is_refused(junk: bytes) -> None:
    with pytest.raises(InvalidKeyError):
        keys.load(junk)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_without_being_quoted(junk: bytes) -> None:
    pem = b"-----BEGIN PRIVATE KEY-----\n" + junk + b"\n-----END PRIVATE KEY-----\n"
    with pytest.raises(InvalidKeyError) as caught:
        keys.load(pem)
    assert str(caught.value) in {
        "not an unencrypted PEM private key",
        "a private key of a kind that certificates here cannot have",
    }


def test_a_key_on_a_curve_of_a_cas_own_choice_can_still_be_read() -> None:
    key = ec.generate_private_key(ec.BrainpoolP384R1())
    assert KeyKind(KeyAlgorithm.ECDSA, 384) == keys.kind_of(keys.load(keys.encode(key)))


def secrets_of(key: PrivateKey) -> list[str]:
    """What a leak would look like: the key's own number, however it is written."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        value = key.private_numbers().private_value
        return [str(value), f"{value:x}", keys.encode(key).decode().splitlines()[1]]
    return [keys.encode(key).decode().splitlines()[1]]


@pytest.mark.parametrize("kind", [RSA, ECDSA, ED25519, ML_DSA], ids=str)
def test_no_value_that_holds_a_key_shows_it(kind: KeyKind) -> None:
    key = key_of(kind)
    leaf = CA.issue(spec_of(), key)
    request = EnrolmentRequest(certificate=metadata_of(), spec=spec_of(), key=key, csr=b"request", started_at=NOW)
    holders: list[object] = [
        KeyPair(chain=(leaf,), key=key),
        CurrentCertificate(leaf, (), key),
        Issued(chain=(leaf,), key=key),
        request,
        replace(request, current=CurrentCertificate(leaf, (), key)),
        staged_of(key=key),
    ]
    shown = " ".join(f"{holder!r} {holder}" for holder in holders)
    assert "PrivateKey" not in shown
    assert not [secret for secret in secrets_of(key) if secret in shown]


def broken_rsa(**changes: int) -> bytes:
    """A key in PEM with some of its numbers changed."""
    key = key_of(RSA)
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    names = ("p", "q", "d", "dmp1", "dmq1", "iqmp")
    values = {name: getattr(numbers, name) for name in names} | changes
    public = numbers.public_numbers
    fields = [0, public.n, public.e, *(values[name] for name in ("d", "p", "q", "dmp1", "dmq1", "iqmp"))]
    der = core.SequenceOf(fields, spec=core.Integer).dump()
    return bytes(pem.armor("RSA PRIVATE KEY", der))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"p": 1}, id="a factor of one"),
        pytest.param({"q": 7}, id="another factor"),
        pytest.param({"d": 3}, id="another exponent"),
        pytest.param({"dmp1": 5}, id="another remainder of p"),
        pytest.param({"dmq1": 5}, id="another remainder of q"),
        pytest.param({"iqmp": 5}, id="another coefficient"),
    ],
)
def test_an_rsa_key_whose_numbers_do_not_fit_is_refused(changes: dict[str, int]) -> None:
    assert keys.public_der(keys.load(broken_rsa())) == keys.public_der(key_of(RSA))
    with pytest.raises(keys.InvalidKeyError):
        keys.load(broken_rsa(**changes))


SIGNED: dict[str, tuple[dict[str, Any], KeyKind | None, KeyKind]] = {
    "nothing": ({}, None, ECDSA),
    "nothing, over SCEP": ({}, keys.SCEP_KIND, RSA),
    "RSA": ({"signatureAlgorithm": "SHA512WithRSA"}, None, RSA),
    "P-256": ({"signatureAlgorithm": "ECDSAWithSHA256"}, None, ECDSA),
    "P-384": ({"signatureAlgorithm": "ECDSAWithSHA384"}, None, KINDS[2]),
    "P-521": ({"signatureAlgorithm": "ECDSAWithSHA512"}, None, KINDS[3]),
    "Ed25519": ({"signatureAlgorithm": "PureEd25519"}, None, ED25519),
    "ML-DSA": ({"signatureAlgorithm": "ML-DSA-65"}, None, ML_DSA),
    "ECDSA, over SCEP": ({"signatureAlgorithm": "ECDSAWithSHA256"}, keys.SCEP_KIND, ECDSA),
    "the curve that the CA wants": ({"signatureAlgorithm": "ECDSAWithSHA512"}, KINDS[2], KINDS[2]),
    "the key that is named": (
        {"signatureAlgorithm": "ECDSAWithSHA384", "privateKey": {"algorithm": "ECDSA", "size": 256}},
        None,
        ECDSA,
    ),
    "a block that names no key": (
        {"signatureAlgorithm": "SHA256WithRSA", "privateKey": {"rotationPolicy": "Never"}},
        None,
        RSA,
    ),
}


@pytest.mark.parametrize(("fields", "default", "expected"), SIGNED.values(), ids=list(SIGNED))
def test_a_signature_decides_the_key_where_nothing_else_does(
    fields: dict[str, Any], default: KeyKind | None, expected: KeyKind
) -> None:
    assert expected == keys.new_kind(spec_of(**fields), default)


@pytest.mark.parametrize(
    ("kind", "fields", "fits"),
    [
        pytest.param(RSA, {"signatureAlgorithm": "SHA256WithRSA"}, True, id="a key that can sign so"),
        pytest.param(RSA, {"signatureAlgorithm": "ECDSAWithSHA256"}, False, id="a key that cannot"),
        pytest.param(ECDSA, {"signatureAlgorithm": "ECDSAWithSHA512"}, True, id="a shorter curve than the hash"),
        pytest.param(RSA, {"privateKey": {"rotationPolicy": "Never"}}, True, id="no signature"),
        pytest.param(
            ML_DSA, {"signatureAlgorithm": "ML-DSA-44", "privateKey": {"encoding": "PKCS8"}}, False, id="another set"
        ),
    ],
)
def test_a_key_that_is_there_must_be_able_to_sign_as_asked(
    kind: KeyKind, fields: dict[str, Any], *, fits: bool
) -> None:
    assert fits is keys.fits(key_of(kind), keys.demanded(spec_of(**fields)))


@pytest.mark.parametrize("size", [2048, 3072, 4096])
def test_an_rsa_key_is_as_long_as_was_asked_for(size: int) -> None:
    kind = keys.new_kind(spec_of(privateKey={"algorithm": "RSA", "size": size}))
    assert keys.kind_of(keys.generate(kind)).size == size
