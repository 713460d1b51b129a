"""What the demo tells of one protocol: five short parts, from an Issuer to a renewal."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from e2e.demo import chain
from e2e.demo.authority import Authority, UnexpectedError
from e2e.demo.examples import filled, read
from e2e.demo.screen import Screen
from e2e.demo.terminal import Terminal
from e2e.demo.watching import Object, condition, is_ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Told once, on a fresh installation."""

    terminal: Terminal
    authority: Authority
    clock: Callable[[], datetime]

    @property
    def screen(self) -> Screen:
        return self.terminal.screen

    def tell(self) -> None:
        """Raises on whatever does not go as it should."""
        self._issuer()
        self._certificate()
        self._waiting_certificate()
        pair = self._secret()
        self._renewal(pair)
        self._count()

    def _issuer(self) -> None:
        self.screen.heading(f"1. An Issuer: whom to ask for certificates, and {self.authority.purpose}")
        self._apply(self.authority.files.issuer)
        self.terminal.await_ready(f"cwi/{self.authority.issuer}", "the Issuer")

    def _certificate(self) -> None:
        self.screen.heading("2. A Certificate with two names")
        self._apply(self.authority.files.certificate)
        self.terminal.await_ready("cwc/shop", "the Certificate")
        self.terminal.say(self.authority.after_enrolment())
        self.terminal.run("get cwc shop")

    def _waiting_certificate(self) -> None:
        self.screen.heading("3. A Certificate whose Issuer is applied later")
        self._apply(self.authority.files.waiting)
        self.terminal.type("describe cwc blog")
        self.terminal.watch.until(
            "cwc/blog",
            lambda found: condition(found).get("reason") == "IssuerNotFound",
            "waiting until the missing Issuer is noticed",
        )
        self._apply(self.authority.files.late_issuer)
        self.terminal.await_ready("cwc/blog", "the Certificate")
        self.terminal.say(self.authority.after_late_enrolment())
        self.terminal.run("get cwc,cwi")

    def _secret(self) -> chain.Pair:
        self.screen.heading("4. What the Secret holds")
        self.terminal.run("get secret shop-tls")
        jsonpath = r"jsonpath='{.data.tls\.crt}'"
        self.terminal.type(f"get secret shop-tls -o {jsonpath} | base64 -d  # in words:")
        pair, root = self.terminal.pair("shop-tls"), self.authority.root
        names = read(self.authority.files.certificate)[0]["spec"]["dnsNames"]
        chain.verify(pair, root, names=names, now=self.clock())
        for head, text in chain.in_words(pair, root):
            self.screen.output(f"{head:<14}{text}")
        self.screen.output(f"{'verified':<14}from the certificate up to the root, for {' and '.join(names)}")
        return pair

    def _renewal(self, before: chain.Pair) -> None:
        self.screen.heading("5. A renewal now, although it is not due")
        self.terminal.say(self.authority.before_renewal())
        revision = self.terminal.watch.get("cwc/shop")["status"]["revision"]
        self.terminal.run("annotate cwc shop certwright.io/renew=1")
        started = self.screen.elapsed

        def is_renewed(found: Object) -> bool:
            return bool(found["status"]["revision"] > revision and is_ready(found))

        self.terminal.watch.until("cwc/shop", is_renewed, "waiting for the renewed certificate")
        self.screen.happened(f"renewed after {self.screen.elapsed - started:.1f} s, with a new key", "green")
        self.terminal.say(self.authority.after_renewal())
        after = self.terminal.pair("shop-tls")
        if after.serial == before.serial or after.key_fingerprint == before.key_fingerprint:
            raise UnexpectedError("the renewed Secret holds the old certificate or the old key")
        self.screen.output(f"{'serial number':<14}{before.serial} -> {after.serial}")
        self.screen.output(f"{'key, SHA-256':<14}{before.key_fingerprint[:16]}... -> {after.key_fingerprint[:16]}...")

    def _count(self) -> None:
        """Two Certificates and one renewal: a fourth certificate would mean that something was asked for twice."""
        issued = len(self.authority.issued_serials())
        if issued != 3:
            raise UnexpectedError(f"the authority issued {issued} certificates where 3 were needed")

    def _apply(self, file: str) -> None:
        self.terminal.apply(filled(file, self.authority.fill), file)
