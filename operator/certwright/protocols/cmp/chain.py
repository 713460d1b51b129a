"""The issued certificate's chain, found among everything that a server sends along (RFC 9483 §3.3 wants no order)."""

from collections.abc import Iterable

from cryptography import x509

from certwright.protocols.cmp.certificates import is_in, is_signed_by

MAX_CHAIN = 10
MAX_TRIES = 64  # Signatures verified for one chain.


def find_chain(leaf: x509.Certificate, pool: Iterable[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """The issuers that can be found, nearest first, the root included where it came. It says nothing of trust."""
    candidates = tuple(pool)
    chain = [leaf]
    tries = MAX_TRIES
    while len(chain) <= MAX_CHAIN and chain[-1].subject != chain[-1].issuer:
        named = [one for one in candidates if one.subject == chain[-1].issuer and not is_in(one, chain)][:tries]
        tries -= len(named)
        issuer = next((one for one in named if is_signed_by(chain[-1], one)), None)
        if issuer is None:
            break
        chain.append(issuer)
    return tuple(chain[1:])
