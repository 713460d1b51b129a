"""A client and a server with a TLS connection between them, for the tests of what only a real handshake can show."""

import ssl

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols.est import Credentials, Enrolled, ESTClient, HTTPOpener, HTTPScheme, Password
from certwright.protocols.transport import ClientIdentity, TransportSettings
from certwright.protocols.transport.tls import show_identity
from tests.fakes.clock import FakeClock
from tests.fakes.est import URL, FakeESTServer
from tests.fakes.est_connections import FakeConnection
from tests.fakes.hierarchy import Root
from tests.fakes.tls import Peer, TLSNetwork
from tests.protocols.est.csrs import csr


class World:
    """A server with a certificate of its own, and clients that trust what they are told to trust."""

    def __init__(self, clock: FakeClock, identity: ClientIdentity, *, client_root: Root | None = None) -> None:
        self.clock = clock
        self.server = FakeESTServer(clock=clock.now)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        show_identity(context, identity)
        if client_root is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=pem(client_root).decode())
        self.network = TLSNetwork(context, self._handle)
        self.opener = HTTPOpener(TransportSettings(user_agent="test"), network=self.network)

    def client(self, http: httpx.AsyncClient, *, credentials: Credentials | None = None) -> ESTClient:
        return ESTClient(URL, http=http, clock=self.clock.now, credentials=credentials)

    async def ask(self, *roots: Root, identity: ClientIdentity | None = None) -> None:
        """One request that asks for a certificate, as who is believed: it ends in Enrolled or raises."""
        key = ec.generate_private_key(ec.SECP256R1())
        anchors = [root.certificate for root in roots]
        async with self.opener.open(anchors=anchors, identity=identity) as http:
            password = Password(username="device", password="pass:word", scheme=HTTPScheme.BASIC)
            client = self.client(http, credentials=Credentials(password=password))
            assert isinstance(await client.simpleenroll(csr(key)), Enrolled)

    def _handle(self, request: httpx.Request, peer: Peer) -> httpx.Response:
        shown = None if peer.certificate is None else x509.load_der_x509_certificate(peer.certificate)
        return self.server.handle(request, FakeConnection(shown, peer.tls_unique or b""))


def pem(root: Root) -> bytes:
    return root.certificate.public_bytes(Encoding.PEM)
