"""What the parameters of RSASSA-PSS and RSAES-OAEP share (RFC 4055): a digest and MGF1, both with SHA-1 if absent."""

from typing import Any

from certwright.protocols.cms.algorithms import DigestAlgorithm, digest_algorithm
from certwright.protocols.cms.errors import LegacyAlgorithm, UnsupportedAlgorithm
from certwright.protocols.cms.structures import Algorithm, AlgorithmIdentifier, is_absent, load, sole

MGF1 = "1.2.840.113549.1.1.8"
_ANY = frozenset(LegacyAlgorithm)


def digest_or_default(field: Any) -> DigestAlgorithm:
    """The digest that an optional, explicitly tagged field names; whether it will do is the caller's question."""
    if is_absent(field):
        return DigestAlgorithm.SHA1
    return digest_algorithm(Algorithm.read(load(AlgorithmIdentifier, sole(field))).oid, accept=_ANY)


def mask_digest_or_default(field: Any) -> DigestAlgorithm:
    """The digest of MGF1. SHA-1 is no weakness there: nothing rests on its resistance to collisions."""
    if is_absent(field):
        return DigestAlgorithm.SHA1
    mask = Algorithm.read(load(AlgorithmIdentifier, sole(field)))
    if mask.oid != MGF1:
        raise UnsupportedAlgorithm("mask generation", mask.oid)
    return digest_algorithm(Algorithm.parse(mask.parameters or b"").oid, accept=_ANY)
