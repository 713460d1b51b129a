"""Proofs for the tests of routes."""

from certwright.model.metadata import ObjectMetadata
from certwright.model.solving import Proof


def make_proof(
    host: str = "a.example.com",
    token: str = "token-1",  # noqa: S107 - an ACME token is public
    *,
    uid: str = "uid-a",
    at: str = "shop",
) -> Proof:
    """A proof for the Certificate ``web`` of namespace ``at``."""
    certificate = ObjectMetadata(namespace=at, name="web", uid=uid, resource_version="1")
    return Proof(certificate=certificate, name=host, token=token, key_authorization=f"{token}.thumb")
