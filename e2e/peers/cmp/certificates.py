"""The certificates of a CMP server and of a registration authority, which ``Hierarchy.issue`` has no usages for.

RFC 9810 section 4.5 names those usages; what may sign whose messages or keys depends on them.
"""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from e2e.authority import KeyPair
from e2e.peers.hierarchy import Hierarchy, Identity, generate_key

CMC_CA = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.27")
CMC_RA = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.28")
CM_KGA = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.32")

_LIFETIME = timedelta(days=365)
_CLOCK_SKEW = timedelta(hours=1)


def issue_for(hierarchy: Hierarchy, common_name: str, usage: x509.ObjectIdentifier) -> KeyPair:
    """A signer of CMP messages with one extended usage; the issuing certificate stands behind its own."""
    key = generate_key(rsa_key=hierarchy.rsa_keys)
    issuer, now = hierarchy.issuing, datetime.now(tz=UTC)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority, critical=False)
        .add_extension(_SIGNS, critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )
    signer = Identity(certificate, key)
    return KeyPair(signer.pem + issuer.pem, signer.key_pem)


_SIGNS = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
