# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""estimate(): how much memory a crash kernel needs.

docs/doctor.md says where each part comes from, and what was measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...errors import FdtError
from ...tree.view import to_dict
from ..image.unpacked import unpacked_size

__all__ = ["Need", "Part", "estimate", "shortage"]

if TYPE_CHECKING:
    from ..facts.machine import Machine
    from ..image.kernel import KernelImage

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
# include/linux/mm_types.h: struct page has 64 bytes in every usual configuration
STRUCT_PAGE = 64
PAGE = 4096
# Of each possible CPU, started or not: its piece of the per-CPU area ("percpu:
# Embedded 31 pages/cpu" of Debian's kernels), and its work queues
PER_CPU = 256 * KIB
# A network card's rings and buffers; a disk's queues (block/blk-mq.c)
PER_NIC, PER_DISK = 8 * MIB, 2 * MIB
# kernel/dma/swiotlb.c IO_TLB_DEFAULT_SIZE, where memory lies above 4 GiB
BOUNCE = 64 * MIB
# Slab caches, hash tables, stacks of kernel threads, drivers' own memory: measured,
# see docs/doctor.md
RUNNING = 32 * MIB
# A shell, and makedumpfile with its cyclic buffer
PROGRAMS = 24 * MIB
# Files of an initrd, at the very most, by its size: text in xz
MOST = 12
VIRTUAL_NICS = ("lo", "dummy", "veth", "docker", "br-", "virbr", "tun", "tap", "sit")
VIRTUAL_DISKS = ("loop", "ram", "zram", "dm-", "md", "fd", "sr")


class Part(NamedTuple):
    """What takes memory, how many bytes, and how that is known."""

    name: str
    size: int
    source: str


class Need(NamedTuple):
    """parts: of the whole need. counted: whether the initrd was unpacked, and not
    guessed."""

    parts: tuple[Part, ...]
    counted: bool

    @property
    def total(self) -> int:
        return sum(part.size for part in self.parts)


def _names(machine: Machine, name: str, column: int, separator: str) -> list[str]:
    if not machine.exists(name):
        return []
    found = []
    for line in machine.text(name).splitlines()[2:]:
        words = line.replace(separator, " ").split()
        if len(words) > column:
            found.append(words[column])
    return found


def _devices(machine: Machine) -> tuple[int, int]:
    """Network cards and disks, without partitions and what is not hardware."""
    nics = [
        n
        for n in _names(machine, "proc/net/dev", 0, ":")
        if not n.startswith(VIRTUAL_NICS)
    ]
    disks: list[str] = []
    for name in sorted(_names(machine, "proc/partitions", 3, "\t")):
        part_of = next((d for d in disks if name.startswith(d)), None)
        if part_of is None and not name.startswith(VIRTUAL_DISKS):
            disks.append(name)
    return len(nics), len(disks)


def _pools(machine: Machine) -> int:
    """Memory that the tree has set aside for devices, wherever there is some: it comes
    out of the crash kernel's. What is `reusable` can be used by programs."""
    top = "/reserved-memory/"
    whole = 0
    for path, values in to_dict(machine.fdt).items():
        size = values.get("size", b"")
        ours = path.startswith(top) and "/" not in path[len(top) :]
        if (
            not ours
            or "reg" in values
            or "reusable" in values
            or len(size) not in (4, 8)
        ):
            continue
        if values.get("status", b"okay\0") in (b"okay\0", b"ok\0"):
            whole += int.from_bytes(size, "big")
    return whole


def _possible(machine: Machine, cmdline: str) -> int:
    for word in cmdline.split():
        if word.startswith("nr_cpus=") and word[8:].isdigit():
            return int(word[8:])
    return len(machine.possible_cpus)


def estimate(
    machine: Machine,
    image: KernelImage,
    initrd: bytes | None = None,
    *,
    cmdline: str = "",
) -> Need:
    """What a crash kernel needs on a machine.

    Args:
        machine: the facts of the running, or of a captured, system.
        image: the kernel. initrd: its bytes, as they are loaded.
        cmdline: its command line: nr_cpus= counts.
    Returns: the parts; what is not known is left out.
    """
    parts = [Part("kernel", image.memory_size, "its header: code, data, BSS")]
    counted = True
    if initrd:
        size, counted = unpacked_size(initrd)
        how = (
            "counted"
            if counted
            else "guessed from its size: it cannot be unpacked here"
        )
        parts.append(Part("initrd", len(initrd), "as it is loaded"))
        parts.append(Part("initrd's files", size, how))
    try:
        reserved = sum(r.size for r in machine.crash_ranges)
        above = bool(machine.crash_ranges) and machine.crash_main.stop > 4 * GIB
    except FdtError:
        reserved, above = 0, False
    if reserved:
        pages = reserved // (image.page_size or PAGE)
        parts.append(
            Part(
                "memory map",
                pages * STRUCT_PAGE,
                "struct page, of all that is reserved",
            )
        )
    try:
        cpus = _possible(machine, cmdline)
    except FdtError:
        cpus = 1
    parts.append(
        Part("CPUs", cpus * PER_CPU, f"{cpus} possible; nr_cpus= makes it less")
    )
    nics, disks = _devices(machine)
    if nics or disks:
        size = nics * PER_NIC + disks * PER_DISK
        parts.append(Part("devices", size, f"{nics} network cards, {disks} disks"))
    try:
        pools = _pools(machine)
    except FdtError:
        pools = 0
    if pools:
        parts.append(Part("tree's pools", pools, "/reserved-memory, nodes with a size"))
    if above:
        parts.append(Part("bounce buffers", BOUNCE, "swiotlb: memory above 4 GiB"))
    parts.append(Part("running kernel", RUNNING, "measured, see docs/doctor.md"))
    parts.append(Part("programs", PROGRAMS, "a shell and a tool that writes the dump"))
    return Need(tuple(parts), counted)


def shortage(
    machine: Machine,
    image: KernelImage,
    initrd: bytes | None = None,
    *,
    cmdline: str = "",
) -> Need | None:
    """The need of a crash kernel, if less is reserved; None if it is enough. As
    estimate(), but nothing is unpacked where even a large initrd would fit."""
    reserved = sum(r.size for r in machine.crash_ranges)
    bare = estimate(machine, image, cmdline=cmdline).total
    if bare + len(initrd or b"") * (1 + MOST) <= reserved:
        return None
    need = estimate(machine, image, initrd, cmdline=cmdline)
    return need if need.total > reserved else None
