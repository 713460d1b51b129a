"""A certificate authority in memory that signs whatever it is given: for fake servers of any protocol."""

from collections.abc import Callable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LEAF_LIFE = timedelta(days=90)
CA_LIFE = timedelta(days=3650)


def common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class FakeCA:
    """One intermediate under as many roots as asked for: the same chain in several versions, as cross-signing makes."""

    def __init__(self, *, clock: Callable[[], datetime], roots: tuple[str, ...] = ("Fake Root",)) -> None:
        self._clock = clock
        self.life = LEAF_LIFE
        self.backdated = timedelta()
        self.key = ec.generate_private_key(ec.SECP256R1())
        root_keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in roots}
        self.roots = {name: self._ca(name, name, key, key) for name, key in root_keys.items()}
        self.intermediates = {name: self._ca("Fake Intermediate", name, self.key, root_keys[name]) for name in roots}

    def issue(self, csr: x509.CertificateSigningRequest) -> x509.Certificate:
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        begin = self._clock() - self.backdated
        return (
            x509.CertificateBuilder()
            .subject_name(csr.subject)
            .issuer_name(common_name("Fake Intermediate"))
            .public_key(csr.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + self.life)
            .add_extension(names.value, critical=names.critical)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def chain(self, leaf: x509.Certificate, version: int = 0) -> bytes:
        """The leaf and the intermediate in PEM; ``version`` says which root's intermediate."""
        intermediate = tuple(self.intermediates.values())[version]
        return leaf.public_bytes(Encoding.PEM) + intermediate.public_bytes(Encoding.PEM)

    def _ca(
        self, name: str, issuer: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
    ) -> x509.Certificate:
        now = self._clock()
        return (
            x509.CertificateBuilder()
            .subject_name(common_name(name))
            .issuer_name(common_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(signer, hashes.SHA256())
        )
