# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Copy what Machine reads from the running system to a directory."""

from __future__ import annotations

import os

from ...errors import FdtExists, FdtMachineError
from ...files.writing import NewFolder
from ..architecture import arch_of, arches
from .config import config_files
from .devicetree import walk
from .machine import (
    CHOSEN,
    CPU,
    CRASH_CMA,
    CRASH_SIZE,
    FDT,
    HEADER_ROOM,
    IOMEM,
    KALLSYMS,
    KCORE,
    KCORE_LOADS,
    KCORE_NOTE,
    KERNEL_ARCH,
    KMSG_LPI,
    TREES,
    VMCOREINFO,
    Machine,
)
from .state import DISABLED, HOTPLUG, LIMIT, LOADED, LOCKDOWN, RECORD

__all__ = ["capture"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

OP = "capture"
PLAIN = (
    IOMEM,
    "proc/cmdline",
    "proc/cpuinfo",
    "proc/version",
    KERNEL_ARCH,
    FDT,
    VMCOREINFO,
    *CRASH_SIZE,
    *CRASH_CMA,
    *HEADER_ROOM,
    f"{CPU}/possible",
    f"{CPU}/present",
    f"{CPU}/online",
    *LOADED[False],
    *LOADED[True],
    DISABLED,
    *LIMIT.values(),
    LOCKDOWN,
    *HOTPLUG,
    RECORD,
    "proc/net/dev",
    "proc/partitions",
)


def _notes(machine: Machine) -> Iterator[str]:
    if not machine.exists(CPU):
        return
    for name in machine.folders(CPU):
        number = name[3:]
        if name.startswith("cpu") and number.isascii() and number.isdigit():
            yield f"{CPU}/{name}/crash_notes"
            yield f"{CPU}/{name}/crash_notes_size"


def _tree(machine: Machine) -> Iterator[str]:
    """Every file of the tree, if there is no blob or it is not enough."""
    arch = arch_of(machine.arch)
    live = arch is not None and arch.live_tree
    if machine.exists(FDT) and not live:
        yield from (f"{CHOSEN}/{n}" for a in arches() for n in a.crash_in_chosen or ())
        return
    top = next((t for t in TREES if machine.exists(t)), None)
    if top is None:
        return
    try:
        for folder, files, _ in walk(machine.files, top):
            yield from (f"{folder}/{name}" for name in files)
    except OSError as e:  # half a tree would look like a whole one
        machine.refuse_os(e.filename or top, e)


def _config(machine: Machine) -> Iterator[tuple[str, bytes]]:
    """The first file with the kernel's configuration."""
    for name in config_files(machine.release) if machine.exists("proc/version") else ():
        if machine.exists(name):
            yield name, machine.read(name)
            return


def _raw(text: str) -> bytes:
    """The bytes that Machine.text() made text of."""
    return text.encode("utf-8", "surrogateescape")


def _facts(machine: Machine) -> Iterator[tuple[str, bytes]]:
    for name in (*PLAIN, *_notes(machine), *_tree(machine)):
        if machine.exists(name):
            yield name, machine.read(name)
    yield from _config(machine)
    if not machine.exists(KERNEL_ARCH):  # Linux before 6.1
        yield KERNEL_ARCH, _raw(machine.arch) + b"\n"
    if machine.lpi_log:
        yield KMSG_LPI, _raw(machine.lpi_log)
    arch = arch_of(machine.arch)
    symbols = arch.symbols if arch is not None else ()
    if symbols and machine.exists(KALLSYMS):
        lines = machine.text(KALLSYMS).splitlines()
        kept = [line for line in lines if line[line.rfind(" ") + 1 :] in symbols]
        yield KALLSYMS, _raw("".join(line + "\n" for line in kept))
    elif machine.exists(KCORE) or machine.exists(KCORE_NOTE):
        yield KCORE_NOTE, _raw(machine.vmcoreinfo.text)
        if arch is not None and arch.kcore_loads:
            rows = (f"{v:x} {p:x} {n:x}\n" for v, p, n in machine.kcore_loads)
            yield KCORE_LOADS, "".join(rows).encode()


def capture(
    target: str | os.PathLike[str], root: str | os.PathLike[str] = "/"
) -> list[str]:
    """Copy the facts of the running system to a directory for Machine(root=).

    The files keep their names below the directory. Of /proc/kcore only the
    text of VMCOREINFO is kept, as proc/kcore.vmcoreinfo, and on x86_64 the
    table of what is mapped where, as proc/kcore.loads. A file that this
    kernel does not have is left out. Do mind what is in them: the command
    line, the machine's tree (serial numbers, seeds), addresses of the kernel. So
    the directory has mode 0700 and its files 0600.

    Args:
        target: a directory that does not exist yet; it appears when complete.
        root: where to read.
    Returns: the names of the files, relative to target.
    Raises:
        FdtExists: target exists already.
        FdtMachineError: a file cannot be read, or /proc/iomem hides its
            addresses (not root), or target cannot be written.
    """
    target = os.fspath(target)
    if os.path.lexists(target):
        raise FdtExists(OP, target, "exists already; name a new directory")
    machine = Machine(root)
    _ = machine.ram  # refuses hidden addresses before anything is written
    names = []
    try:
        with NewFolder(target) as new:
            for name, data in _facts(machine):
                new.write(name, data)
                names.append(name)
    except OSError as e:
        raise FdtMachineError(OP, target, e.strerror or str(e)) from None
    return names
