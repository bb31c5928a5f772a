# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""make_plan() and plan(): where all that the next kernel needs will lie in memory.

A crash kernel's core header takes the highest place; kernel, initrd, tree and
trampoline take the lowest ones, in this order, the others above all that the
kernel takes until it runs.
"""

from __future__ import annotations

import os

from ...codec.reg import MemRange
from ...errors import FdtBadParameter, FdtImageError, FdtNoRoom
from ...files.reading import is_running
from ..architecture import arch_of, arches, placed_arch
from ..check.facts import ranges_read, shown
from ..cmdline import reused, with_words
from ..elfcore import core_header_of
from ..facts.machine import KCORE, KCORE_NOTE
from ..facts.number import amount, decimal
from ..facts.ranges import Ranges
from ..facts.version import version_of
from ..image.initrd import InitrdFile, look_at
from ..image.kernel import KernelImage, read_image
from .file_plan import FilePlan
from .job import OP, Job, Tree, named, startable
from .judge import cpus_note, findings_of, release_of
from .places import Full, Segment, up
from .reservations import kept_off

__all__ = ["Plan", "Segment", "make_plan", "plan", "reused_cmdline"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, Union

    from ..architecture import Arch
    from ..check.checker import Finding
    from ..facts.machine import Machine
    from ..facts.ranges import Source

    Buffer = Union[bytes, bytearray, memoryview]
    Part = Union[str, os.PathLike[str], Buffer]
    Initrd = Union[Part, list[Part], tuple[Part, ...], InitrdFile]

PAGE, MAX_PAGE = 4096, 1 << 20
# Of arm64, riscv64 and ppc64le
LARGEST_PAGE = 64 << 10
NOT_TAKEN_OVER = "words that would starve a crash kernel were not taken over: "
MIB = 1 << 20


class Plan:
    """What kexec_load(2) needs, and what people want to see.

    arch: as Machine.arch.
    crash: whether it is for the crash kernel.
    segments: in the order of their addresses.
    entry: physical address that is jumped to.
    usable: the crash kernel's memory, main range first; empty if not crash.
    area: where segments were allowed to lie.
    ram: all memory of the machine.
    page_size: bytes; all segments are multiples of it.
    findings: what the checker says of it, errors first; load() refuses errors.
    notes: what was decided that people may want to know, a sentence each.
    updated: whether the kernel keeps the core header up to date from now on, as
        memory and CPUs come and go.
    call: the system call that loads it.
    """

    call = "kexec_load"

    __slots__ = (
        "arch",
        "area",
        "crash",
        "entry",
        "findings",
        "notes",
        "page_size",
        "ram",
        "segments",
        "updated",
        "usable",
    )

    def __init__(
        self,
        machine: Machine,
        segments: list[Segment],
        *,
        entry: int,
        usable: tuple[MemRange, ...],
        area: Ranges,
        page_size: int,
        findings: tuple[Finding, ...] = (),
        notes: tuple[str, ...] = (),
        updated: bool = False,
    ):
        self.arch = machine.arch
        self.crash = bool(usable)
        self.segments = tuple(sorted(segments, key=lambda s: s.start))
        self.entry = entry
        self.usable = usable
        self.area = area
        self.ram = machine.ram
        self.page_size = page_size
        self.findings = findings
        self.notes = notes
        self.updated = updated

    def __contains__(self, name: str) -> bool:
        return any(s.name == name for s in self.segments)

    def __getitem__(self, name: str) -> Segment:
        """The segment of a name; KeyError if there is none."""
        for s in self.segments:
            if s.name == name:
                return s
        raise KeyError(name)

    def __repr__(self) -> str:
        return f"Plan({self.arch}, entry={self.entry:#x}, {list(self.segments)!r})"


def _taken(arch: Arch, machine: Machine, crash: bool) -> Source:
    """What is no place for segments, though it is memory."""
    taken = arch.own("taken")
    found: Source = () if taken is None else taken(machine, crash)
    return found


def _page_size(arch: Arch, machine: Machine, image: KernelImage) -> int:
    """The larger one of both kernels' pages, bytes."""
    least = image.page_size or 0
    if arch.page_size:
        return max(arch.page_size, least)
    if is_running(machine.root):
        return max(os.sysconf("SC_PAGE_SIZE"), least)
    if not machine.exists(KCORE_NOTE) and not machine.exists(KCORE):
        # What is a whole number of the largest pages is one of all others, too
        return least or LARGEST_PAGE
    text = machine.vmcoreinfo["PAGESIZE"]
    try:
        size = decimal(text)
    except ValueError:
        size = 0
    if not PAGE <= size <= MAX_PAGE or size & size - 1:
        machine.refuse("proc/kcore", f"PAGESIZE={text[:80]} is no size of a page")
    return max(size, least)


