"""The table for whoever waited, and build/bench.json for whoever compares."""

import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from e2e.bench import cpus
from e2e.bench.authorities import NONCE_REJECT
from e2e.bench.burst import Burst
from e2e.bench.lone import Lone
from e2e.bench.messages import Messages
from e2e.bench.restart import Restart
from e2e.tools import catalogue

EVENTS = 2
OVERHEAD_SECONDS = 0.2
REQUEST_SECONDS = 0.002
_WIDTH_WITHOUT_TERMINAL = 110
Row = tuple[str, str, str]
_PROCESSES = {
    "operator": "the operator",
    "apiserver": "kube-apiserver",
    "etcd": "etcd",
    "pebble": "pebble",
    "bind9": "BIND",
    "est": "the EST server",
    "scep": "scepserver",
    "cmp": "the CMP server",
    "bench": "the bench itself",
    "others": "everything else on this machine",
}


@dataclass(slots=True, kw_only=True)
class Results:
    """What was measured, by part; ``attempts`` counts how often each part was begun."""

    bursts: dict[str, Burst] = field(default_factory=dict)
    restart: Restart | None = None
    lone: Lone | None = None
    messages: dict[str, Messages] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    load_before: tuple[float, ...] = field(default_factory=os.getloadavg)
    began: datetime = field(default_factory=lambda: datetime.now(tz=UTC))

    @property
    def conditions(self) -> dict[str, Any]:
        """What the figures depend on."""
        return {
            "began": self.began.isoformat(timespec="seconds"),
            "cpus": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "kubernetes": catalogue.KUBERNETES_VERSION,
            "load_average_before": [round(load, 2) for load in self.load_before],
            "pebble_nonce_reject_percent": NONCE_REJECT,
        }

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        measured: dict[str, Any] = {
            "conditions": self.conditions,
            "attempts": self.attempts,
            "bursts": {name: asdict(burst) for name, burst in self.bursts.items()},
            "restart": asdict(self.restart) if self.restart else None,
            "lone": asdict(self.lone) if self.lone else None,
            "messages": {name: asdict(one) for name, one in self.messages.items()},
        }
        path.write_text(json.dumps(_rounded(measured), indent=2) + "\n")

    def show(self) -> None:
        console = Console(width=None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL, highlight=False)
        for burst in self.bursts.items():
            console.print(_burst_table(*burst))
        if self.restart:
            console.print(_restart_table(self.restart))
        if self.lone:
            console.print(_lone_table(self.lone))
        for messages in self.messages.items():
            console.print(_messages_table(*messages))
        console.print(self._footnote())

    def _footnote(self) -> str:
        conditions = self.conditions
        repeated = [part for part, attempts in self.attempts.items() if attempts > 1]
        again = f" Begun anew after a stall: {', '.join(repeated)}." if repeated else ""
        return (
            f"{conditions['cpus']} CPUs, shared by the operator and all servers; load average before: "
            f"{conditions['load_average_before'][0]}. Kubernetes {conditions['kubernetes']}, Python "
            f"{conditions['python']}. Over ACME, pebble refuses {NONCE_REJECT} % of good nonces, its own default, each "
            f"of which costs one request more.{again}"
        )


def _burst_table(name: str, burst: Burst) -> Table:
    table = _table(f"{burst.count} Certificates at once over {name}")
    each = "per Certificate"
    _rows(
        table,
        [
            *_speed(burst),
            (f"writes {each}", f"{burst.writes_each:.3f}", _writes(burst)),
            (f"Events {each}", f"{burst.events_each:.3f}", _aim(burst.events_each <= EVENTS, f"at most {EVENTS}")),
            (f"API requests {each}", f"{burst.requests_each:.2f}", f"writes refused in all: {burst.refused_writes}"),
            *((f"  {what}", f"{number:.3f}", "") for what, number in burst.by_kind_each.items()),
            (f"certificates that the CA issued {each}", f"{burst.issued_each:.3f}", _aim(burst.issued_each == 1, "1")),
            (f"CA requests {each}", f"{burst.ca_requests_each:.1f}", ""),
            *_connections(burst),
            (f"operator CPU {each}", _milliseconds(burst.operator_cpu_each), ""),
            *((f"CPU of {_PROCESSES[who]}", f"{seconds:.1f} s", "") for who, seconds in burst.cpu_seconds.items()),
            ("operator memory, peak", _mib(burst.operator_peak_rss_mib), ""),
            *_loop_lag(burst),
        ],
    )
    return table


def _speed(burst: Burst) -> Iterator[Row]:
    rate = burst.aims.rate
    yield "Certificates per second", f"{burst.rate:.1f}", _aim(burst.rate >= rate, f"at least {rate}") if rate else ""
    yield "first create to last Ready", f"{burst.seconds:.1f} s", ""
    yield "create to Ready, median", f"{burst.latency_p50:.2f} s", ""
    yield "create to Ready, 95 %", f"{burst.latency_p95:.2f} s", f"longest {burst.latency_max:.2f} s"


