"""Named checks that say in words what is wrong: ``probes`` shows them, ``handlers`` adds one for each part."""

from collections.abc import Callable
from dataclasses import dataclass

Check = Callable[[], str | None]
"""None when all is well, else why not."""


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The outcome of each check, by name."""

    findings: dict[str, str | None]

    @property
    def is_good(self) -> bool:
        """Whether every check passed."""
        return all(finding is None for finding in self.findings.values())

    def __str__(self) -> str:
        lines = [f"[ok] {name}" if why is None else f"[no] {name}: {why}" for name, why in self.findings.items()]
        return "\n".join([*lines, "good" if self.is_good else "not good", ""])


class Health:
    """A set of checks, asked anew each time."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Add a check; it runs on the event loop for each probe and must be quick."""
        self._checks[name] = check

    def report(self) -> HealthReport:
        """Ask all checks."""
        return HealthReport({name: _ask(check) for name, check in self._checks.items()})


def _ask(check: Check) -> str | None:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a broken check is bad news about one part, not a failing probe server
        return f"the check itself failed: {type(error).__qualname__}"