def _checked_image(arch: Arch, image: KernelImage) -> KernelImage:
    if image.arch not in arch.startable:
        raise FdtImageError(
            OP,
            image.where,
            f"is a kernel of {image.arch}, but the machine is {arch.placed}",
        )
    if image.big_endian:
        raise FdtImageError(
            OP, image.where, "is big-endian; only little-endian kernels can be started"
        )
    return image


def _checked_initrd(arch: Arch, initrd: Buffer | InitrdFile | None) -> bytes | None:
    """A file is left as it is: its length is all that placing needs, and
    Job.fill() puts bytes into its place."""
    if initrd is None:
        return None
    if not len(initrd):
        raise FdtBadParameter(OP, "initrd", "is empty; leave it out instead")
    if isinstance(initrd, InitrdFile):
        return initrd  # type: ignore[return-value]
    look_at(initrd, "")
    return startable(arch, bytes(initrd))


def reused_cmdline(machine: Machine, *, crash: bool, keep_words: bool = False) -> str:
    """The running kernel's command line for the next one, without the words
    that were true for this boot only: BOOT_IMAGE= and elfcorehdr=, and for a
    crash kernel those that would cut or take its memory, crashkernel= and
    mem= above all: docs/kdump.md has the list.

    Args:
        keep_words: leave in all of these but crashkernel= and mem=.
    """
    return reused(machine.cmdline, crash=crash, keep=keep_words)[0]


def next_cmdline(
    machine: Machine,
    *,
    crash: bool,
    cmdline: str | None,
    append: str | None,
    keep_words: bool = False,
) -> tuple[str, tuple[str, ...]]:
    """The next kernel's command line, from the arguments of plan(), and what is to be
    said of it."""
    gone: list[str] = []
    if cmdline is None:
        cmdline, gone = reused(machine.cmdline, crash=crash, keep=keep_words)
    notes = (NOT_TAKEN_OVER + " ".join(gone),) if gone else ()
    return with_words(cmdline, append), notes


