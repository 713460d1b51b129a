import pytest

from certwright.protocols import cms
from tests.protocols.cms.material import ALL_LEGACY, CONTENT, PASSWORD, certificate, rsa_holder

WRITTEN = [
    cms.ContentCipher.AES128_CBC,
    cms.ContentCipher.AES192_CBC,
    cms.ContentCipher.AES256_CBC,
    cms.ContentCipher.DES3_CBC,
]


@pytest.mark.parametrize("cipher", WRITTEN)
@pytest.mark.parametrize("content", [b"", CONTENT, bytes(16), bytes(100_000)], ids=["empty", "short", "block", "long"])
def test_the_recipient_opens_what_was_enveloped(cipher: cms.ContentCipher, content: bytes) -> None:
    encoded = cms.envelop(content, [certificate("rsa")], cipher=cipher)
    assert cms.open_enveloped(encoded, rsa_holder(), accept=ALL_LEGACY) == cms.Opened(cms.ID_DATA, content)


@pytest.mark.parametrize("cipher", WRITTEN)
def test_the_password_opens_what_was_enveloped(cipher: cms.ContentCipher) -> None:
    encoded = cms.envelop(CONTENT, [PASSWORD], cipher=cipher)
    assert cms.open_enveloped(encoded, PASSWORD, accept=ALL_LEGACY).content == CONTENT
    with pytest.raises(cms.CannotOpen):
        cms.open_enveloped(encoded, cms.Password(b"another"), accept=ALL_LEGACY)


def test_each_of_several_recipients_opens_it() -> None:
    encoded = cms.envelop(CONTENT, [certificate("other"), PASSWORD, certificate("rsa")], content_type="1.2.3.4")
    for key in (rsa_holder("other"), PASSWORD, rsa_holder()):
        assert cms.open_enveloped(encoded, key) == cms.Opened("1.2.3.4", CONTENT)


@pytest.mark.parametrize("cipher", sorted(set(cms.ContentCipher) - set(WRITTEN)))
def test_single_des_and_gcm_are_not_written(cipher: cms.ContentCipher) -> None:
    with pytest.raises(ValueError, match="only read"):
        cms.envelop(CONTENT, [certificate("rsa")], cipher=cipher)


def test_only_rsa_certificates_are_enveloped_to() -> None:
    with pytest.raises(cms.CMSRefused, match="no RSA key"):
        cms.envelop(CONTENT, [certificate("ec")])


def test_nothing_secret_is_in_a_repr() -> None:
    keys = (cms.Password(b"sesame"), cms.SharedKey(b"sesame", b"name"), rsa_holder())
    shown = repr((keys, cms.Opened(cms.ID_DATA, b"sesame")))
    assert "sesame" not in shown
    assert "RSAPrivateKey" not in shown