def _writes(burst: Burst) -> str:
    told = f"; {burst.told_slow} took over 2 s and cost one more" if burst.told_slow else ""
    due = round(burst.writes_each - burst.told_slow / burst.count, 6)
    return _aim(due <= burst.aims.writes, f"at most {burst.aims.writes}{told}")


def _connections(burst: Burst) -> Iterator[Row]:
    if burst.ca_connections is not None:
        most = burst.aims.connections or burst.count
        yield (
            "connections to the CA, in all",
            str(burst.ca_connections),
            _aim(burst.ca_connections <= most, f"at most {most}, the size of the pool"),
        )


def _loop_lag(burst: Burst) -> Iterator[Row]:
    lag, most, waited = burst.loop_lag, burst.aims.loop_lag_seconds, burst.loop_waited
    if lag is None:
        yield "event loop late, 99 %", "not measured", ""
    else:
        samples = f"{lag.samples} samples"
        aim = f"{_aim(lag.p99 <= most, f'at most {1000 * most:.0f} ms')}; {samples}" if most else samples
        where = ", on a CPU of its own" if most and cpus.IS_POSSIBLE else ""
        yield f"event loop late, 99 %{where}", f"<= {1000 * lag.p99:g} ms", aim
    if waited is not None:
        yield "event loop waited for a CPU", f"{waited:.1f} s", "which makes it late, too"


def _restart_table(restart: Restart) -> Table:
    table = _table(f"Restart with {restart.certificates} Certificates Ready")
    idle = sum(restart.idle_requests.values())
    cpu = "not measured" if restart.cpu_seconds is None else f"{restart.cpu_seconds:.2f} s"
    share = "not measured" if restart.idle_cpu_percent is None else f"{restart.idle_cpu_percent:.2f} %"
    _rows(
        table,
        [
            ("start to ready", f"{restart.ready_seconds:.2f} s", ""),
            ("operator CPU until at rest", cpu, ""),
            ("writes but the Lease", str(restart.writes), _aim(restart.writes == 0, "none")),
            ("GETs of one object", str(restart.object_reads), _aim(restart.object_reads == 0, "none")),
            ("CA requests", str(restart.ca_requests), _aim(restart.ca_requests == 0, "none")),
            *((f"  {what}", str(number), "") for what, number in restart.requests.items()),
            ("operator memory", _mib(restart.rss_mib), ""),
            (f"operator CPU, idle for {restart.idle_seconds:.0f} s", share, f"{idle} requests with the Lease's"),
        ],
    )
    return table


def _lone_table(lone: Lone) -> Table:
    table = _table(f"One Certificate alone over DNS-01, median of {len(lone.operator)}")
    aim = _aim(lone.overhead <= OVERHEAD_SECONDS, f"at most {OVERHEAD_SECONDS} s")
    _rows(
        table,
        [
            ("create to Ready", f"{lone.operator_median:.3f} s", _span(lone.operator)),
            ("bare ACME client", f"{lone.bare_median:.3f} s", _span(lone.bare)),
            ("difference", f"{lone.overhead:.3f} s", aim),
        ],
    )
    return table


def _messages_table(protection: str, messages: Messages) -> Table:
    table = _table(f"CPU of a CMP message with {protection}, mean of {messages.count}")
    aim = _aim(messages.made <= REQUEST_SECONDS, f"at most {1000 * REQUEST_SECONDS:.0f} ms")
    _rows(
        table,
        [
            ("ir: encoded and protected", f"{1000 * messages.made:.2f} ms", aim),
            ("  the first one", f"{1000 * messages.first_made:.2f} ms", "before anything is remembered"),
            ("ip: read and verified", f"{1000 * messages.read:.2f} ms", ""),
            ("  the first one", f"{1000 * messages.first_read:.2f} ms", ""),
        ],
    )
    return table


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(min_width=34)
    table.add_column(justify="right", min_width=10)
    table.add_column(min_width=20)
    return table


def _rows(table: Table, rows: Iterable[Row]) -> None:
    for row in rows:
        table.add_row(*row)


def _aim(is_met: bool, aim: str) -> str:  # noqa: FBT001 - reads as a sentence where it is called
    return f"aim: {aim}" if is_met else f"[red]aim missed: {aim}[/red]"


def _span(seconds: Iterable[float]) -> str:
    ordered = sorted(seconds)
    return f"{ordered[0]:.3f} to {ordered[-1]:.3f} s"


def _milliseconds(seconds: float | None) -> str:
    return "not measured" if seconds is None else f"{1000 * seconds:.0f} ms"


def _mib(size: float | None) -> str:
    return "not measured" if size is None else f"{size:.0f} MiB"


def _rounded(value: Any) -> Any:
    match value:
        case float() if not isfinite(value):
            return str(value)  # JSON has no word for it
        case float():
            return round(value, 4)
        case Mapping():
            return {key: _rounded(item) for key, item in value.items()}
        case list() | tuple():
            return [_rounded(item) for item in value]
        case _:
            return value