def make_plan(
    machine: Machine,
    image: KernelImage,
    *,
    crash: bool = True,
    initrd: Buffer | InitrdFile | None = None,
    cmdline: str | None = None,
    append: str | None = None,
    dtb: Buffer | None = None,
    kaslr_seed: int | Literal["random"] | None = "random",
    rng_seed: Buffer | Literal["random"] | None = "random",
    root_cells: Literal["keep", "2/2"] = "keep",
    max_usable: int | None = None,
    exclude: Source = (),
    verify: bool = False,
    keep_words: bool = False,
    within: tuple[int, int] | None = None,
) -> Plan:
    """Place a kernel and all it needs in a machine's memory.

    Args:
        machine: the facts of the running, or of a captured, system.
        image: from read_image().
        crash: for kdump, in the main crash region alone; False: a plain kexec,
            anywhere in free memory.
        initrd: its bytes; or an InitrdFile, which is read when it has its place;
            None: that of the image's own file (FIT, UKI, ...), if it has one.
        cmdline: the command line; None: reused_cmdline().
        append: words to put behind it.
        dtb: the tree to start from; None: the machine's own.
        kaslr_seed, rng_seed, root_cells: as second_kernel_dtb(); on ppc64le
            rng_seed alone has a meaning.
        max_usable: how many ranges of memory the crash kernel reads; the main
            one comes first, then the low one, then those of crashkernel=,cma. None:
            by its version, as the image says it, else by the running one's: 2, and
            6 from Linux 7.3 on. What is not told stays in the dump.
        exclude: memory to leave out of the dump.
        verify: have SHA-256 of all segments checked before the kernel is entered;
            if one is spoiled, the machine stops there. arm64 alone.
        keep_words: as reused_cmdline().
        within: (start, size) of memory: nothing is placed outside.
    Returns: the Plan. For arm64 its entry is a trampoline. It is judged by the rules
        of check_tree(): see its findings.
    Raises:
        FdtMachineError: a fact is missing or contradicts another; no memory is
            reserved for a crash kernel.
        FdtImageError: the image is of another architecture, or big-endian.
        FdtNoRoom: the segments do not fit; says how much is missing for what.
        FdtBadParameter, FdtBadBlob, FdtBadContent: as second_kernel_dtb();
            FdtBadParameter also for an initrd that is empty, or cannot be read,
            and for verify where it is not known.
    Source: Linux kernel/kexec_core.c sanity_check_segment_list(); the
        architectures' own are named in pyfdtx/kexec/arch/.
    """
    arch = placed_arch(machine.arch)
    kernel = _checked_image(arch, image)
    if verify and arch.own("verifying") is None:
        known = [a.placed for a in arches() if a.own("verifying")]
        raise FdtBadParameter(
            OP,
            "verify",
            f"segments can be verified on {' and '.join(known)} alone, not on "
            f"{arch.placed}",
        )
    line, said = next_cmdline(
        machine, crash=crash, cmdline=cmdline, append=append, keep_words=keep_words
    )
    notes = list(said)
    release = release_of(machine, kernel)
    regions: tuple[MemRange, ...] = ()
    header, updated = None, False
    if crash:
        area = Ranges([machine.crash_main])
        if max_usable is None:
            max_usable = ranges_read(None if release is None else version_of(release))
        cma = tuple(machine.cma_ranges)
        regions = (*machine.crash_ranges, *cma)[:max_usable]
        told = tuple(r for r in cma if r in regions)
        if len(told) < len(cma):
            notes.append(
                f"{len(cma) - len(told)} of {len(cma)} ranges of crashkernel=,cma are "
                f"not told to the crash kernel, which reads {max_usable} ranges of "
                "memory; they are in the dump"
            )
        header = core_header_of(machine, exclude=exclude, cma=told)
        # The kernel writes all of it anew, so it knows nothing of exclude and leaves
        # all of CMA out, and has no rules of its own where an architecture places by
        # itself
        room = machine.core_header_room
        apart = exclude or told != cma or arch.own("place") is not None
        updated = room >= len(header) and not apart
        if updated:
            # Property, reservation and segment have the size that it may grow to
            header = header.ljust(room, b"\0")
    else:
        area = machine.free_ram
    page = _page_size(arch, machine, kernel)
    own = "live_fdt" if arch.live_tree else "fdt"
    blob = getattr(machine, own) if dtb is None else dtb
    taken: Source = ()
    handed_on = arch.own("handed_on")
    if handed_on is not None and not crash:
        blob, taken = handed_on(machine, blob, notes)
    area = area.clip(0, arch.address_end).exclude(_taken(arch, machine, crash))
    area = area.exclude(kept_off(machine, arch, blob, crash, page)).exclude(taken)
    if within is not None:
        area = area.intersect([within])
    tree = Tree(
        arch,
        blob,
        regions,
        {
            "cmdline": line,
            "kaslr_seed": kaslr_seed,
            "rng_seed": rng_seed,
            "root_cells": root_cells,
        },
    )
    job = Job(
        machine,
        arch,
        kernel,
        _checked_initrd(arch, image.initrd if initrd is None else initrd),
        header,
        page,
        tree,
        exclude,
        verify,
        updated,
    )
    try:
        placed, entry = job.place(area)
    except Full as e:
        raise _no_room(job, e, machine) from None
    job.fill(placed)
    usable = () if header is None else tree.usable(named(placed, "elfcorehdr").range)
    notes += cpus_note(machine, arch, crash)
    return Plan(
        machine,
        placed,
        entry=entry,
        usable=usable,
        area=area,
        page_size=page,
        findings=findings_of(machine, arch, kernel, placed, release),
        notes=tuple(notes),
        updated=updated,
    )


