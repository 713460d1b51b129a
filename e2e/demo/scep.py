"""The demo over SCEP: a challenge password within the request, and an RSA key that the answer is encrypted to."""

import secrets
from collections.abc import Mapping

from e2e.demo.authority import Sole, UnexpectedError
from e2e.demo.examples import Manifest
from e2e.peers import SCEPServer
from e2e.tools import catalogue


class _TalkativeServer(SCEPServer):
    """Its log names the type of each message."""

    def _environment(self) -> Mapping[str, str]:
        return {"SCEP_LOG_DEBUG": "true"}


class SCEP(Sole[_TalkativeServer]):
    """A server with a challenge of this run."""

    protocol = "scep"
    described = "a SCEP"
    purpose = "the challenge password that it wants to find in a request"
    issuer, late_issuer = "scep", "scep-without-renewal"
    presented = (
        "micromdm's scepserver; it issues to whoever knows the challenge, and answers with "
        "single DES and SHA-1, which the Issuer has to allow"
    )
    tools = (catalogue.SCEPSERVER,)

    def __init__(self) -> None:
        self._challenge = secrets.token_urlsafe(12)
        self.server = _TalkativeServer(challenge=self._challenge)

    def fill(self, document: Manifest) -> None:
        if document["kind"] == "Secret":
            document["stringData"] = {"challenge": self._challenge}
        else:
            document["spec"]["scep"] |= {"url": self.server.url, "caFingerprintSHA256": self.server.fingerprint}

    def after_enrolment(self) -> str:
        self._saw("PKCSReq")
        return (
            "the authority saw: PKCSReq, with the challenge in it; the request was encrypted to the authority, and its "
            "answer to the new RSA key"
        )

    def after_renewal(self) -> str:
        self._saw("RenewalReq")
        return (
            "the authority saw: RenewalReq, signed with the certificate that it renews; this server wants the "
            "challenge in it again"
        )

    def _saw(self, message: str) -> None:
        if f'scep_message_type="{message} ' not in self.server.log.read_text():
            raise UnexpectedError(f"the authority never saw {message}")
