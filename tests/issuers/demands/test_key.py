"""The key and the signature are the CA's choice where the Certificate leaves them open."""

from typing import Any

import pytest

from certwright.model.enrolment import CurrentCertificate, Prepared
from certwright.model.keys import KeyKind
from certwright.model.resources import KeyAlgorithm, SignatureAlgorithm
from certwright.protocols import est
from certwright.protocols.est import CSRAttributes, KeyRequirement
from tests.issuers.demands.conftest import EC, RSA, contradiction, key, prepared
from tests.model.builders import CA, P256, key_of, spec_of

P384 = KeyKind(KeyAlgorithm.ECDSA, 384)
RSA_2048, RSA_3072 = KeyKind(KeyAlgorithm.RSA, 2048), KeyKind(KeyAlgorithm.RSA, 3072)
ECDSA_SHA384 = "1.2.840.10045.4.3.3"
RSA_SHA512 = "1.2.840.113549.1.1.13"
CURRENT = CurrentCertificate(CA.issue(spec_of(), key_of()), (), key_of())


def test_a_ca_without_wishes_leaves_everything_to_the_certificate() -> None:
    assert Prepared() == prepared(CSRAttributes())


class TestKeys:
    @pytest.mark.parametrize(
        ("wanted", "fields", "expected"),
        [
            pytest.param(key(EC, curve="secp384r1"), {}, P384, id="curve for an open key"),
            pytest.param(key(EC), {}, P256, id="elliptic curves in general"),
            pytest.param(key(RSA, size=3072), {}, RSA_3072, id="size for an open key"),
            pytest.param(key(RSA), {}, RSA_2048, id="RSA in general"),
            pytest.param(key(est.KeyAlgorithm.ED25519), {}, KeyKind(KeyAlgorithm.ED25519), id="Ed25519"),
            pytest.param(key(est.KeyAlgorithm.ML_DSA_65), {}, KeyKind(KeyAlgorithm.ML_DSA_65), id="ML-DSA"),
            pytest.param(
                key(EC, curve="secp384r1"), {"privateKey": {"algorithm": "ECDSA"}}, P384, id="curve for an open size"
            ),
            pytest.param(
                key(RSA, size=3072),
                {"privateKey": {"algorithm": "RSA", "size": 3072}},
                RSA_3072,
                id="both say the same",
            ),
        ],
    )
    def test_the_ca_says_what_the_certificate_leaves_open(
        self, wanted: KeyRequirement, fields: dict[str, Any], expected: KeyKind
    ) -> None:
        assert expected == prepared(CSRAttributes(key=wanted), **fields).key_kind

    @pytest.mark.parametrize(
        ("wanted", "private_key", "both"),
        [
            pytest.param(
                key(EC, curve="secp384r1"),
                {"algorithm": "RSA"},
                ("ECDSA 384", "spec.privateKey.algorithm is RSA"),
                id="another algorithm",
            ),
            pytest.param(
                key(EC, curve="secp384r1"),
                {"algorithm": "ECDSA", "size": 256},
                ("ECDSA 384", "spec.privateKey.size is 256"),
                id="another curve",
            ),
            pytest.param(
                key(RSA, size=4096),
                {"algorithm": "RSA", "size": 2048},
                ("RSA 4096", "spec.privateKey.size is 2048"),
                id="another size",
            ),
        ],
    )
    def test_both_sides_are_named_where_they_differ(
        self, wanted: KeyRequirement, private_key: dict[str, Any], both: tuple[str, str]
    ) -> None:
        message = contradiction(CSRAttributes(key=wanted), privateKey=private_key)
        assert all(side in message for side in both)

    @pytest.mark.parametrize(
        ("wanted", "named"),
        [
            pytest.param(key(EC, curve="brainpoolP256r1"), "brainpoolP256r1", id="a curve"),
            pytest.param(key(est.KeyAlgorithm.ED448), "Ed448", id="an algorithm"),
            pytest.param(key(None), "1.2.3.4.5", id="an unknown algorithm"),
            pytest.param(key(RSA, size=1024), "1024", id="a weak key"),
            pytest.param(key(RSA, size=65536), "65536", id="a key that takes hours to make"),
        ],
    )
    def test_a_key_that_cannot_be_made_here_is_named(self, wanted: KeyRequirement, named: str) -> None:
        assert named in contradiction(CSRAttributes(key=wanted))

    def test_a_key_that_is_to_be_kept_contradicts_another_kind(self) -> None:
        attributes = CSRAttributes(key=key(EC, curve="secp384r1"))
        message = contradiction(attributes, CURRENT, privateKey={"rotationPolicy": "Never"})
        assert "spec.privateKey.rotationPolicy Never keeps the ECDSA 256 key" in message

    def test_a_key_of_the_kind_that_is_wanted_may_be_kept(self) -> None:
        attributes = CSRAttributes(key=key(EC, curve="secp256r1"))
        assert prepared(attributes, CURRENT, privateKey={"rotationPolicy": "Never"}).key_kind == P256


