"""Makes ``vectors/`` anew with OpenSSL's CMP client and server: ``python -m tests.protocols.cmp.make_vectors``.

Each case is a transaction between the two, as the client recorded it: ``<case>-<number>-request.der`` and
``<case>-<number>-answer.der``. The server does not serve MAC and signature at once, so each case has its own.
"""

import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.fakes.ca import common_name
from tests.fakes.cmp import key_usage

VECTORS = Path(__file__).parent / "vectors"
BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)
MAC = ("-ref", "mockref", "-secret", "pass:sesame", "-subject", "/CN=new")
NEW_KEY = ("-newkey", "new.key", "-certout", "out.pem")


@dataclass(frozen=True)
class Case:
    """What the client is told, and what the server; ``messages`` is how many the client sends."""

    client: tuple[str, ...]
    server: tuple[str, ...] = ()
    messages: int = 1
    signer: str | None = None


CASES = {
    "mac-ir": Case(("-cmd", "ir", *NEW_KEY, *MAC), messages=2),
    "mac-ir-implicit": Case(("-cmd", "ir", *NEW_KEY, *MAC, "-implicit_confirm"), ("-grant_implicitconf",)),
    "mac-ir-polled": Case(("-cmd", "ir", *NEW_KEY, *MAC), ("-poll_count", "2", "-check_after", "1"), messages=4),
    "mac-p10cr": Case(("-cmd", "p10cr", "-csr", "new.csr", "-certout", "out.pem", *MAC), messages=2),
    "mac-genm": Case(("-cmd", "genm", "-infotype", "signKeyPairTypes", *MAC)),
    "mac-rejected": Case(
        ("-cmd", "ir", *NEW_KEY, *MAC),
        ("-pkistatus", "2", "-failurebits", "524290", "-statusstring", "not today"),
    ),
    "mac-error": Case(("-cmd", "ir", *NEW_KEY, *MAC), ("-send_error",)),
    "unprotected-error": Case(
        ("-cmd", "ir", *NEW_KEY, *MAC, "-unprotected_errors"), ("-send_error", "-send_unprot_err")
    ),
    "signed-cr": Case(("-cmd", "cr", *NEW_KEY), messages=2, signer="old"),
    "signed-kur": Case(("-cmd", "kur", *NEW_KEY), messages=2, signer="new"),
    "signed-rr": Case(("-cmd", "rr", "-oldcert", "new.crt", "-revreason", "4"), signer="new"),
}


def main() -> None:
    """Everything goes to a directory of its own first, and into ``vectors/`` only if all of it worked."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        _make_certificates(directory)
        for name, case in CASES.items():
            _record(directory, name, case)
        shutil.rmtree(VECTORS, ignore_errors=True)
        VECTORS.mkdir()
        for file in (*directory.glob("*.der"), *directory.glob("*.crt"), *directory.glob("*.key")):
            shutil.copy(file, VECTORS)


def _record(directory: Path, name: str, case: Case) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serves = ["-srv_cert", "server.crt", "-srv_key", "server.key"]
    if case.signer is None:
        serves = ["-srv_ref", "mockref", "-srv_secret", "pass:sesame"]
    common = ["openssl", "cmp", "-config", ""]
    server = [*common, "-port", str(port), "-srv_trusted", "root.crt", "-rsp_cert", "new.crt", *serves, *case.server]
    server += ["-rsp_extracerts", "root.crt", "-rsp_capubs", "root.crt"]
    client = [*common, "-server", f"127.0.0.1:{port}", "-path", "pkix/", *case.client]
    if case.signer is not None:
        client += ["-cert", f"{case.signer}.crt", "-key", f"{case.signer}.key", "-trusted", "root.crt"]
    for side in ("req", "rsp"):
        word = {"req": "request", "rsp": "answer"}[side]
        client += [f"-{side}out", ",".join(f"{name}-{number}-{word}.der" for number in range(1, case.messages + 1))]
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(server, cwd=directory, stdout=nowhere, stderr=nowhere) as process:  # noqa: S603 - as above
        time.sleep(0.7)
        subprocess.run(client, cwd=directory, check=False, capture_output=True)  # noqa: S603 - as above
        process.terminate()
    missing = [one for one in range(1, case.messages + 1) if not (directory / f"{name}-{one}-answer.der").exists()]
    if missing:
        raise SystemExit(f"{name}: no answer {missing}")


def _make_certificates(directory: Path) -> None:
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "server", "new", "old")}
    for name, key in keys.items():
        usage = key_usage("key_cert_sign") if name == "root" else key_usage("digital_signature")
        certificate = (
            x509.CertificateBuilder()
            .subject_name(common_name(name))
            .issuer_name(common_name("root"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEGIN)
            .not_valid_after(END)
            .add_extension(x509.BasicConstraints(ca=name == "root", path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(keys["root"], hashes.SHA256())
        )
        (directory / f"{name}.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
        pkcs8 = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (directory / f"{name}.key").write_bytes(pkcs8)
    request = x509.CertificateSigningRequestBuilder().subject_name(common_name("new"))
    signed = request.sign(keys["new"], hashes.SHA256())
    (directory / "new.csr").write_bytes(signed.public_bytes(Encoding.PEM))


if __name__ == "__main__":
    main()
