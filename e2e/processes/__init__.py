"""Servers that never outlive the program that started them.

The control plane, the peers and long builds run their commands through a ``ProcessGroup``: one small supervisor
process that holds a pipe to us and ends everything when the pipe closes, however we die.
"""

from e2e.processes.group import ProcessError, ProcessGroup
from e2e.processes.ports import free_ports
from e2e.processes.waiting import NotInTimeError, wait_until

__all__ = ["NotInTimeError", "ProcessError", "ProcessGroup", "free_ports", "wait_until"]
