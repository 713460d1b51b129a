"""Let's Encrypt's test authority for ACME, and the challenge server that comes with it."""

from e2e.peers.pebble.challtestsrv import ChallengeTestServer
from e2e.peers.pebble.pebble import Pebble, Profile

__all__ = ["ChallengeTestServer", "Pebble", "Profile"]
