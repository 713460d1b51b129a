"""The certificate authority of a run: what the story needs of it, whatever protocol it speaks.

``acme``, ``est``, ``cmp`` and ``scep`` are the kinds; each has its own example files, and says what is its own in plain
words.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from cryptography import x509

from e2e.demo.examples import Manifest
from e2e.peers import PeerUnavailableError
from e2e.tools import Tool, UnavailableError, cache, catalogue, find


class UnexpectedError(RuntimeError):
    """Everything answered, but not with what certwright promises; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Examples, in the order in which they are applied; ``late_issuer`` is what ``waiting`` waits for."""

    issuer: str
    certificate: str
    waiting: str
    late_issuer: str


class Issuing(Protocol):
    """A peer that tells what it has issued."""

    @property
    def ca_certificate(self) -> str: ...

    def issued_serials(self) -> Sequence[str]: ...

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


Server = TypeVar("Server", bound=Issuing)


class Authority(ABC):
    """Makes its servers when it is made, and starts them when it is told to."""

    protocol: ClassVar[str]
    """As in ``status.protocol``."""

    described: ClassVar[str]
    """As in "an ACME certificate authority", without the last two words."""

    purpose: ClassVar[str]
    """What an Issuer says beside whom to ask."""

    issuer: ClassVar[str]
    late_issuer: ClassVar[str]
    """The names of the Issuers in the files."""

    tools: ClassVar[Sequence[Tool]]
    """What has to be downloaded or built before the first run."""

    operator_options: Mapping[str, Any]
    """What the operator must be told to reach the servers, for ``OperatorProcess``; known once they are started."""

    @property
    @abstractmethod
    def files(self) -> Files: ...

    @property
    @abstractmethod
    def root(self) -> x509.Certificate:
        """Where the chains end."""

    def fetch(self) -> None:
        """Get the programs, which may take minutes; ``PeerUnavailableError`` if one cannot be had here."""
        for tool in self.tools:
            self._fetch(tool)

    @staticmethod
    def _fetch(tool: Tool) -> None:
        try:
            find(tool)
        except UnavailableError as reason:
            raise PeerUnavailableError(str(reason)) from reason

    @abstractmethod
    def start(self, stack: ExitStack) -> Sequence[str]:
        """Start the servers; what they are, in words. ``PeerUnavailableError`` if one cannot run here."""

    @abstractmethod
    def fill(self, document: Manifest) -> None:
        """Put the addresses and secrets of this run into a Secret or an Issuer of the examples."""

    @abstractmethod
    def issued_serials(self) -> Sequence[str]:
        """Of every certificate so far."""

    def after_enrolment(self) -> str:
        """What the first certificate was given for, as the authority saw it; empty if that needs no words."""
        return ""

    def after_late_enrolment(self) -> str:
        """As ``after_enrolment``, of the certificate from ``late_issuer``."""
        return ""

    def before_renewal(self) -> str:
        """What is done at the authority before a renewal, to show how it authenticates; empty for nothing."""
        return ""

    def after_renewal(self) -> str:
        """As ``after_enrolment``, of the renewal."""
        return ""

    def is_cached(self) -> bool:
        """Whether nothing has to be downloaded or built any more."""
        needed = (catalogue.KUBE_APISERVER, catalogue.ETCD, catalogue.KUBECTL, *self.tools)
        return all(
            any(place.look(tool) for place in tool.installed) or cache.location(tool.name, tool.version).exists()
            for tool in needed
        )


class Sole(Authority, Generic[Server]):
    """One server, which is the authority itself; its example files are called after ``issuer`` and ``late_issuer``."""

    presented: ClassVar[str]
    """What kind of server it is, and whom it lets in."""

    operator_options: Mapping[str, Any] = MappingProxyType({})

    server: Server

    @property
    def files(self) -> Files:
        return Files(
            issuer=f"issuer-{self.issuer}.yaml",
            certificate=f"certificate-{self.issuer}.yaml",
            waiting=f"certificate-{self.issuer}-waiting.yaml",
            late_issuer=f"issuer-{self.late_issuer}.yaml",
        )

    @property
    def root(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.server.ca_certificate.encode())

    def issued_serials(self) -> Sequence[str]:
        return self.server.issued_serials()

    def start(self, stack: ExitStack) -> Sequence[str]:
        stack.enter_context(self.server)
        return [f"certificate authority: {self.presented}"]
