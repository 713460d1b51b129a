"""CPU time and memory of processes, from Linux's /proc; elsewhere these figures are left out."""

import os
from collections.abc import Mapping
from pathlib import Path

_PROC = Path("/proc")
IS_MEASURED = (_PROC / "self" / "stat").exists()
_BUSY = slice(1, 4)  # user, nice and system of the first line of /proc/stat


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU time used so far by each of these processes, by ourselves, and by everything on the machine together."""
    if not IS_MEASURED:
        return {}
    spent = {name: _spent_by(pid) for name, pid in pids.items()}
    return spent | {"bench": _spent_by(os.getpid()), "machine": _spent_by_all()}


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What was used in between; ``others`` is what neither these processes nor ourselves used."""
    used = {name: after[name] - before[name] for name in after}
    if "machine" in used:
        machine = used.pop("machine")
        used["others"] = max(machine - sum(used.values()), 0.0)
    return used


def rss_mib(pid: int, *, is_peak: bool = False) -> float | None:
    """Resident memory now, or the most that it ever was."""
    if not IS_MEASURED:
        return None
    wanted = "VmHWM:" if is_peak else "VmRSS:"
    lines = (_PROC / str(pid) / "status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(wanted))


def waited_for_cpu(pid: int) -> float | None:
    """Seconds in which the main thread could have run and another had the CPU; None where the kernel does not tell."""
    try:
        waited = (_PROC / str(pid) / "schedstat").read_text().split()[1]
    except OSError:
        return None
    return int(waited) / 1e9


def _spent_by(pid: int) -> float:
    # The name, in parentheses, may hold spaces: count from behind it.
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _ticks()


def _spent_by_all() -> float:
    return sum(map(int, (_PROC / "stat").read_text().split()[_BUSY])) / _ticks()


def _ticks() -> int:
    return os.sysconf("SC_CLK_TCK")
