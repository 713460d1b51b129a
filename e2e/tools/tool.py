"""What a tool is, and how the first source that works is found."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from e2e.tools import cache


class UnavailableError(RuntimeError):
    """One source, or all of them, cannot give the tool; the message says why."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One program of one version.

    ``installed`` are places of this machine, whose programs are used where they are; ``sources`` make a copy, which
    lands in the cache.
    """

    name: str
    version: str
    installed: Sequence["Place"] = ()
    sources: Sequence["Source"] = ()


class Place(Protocol):
    """Where a machine may already have a program."""

    def look(self, tool: Tool) -> Path | None: ...


class Source(Protocol):
    """A way to get a program that the machine does not have."""

    def fetch(self, tool: Tool, into: Path) -> None:
        """Leave the program as ``into / tool.name``, or raise ``UnavailableError``, within seconds if by network."""
        ...


def find(tool: Tool) -> Path:
    """Answer a program to run: an installed one, the cached one, or one that a source makes now.

    A second process that wants the same tool waits for the first one's copy instead of making its own.
    """
    for place in tool.installed:
        path = place.look(tool)
        if path is not None:
            return path
    cached = cache.location(tool.name, tool.version)
    if cached.exists():
        return cached
    with cache.locked(tool.name):
        return cached if cached.exists() else _make(tool, cached)


def _make(tool: Tool, cached: Path) -> Path:
    reasons = [] if tool.sources else ["it is not installed, and nothing makes a copy"]
    for source in tool.sources:
        with cache.landing(cached) as into:
            try:
                source.fetch(tool, into)
            except UnavailableError as reason:
                reasons.append(str(reason))
            else:
                return cache.land(into / tool.name, cached)
    raise UnavailableError(f"{tool.name} {tool.version} cannot be had here: {'; '.join(reasons)}")
