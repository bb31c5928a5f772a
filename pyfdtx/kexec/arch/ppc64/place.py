# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where everything lies: around what firmware keeps, and what is read before
the MMU is on inside the first piece of memory."""

from __future__ import annotations

from ....codec.reg import U64_END, MemRange
from ....errors import FdtBadContent, FdtImageError
from ....tree.fdt import Fdt
from ...elfcore import core_header_of
from ...place.places import Segment, Space, up
from .firmware import first_memory, kept, old_kernel, pages, reserved
from .trampoline import BACKUP, RUN_AT_LOAD, SHARED, trampoline
from .tree import CrashPlaces, second_kernel_tree

__all__ = ["place", "taken"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...facts.machine import Machine
    from ...facts.ranges import Ranges, Source
    from ...place.job import Job

OP = "plan"
BOUNDARY = 0x1_0000
FLAGS = slice(RUN_AT_LOAD, RUN_AT_LOAD + 4)
# What a relocatable kernel has there, and one that always runs where it lies
# (Linux arch/powerpc/kernel/head_64.S, CONFIG_RELOCATABLE_TEST)
MOVES, STAYS = b"0nur", b"\1\0\0\0"
FDT = "sys/firmware/fdt"


def taken(machine: Machine, crash: bool) -> Source:
    """Memory in which no segment may lie, whole pages of 64 KiB."""
    fdt = Fdt(machine.live_fdt)
    found = [*kept(fdt), *reserved(fdt)]
    if not crash:
        found += old_kernel(fdt)
    return pages(found, BOUNDARY)


def _boot_cpu(machine: Machine) -> int | None:
    """As the running kernel was told; the crash kernel's is set when it starts."""
    return Fdt(machine.fdt).boot_cpuid_phys if machine.exists(FDT) else None


def _opal(fdt: Fdt) -> tuple[int, int]:
    if "/ibm,opal" not in fdt:
        return 0, 0
    node = fdt["/ibm,opal"]
    return node.get_u64("opal-base-address"), node.get_u64("opal-entry-address")


def _kernel(job: Job, crash: bool) -> bytes:
    """The image as it is loaded: a crash kernel is told to stay."""
    data = job.image.data
    if len(data) < SHARED or data[FLAGS] not in (MOVES, STAYS):
        raise FdtImageError(
            OP,
            job.image.where,
            "is not relocatable (CONFIG_RELOCATABLE): it runs at address 0 only, "
            "where the running kernel is",
        )
    return data[: FLAGS.start] + STAYS + data[FLAGS.stop :] if crash else data


class _Placing:
    """One attempt."""

    def __init__(self, job: Job, free: Ranges):
        self.job = job
        self.fdt = Fdt(job.tree.blob)
        self.space = Space(free, job.page)
        self.segments: list[Segment] = []
        self.reach = U64_END if job.anywhere else first_memory(self.fdt)

    def put(self, name: str, data: bytes, size: int, high: int) -> int:
        """A segment in the lowest place below high."""
        boundary = BOUNDARY if name == "kernel" else 1
        start = self.space.lowest(name, size, 0, boundary, high)
        whole = up(size, self.job.page)
        self.segments.append(Segment(name, data, start, whole))
        return start

    def header(self, backup: int) -> Segment:
        job = self.job
        data = core_header_of(
            job.machine,
            exclude=job.exclude,
            keep=pages(kept(self.fdt), job.page),
            cma=(),  # its tree does not tell of them
            backup=[((0, BACKUP), backup)],
        )
        start = self.space.highest("elfcorehdr", len(data))
        segment = Segment("elfcorehdr", data, start, up(len(data), job.page))
        self.segments.append(segment)
        return segment

    def make(self) -> tuple[list[Segment], int]:
        job, reach = self.job, self.reach
        is_crash = job.header is not None
        kernel_data = _kernel(job, is_crash)
        kernel = self.put("kernel", kernel_data, job.footprint.size, reach)
        crash, backup = None, None
        if is_crash:
            backup = self.put("backup", b"", BACKUP, reach)
            header = self.header(backup)
            crash = CrashPlaces(
                region=job.machine.crash_main,
                elfcorehdr=(header.start, len(header.data)),
                backup=backup,
            )
        head = kernel_data[:SHARED]
        code = trampoline(head, 0, 0, backup=backup)
        entry = self.put("trampoline", b"", len(code), reach)
        # The tree lies where it must be reached early, the initrd behind it
        size = len(self.tree(0, MemRange(0, 1), crash))
        dtb = self.put("dtb", b"", size, reach)
        initrd = None
        if job.initrd is not None:
            start = self.put("initrd", job.initrd, len(job.initrd), U64_END)
            initrd = MemRange(start, len(job.initrd))
        self.fill("dtb", self.tree(dtb, initrd, crash))
        self.fill(
            "trampoline",
            trampoline(head, kernel, dtb, backup=backup, opal=_opal(self.fdt)),
        )
        return self.segments, entry

    def tree(
        self, dtb: int, initrd: MemRange | None, crash: CrashPlaces | None
    ) -> bytes:
        words = self.job.tree.keywords
        return second_kernel_tree(
            self.job.tree.blob,
            cmdline=words["cmdline"],  # type: ignore[arg-type]
            dtb=dtb,
            initrd=initrd,
            crash=crash,
            rng_seed=words["rng_seed"],  # type: ignore[arg-type]
            boot_cpu=_boot_cpu(self.job.machine),
        )

    def fill(self, name: str, data: bytes) -> None:
        segment = next(s for s in self.segments if s.name == name)
        if len(data) > segment.size:
            raise FdtBadContent(OP, name, f"{len(data)} bytes do not fit their place")
        segment.data = data


def place(job: Job, free: Ranges) -> tuple[list[Segment], int]:
    """Kernel, backup, trampoline, tree and initrd at the lowest places, the core
    header at the highest one. Kernel, backup, trampoline and tree inside the
    first piece of memory, which is all that can be reached while the MMU is
    off on a partition with a hash table.

    Raises:
        Full: no room.
        FdtImageError: the kernel is not relocatable.
        FdtMachineError, FdtBadContent: as second_kernel_tree().
    Source: Linux arch/powerpc/kexec/elf_64.c elf64_load(), file_load_64.c.
    """
    return _Placing(job, free).make()
