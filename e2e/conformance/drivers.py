"""The drivers, each with the real server that proves it, and what cannot be had over its protocol or from that server.

A feature that is not named in ``cannot`` works. ``features`` has the features, ``matrix`` renders both.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from e2e.issuers import DIRECT, acme_issuer, cmp_issuer, dns01, est_issuer, scep_issuer, tsig_secret
from e2e.peers import Bind9, CMPServer, Pebble, ScriptedESTServer, StepCA
from e2e.peers.pebble.pebble import Profile
from e2e.tenant import Object

ISSUER = "ca"
"""The name of every driver's Issuer, in a namespace of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Ready is False with this reason, and the message has these words, which name the field and the remedy.

    ``is_asked``: the CA has to be asked to find out; else it is not asked.
    """

    why: str
    reason: str = "InvalidSpec"
    words: Sequence[str] = ()
    is_asked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Otherwise:
    """A certificate is delivered, but this is true of it instead: nobody can tell the CA, or it does not listen."""

    why: str
    expects: Mapping[str, Any]


Cannot = Refused | Otherwise


_NO_DURATION = "a request cannot say it; the CA decides"
_UNREVOKED = {"is_revoked": False, "is_said_unrevoked": True}
_NO_REVOCATION = Otherwise(why="the protocol has none; a Warning says so", expects=_UNREVOKED)
_NO_REVOCATION_YET = Otherwise(why="not built yet; a Warning says so", expects=_UNREVOKED)


class Server(Protocol):
    """What the suite needs of every peer."""

    def start(self) -> object: ...

    def stop(self) -> None: ...

    def issued_serials(self) -> list[str]: ...


P = TypeVar("P", bound=Server)


class Driver(ABC, Generic[P]):
    """One protocol, and its server, which whoever uses the driver starts and stops."""

    protocol: ClassVar[str]
    server: ClassVar[str]
    """Its name in the page."""
    note: ClassVar[str] = ""
    """What a reader must know of that server and its issuer to judge what they prove."""
    cannot: ClassVar[Mapping[str, Cannot]] = {}

    peer: P

    @abstractmethod
    def __init__(self, bind9: Bind9, http_port: int) -> None:
        """The name server that ACME's server asks, and the port on which it looks for HTTP-01 answers."""

    @abstractmethod
    def objects(self) -> list[Object]:
        """The Issuer, and the Secrets that it names."""

    def revoked_serials(self) -> list[str]:
        return []


