"""Coverage-guided fuzzing of everything in ``protocols.cms`` that reads what a stranger sent; run by hand.

It needs atheris, which is no dependency of the project:

    pip install atheris
    PYTHONPATH=operator python tests/fuzz/cms.py CORPUS tests/protocols/cms/vectors -max_total_time=600 -timeout=20

Any exception but CMSError is a finding, and so is an input that takes 20 s or the memory that libFuzzer allows.
"""

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

VECTORS = Path(__file__).parents[1] / "protocols" / "cms" / "vectors"


def main() -> None:
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore] # only whoever fuzzes has it

    with atheris.instrument_imports(include=["asn1crypto", "certwright"]):
        readers = _readers()
        from certwright.protocols.cms import CMSError

    def read(data: bytes) -> None:
        for reader in readers:
            with contextlib.suppress(CMSError):
                reader(data)

    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


def _readers() -> list[Callable[[bytes], object]]:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from certwright.protocols import cms

    legacy = frozenset(cms.LegacyAlgorithm)
    rsa_key = load_pem_private_key((VECTORS / "rsa.key").read_bytes(), password=None)
    ec_key = load_pem_private_key((VECTORS / "ec.key").read_bytes(), password=None)
    assert isinstance(rsa_key, rsa.RSAPrivateKey)
    assert isinstance(ec_key, ec.EllipticCurvePrivateKey)
    known = cms.certificates((VECTORS / "rsa.crt").read_bytes())
    keys = (
        cms.PrivateKeyHolder(rsa_key, known[0]),
        cms.PrivateKeyHolder(ec_key),
        cms.SharedKey(bytes(range(16)), bytes.fromhex("c0ffee")),
        cms.Password(b"sesame"),
    )
    return [
        cms.certificates,
        lambda data: cms.SignedMessage.parse(data).verify(certificates=known, content=b"", accept=legacy),
        lambda data: cms.open_enveloped(data, *keys, accept=legacy),
        cms.key_package,
        cms.Algorithm.parse,
    ]


if __name__ == "__main__":
    main()
