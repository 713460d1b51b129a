"""Reads the DER of an extension into the library's type for it.

The library reads extensions inside of requests and certificates only, so the value travels in a request of its own.
"""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from certwright.issuers.demands.contradiction import Contradiction
from certwright.model.chain import UNREADABLE


def typed(oid: str, value: bytes, *, is_critical: bool) -> x509.Extension[x509.ExtensionType]:
    """The extension with its parsed value, or with the raw one where the type is unknown; raises `Contradiction`."""
    try:
        raw = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
        builder = x509.CertificateSigningRequestBuilder(x509.Name([])).add_extension(raw, critical=is_critical)
        carried = builder.sign(ed25519.Ed25519PrivateKey.generate(), None)
        return next(iter(carried.extensions))
    except UNREADABLE as error:
        raise Contradiction(f"the CA wants the extension {oid} with a value that cannot be read") from error
