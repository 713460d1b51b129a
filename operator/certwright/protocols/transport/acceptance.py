"""Whether the server accepted our certificate, found out before the first request is sent.

With TLS 1.3 the client's handshake ends before the server has looked at the client's certificate. A server that
refuses it sends an alert and closes the connection while the client is sending its request. Whether the client then
gets to know of the alert, or only that the connection broke, is a matter of luck. So the connection first listens for
the server's next word: the alert, or a session ticket, which servers send once they are content.
"""

import ssl

import httpcore

from certwright.protocols.transport.errors import ClientCertificateRefused

TLS_1_3 = "TLSv1.3"
# Seconds, a second in all: what a new connection with a client certificate costs at a server that has no tickets.
STEPS = tuple(0.002 * 2**doubled for doubled in range(9))


async def await_acceptance(stream: httpcore.AsyncNetworkStream, _context: ssl.SSLContext, host: str) -> None:
    """Return once the server has accepted the client's certificate; raises `ClientCertificateRefused`."""
    tls: ssl.SSLObject = stream.get_extra_info("ssl_object")
    if tls.version() == TLS_1_3:
        await _listen(stream, tls, host=host)


async def _listen(stream: httpcore.AsyncNetworkStream, tls: ssl.SSLObject, *, host: str) -> None:
    """Wait for a ticket, an alert (which is raised) or the end of patience."""
    closed = f"{host}: the server closed the connection when it had seen the client certificate"
    for step in STEPS:
        if tls.session is not None and tls.session.has_ticket:
            return
        try:
            heard = await stream.read(1, timeout=step)
        except httpcore.ReadTimeout:
            continue
        except httpcore.ReadError as error:
            raise ClientCertificateRefused(closed) from error
        if not heard:
            raise ClientCertificateRefused(closed)
        raise httpcore.RemoteProtocolError("the server speaks before it is asked")
