"""Coverage-guided fuzzing of everything in ``protocols.scep`` that reads what a server sent; run by hand.

It needs atheris, which is no dependency of the project:

    pip install atheris
    PYTHONPATH=operator:. python tests/fuzz/scep.py CORPUS -max_total_time=600 -timeout=20

The first octet of an input chooses what the rest is taken for. What stands behind a signature or in an envelope is
signed or opened on the way, as no fuzzer forges either. The recorded answers of real servers are put into an empty
CORPUS first. Any exception but SCEPError is a finding, and so is an input that takes 20 s or too much memory.
"""

import contextlib
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

NOW = datetime(2030, 1, 1, tzinfo=UTC)
Reader = Callable[[bytes], object]


def main() -> None:
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore] # only whoever fuzzes has it

    with atheris.instrument_imports(include=["asn1crypto", "certwright"]):
        readers = _readers()
        from certwright.protocols.scep import SCEPError

    def read(data: bytes) -> None:
        if data:
            with contextlib.suppress(SCEPError):
                readers[data[0] % len(readers)](data[1:])

    _sow(Path(sys.argv[1]), len(readers))
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


def _readers() -> list[Reader]:
    return [*_answers(), _authority, _linked_authority, _capabilities, *_granted()]


def _answers() -> list[Reader]:
    """A whole answer, and one whose attributes or content are the input and whose signature holds."""
    from cryptography.hazmat.primitives.asymmetric import ec

    from certwright.protocols.cms import der, sign
    from certwright.protocols.scep import Authority, LegacyAlgorithm, Transaction
    from certwright.protocols.scep.certrep import read_cert_rep
    from tests.fakes.ca import common_name
    from tests.fakes.scep import messages
    from tests.fakes.scep.authority import certify
    from tests.protocols.scep.recordings import recordings

    recording = next(iter(recordings()))
    accept = frozenset(LegacyAlgorithm)
    ca = certify(common_name("CA"), ec.generate_private_key(ec.SECP256R1()), now=NOW, is_ca=True)
    mine = Authority.of([ca.certificate], now=NOW)
    own = Transaction(id="1", signer=recording.transaction.signer, authority=mine, challenge="x")
    good = {
        messages.MESSAGE_TYPE: der.element(0x13, b"3"),
        messages.PKI_STATUS: der.element(0x13, b"0"),
        messages.TRANSACTION_ID: der.element(0x13, b"1"),
        messages.RECIPIENT_NONCE: der.octet_string(bytes(16)),
    }

    def signed(attributes: dict[str, bytes], content: bytes) -> object:
        answer = sign(content, key=ca.key, certificate=ca.certificate, attributes=tuple(attributes.items()))
        return read_cert_rep(answer, transaction=own, nonce=bytes(16), accept=accept)

    def attribute(data: bytes) -> object:
        names = (*good, messages.FAIL_INFO, messages.FAIL_INFO_TEXT)
        refused = good | {messages.PKI_STATUS: der.element(0x13, b"2")}
        return signed(refused | {names[data[0] % len(names)]: data[1:]}, b"") if len(data) > 1 else None

    return [
        lambda data: read_cert_rep(data, transaction=recording.transaction, nonce=recording.nonce, accept=accept),
        attribute,
        lambda data: signed(good, data),
    ]


def _authority(data: bytes) -> object:
    from certwright.protocols import cms
    from certwright.protocols.scep import Authority

    with contextlib.suppress(cms.MalformedCMS):
        return Authority.of(cms.certificates(data), now=NOW).chain
    return None


def _linked_authority(data: bytes) -> object:
    from cryptography.hazmat.primitives import hashes

    from certwright.protocols import cms
    from certwright.protocols.scep import Authority

    with contextlib.suppress(cms.MalformedCMS):
        found = cms.certificates(data)
        pin = found[-1].fingerprint(hashes.SHA256()).hex() if found else "00"
        return Authority.of(found, now=datetime(2026, 12, 1, tzinfo=UTC), fingerprint=pin, is_plain=True).issuer_name
    return None


def _capabilities(data: bytes) -> object:
    from certwright.protocols.scep import Capabilities

    return Capabilities.parse(data).names


def _granted() -> list[Reader]:
    """What was in the envelope."""
    from certwright.protocols.scep import PKIStatus
    from certwright.protocols.scep.certrep import CertRep
    from certwright.protocols.scep.reply import certificate_of, crl_of, enrolment_reply
    from tests.protocols.scep.recordings import recordings

    recording = next(iter(recordings()))
    authority = recording.transaction.authority

    def granted(data: bytes) -> CertRep:
        return CertRep(PKIStatus.SUCCESS, data)

    return [
        lambda data: enrolment_reply(granted(data), recording.csr, authority=authority, retry_after=None),
        lambda data: certificate_of(granted(data), serial=1, issuer=authority.issuer_name),
        lambda data: crl_of(granted(data), issuer=authority.issuer_name),
    ]


def _sow(corpus: Path, readers: int) -> None:
    from tests.fakes.scep.messages import certs_only
    from tests.protocols.scep.recordings import recordings

    corpus.mkdir(exist_ok=True)
    if any(corpus.iterdir()):
        return
    for recording in recordings():
        seeds = (recording.answer, recording.ca_answer, certs_only(recording.transaction.authority.certificates))
        for number, seed in enumerate(seeds):
            for reader in range(readers):
                (corpus / f"{recording.name}-{number}-{reader}").write_bytes(bytes((reader,)) + seed)


if __name__ == "__main__":
    main()
