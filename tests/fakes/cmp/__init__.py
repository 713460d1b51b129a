"""A CMP server in memory: ``FakeCMPServer`` and the knobs that tests turn."""

from tests.fakes.cmp.authority import FakeAuthority, Pair, key_usage
from tests.fakes.cmp.messages import Kind, Protector, Request
from tests.fakes.cmp.refusing import Refuse
from tests.fakes.cmp.server import FakeCMPServer

__all__ = ["FakeAuthority", "FakeCMPServer", "Kind", "Pair", "Protector", "Refuse", "Request", "key_usage"]
