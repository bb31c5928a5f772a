# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""/proc/kcore: the running kernel's memory as an ELF core. Its headers only."""

from __future__ import annotations

from ...errors import FdtMachineError
from .elf import PT_LOAD, CoreFile

__all__ = ["Load", "loads_in_kcore", "note_in_kcore"]

OP = "Machine"


class Load(tuple[int, int, int]):
    """(virtual start, physical start, size in bytes) of mapped memory."""

    __slots__ = ()

    @property
    def virtual(self) -> int:
        return self[0]

    @property
    def physical(self) -> int:
        return self[1]

    @property
    def size(self) -> int:
        return self[2]


def note_in_kcore(fd: int, path: str) -> str:
    """The text of the VMCOREINFO note of /proc/kcore, which path is for errors.

    Raises:
        OSError: the file cannot be read.
        FdtMachineError: it is no ELF core, or has no such note.
    Source: Linux fs/proc/kcore.c.
    """
    note = CoreFile(fd, path, OP).vmcoreinfo()
    if note is None:
        raise FdtMachineError(
            OP,
            path,
            "has no VMCOREINFO note (kernel before 4.19, or without CRASH_DUMP)",
        )
    return note


def loads_in_kcore(fd: int, path: str) -> list[Load]:
    """What /proc/kcore says of memory whose physical place it knows: the mapping
    of all memory in pieces, and the kernel's own.

    Raises:
        OSError: the file cannot be read.
        FdtMachineError: it is no ELF core.
    Source: Linux fs/proc/kcore.c get_kcore_size(), read_kcore_iter(): p_paddr is
        -1 where the virtual range is not one physical one.
    """
    return [
        Load((row.virtual, row.physical, row.size))
        for row in CoreFile(fd, path, OP).rows
        if row.kind == PT_LOAD and row.physical != row.unknown
    ]
