"""Failures of handlers in the log: each distinct one once with its traceback, however often it is retried."""

import logging
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

logger = logging.getLogger(__name__)

_LONGEST_TEXT = 1024
# A text that differs each time (it holds a time or an identifier) must not fill the memory.
_MOST_TEXTS_PER_KEY = 16


class FailureLog(Generic[K]):
    """What was already said about which key, until the key succeeds."""

    def __init__(self) -> None:
        self._said: dict[K, set[str]] = {}

    def record(self, key: K, error: BaseException) -> None:
        """Log the failure: with its traceback the first time, below the usual log level when it repeats."""
        text = f"{type(error).__qualname__}: {error}"[:_LONGEST_TEXT]
        said = self._said.setdefault(key, set())
        if text in said:
            logger.debug("Working on %s failed again: %s", key, text)
            return
        if len(said) == _MOST_TEXTS_PER_KEY:
            said.clear()
        said.add(text)
        logger.error("Working on %s failed and is retried: %s", key, text, exc_info=error)

    def forget(self, key: K) -> None:
        """The key succeeded: the next failure is news."""
        self._said.pop(key, None)
