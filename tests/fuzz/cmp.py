"""Coverage-guided fuzzing of everything in ``protocols.cmp`` that reads what a stranger sent; run by hand.

It needs atheris, which is no dependency of the project:

    pip install atheris
    PYTHONPATH=operator python tests/fuzz/cmp.py CORPUS tests/protocols/cmp/vectors -max_total_time=600 -timeout=20

Any exception but CMPError is a finding, and so is an input that takes 20 s or the memory that libFuzzer allows. Answers
are read as if their protection held: it is what is behind it that has to stand everything.
"""

import contextlib
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

VECTORS = Path(__file__).parents[1] / "protocols" / "cmp" / "vectors"
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def main() -> None:
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore] # only whoever fuzzes has it

    with atheris.instrument_imports(include=["asn1crypto", "certwright"]):
        readers = _readers()
        from certwright.protocols.cmp import CMPError

    def read(data: bytes) -> None:
        for reader in readers:
            with contextlib.suppress(CMPError):
                reader(data)

    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


def _readers() -> list[Callable[[bytes], object]]:
    from cryptography import x509

    from certwright.protocols import cmp

    root = x509.load_pem_x509_certificate((VECTORS / "root.crt").read_bytes())
    transaction = cmp.Transaction.begin(cmp.Operation.GENM)

    def information(kind: cmp.InfoType) -> Callable[[bytes], cmp.GeneralAnswer]:
        return lambda data: cmp.GeneralAnswer(transaction=transaction, infos={kind: data})

    given = {
        cmp.read_ca_certs: information(cmp.InfoType.CA_CERTS),
        cmp.read_root_ca_update: information(cmp.InfoType.ROOT_CA_KEY_UPDATE),
        cmp.read_cert_req_template: information(cmp.InfoType.CERT_REQ_TEMPLATE),
        cmp.read_crls: information(cmp.InfoType.CRLS),
    }
    asked = [lambda data, read=read, make=make: read(make(data)) for read, make in given.items()]
    return [_verifier(root), _outcome, *asked]


def _verifier(root: object) -> Callable[[bytes], object]:
    """The checks of an answer, whatever they come to."""
    from cryptography import x509

    from certwright.protocols import cmp
    from certwright.protocols.cmp.message import parse_message
    from certwright.protocols.cmp.verification import Expected, verify

    assert isinstance(root, x509.Certificate)
    transaction = cmp.Transaction.begin(cmp.Operation.IR)
    expected = Expected(
        transaction=transaction,
        bodies=transaction.answers,
        protection=cmp.MACProtection(reference="mockref", secret=b"sesame"),
        trust=cmp.Trust((root,)),
        interop=cmp.Interop(allow_unprotected_errors=True),
        now=NOW,
    )
    return lambda data: verify(parse_message(data), expected)


def _outcome(data: bytes) -> None:
    from certwright.protocols import cmp
    from certwright.protocols.cmp.answers import AnswerReader
    from certwright.protocols.cmp.message import parse_message

    message = parse_message(data)
    for operation in (cmp.Operation.IR, cmp.Operation.P10CR):
        reader = AnswerReader(
            message=message,
            transaction=cmp.Transaction.begin(operation),
            protection=cmp.MACProtection(reference="mockref", secret=b"sesame", salt=bytes(16)),
            trust=cmp.Trust(),
            now=NOW,
            asked_implicit_confirm=True,
        )
        with contextlib.suppress(cmp.CMPError):
            reader.outcome()


if __name__ == "__main__":
    main()