def plan(
    machine: Machine,
    kernel: str | os.PathLike[str] | KernelImage,
    *,
    crash: bool = True,
    initrd: Initrd | None = None,
    cmdline: str | None = None,
    append: str | None = None,
    by_file: bool = False,
    keep_words: bool = False,
    no_cma: bool = False,
    force_dtb: bool = False,
    **options: Any,
) -> Plan | FilePlan:
    """Plan a kernel on any architecture: by place where segments are placed here, by
    its files where the running kernel places them itself (x86_64).

    Args:
        machine: the facts of the running, or of a captured, system.
        kernel: its path; or, where it is placed here, an image from read_image().
        crash: for kdump; False: a plain kexec.
        initrd: its path, or its bytes where it is placed here; there also a list of
            several, which are put one behind the other.
        cmdline: the command line; None: reused_cmdline().
        append: words to put behind it.
        keep_words: as reused_cmdline().
        no_cma, force_dtb: flags of kexec_file_load(2): keep segments out of CMA areas;
            hand the tree over where that is not usual. Only by file.
        by_file: leave it to the running kernel though it could be placed here.
        options: as make_plan(), where it is placed here.
    Returns: a Plan or a FilePlan; `call` says by which system call it is loaded.
    Raises:
        as make_plan(); FdtBadParameter also for bytes, and for options, that have no
            meaning when the running kernel does all.
    """
    arch = arch_of(machine.arch)
    if not by_file and not (arch is not None and arch.by_file):
        for name, said in (("no_cma", no_cma), ("force_dtb", force_dtb)):
            if said:
                raise FdtBadParameter(
                    OP, name, "is a flag of kexec_file_load(2); give by_file=True, too"
                )
        if not isinstance(kernel, KernelImage):
            kernel = read_image(kernel)
        if isinstance(initrd, (str, os.PathLike)):
            initrd = InitrdFile(initrd)
        elif isinstance(initrd, (list, tuple)):
            initrd = InitrdFile(*initrd)
        return make_plan(
            machine,
            kernel,
            crash=crash,
            initrd=initrd,
            cmdline=cmdline,
            append=append,
            keep_words=keep_words,
            **options,
        )
    for name in options:
        raise FdtBadParameter(
            OP, name, "has no meaning here: the running kernel makes tree and plan"
        )
    for name, given in (("kernel", kernel), ("initrd", initrd)):
        if given is not None and not isinstance(given, (str, os.PathLike)):
            raise FdtBadParameter(
                OP, name, "give the path: the running kernel reads the file itself"
            )
    if crash:
        _ = machine.crash_main  # says so if nothing is reserved
    line, notes = next_cmdline(
        machine, crash=crash, cmdline=cmdline, append=append, keep_words=keep_words
    )
    return FilePlan(
        machine.arch,
        os.fspath(kernel),  # type: ignore[arg-type]
        crash=crash,
        initrd=None if initrd is None else os.fspath(initrd),  # type: ignore[arg-type]
        cmdline=line,
        notes=notes,
        no_cma=no_cma,
        force_dtb=force_dtb,
    )


def _no_room(job: Job, full: Full, machine: Machine) -> FdtNoRoom:
    too_small = FdtNoRoom(
        OP,
        full.what,
        f"{full.size} bytes do not fit: the largest free piece of memory where it may "
        f"lie has {full.hole}, {full.size - full.hole} are missing "
        f"({amount(full.size)} into {amount(full.hole)})",
    )
    if job.header is None:
        return too_small
    main = machine.crash_main
    # The same job in a region that is large enough
    job.anywhere = True
    if job.arch.own("place") is None:
        # A tree of the same size, for places that are not there fit no cells
        initrd = MemRange(main.start, len(job.initrd)) if job.initrd else None
        where = main.start
        if job.arch.own("usable"):  # which wants to end below the header
            where = job.arch.address_end - up(len(job.header), job.page)
        somewhere = Segment("elfcorehdr", job.header, where, len(job.header))
        job.tree.fixed = job.tree.make(initrd, somewhere)
    limit = min(main.size + (1 << 36), job.arch.address_end - main.start)
    larger = Ranges([(main.start, limit)]).exclude(_taken(job.arch, machine, True))
    try:
        placed, _ = job.place(larger)
    except Full as e:
        return FdtNoRoom(
            OP,
            e.what,
            f"{e.size} bytes do not fit where the kernel finds them, in no crash "
            f"region that starts at {main.start:#x} ({amount(e.size)})",
        )
    header = named(placed, "elfcorehdr")
    others = max(s.start + s.size for s in placed if s is not header)
    need = others + header.size - main.start
    if need <= main.size:  # not the region is too small, but a part of it
        return too_small
    pieces = ", ".join(f"{s.name} {amount(s.size)}" for s in placed)
    return FdtNoRoom(
        OP,
        full.what,
        f"does not fit into the crash region {shown(main)}: {need - main.size} bytes "
        f"are missing, {amount(need)} are needed for {pieces}; boot with a "
        f"crashkernel= of more "
        f"than {up(need, MIB) // MIB}M, for the kernel needs memory to run in too",
    )
