"""Usages become bits and purposes, and come back as the words that were asked for."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from certwright.model.resources import KeyAlgorithm, Usage
from certwright.model.usages import missing_usages, same_meaning, usage_extensions, wanted_usages
from tests.model.builders import CA, common_name, key_of, spec_of

each_usage = pytest.mark.parametrize("usage", list(Usage), ids=str)


def certificate_with(*usages: Usage) -> x509.Certificate:
    return CA.sign(common_name("x"), key_of(), usage_extensions(usages))


@each_usage
def test_a_usage_that_is_there_is_not_missing(usage: Usage) -> None:
    assert not missing_usages(certificate_with(usage).extensions, [usage])


@each_usage
def test_a_usage_that_is_not_there_is_missing(usage: Usage) -> None:
    others = [other for other in Usage if not same_meaning(other, usage) and "only" not in other]
    if usage is Usage.KEY_AGREEMENT:
        others.remove(Usage.KEY_ENCIPHERMENT)
    assert [usage] == missing_usages(certificate_with(*others).extensions, [usage])


def test_a_certificate_without_the_extensions_allows_everything() -> None:
    assert not missing_usages(certificate_with().extensions, list(Usage))


def test_only_the_kind_of_usage_that_is_limited_is_missing() -> None:
    extensions = certificate_with(Usage.SERVER_AUTH).extensions
    assert missing_usages(extensions, [Usage.CLIENT_AUTH, Usage.CERT_SIGN]) == [Usage.CLIENT_AUTH]


@pytest.mark.parametrize("usage", [Usage.ENCIPHER_ONLY, Usage.DECIPHER_ONLY], ids=str)
def test_a_limit_of_key_agreement_brings_key_agreement(usage: Usage) -> None:
    assert not missing_usages(certificate_with(usage).extensions, [usage, Usage.KEY_AGREEMENT])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(Usage.SIGNING, Usage.DIGITAL_SIGNATURE, True, id="two words for one bit"),
        pytest.param(Usage.S_MIME, Usage.EMAIL_PROTECTION, True, id="two words for one purpose"),
        pytest.param(Usage.SERVER_AUTH, Usage.CLIENT_AUTH, False, id="two purposes"),
        pytest.param(Usage.CERT_SIGN, Usage.CRL_SIGN, False, id="two bits"),
    ],
)
def test_synonyms_mean_the_same(one: Usage, other: Usage, *, same: bool) -> None:
    assert same is same_meaning(one, other)


@pytest.mark.parametrize(
    ("fields", "algorithm", "expected"),
    [
        pytest.param({}, KeyAlgorithm.ECDSA, {Usage.DIGITAL_SIGNATURE, Usage.SERVER_AUTH}, id="default"),
        pytest.param({}, KeyAlgorithm.ML_DSA_65, {Usage.DIGITAL_SIGNATURE, Usage.SERVER_AUTH}, id="default of ML-DSA"),
        pytest.param(
            {},
            KeyAlgorithm.RSA,
            {Usage.DIGITAL_SIGNATURE, Usage.SERVER_AUTH, Usage.KEY_ENCIPHERMENT},
            id="default of RSA",
        ),
        pytest.param({"usages": ["client auth"]}, KeyAlgorithm.RSA, {Usage.CLIENT_AUTH}, id="explicit"),
        pytest.param(
            {"usages": ["crl sign"], "isCA": True}, KeyAlgorithm.ECDSA, {Usage.CRL_SIGN, Usage.CERT_SIGN}, id="a CA"
        ),
    ],
)
def test_a_request_asks_for_these_usages(
    fields: dict[str, object], algorithm: KeyAlgorithm, expected: set[Usage]
) -> None:
    assert expected == wanted_usages(spec_of(**fields), algorithm)


def test_extensions_are_there_only_where_something_is_in_them() -> None:
    assert usage_extensions([]) == []
    [(purposes, is_critical)] = usage_extensions([Usage.CLIENT_AUTH, Usage.SERVER_AUTH])
    assert purposes == x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    assert not is_critical
    [(bits, is_critical)] = usage_extensions([Usage.SIGNING])
    assert isinstance(bits, x509.KeyUsage)
    assert bits.digital_signature
    assert is_critical