class ACME(Driver[Pebble]):
    protocol = "ACME"
    server = "pebble"
    note = (
        "The issuer has `requestValidity: Always`, without which no duration is asked for, and solvers for HTTP-01 and,"
        " for the wildcard, DNS-01. pebble takes names, key and must-staple from a request and nothing else; all of its"
        " certificates are for servers."
    )
    cannot: ClassVar[Mapping[str, Cannot]] = {
        "common name alone": Refused(
            why="it must be proved: add it to `dnsNames`", words=["no dnsNames", "common name must be one of them"]
        ),
        **dict.fromkeys(
            ["URI", "email address", "otherName and email address"],
            Refused(
                why="only DNS names and addresses can be proved", words=["uris", "keep dnsNames and ipAddresses only"]
            ),
        ),
        **dict.fromkeys(
            ["subject with every field", "literal subject"],
            Refused(why="a common name only", words=["the subject may hold a common name only"]),
        ),
        **dict.fromkeys(
            ["CA certificate", "CA with name constraints"],
            Refused(why="ACME makes no CAs", words=["isCA", "remove it"]),
        ),
        **dict.fromkeys(
            ["Ed25519", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"],
            Refused(
                why="pebble takes RSA and ECDSA only",
                reason="Rejected",
                words=["badCSR", "key algorithms"],
                is_asked=True,
            ),
        ),
        "arbitrary usages": Refused(
            why="pebble's are for servers only",
            reason="UnexpectedCertificate",
            words=["usage client auth is missing", "spec.acceptChanges"],
            is_asked=True,
        ),
        "extension with an OID of one's own": Otherwise(
            why="pebble leaves it out", expects={"private_extension": None}
        ),
        "chain.includeRoot": Otherwise(
            why="the CA does not tell its root", expects={"chain_length": 2, "ends_in_root": False}
        ),
        "ca.crt": Otherwise(why="the CA does not tell its root", expects={"ca_is_told": False}),
        "revocation on deletion": _NO_REVOCATION_YET,
    }

    def __init__(self, bind9: Bind9, http_port: int) -> None:
        classic = Profile("the first name is the common name", timedelta(days=90), promotes_name=True)
        self._bind9 = bind9
        self.peer = Pebble(bind9.url, http_port=http_port, authz_reuse=0, profiles={"classic": classic})

    def objects(self) -> list[Object]:
        solvers = [DIRECT, dns01(self._bind9)]
        issuer = acme_issuer(ISSUER, self.peer, solvers=solvers, requestValidity="Always")
        return [tsig_secret(self._bind9), *issuer]


class EST(Driver[ScriptedESTServer]):
    protocol = "EST"
    server = "globalsign's EST library with an authority of the suite's"
    note = "The library knows no ML-DSA."
    cannot: ClassVar[Mapping[str, Cannot]] = {
        **dict.fromkeys(
            ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"],
            Refused(
                why="this one cannot read it",
                reason="Rejected",
                words=["signature", "which names, keys and usages"],
                is_asked=True,
            ),
        ),
        "duration": Otherwise(why=_NO_DURATION, expects={"hours": 2160}),
        "revocation on deletion": _NO_REVOCATION,
    }

    def __init__(self, bind9: Bind9, http_port: int) -> None:  # noqa: ARG002 - ACME's alone
        self.peer = ScriptedESTServer(username="device", password="est-pass-0001")

    def objects(self) -> list[Object]:
        return est_issuer(ISSUER, self.peer, username="device", password="est-pass-0001")


_COPY_THE_REQUEST = """{
    "rawSubject": {{ toJson .Insecure.CR.RawSubject }},
    "extensions": {{ toJson .Insecure.CR.Extensions }}
}"""


class SCEP(Driver[StepCA]):
    protocol = "SCEP"
    server = "step-ca with a template that copies the request"
    note = "step-ca knows no ML-DSA, and says so with HTTP status 500 instead of a SCEP answer."
    cannot: ClassVar[Mapping[str, Cannot]] = {
        **dict.fromkeys(
            ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"],
            Refused(why="this one cannot read it", reason="Unreachable", words=["HTTP status 500"], is_asked=True),
        ),
        "duration": Otherwise(why=_NO_DURATION, expects={"hours": 24}),
        "revocation on deletion": _NO_REVOCATION,
    }

    def __init__(self, bind9: Bind9, http_port: int) -> None:  # noqa: ARG002 - ACME's alone
        self.peer = StepCA(challenge="scep-pass-0001", template=_COPY_THE_REQUEST)

    def objects(self) -> list[Object]:
        legacy = {"accept": ["SHA-1"]}
        return scep_issuer(
            ISSUER, self.peer, challenge="scep-pass-0001", challengeOnRenewal=True, legacyAlgorithms=legacy
        )


class CMP(Driver[CMPServer]):
    protocol = "CMP"
    server = "Siemens' CMP RA component before an authority of the suite's"
    note = "Requests are ir, renewals kur. The duration is a wish, which this authority follows."
    cannot: ClassVar[Mapping[str, Cannot]] = {
        "attribute of the request": Refused(
            why="ir and kur have none; p10cr has", words=["spec.csr.attributes", "p10cr"]
        ),
    }

    def __init__(self, bind9: Bind9, http_port: int) -> None:  # noqa: ARG002 - ACME's alone
        self.peer = CMPServer(request_template=b"")

    def objects(self) -> list[Object]:
        return cmp_issuer(ISSUER, self.peer)

    def revoked_serials(self) -> list[str]:
        return self.peer.revoked_serials()


DRIVERS: Sequence[type[Driver[Any]]] = (ACME, EST, SCEP, CMP)
