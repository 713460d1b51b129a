"""A connection that shows the certificate being renewed, and on which the server has taken it.

With TLS 1.3 a server looks at a client certificate after the handshake is over for the client. What the client has sent
by then may make the server's system cut the connection before its alert is read, and a request for a certificate that
ends so might have been granted. So something harmless is asked first.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from certwright.issuers.est.credentials import identity_of
from certwright.issuers.est.means import Means
from certwright.model.enrolment import CurrentCertificate
from certwright.protocols.est import Credentials, ESTClient
from certwright.protocols.transport import ClientCertificateRefused, ConnectionFailed

TRIES = 2
"""Once a connection may break by chance."""


@asynccontextmanager
async def showing(means: Means, current: CurrentCertificate, *, for_binding: bool = False) -> AsyncIterator[ESTClient]:
    """A client for one exchange. Raises what the EST client raises for a certificate that is not taken."""
    identity, anchors = identity_of(current), means.trust.anchors
    for tries_left in reversed(range(TRIES)):
        async with means.connections.short(anchors, identity, Credentials(), for_binding=for_binding) as client:
            if await _is_taken(client, is_last=not tries_left):
                yield client
                return


async def _is_taken(client: ESTClient, *, is_last: bool) -> bool:
    try:
        await client.cacerts()
    except ConnectionFailed as error:
        if error.is_unsent:
            raise
        if is_last:
            raise ClientCertificateRefused(f"{error}, each time that the certificate is shown") from error
        return False
    return True
