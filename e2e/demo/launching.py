"""Starts the certificate authorities side by side, while Kubernetes starts.

What takes minutes on the first run, getting their programs, is done before and one after another: a Ctrl-C ends that at
once, while what has begun in a thread is waited for.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from e2e.demo import interruption
from e2e.demo.authority import Authority
from e2e.demo.screen import Screen
from e2e.peers import PeerUnavailableError

Started = Callable[[], Sequence[Authority]]


@contextlib.contextmanager
def in_background(wanted: Sequence[Authority], screen: Screen, stack: ExitStack) -> Iterator[Started]:
    """They start within the block; what it gives waits for them, and answers those that can run here.

    ``stack`` ends their servers. An authority that cannot run here is left out and said to be, unless none can.
    """
    fetched = list(_fetched(wanted, screen))
    with ThreadPoolExecutor(len(wanted)) as threads:
        with interruption.held():
            starting = [
                (authority, threads.submit(_start, authority, screen, stack.enter_context(ExitStack())))
                for authority in fetched
            ]

        def started() -> Sequence[Authority]:
            with screen.doing("starting the certificate authorities"):
                found = [authority for authority, is_running in starting if is_running.result()]
            if not found:
                raise PeerUnavailableError("no certificate authority can run here: install what is missing, see above")
            return found

        yield started


def _fetched(wanted: Sequence[Authority], screen: Screen) -> Iterator[Authority]:
    for authority in wanted:
        try:
            authority.fetch()
        except PeerUnavailableError as reason:
            _leave_out(authority, reason, screen)
        else:
            yield authority


def _start(authority: Authority, screen: Screen, stack: ExitStack) -> bool:
    try:
        told = authority.start(stack)
    except PeerUnavailableError as reason:
        _leave_out(authority, reason, screen)
        return False
    for line in told:
        screen.happened(line)
    return True


def _leave_out(authority: Authority, reason: PeerUnavailableError, screen: Screen) -> None:
    screen.happened(f"{authority.protocol} is left out: {reason}", "yellow")
