"""The authorities that the bench measures against: what to start, what its Issuer says, and what is counted there.

``stage`` puts one of them beside the operator. The test suite's harshness is left out: each server is as its users
meet it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar

from certwright.protocols.transport.pool import MAX_CONNECTIONS
from e2e import issuers
from e2e.authority import KeyPair
from e2e.peers import Bind9, Pebble, Peer, SCEPServer, ScriptedESTServer
from e2e.peers.cmp import CMPServer
from e2e.tenant import Object

NONCE_REJECT = 5
"""Percent of good nonces that pebble refuses: its own default. The test suite has it refuse 30."""

_PASSWORD = "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aims:
    """What was asked for: API writes for each Certificate, Certificates per second, and how late the loop may be.

    ``connections`` are those to the CA in all: what one pool holds, so that each is used again and again.
    """

    writes: float
    rate: int | None = None
    connections: int | None = None
    loop_lag_seconds: float | None = None


class Authority(ABC):
    """A CA, or several, and whatever is needed around; as a context manager it runs."""

    name: ClassVar[str]
    aims: ClassVar[Aims]

    def __init__(self) -> None:
        self._stack = ExitStack()

    @property
    @abstractmethod
    def servers(self) -> Mapping[str, Peer]:
        """What to start, in this order; their CPU time is told under these names."""

    @abstractmethod
    def issuer(self) -> list[Object]:
        """The issuer, or issuers, behind the Secrets that they need."""

    @abstractmethod
    def issuer_for(self, name: str) -> Object:
        """The one that a Certificate of that name is to name."""

    @abstractmethod
    def issued_serials(self) -> list[str]:
        """The serial number (hexadecimal) of each certificate that it issued since its start."""

    @abstractmethod
    def request_count(self) -> int:
        """How many requests the CA was asked since its start."""

    def connection_count(self) -> int | None:
        """On how many connections they came; None where the server does not tell."""
        return None

    @property
    def operator_options(self) -> Mapping[str, Any]:
        """What the operator must be told to reach it, for ``OperatorProcess``."""
        return {}

    def __enter__(self) -> None:
        with ExitStack() as stack:
            for server in self.servers.values():
                stack.enter_context(server)
            self._stack = stack.pop_all()

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class Sole(Authority):
    """One CA; ``called`` is the name of its issuer."""

    def __init__(self, called: str = "ca") -> None:
        super().__init__()
        self._called = called

    @property
    @abstractmethod
    def root(self) -> str:
        """Where its chains end (PEM)."""

    def issuer_for(self, _name: str) -> Object:
        return self.issuer()[-1]


class ACMEOverDNS01(Sole):
    """pebble, which BIND proves the names to with RFC 2136 updates."""

    name = "DNS-01"
    aims = Aims(writes=5, rate=15)

    def __init__(self, called: str = "ca") -> None:
        super().__init__(called)
        self.bind9 = Bind9()
        self.pebble = Pebble(self.bind9.url, nonce_reject=NONCE_REJECT, authz_reuse=0)

    @property
    def servers(self) -> Mapping[str, Peer]:
        return {"bind9": self.bind9, "pebble": self.pebble}

    @property
    def operator_options(self) -> Mapping[str, Any]:
        port = self.pebble.http_port
        return {"nameserver": self.bind9.url, "http01_port": port, "self_check_port": port}

    def issuer(self) -> list[Object]:
        solvers = [issuers.dns01(self.bind9)]
        return [issuers.tsig_secret(self.bind9), *issuers.acme_issuer(self._called, self.pebble, solvers=solvers)]

    @property
    def root(self) -> str:
        return self.pebble.roots()[0]

    def issued_serials(self) -> list[str]:
        return self.pebble.issued_serials()

    def request_count(self) -> int:
        return self.pebble.request_count()


class ACMEOverHTTP01(ACMEOverDNS01):
    """The operator answers for the names by itself. A ClusterIssuer may prove every host that leads to it."""

    name = "HTTP-01"

    def issuer(self) -> list[Object]:
        (issuer,) = issuers.acme_issuer(self._called, self.pebble, solvers=[issuers.DIRECT])
        return [{**issuer, "kind": "ClusterIssuer"}]


class EST(Sole):
    """The EST server on globalsign's library, with a password."""

    name = "EST"
    aims = Aims(writes=4, rate=25, connections=MAX_CONNECTIONS)

    def __init__(self, called: str = "ca") -> None:
        super().__init__(called)
        self._server = ScriptedESTServer(username=_PASSWORD, password=_PASSWORD)

    @property
    def servers(self) -> Mapping[str, Peer]:
        return {"est": self._server}

    def issuer(self) -> list[Object]:
        return issuers.est_issuer(self._called, self._server, username=_PASSWORD, password=_PASSWORD)

    @property
    def root(self) -> str:
        return self._server.ca_certificate

    def issued_serials(self) -> list[str]:
        return self._server.issued_serials()

    def request_count(self) -> int:
        return self._server.request_count()

    def connection_count(self) -> int:
        return self._server.connection_count()


class SCEP(Sole):
    """micromdm's scepserver, with a challenge; the keys are RSA 2048, which is certwright's default for SCEP."""

    name = "SCEP"
    aims = Aims(writes=4, loop_lag_seconds=0.02)

    def __init__(self, called: str = "ca") -> None:
        super().__init__(called)
        self._server = SCEPServer(challenge=_PASSWORD)

    @property
    def servers(self) -> Mapping[str, Peer]:
        return {"scep": self._server}

    def issuer(self) -> list[Object]:
        return issuers.scep_issuer(self._called, self._server, challenge=_PASSWORD)

    @property
    def root(self) -> str:
        return self._server.ca_certificate

    def issued_serials(self) -> list[str]:
        return self._server.issued_serials()

    def request_count(self) -> int:
        return self._server.request_count()


class CMP(Sole):
    """The reference RA component of RFC 9483, and a shared secret (PBM); it leaves out the confirmation if asked to."""

    name = "CMP with PBM"
    aims = Aims(writes=4, rate=25)
    confirms_implicitly: ClassVar[bool] = True

    def __init__(self, called: str = "ca") -> None:
        super().__init__(called)
        self._server = CMPServer(request_template=b"", implicit_confirm=self.confirms_implicitly)
        self._client = self._make_client()

    def _make_client(self) -> KeyPair | None:
        """Whose certificate signs the requests; None for the shared secret."""
        return None

    @property
    def servers(self) -> Mapping[str, Peer]:
        return {"cmp": self._server}

    def issuer(self) -> list[Object]:
        return issuers.cmp_issuer(self._called, self._server, client=self._client)

    @property
    def root(self) -> str:
        return self._server.ca_certificate

    def issued_serials(self) -> list[str]:
        return self._server.issued_serials()

    def request_count(self) -> int:
        return self._server.request_count()


class CMPSigned(CMP):
    """Requests are signed with a certificate that the CA knows; its answers are signed, too."""

    name = "CMP with signatures"

    def _make_client(self) -> KeyPair:
        return self._server.hierarchy.issue("bench", names=["bench.example.test"])


class CMPConfirmed(CMP):
    """It waits for each certConf. The certificate is stored before, which is one write more."""

    name = "CMP with certConf"
    aims = Aims(writes=5)
    confirms_implicitly = False