class TestSignatures:
    @pytest.mark.parametrize(
        ("attributes", "fields", "expected", "kind"),
        [
            pytest.param(
                CSRAttributes(key=key(EC, curve="secp256r1"), signature_algorithm=ECDSA_SHA384, hash="sha384"),
                {},
                SignatureAlgorithm.ECDSA_WITH_SHA384,
                P256,
                id="an algorithm",
            ),
            pytest.param(
                CSRAttributes(hash="sha512"), {}, SignatureAlgorithm.ECDSA_WITH_SHA512, None, id="a hash for our key"
            ),
            pytest.param(
                CSRAttributes(hash="sha384"),
                {"privateKey": {"algorithm": "RSA"}},
                SignatureAlgorithm.SHA384_WITH_RSA,
                None,
                id="a hash for an RSA key",
            ),
            pytest.param(
                CSRAttributes(signature_algorithm=RSA_SHA512, hash="sha512"),
                {},
                SignatureAlgorithm.SHA512_WITH_RSA,
                RSA_2048,
                id="an algorithm that names the key",
            ),
            pytest.param(
                CSRAttributes(signature_algorithm="1.2.840.113549.1.1.5", hash="sha1"), {}, None, None, id="SHA-1"
            ),
            pytest.param(
                CSRAttributes(hash="sha256"),
                {"privateKey": {"algorithm": "Ed25519"}},
                None,
                None,
                id="a key's own hash",
            ),
        ],
    )
    def test_the_request_is_signed_as_the_ca_says(
        self,
        attributes: CSRAttributes,
        fields: dict[str, Any],
        expected: SignatureAlgorithm | None,
        kind: KeyKind | None,
    ) -> None:
        found = prepared(attributes, **fields)
        assert (expected, kind) == (found.signature_algorithm, found.key_kind)

    @pytest.mark.parametrize(
        ("attributes", "fields", "both"),
        [
            pytest.param(
                CSRAttributes(hash="sha384"),
                {"signatureAlgorithm": "ECDSAWithSHA256"},
                ("ECDSAWithSHA384", "spec.signatureAlgorithm is ECDSAWithSHA256"),
                id="another hash",
            ),
            pytest.param(
                CSRAttributes(signature_algorithm=ECDSA_SHA384),
                {"privateKey": {"algorithm": "RSA"}},
                ("ECDSA", "spec.privateKey.algorithm is RSA"),
                id="the signature of another key",
            ),
            pytest.param(
                CSRAttributes(key=key(RSA), signature_algorithm=ECDSA_SHA384),
                {},
                ("ECDSAWithSHA384", "RSA 2048"),
                id="the CA contradicts itself",
            ),
        ],
    )
    def test_both_sides_are_named_where_they_differ(
        self, attributes: CSRAttributes, fields: dict[str, Any], both: tuple[str, str]
    ) -> None:
        message = contradiction(attributes, **fields)
        assert all(side in message for side in both)
