"""NDES's page with the one-time password, behind Basic or NTLM, as IIS has it; handles ``httpx.MockTransport``.

Over NTLM the server's half is pyspnego's: it reads its users from a file that the environment names.
"""

import base64
from dataclasses import dataclass, field

import httpx
import spnego

PASSWORD_PAGE = """<HTML><Head><Meta HTTP-Equiv="Content-Type" Content="text/html; charset=UTF-8">
<Title>Network Device Enrollment Service</Title></Head>
<Body><P> To complete certificate enrollment for your network device you will need the following information: </P>
<P> The thumbprint (hash value) for the CA certificate is: <B> {thumbprint} </B> </P>
<P> The enrollment challenge password is: <B> {password} </B> </P>
<P> {validity} </P></Body></HTML>"""
GERMAN_PAGE = """<HTML><Body><P> Der Fingerabdruck (Hashwert) lautet: <B> {thumbprint} </B> </P>
<P> Das Kennwort f\u00fcr die Registrierung lautet: <B> {password} </B> </P></Body></HTML>"""
FULL_PAGE = "<HTML><Body><P> The password cache is full. </P></Body></HTML>"
FORBIDDEN_PAGE = """<HTML><Body><P> You do not have sufficient permission to enroll with SCEP.
Please contact your system administrator. </P></Body></HTML>"""
THUMBPRINT = "5D1F6A2B 9C3E4F50 61728394 A5B6C7D8"
ONCE = "This password can be used only once and will expire within 60 minutes."
ALWAYS = "This password can be used multiple times and will not expire."


@dataclass
class FakeNDES:
    """``page`` is shown with the next of the ``passwords``, ``issued`` are those that were.

    ``schemes`` are offered to whoever is not authenticated; one account, ``username`` and ``password``, may read.
    """

    url = "https://ndes.test/certsrv/mscep_admin/"
    page: str = PASSWORD_PAGE
    encoding: str = "utf-16-le"
    bom: bytes = b""
    validity: str = ONCE
    schemes: list[str] = field(default_factory=lambda: ['Basic realm="ndes.test"'])
    username: str = "CORP\\ra"
    password: str = "page pass\u00fcword"
    issued: list[str] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    status: int = 200
    _ntlm: spnego.ContextProxy | None = None

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        match scheme.lower():
            case "basic" if any(one.startswith("Basic") for one in self.schemes):
                said = base64.b64decode(token).decode()
                return self._page() if said == f"{self.username}:{self.password}" else self._unauthorized()
            case "ntlm" if "NTLM" in self.schemes:
                return self._step(base64.b64decode(token))
            case _ if not self.schemes:
                return self._page()
        return self._unauthorized()

    def _step(self, token: bytes) -> httpx.Response:
        if self._ntlm is None or self._ntlm.complete:
            self._ntlm = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
        try:
            answer = self._ntlm.step(token)
        except spnego.exceptions.SpnegoError:
            self._ntlm = None
            return self._unauthorized()
        if self._ntlm.complete:
            return self._page()
        encoded = base64.b64encode(answer or b"").decode("ascii")
        return httpx.Response(401, headers={"WWW-Authenticate": f"NTLM {encoded}"})

    def _unauthorized(self) -> httpx.Response:
        return httpx.Response(401, headers=[("WWW-Authenticate", scheme) for scheme in self.schemes])

    def _page(self) -> httpx.Response:
        password = f"{len(self.issued) + 1:016X}"
        text = self.page.format(password=password, thumbprint=THUMBPRINT, validity=self.validity)
        if "{password}" in self.page:
            self.issued.append(password)
        return httpx.Response(self.status, content=self.bom + text.encode(self.encoding))
