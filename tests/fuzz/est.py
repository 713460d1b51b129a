"""Coverage-guided fuzzing of everything in ``protocols.est`` that reads what a server sent; run by hand.

It needs atheris, which is no dependency of the project:

    pip install atheris
    PYTHONPATH=operator python tests/fuzz/est.py CORPUS tests/protocols/est/vectors -max_total_time=600 -timeout=20

Any exception but MalformedAnswer is a finding, and so is an input that takes 20 s or the memory that libFuzzer allows.
"""

import contextlib
import sys
from collections.abc import Callable
from datetime import UTC, datetime

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def main() -> None:
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore] # only whoever fuzzes has it

    with atheris.instrument_imports(include=["asn1crypto", "certwright"]):
        readers = _readers()
        from certwright.protocols.est import MalformedAnswer

    def read(data: bytes) -> None:
        for reader in readers:
            with contextlib.suppress(MalformedAnswer):
                reader(data)

    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


def _readers() -> list[Callable[[bytes], object]]:
    from certwright.protocols import est
    from certwright.protocols.est.cmc import parse_cmc_failure
    from certwright.protocols.est.keygen import parse_generated
    from certwright.protocols.est.payload import encode
    from certwright.protocols.transport import parse_retry_after, shown

    shared = est.SymmetricDecryption(identifier=b"key 1", key=bytes(range(16)))
    parts = b"--b\nContent-Type: application/pkcs8\n\n%b--b\nContent-Type: application/pkcs7-mime\n\n%b--b--\n"
    return [
        est.parse_csrattrs,
        est.requested_general_names,
        est.parse_private_key,
        parse_cmc_failure,
        _certificates,
        _challenges,
        lambda data: parse_generated("multipart/mixed", data),
        lambda data: parse_generated("multipart/mixed; boundary=b", data, decryption=shared),
        lambda data: parse_generated("multipart/mixed; boundary=b", parts % (encode(data), encode(data))),
        lambda data: parse_generated(data.decode("latin-1"), data),
        lambda data: parse_retry_after(data.decode("latin-1"), NOW),
        lambda data: shown(data.decode("utf-8", "replace")),
    ]


def _certificates(data: bytes) -> None:
    from certwright.protocols import est
    from certwright.protocols.est.certs_only import CACertificates, Enrolled, parse_certificates

    found = CACertificates(parse_certificates(data))
    held = est.configured(found.certificates[:1])
    est.successors(held, found.others + found.roots, now=NOW, is_authenticated=True)
    with contextlib.suppress(ValueError):
        # Not every kind of key is known to the library; whose key it is, is not what is tried here.
        Enrolled(found.certificates).split(found.certificates[0].public_key())


def _challenges(data: bytes) -> None:
    from certwright.protocols.est.challenges import parse_challenges, schemes
    from certwright.protocols.est.credentials import Authenticator, Credentials, Password

    challenges = parse_challenges([data.decode("latin-1")])
    schemes(challenges)
    authenticator = Authenticator(Credentials(password=Password(username="device", password="secret")))
    header = authenticator.answer(challenges, "POST", "/.well-known/est/simpleenroll")
    assert header is None or header.isprintable() or not data.isascii()


if __name__ == "__main__":
    main()
