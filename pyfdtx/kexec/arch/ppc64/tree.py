# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The second kernel's tree, from the tree as the running kernel has it.

A ppc64 kernel reads neither linux,elfcorehdr nor linux,usable-memory-range:
the command line says where the core header is, and the memory nodes which
memory may be used.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ....codec.reg import U64_END, MemRange
from ....errors import FdtBadContent, FdtBadParameter
from ....tree.fdt import Fdt
from ...dtb.arguments import cmdline_bytes, rng_bytes
from ...facts.ranges import Ranges
from . import COMMAND_LINE_SIZE
from .firmware import kept, memory_nodes
from .trampoline import BACKUP

__all__ = ["CrashPlaces", "LmbSet", "lmb_sets", "looked_at", "second_kernel_tree"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Union

    from ...._native import Buffer
    from ....tree.fdt import Node
    from ...facts.ranges import Pair

    Seed = Union[Buffer, Literal["random"], None]

OP = "second_kernel_tree"
USABLE = "linux,usable-memory"
DRCONF = "/ibm,dynamic-reconfiguration-memory"
DRCONF_USABLE = "linux,drconf-usable-memory"
# 256 TiB in blocks of 256 MiB: four times what the largest machines have
MAX_BLOCKS = 1 << 20
# Linux arch/powerpc/include/asm/drmem.h DRCONF_MEM_ASSIGNED, _RESERVED
ASSIGNED, RESERVED = 0x08, 0x80
# Places of this boot alone. The first four are numbers that Linux writes
# big-endian and reads back as its own (arch/powerpc/kexec/core.c,
# arch/powerpc/kernel/prom.c early_init_dt_scan_chosen_ppc()); the others are
# those that drivers/of/kexec.c removes
STALE = (
    *("linux,crashkernel-base", "linux,crashkernel-size", "linux,memory-limit"),
    *("linux,kernel-end", "linux,htab-base", "linux,htab-size"),
    *("linux,initrd-start", "linux,initrd-end", "bootargs"),
    *("linux,elfcorehdr", "linux,usable-memory-range", "linux,dmcryptkeys"),
    *("linux,kho-fdt", "linux,kho-scratch", "linux,ima-kexec-buffer"),
    *("kaslr-seed", "rng-seed", "linux,booted-from-kexec"),
)


class CrashPlaces:
    """Where a crash kernel's things lie, physical bytes.

    region: the main crash region. elfcorehdr: the core header. backup: the
    copy of the first 64 KiB, which the trampoline makes.
    """

    __slots__ = ("backup", "elfcorehdr", "region")

    def __init__(self, *, region: Pair, elfcorehdr: Pair, backup: int):
        self.region = MemRange.of(region)
        self.elfcorehdr = MemRange.of(elfcorehdr)
        self.backup = MemRange(backup, BACKUP)
        if self.region.start < BACKUP:
            raise FdtBadParameter(
                OP,
                f"region {self.region!r}",
                "starts in the first 64 KiB, which are the dead kernel's",
            )


class LmbSet(NamedTuple):
    """As many blocks of size bytes each, one behind the other from start on."""

    start: int
    blocks: int
    size: int
    flags: int


def lmb_sets(fdt: Fdt) -> list[LmbSet]:
    """The blocks of /ibm,dynamic-reconfiguration-memory, in the order they are
    read.

    Raises:
        FdtBadContent, FdtNotFound: they are not as Linux reads them.
    Source: Linux arch/powerpc/mm/drmem.c read_drconf_v1_cell(),
        read_drconf_v2_cell(); Linux on Power Architecture Reference.
    """
    if DRCONF not in fdt:
        return []
    node = fdt[DRCONF]
    size = node.get_u64("ibm,lmb-size")
    second = "ibm,dynamic-memory" not in node
    name = "ibm,dynamic-memory-v2" if second else "ibm,dynamic-memory"
    value: bytes = node.get(name, b"")
    form = struct.Struct(">IQ3I" if second else ">Q4I")
    said = int.from_bytes(value[:4], "big")
    if value and len(value) != 4 + said * form.size:
        raise FdtBadContent(
            OP,
            f"{node.path}:{name}",
            f"{len(value)} bytes are not {said} entries of {form.size} bytes behind "
            "their number",
        )
    found = []
    for fields in form.iter_unpack(value[4:]):
        count, start = fields[:2] if second else (1, fields[0])
        if start + count * size > U64_END:
            raise FdtBadContent(
                OP,
                f"{node.path}:{name}",
                f"{count} blocks of {size:#x} bytes from {start:#x} on wrap 2**64",
            )
        found.append(LmbSet(start, count, size, fields[4]))
    total = sum(s.blocks for s in found)
    if total > MAX_BLOCKS:
        raise FdtBadContent(
            OP, f"{node.path}:{name}", f"{total} blocks of memory, more than can be"
        )
    return found


def looked_at(flags: int) -> bool:
    """Whether Linux reads a count of usable ranges for such a block: prom.c
    early_init_drmem_lmb(), mm/numa.c numa_setup_drmem_lmb()."""
    return bool(flags & ASSIGNED) and not flags & RESERVED


def _usable_blocks(sets: list[LmbSet], usable: Ranges) -> list[int]:
    """For each block that is read, how many ranges of it may be used, and they."""
    words: list[int] = []
    stop = max(r.stop for r in usable)
    for s in sets:
        if not looked_at(s.flags):
            continue
        for i in range(s.blocks):
            start = s.start + i * s.size
            if start >= stop:  # most of a large machine
                words += [0] * (s.blocks - i)
                break
            both = usable.intersect([(start, s.size)])
            words.append(len(both))
            words += both.words.tolist()
    return words


def _limit_memory(fdt: Fdt, usable: Ranges) -> None:
    """Say which memory may be used: no node without it, or all of the node is."""
    for node in memory_nodes(fdt):
        both = Ranges.union([r for r in node.reg() if r.size]).intersect(usable)
        node.set_reg(USABLE, list(both) or [(0, 0)], parent="/")
    if DRCONF in fdt:
        words = _usable_blocks(lmb_sets(fdt), usable)
        fdt[DRCONF][DRCONF_USABLE] = struct.pack(f">{len(words)}Q", *words)


def _free_memory(fdt: Fdt) -> None:
    for node in memory_nodes(fdt):
        node.pop(USABLE, None)
    if DRCONF in fdt:
        fdt[DRCONF].pop(DRCONF_USABLE, None)


def _chosen(fdt: Fdt) -> Node:
    return fdt["/chosen"] if "/chosen" in fdt else fdt.add_node("/chosen")


def _line(cmdline: str, crash: CrashPlaces | None) -> bytes:
    text = cmdline_bytes(cmdline, "cmdline")
    if crash is not None:
        word = f"elfcorehdr={crash.elfcorehdr.start:#x}".encode()
        text = word + b" " + text if text else word
    if len(text) >= COMMAND_LINE_SIZE:
        raise FdtBadParameter(
            OP,
            "cmdline",
            f"has {len(text)} bytes, the kernel keeps {COMMAND_LINE_SIZE - 1}; "
            "shorten it",
        )
    return text


def second_kernel_tree(
    blob: Buffer,
    *,
    cmdline: str,
    dtb: int,
    initrd: Pair | None = None,
    crash: CrashPlaces | None = None,
    rng_seed: Seed = "random",
    boot_cpu: int | None = None,
) -> bytes:
    """The tree for the kernel that boots next.

    Args:
        blob: the tree as the running kernel has it (Machine.live_fdt). Its
            memory reservations are not kept: they were of this boot.
        cmdline: the command line; for a crash kernel elfcorehdr= is put in
            front of it.
        dtb: where this tree itself will lie.
        initrd: where the initrd lies, physical (start, size).
        crash: for a crash kernel; None: all memory may be used.
        rng_seed: as second_kernel_dtb(). There is no kaslr-seed: ppc64 kernels
            read none.
        boot_cpu: the number for the header; the trampoline writes over it.
            None: keep it.
    Returns: the bytes; their number does not depend on the places.
    Raises:
        FdtBadBlob: blob is no sound tree.
        FdtBadContent: a property that says where memory is makes no sense.
        FdtBadParameter: a command line that is too long, has a NUL, or an
            elfcorehdr= of its own.
    Source: Linux arch/powerpc/kexec/file_load_64.c setup_new_fdt_ppc64(),
        drivers/of/kexec.c; kexec-tools kexec/fs2dt.c.
    """
    fdt = Fdt(blob)
    firmware = kept(fdt)
    chosen = _chosen(fdt)
    for name in STALE:
        chosen.pop(name, None)
    reservations: list[MemRange] = []
    if crash is None:
        _free_memory(fdt)
    else:
        # From 0: a kernel without memory there does not come up. What is below
        # the region is the dead kernel's, all but the first 64 KiB
        below = MemRange(0, crash.region.stop)
        _limit_memory(fdt, Ranges.union([below, *firmware]))
        old = MemRange(BACKUP, crash.region.start - BACKUP)
        reservations += [r for r in (old,) if r.size]
        reservations += [crash.backup, crash.elfcorehdr]
    if initrd is not None:
        where = MemRange.of(initrd)
        reservations.append(where)
        chosen.set_u64("linux,initrd-start", where.start)
        chosen.set_u64("linux,initrd-end", where.stop)
    line = _line(cmdline, crash)
    if line:
        chosen["bootargs"] = line + b"\0"
    seed = rng_bytes(rng_seed)
    if seed:
        chosen["rng-seed"] = seed
    chosen.set_empty("linux,booted-from-kexec")
    if boot_cpu is not None:
        fdt.boot_cpuid_phys = boot_cpu

    fdt.memreserve.clear()
    for r in (*reservations, *firmware):
        fdt.memreserve.append(r)
    # The tree's own, whose size it must know
    fdt.memreserve.append(dtb, 1)
    fdt.squeeze()
    size = len(fdt.to_bytes())
    del fdt.memreserve[len(fdt.memreserve) - 1]
    fdt.memreserve.append(dtb, size)
    return fdt.to_bytes()
