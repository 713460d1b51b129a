"""EncryptedValue (RFC 4211 §2.1): how servers of CMP's second version send private keys, to holders of RSA keys only.

It is deprecated and signed by nobody; the protection of the message around it speaks for it.
"""

from typing import Any

from cryptography.hazmat.primitives import padding as blocks
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_der_private_key

from certwright.protocols.cmp.algorithm import parse_algorithm
from certwright.protocols.cmp.der import UNREADABLE
from certwright.protocols.cmp.errors import CentralKeyFailed
from certwright.protocols.cmp.message import octet_aligned
from certwright.protocols.cmp.protection import Protection, SignatureProtection

AES_CBC = {"2.16.840.1.101.3.4.1.2": 16, "2.16.840.1.101.3.4.1.22": 24, "2.16.840.1.101.3.4.1.42": 32}
BLOCK = 16
OCTET_STRING = b"\x04\x10"  # Tag and length of the initialization vector.


def open_encrypted_value(value: Any, protection: Protection) -> PrivateKeyTypes:
    """The PKCS #8 key inside; one error whatever failed, which tells nobody where."""
    if not isinstance(protection, SignatureProtection) or not isinstance(protection.key, rsa.RSAPrivateKey):
        raise CentralKeyFailed("the CA sent a key as EncryptedValue, which only a holder of an RSA key can open")
    try:
        algorithm = parse_algorithm(value["symmAlg"])
        size = AES_CBC[algorithm.oid]
        vector = (algorithm.parameters or b"").removeprefix(OCTET_STRING)
        key = protection.key.decrypt(octet_aligned(value["encSymmKey"]), padding.PKCS1v15())
        if len(key) != size or len(vector) != BLOCK:
            raise ValueError("wrong length")
        decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
        unpadder = blocks.PKCS7(BLOCK * 8).unpadder()
        padded = decryptor.update(octet_aligned(value["encValue"])) + decryptor.finalize()
        return load_der_private_key(unpadder.update(padded) + unpadder.finalize(), password=None)
    except UNREADABLE:
        raise CentralKeyFailed("the private key that the CA sent as EncryptedValue cannot be opened") from None
