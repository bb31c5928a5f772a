# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What the machine was when its crash kernel was loaded: nobody can look into the
crash region, which the kernel hides once it is loaded."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ...errors import FdtError
from ...files.reading import is_running
from ...files.writing import write_file
from ..facts.state import RECORD

__all__ = ["Record", "forget", "recorded", "remember"]

if TYPE_CHECKING:
    from ..facts.machine import Machine


class Record(NamedTuple):
    """ram: (start, size) of all memory. cpus: those that had a note."""

    ram: list[list[int]]
    cpus: list[int]

    def changes(self, machine: Machine) -> list[str]:
        """What is different now, in words."""
        now = _now(machine)
        found = []
        old, new = (sum(size for _, size in r.ram) for r in (self, now))
        if self.ram != now.ram:
            found.append(
                f"memory was {old >> 20} MiB, is {new >> 20} MiB"
                if old != new
                else "memory moved"
            )
        gone, more = set(self.cpus) - set(now.cpus), set(now.cpus) - set(self.cpus)
        for cpus, what in ((more, "came"), (gone, "went")):
            if cpus:
                found.append(f"CPU {', '.join(map(str, sorted(cpus)))} {what}")
        return found


def _now(machine: Machine) -> Record:
    return Record([list(r) for r in machine.ram], sorted(machine.crash_notes))


def remember(machine: Machine) -> None:
    """Keep what the machine is now. Whoever cannot write there has no record."""
    if not is_running(machine.root):
        return
    try:
        record = json.dumps(_now(machine)._asdict()).encode()
        path = machine.path(RECORD)
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        write_file(path, record, private=False)
    except (OSError, FdtError):
        forget(machine)


def forget(machine: Machine) -> None:
    if is_running(machine.root):
        with suppress(OSError):
            os.unlink(machine.path(RECORD))


def recorded(machine: Machine) -> Record | None:
    """What was kept; None if nothing was, or it cannot be read."""
    if not machine.exists(RECORD):
        return None
    try:
        raw = json.loads(machine.text(RECORD))
        ram = [[int(start), int(size)] for start, size in raw["ram"]]
        return Record(ram, [int(cpu) for cpu in raw["cpus"]])
    except (FdtError, ValueError, TypeError, KeyError, RecursionError):
        return None
