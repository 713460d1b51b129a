"""What the person in front of the demo sees: lines with times, and a sign of life while something takes long.

On a terminal that sign is a spinner; in a log it is a line now and then, because a spinner would be noise there.
"""

import contextlib
import textwrap
import threading
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

# Silence for longer than two seconds looks like a hang.
_BEAT_SECONDS = 1.5
_WIDEST = 110
_TIME_WIDTH = 9
_INDENT = " " * 4
_TIMED_INDENT = " " * (_TIME_WIDTH + 2)


class Screen:
    """All times are seconds since it was made."""

    def __init__(self, console: Console | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(highlight=False)
        self._clock = clock
        self._start = clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start

    def prose(self, text: str, style: str = "") -> None:
        """Sentences for reading, wrapped."""
        for line in self._wrapped(text, 0):
            self._print(line, style)

    def heading(self, text: str) -> None:
        """A new part."""
        self._print("")
        self._print(text, "bold")

    def command(self, text: str) -> None:
        """What a user would type; never wrapped, so that it can be copied."""
        self._print(f"  $ {text}", "cyan")

    def output(self, text: str) -> None:
        """What a command answered."""
        for line in text.rstrip().splitlines():
            self._print((_INDENT + line).rstrip())

    def happened(self, text: str, style: str = "") -> None:
        """Something that took place just now."""
        first, *rest = self._wrapped(text, len(_TIMED_INDENT))
        time_ = f"{self.elapsed:{_TIME_WIDTH - 2}.1f} s"
        self._print(f"{time_}  {first}", style)
        for line in rest:
            self._print(_TIMED_INDENT + line, style)

    @contextlib.contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Show that something is going on until the block ends; other lines may appear meanwhile."""
        alive = self._spinning(what) if self._console.is_terminal else self._beating(what)
        with alive:
            yield

    def _wrapped(self, text: str, indent: int) -> list[str]:
        width = min(self._console.width, _WIDEST) if self._console.is_terminal else _WIDEST
        return textwrap.wrap(text, max(width - indent, 40), break_long_words=False, break_on_hyphens=False) or [""]

    def _print(self, line: str, style: str = "") -> None:
        self._console.print(Text(line, style), soft_wrap=True)

    @contextlib.contextmanager
    def _spinning(self, what: str) -> Iterator[None]:
        columns = (TextColumn("   "), SpinnerColumn(), TextColumn("{task.description}", markup=False), _Seconds())
        with Progress(*columns, console=self._console, transient=True) as progress:
            progress.add_task(what)
            yield

    @contextlib.contextmanager
    def _beating(self, what: str) -> Iterator[None]:
        over = threading.Event()

        def beat() -> None:
            while not over.wait(_BEAT_SECONDS):
                self.happened(f"... {what}")

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


class _Seconds(ProgressColumn):
    """How long it has taken so far."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.elapsed or 0:.1f} s")
