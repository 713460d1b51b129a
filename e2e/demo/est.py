"""The demo over EST: a password lets the first request in, and the certificate itself its renewal."""

import base64
import secrets

from e2e.demo.authority import Sole, UnexpectedError
from e2e.demo.examples import Manifest
from e2e.peers import ScriptedESTServer
from e2e.peers.hierarchy import fingerprint
from e2e.tools import catalogue

_ENROLMENT = "POST /.well-known/est/simpleenroll 200"
_RENEWAL = "POST /.well-known/est/simplereenroll 200"


class EST(Sole[ScriptedESTServer]):
    """A server with a password of this run."""

    protocol = "est"
    described = "an EST"
    purpose = "the password that lets us in there"
    issuer, late_issuer = "est", "est-by-fingerprint"
    presented = (
        "a small EST server on GlobalSign's library; it lets in whoever knows the password "
        "or shows a certificate of its own"
    )
    tools = (catalogue.SCRIPTED_EST_SERVER,)

    def __init__(self) -> None:
        self._username = "certwright"
        self._password = secrets.token_urlsafe(12)
        self.server = ScriptedESTServer(username=self._username, password=self._password)

    def fill(self, document: Manifest) -> None:
        if document["kind"] == "Secret":
            document["stringData"] = {"password": self._password}
            return
        spec = document["spec"]
        spec["est"]["url"] = self.server.url
        spec["est"]["auth"]["password"]["username"] = self._username
        if "bootstrap" in spec["est"]:
            spec["est"]["bootstrap"]["fingerprintSHA256"] = fingerprint(self.server.ca_certificate)
        else:
            spec["tls"]["caBundle"] = base64.b64encode(self.server.trust_anchor.encode()).decode()

    def after_enrolment(self) -> str:
        self._saw(_ENROLMENT)
        return f"the authority saw: {_ENROLMENT}, let in by the password"

    def before_renewal(self) -> str:
        self.server.change(password=secrets.token_urlsafe(12))
        return "at the authority the password is another one now, so that certwright's is wrong"

    def after_renewal(self) -> str:
        self._saw(_RENEWAL)
        self.server.change(password=self._password)
        return (
            f"the authority saw: {_RENEWAL}, let in by the certificate that it renews (mutual TLS); a password is for "
            "first requests only. It is the old one again"
        )

    def _saw(self, request: str) -> None:
        if request not in self.server.requests():
            raise UnexpectedError(f"the authority never saw {request}")
