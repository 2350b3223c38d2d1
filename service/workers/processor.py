"""Processor time of a process, as the system keeps it (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

_USER, _SYSTEM = 11, 12
"""Places in `/proc/PID/stat`, counted after the name of the program."""


def cpu_s(pid: int) -> float | None:
    """Processor time that all threads of the process have used, seconds; None where the system does not tell."""
    try:
        # The name stands in brackets, and may hold blanks and brackets itself.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[_USER]) + int(fields[_SYSTEM])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return None
