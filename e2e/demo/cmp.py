"""The demo over CMP: a shared secret protects the first request, and the certificate's own key its renewal."""

import base64
import secrets

from e2e.demo.authority import Sole, UnexpectedError
from e2e.demo.examples import Manifest
from e2e.peers.cmp import CMPServer, Exchange
from e2e.tools import catalogue

_REFERENCE = "certwright"


class CMP(Sole[CMPServer]):
    """A server with a secret of this run, and a device that has one of its certificates."""

    protocol = "cmp"
    described = "a CMP"
    purpose = "the secret that both sides know"
    issuer, late_issuer = "cmp", "cmp-by-certificate"
    presented = (
        "Siemens' CMP RA component, which was written along with RFC 9483; it issues to "
        "whoever knows the secret or signs with a certificate of its own"
    )
    tools = (catalogue.CMP_SERVER,)

    def __init__(self) -> None:
        self._secret = secrets.token_urlsafe(12)
        self.server = CMPServer(request_template=b"", reference=_REFERENCE, secret=self._secret)
        self._device = self.server.hierarchy.issue("a device", names=["device.example.com"])

    def fill(self, document: Manifest) -> None:
        if document["kind"] == "Secret":
            document["stringData"] = self._secret_data(document["metadata"]["name"])
            return
        spec = document["spec"]["cmp"]
        spec["url"] = self.server.url
        spec["trust"]["caBundle"] = base64.b64encode(self.server.ca_certificate.encode()).decode()
        if "mac" in spec["protection"]:
            spec["protection"]["mac"]["reference"] = _REFERENCE

    def _secret_data(self, name: str) -> Manifest:
        if name == "cmp-secret":
            return {"secret": self._secret}
        return {"tls.crt": self._device.certificate, "tls.key": self._device.private_key}

    def after_enrolment(self) -> str:
        self._saw("ir ip accepted", "PBM")
        return (
            "the authority saw: ir, protected with the shared secret (PBM), and answered ip, protected alike; it did "
            "without a confirmation, as it was asked to"
        )

    def after_late_enrolment(self) -> str:
        self._saw("ir ip accepted", "signature")
        self._saw("certConf pkiConf", "signature")
        return (
            "the authority saw: ir, signed with the device's certificate, answered ip, and got a certConf when the "
            "certificate was checked and stored"
        )

    def before_renewal(self) -> str:
        self.server.change(secret=secrets.token_urlsafe(12))
        return "at the authority the shared secret is another one now, so that certwright's is wrong"

    def after_renewal(self) -> str:
        self._saw("kur kup accepted", "signature")
        self.server.change(secret=self._secret)
        return (
            "the authority saw: kur, signed with the certificate that it renews, and answered kup, signed with its "
            "own; a secret is for first requests only. It is the old one again"
        )

    def _saw(self, exchange: str, protection: str) -> None:
        if not any(_is(one, exchange, protection) for one in self.server.exchanges()):
            raise UnexpectedError(f"the authority never saw {exchange} with {protection}")


def _is(seen: Exchange, exchange: str, protection: str) -> bool:
    return (str(seen), seen.protection) == (exchange, protection)
