"""The foreign programs that the end-to-end suite runs, and where they come from.

A ``Tool`` names one program, its version and its sources; ``find`` tries them in order and remembers what it made in
a cache. ``catalogue`` lists all tools. The control plane and the peers are the callers.
"""

from e2e.tools.tool import Tool, UnavailableError, find

__all__ = ["Tool", "UnavailableError", "find"]
