"""The programs that users open keystores with: Java's keytool, the same with Bouncy Castle, and openssl.

Each gives the entries that it lists and the private key that it takes out, so that a test compares facts.
"""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import pkcs12

from certwright.model.keys import load, public_der
from e2e.peers import PeerUnavailableError
from e2e.tools import UnavailableError, catalogue, find

_ENTRY = re.compile(r"^(\S+), .*, (\w+),", re.MULTILINE)
_BOUNCY_CASTLE = "org.bouncycastle.jce.provider.BouncyCastleProvider"


@dataclass(frozen=True, slots=True)
class Keytool:
    """``provider`` are the options that name another provider for the store that is read than the JDK itself."""

    program: str
    provider: tuple[str, ...] = ()

    @classmethod
    def of_the_jdk(cls) -> "Keytool":
        program = shutil.which("keytool")
        if program is None:
            raise PeerUnavailableError("no keytool on the PATH: install a JDK")
        return cls(program)

    @classmethod
    def with_bouncy_castle(cls) -> "Keytool":
        """It comes with the CMP server; the JDK itself reads PBMAC1 from 26 on."""
        try:
            server = find(catalogue.CMP_SERVER)
        except UnavailableError as reason:
            raise PeerUnavailableError(str(reason)) from reason
        (jar,) = server.glob("bcprov-*.jar")
        options = ("-providerpath", str(jar), "-providerclass", _BOUNCY_CASTLE, "-srcprovidername", "BC")
        return cls(cls.of_the_jdk().program, options)

    def entries(self, store: bytes, password: str, *, kind: str = "PKCS12") -> dict[str, str]:
        """What each alias is: ``PrivateKeyEntry`` or ``trustedCertEntry``.

        It asks the JDK's own provider besides, so with Bouncy Castle what is listed was converted by it before.
        """
        if self.provider:
            store, kind = self.converted(store, password, kind=kind), "PKCS12"
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "store")
            path.write_bytes(store)
            listed = self._run("-list", "-keystore", str(path), "-storetype", kind, "-storepass", password)
        return dict(_ENTRY.findall(listed))

    def public_key(self, store: bytes, password: str, *, kind: str = "PKCS12") -> bytes:
        """Of the private key that it takes out of the store."""
        key = pkcs12.load_pkcs12(self.converted(store, password, kind=kind), password.encode()).key
        return public_der(key)  # type: ignore[arg-type] # of whatever kind

    def converted(self, store: bytes, password: str, *, kind: str) -> bytes:
        """The same entries as the JDK writes them."""
        with tempfile.TemporaryDirectory() as directory:
            source, target = Path(directory, "source"), Path(directory, "target")
            source.write_bytes(store)
            taken = ("-srckeystore", str(source), "-srcstoretype", kind, "-srcstorepass", password)
            given = ("-destkeystore", str(target), "-deststoretype", "PKCS12", "-deststorepass", password)
            self._run("-importkeystore", *taken, *given, *self.provider)
            return target.read_bytes()

    def _run(self, *arguments: str) -> str:
        command = [self.program, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def openssl_public_key(store: bytes, password: str, *, knows_mac: bool = True) -> bytes:
    """Of the private key that openssl takes out; before 3.4 it does not know PBMAC1, and opens the rest without it."""
    program = shutil.which("openssl")
    if program is None:
        raise PeerUnavailableError("no openssl on the PATH: install OpenSSL 3.0 or newer")
    unverified = () if knows_mac else ("-nomacver",)
    command = [program, "pkcs12", "-nodes", "-nocerts", "-passin", f"pass:{password}", *unverified]
    done = subprocess.run(command, input=store, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return public_der(load(done.stdout[done.stdout.index(b"-----BEGIN") :]))
