"""How the demo ends: with commands to go on with, or with what failed and where to look."""

import json
import os
import shutil
import traceback
from typing import Any

import yaml

from e2e.demo.cluster import Cluster
from e2e.demo.screen import Screen
from e2e.demo.watching import NotReachedError
from e2e.operator_process import OperatorProcess
from e2e.tools import catalogue, find

_LOG_LINES = 25
_ABOUT_ONE = (
    ("get cwc --watch", "leave it open, to see the others happen"),
    ("describe cwc shop", "its conditions and events, and when it is renewed"),
    ("delete secret shop-tls", "it is back within seconds, with a new key"),
    ("annotate cwc shop certwright.io/renew=2 --overwrite", "one renewal for each new value"),
    ("edit cwc blog", "add a name, such as new.example.com, and it is issued again"),
)
_ABOUT_ALL = (
    ("get cwc -o wide --watch", "leave it open, to see the others happen"),
    ("describe cwc shop-cmp", "its conditions and events, and when it is renewed"),
    ("delete secret shop-est-tls", "it is back within seconds, with a new key"),
    ("annotate cwc --all certwright.io/renew=2 --overwrite", "one renewal for each new value"),
    ("edit cwc shop-acme", "add a name, such as new.example.com, and it is issued again"),
)


def commands(
    screen: Screen, cluster: Cluster, operator: OperatorProcess, *, is_tour: bool, again: str | None = None
) -> None:
    """What to type next; with ``again``, the command that repeats it all, it is gone in a moment."""
    chosen = _ABOUT_ALL if is_tour else _ABOUT_ONE
    lines = [(f"kubectl{cluster.options} {arguments}", effect) for arguments, effect in chosen]
    if is_tour and again is not None:
        lines.append(
            (f"make demo PROTOCOL=est{cluster.make_variables}", "a closer look at one of them: acme, est, scep or cmp")
        )
    if again is None:
        screen.heading("It runs until you stop it. In another terminal:")
        screen.output("\n".join(_reach(cluster)))
        lines.append((f"tail -f {operator.log}", "what the operator does"))
    else:
        screen.heading(f"To go on from here, type `{again}`, which leaves it running, and then for instance:")
    width = max(len(command) for command, _ in lines)
    for command, effect in lines:
        screen.output(f"{command:<{width}}  # {effect}")
    if again is None:
        screen.heading(f"To stop it and remove everything: Ctrl-C here, or `kill {os.getpid()}` elsewhere.")


def failure(screen: Screen, error: Exception, operator: OperatorProcess | None) -> None:
    """What failed, how the object was, and the end of the operator's log."""
    screen.heading(f"FAILED after {screen.elapsed:.1f} s")
    log = operator.tail(_LOG_LINES) if operator and operator.log.exists() else ""
    first, _, rest = _message(error).partition("\n")
    screen.prose(first, "red")
    screen.output("" if log else rest)  # the rest of such a message is the log that follows
    if isinstance(error, NotReachedError):
        screen.heading(f"{error.seen.get('kind')} {error.seen.get('metadata', {}).get('name')} when it was last seen")
        screen.output(_status(error.seen))
    if log:
        screen.heading("The end of the operator's log")
        screen.output(log)


def _message(error: Exception) -> str:
    """Those that are raised for a person to read are of two classes; of any other the place matters, too."""
    if isinstance(error, (RuntimeError, TimeoutError)):
        return str(error)
    return f"{error!r}\n{''.join(traceback.format_exception(error))}"


def _status(seen: dict[str, Any]) -> str:
    # The round trip through JSON removes what YAML would write as references.
    return yaml.safe_dump(json.loads(json.dumps(seen.get("status", "no status yet"))), sort_keys=False)


def _reach(cluster: Cluster) -> list[str]:
    lines = cluster.access()
    if shutil.which("kubectl") is None:
        lines.append(f"alias kubectl={find(catalogue.KUBECTL)}")
    return lines
