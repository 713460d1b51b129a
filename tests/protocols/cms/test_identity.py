from cryptography import x509

from certwright.protocols import cms
from certwright.protocols.cms import der
from certwright.protocols.cms.identity import MAX_NAME_BYTES
from tests.protocols.cms.material import certificate, ec_key, self_signed


def test_a_certificate_without_key_identifier_is_named_by_the_usual_one() -> None:
    bare = self_signed(ec_key())
    usual = x509.SubjectKeyIdentifier.from_public_key(bare.public_key()).digest
    assert cms.KeyIdentifier(usual).names(bare)
    assert not cms.KeyIdentifier(usual).names(certificate("rsa"))


def test_a_certificate_is_named_by_the_identifier_that_it_bears() -> None:
    identifier = certificate("rsa").extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert cms.KeyIdentifier(identifier).names(certificate("rsa"))


def test_an_issuer_is_what_the_certificate_says_octet_by_octet() -> None:
    identity = cms.IssuerAndSerial.of(certificate("rsa"))
    assert identity.issuer == certificate("ca").subject.public_bytes()
    assert identity.serial == certificate("rsa").serial_number
    assert identity.names(certificate("rsa"))
    assert not identity.names(certificate("ec"))


def test_endless_names_are_compared_by_octets_only() -> None:
    serial = certificate("rsa").serial_number
    endless = der.sequence(*[der.element(der.SET)] * MAX_NAME_BYTES)
    assert not cms.IssuerAndSerial(endless, serial).names(certificate("rsa"))
