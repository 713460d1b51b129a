"""What the demo tells: five short parts, each with the command that a user would type before its result."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from e2e.demo import chain
from e2e.demo.authority import Authority, UnexpectedError
from e2e.demo.cluster import Cluster
from e2e.demo.examples import filled, read
from e2e.demo.screen import Screen
from e2e.demo.watching import Object, Watch, condition, is_ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Told once, on a fresh installation."""

    screen: Screen
    cluster: Cluster
    authority: Authority
    watch: Watch
    clock: Callable[[], datetime]

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
        self._await_ready(f"cwi/{self.authority.issuer}", "the Issuer")

    def _certificate(self) -> None:
        self.screen.heading("2. A Certificate with two names")
        self._apply(self.authority.files.certificate)
        self._await_ready("cwc/shop", "the Certificate")
        self._say(self.authority.after_enrolment())
        self._show("get cwc shop")

    def _waiting_certificate(self) -> None:
        self.screen.heading("3. A Certificate whose Issuer is applied later")
        self._apply(self.authority.files.waiting)
        self.screen.command(f"kubectl{self.cluster.options} describe cwc blog")
        self.watch.until(
            "cwc/blog",
            lambda found: condition(found).get("reason") == "IssuerNotFound",
            "waiting until the missing Issuer is noticed",
        )
        self._apply(self.authority.files.late_issuer)
        self._await_ready("cwc/blog", "the Certificate")
        self._say(self.authority.after_late_enrolment())
        self._show("get cwc,cwi")

    def _secret(self) -> chain.Pair:
        self.screen.heading("4. What the Secret holds")
        self._show("get secret shop-tls")
        jsonpath = r"jsonpath='{.data.tls\.crt}'"
        self.screen.command(f"kubectl{self.cluster.options} get secret shop-tls -o {jsonpath} | base64 -d  # in words:")
        pair, root = self._pair(), self.authority.root
        names = read(self.authority.files.certificate)[0]["spec"]["dnsNames"]
        chain.verify(pair, root, names=names, now=self.clock())
        for head, text in chain.in_words(pair, root):
            self.screen.output(f"{head:<14}{text}")
        self.screen.output(f"{'verified':<14}from the certificate up to the root, for {' and '.join(names)}")
        return pair

    def _renewal(self, before: chain.Pair) -> None:
        self.screen.heading("5. A renewal now, although it is not due")
        self._say(self.authority.before_renewal())
        revision = self.watch.get("cwc/shop")["status"]["revision"]
        self._show("annotate cwc shop certwright.io/renew=1")
        started = self.screen.elapsed

        def is_renewed(found: Object) -> bool:
            return bool(found["status"]["revision"] > revision and is_ready(found))

        self.watch.until("cwc/shop", is_renewed, "waiting for the renewed certificate")
        self.screen.happened(f"renewed after {self.screen.elapsed - started:.1f} s, with a new key", "green")
        self._say(self.authority.after_renewal())
        after = self._pair()
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
        self.screen.command(f"kubectl{self.cluster.options} apply -f examples/{file}")
        self.screen.output(self.cluster.kubectl("apply", "--filename=-", stdin=filled(file, self.authority.fill)))

    def _say(self, text: str) -> None:
        if text:
            self.screen.happened(text)

    def _show(self, arguments: str) -> None:
        self.screen.command(f"kubectl{self.cluster.options} {arguments}")
        self.screen.output(self.cluster.kubectl(*arguments.split()))

    def _await_ready(self, resource: str, what: str) -> None:
        self.screen.command(f"kubectl{self.cluster.options} wait --for=condition=Ready {resource}")
        self.watch.until(resource, is_ready, f"waiting until {what} is ready")

    def _pair(self) -> chain.Pair:
        data = json.loads(self.cluster.kubectl("get", "secret", "shop-tls", "--output=json"))["data"]
        return chain.read(base64.b64decode(data["tls.crt"]), base64.b64decode(data["tls.key"]))
