# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where everything that the next kernel needs will lie in memory.

A crash kernel's core header takes the highest place; kernel, initrd, tree and
trampoline take the lowest ones, in this order, the others above all that the
kernel takes until it runs.
"""

from __future__ import annotations

from ...codec.reg import U64_END, MemRange
from ...errors import FdtBadContent, FdtBadParameter, FdtImageError, FdtNoRoom
from ..architecture import arch_of, arches, rules_of
from ..dtb import Crash, second_kernel_dtb
from ..elfcore import core_header_of
from ..facts.ranges import Ranges
from ..image.initrd import InitrdFile
from ..image.kernel import Image
from .integrity import EMPTY_DIGEST, digest_of, verifying
from .places import Full as _Full
from .places import Segment
from .places import Space as _Space
from .places import up as _up
from .rules import Footprint

__all__ = ["Plan", "Segment", "make_plan", "reused_cmdline"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Union

    from ..facts.machine import Machine
    from ..facts.ranges import Source
    from ..image.kernel import KernelImage
    from .rules import Rules

    Buffer = Union[bytes, bytearray, memoryview]

OP = "plan"
PAGE = 4096
MIB = 1 << 20
FDT_MAGIC = b"\xd0\x0d\xfe\xed"


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
    """

    __slots__ = (
        "arch",
        "area",
        "crash",
        "entry",
        "page_size",
        "ram",
        "segments",
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
    ):
        self.arch = machine.arch
        self.crash = bool(usable)
        self.segments = tuple(sorted(segments, key=lambda s: s.start))
        self.entry = entry
        self.usable = usable
        self.area = area
        self.ram = machine.ram
        self.page_size = page_size

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


class _Job:
    """One kernel to be placed: what all attempts have in common."""

    def __init__(
        self,
        machine: Machine,
        rules: Rules,
        image: KernelImage,
        initrd: bytes | None,
        header: bytes | None,
        page: int,
        tree: _Tree,
        exclude: Source = (),
        verify: bool = False,
    ):
        self.machine = machine
        self.rules = rules
        self.image = image
        self.footprint = _footprint(rules, image)
        self.initrd = initrd
        self.header = header
        self.page = page
        self.tree = tree
        self.exclude = exclude
        self.anywhere = False  # if set: no limits but those of the area
        self.verify = verify

    def place(self, free: Ranges) -> tuple[list[Segment], int]:
        """Segments and entry.

        Raises: _Full.
        """
        if self.rules.place is not None:
            return self.rules.place(self, free)
        space = _Space(free, self.page)
        header = None
        if self.header is not None:
            size = _up(len(self.header), self.page)
            start = space.highest("elfcorehdr", len(self.header))
            header = Segment("elfcorehdr", self.header, start, size)
        size = _up(self.footprint.size, self.page)
        boundary = self.rules.plain_boundary if header is None else self.rules.boundary
        full = _Full("kernel", size, space.largest(0, U64_END))
        for start in space.starts(size, boundary, self.footprint.offset):
            try:
                return self._around(space.copy(), MemRange(start, size), header)
            except _Full as e:
                full = e
        raise full

    def _around(
        self, space: _Space, taken: MemRange, header: Segment | None
    ) -> tuple[list[Segment], int]:
        """Everything, with the kernel's footprint at a place."""
        rules = self.rules
        space.take(*taken)
        end = taken.stop
        kernel = taken.start + self.footprint.at
        size = _up(self.footprint.length, self.page)
        placed = [Segment("kernel", self.image.data, kernel, size)]
        if header is not None:
            placed.append(header)
        initrd = None
        if self.initrd is not None:
            start = space.lowest(
                "initrd",
                len(self.initrd),
                _up(end, rules.initrd_boundary),
                high=rules.initrd_reach(taken.start),
            )
            initrd = MemRange(start, len(self.initrd))
            size = _up(len(self.initrd), self.page)
            placed.append(Segment("initrd", self.initrd, start, size))

        dtb = self.tree.make(initrd, header)
        if len(dtb) > rules.max_dtb:
            raise FdtBadContent(
                OP,
                "dtb",
                f"the tree has {len(dtb):#x} bytes, an {rules.name} kernel takes at "
                f"most {rules.max_dtb:#x}; remove nodes or properties",
            )
        tree = space.lowest("dtb", len(dtb), end)
        placed.append(Segment("dtb", dtb, tree, _up(len(dtb), self.page)))
        if rules.trampoline is None:
            return placed, kernel
        code = rules.trampoline(kernel, tree)
        if self.verify:
            # Of the length that it will have; fill() knows the sum
            code = verifying(rules, placed, 0, EMPTY_DIGEST)
        entry = space.lowest("trampoline", len(code), end)
        placed.append(Segment("trampoline", code, entry, _up(len(code), self.page)))
        return placed, entry

    def fill(self, placed: list[Segment]) -> None:
        """What needs the content of all segments, once they have their places."""
        for s in placed:
            if isinstance(s.data, InitrdFile):
                s.data = _startable(self.rules, s.data.read())
        if self.verify:
            entry = _named(placed, "trampoline")
            others = [s for s in placed if s is not entry]
            entry.data = verifying(self.rules, others, entry.start, digest_of(others))


class _Tree:
    """How the next kernel's tree is made, once places are known."""

    def __init__(
        self,
        rules: Rules,
        blob: Buffer,
        regions: tuple[MemRange, ...],
        keywords: dict[str, object],
    ):
        self.rules = rules
        self.blob = blob
        self.regions = regions
        self.keywords = keywords
        self.fixed: bytes | None = None  # if set: instead of one for the places

    def usable(self, header: MemRange) -> tuple[MemRange, ...]:
        """What the crash kernel is told to use."""
        main, *others = self.regions
        if self.rules.usable is not None:
            main = self.rules.usable(main, header)
        return (main, *others)

    def make(self, initrd: MemRange | None, header: Segment | None) -> bytes:
        if self.fixed is not None:
            return self.fixed
        crash = None
        if header is not None:
            where = MemRange(header.start, len(header.data))
            crash = Crash(elfcorehdr=where, usable=self.usable(where))
        return second_kernel_dtb(
            self.blob,
            initrd=initrd,
            crash=crash,
            max_usable=max(len(self.regions), 1),
            **self.keywords,  # type: ignore[arg-type]
        )


def _footprint(rules: Rules, image: KernelImage) -> Footprint:
    if rules.footprint is not None:
        return rules.footprint(image)
    assert isinstance(image, Image)
    size = image.image_size
    return Footprint(size, at=0, length=size, offset=image.text_offset)


def _taken(rules: Rules, machine: Machine, crash: bool) -> Source:
    """What is no place for segments, though it is memory."""
    return () if rules.taken is None else rules.taken(machine, crash)


def _page_size(rules: Rules, machine: Machine, image: KernelImage) -> int:
    """The larger one of both kernels' pages, bytes."""
    if rules.page_size is not None:
        return max(rules.page_size, image.page_size or 0)
    text = machine.vmcoreinfo["PAGESIZE"]
    size = int(text) if text.isdigit() else 0
    if size < PAGE or size & size - 1:
        machine.refuse("proc/kcore", f"PAGESIZE={text} is no size of a page")
    return max(size, image.page_size or 0)


def _checked_image(rules: Rules, image: KernelImage) -> KernelImage:
    if image.arch not in rules.images:
        raise FdtImageError(
            OP,
            image.where,
            f"is a kernel of {image.arch}, but the machine is {rules.name}",
        )
    if image.big_endian:
        raise FdtImageError(
            OP, image.where, "is big-endian; only little-endian kernels can be started"
        )
    return image


def _checked_initrd(rules: Rules, initrd: Buffer | InitrdFile | None) -> bytes | None:
    """A file is left as it is: its length is all that placing needs, and
    _Job.fill() puts bytes into its place."""
    if initrd is None:
        return None
    if not len(initrd):
        raise FdtBadParameter(OP, "initrd", "is empty; leave it out instead")
    if isinstance(initrd, InitrdFile):
        return initrd  # type: ignore[return-value]
    return _startable(rules, bytes(initrd))


def _startable(rules: Rules, initrd: bytes) -> bytes:
    searched = rules.trampoline is None and rules.place is None
    if searched and initrd.startswith(FDT_MAGIC):
        raise FdtBadParameter(
            OP,
            "initrd",
            "starts like a device tree: the kernel would take it for the tree",
        )
    return initrd


def reused_cmdline(machine: Machine, *, crash: bool) -> str:
    """The running kernel's command line for the next one, without the words
    that were true for this boot only: BOOT_IMAGE= and elfcorehdr=, and for a
    crash kernel crashkernel=, which would set its memory aside once more, and
    mem=, which would cut it, or add to it."""
    gone = ("BOOT_IMAGE=", "elfcorehdr=") + (("crashkernel=", "mem=") if crash else ())
    words = machine.cmdline.split(" ")
    return " ".join(w for w in words if w and not w.startswith(gone))


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
    max_usable: int = 2,
    exclude: Source = (),
    verify: bool = False,
) -> Plan:
    """Place a kernel and all it needs in a machine's memory.

    Args:
        machine: the facts of the running, or of a captured, system.
        image: from read_image().
        crash: for kdump, in the main crash region alone; False: a plain kexec,
            anywhere in free memory.
        initrd: its bytes; or an InitrdFile, which is read when it has its place.
        cmdline: the command line; None: reused_cmdline().
        append: words to put behind it.
        dtb: the tree to start from; None: the machine's own.
        kaslr_seed, rng_seed, root_cells: as second_kernel_dtb(); on ppc64le
            rng_seed alone has a meaning.
        max_usable: how many ranges of memory the crash kernel reads; the main
            one comes first, then the low one, then those of crashkernel=,cma.
        exclude: memory to leave out of the dump.
        verify: have SHA-256 of all segments checked before the kernel is entered;
            if one is spoiled, the machine stops there. arm64 alone.
    Returns: the Plan. For arm64 its entry is a trampoline.
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
    rules = rules_of(machine.arch)
    kernel = _checked_image(rules, image)
    if verify and rules.verifying is None:
        everywhere = [arch.rules for arch in arches()]
        known = [r.name for r in everywhere if r is not None and r.verifying]
        raise FdtBadParameter(
            OP,
            "verify",
            f"segments can be verified on {' and '.join(known)} alone, not on "
            f"{rules.name}",
        )
    line = reused_cmdline(machine, crash=crash) if cmdline is None else cmdline
    if append:
        line = f"{line} {append}" if line else append
    regions: tuple[MemRange, ...] = ()
    header = None
    if crash:
        area = Ranges([machine.crash_main])
        regions = (*machine.crash_ranges, *machine.cma_ranges)[:max_usable]
        header = core_header_of(machine, exclude=exclude)
    else:
        area = machine.free_ram
    area = area.clip(0, rules.address_end).exclude(_taken(rules, machine, crash))
    page = _page_size(rules, machine, kernel)
    arch = arch_of(machine.arch)
    own = "live_fdt" if arch is not None and arch.live_tree else "fdt"
    tree = _Tree(
        rules,
        getattr(machine, own) if dtb is None else dtb,
        regions,
        {
            "cmdline": line,
            "kaslr_seed": kaslr_seed,
            "rng_seed": rng_seed,
            "arch": rules.tree,
            "root_cells": root_cells,
        },
    )
    job = _Job(
        machine,
        rules,
        kernel,
        _checked_initrd(rules, initrd),
        header,
        page,
        tree,
        exclude,
        verify,
    )
    try:
        placed, entry = job.place(area)
    except _Full as e:
        raise _no_room(job, e, machine) from None
    job.fill(placed)
    usable = () if header is None else tree.usable(_named(placed, "elfcorehdr").range)
    return Plan(machine, placed, entry=entry, usable=usable, area=area, page_size=page)


def _named(segments: list[Segment], name: str) -> Segment:
    return next(s for s in segments if s.name == name)


def _no_room(job: _Job, full: _Full, machine: Machine) -> FdtNoRoom:
    too_small = FdtNoRoom(
        OP,
        full.what,
        f"{full.size} bytes do not fit: the largest free piece of memory where "
        f"it may lie has {full.hole}, {full.size - full.hole} are missing",
    )
    if job.header is None:
        return too_small
    main = machine.crash_main
    # The same job in a region that is large enough
    job.anywhere = True
    if job.rules.place is None:
        # A tree of the same size, for places that are not there fit no cells
        initrd = MemRange(main.start, len(job.initrd)) if job.initrd else None
        where = main.start
        if job.rules.usable is not None:  # which wants to end below the header
            where = job.rules.address_end - _up(len(job.header), job.page)
        somewhere = Segment("elfcorehdr", job.header, where, len(job.header))
        job.tree.fixed = job.tree.make(initrd, somewhere)
    limit = min(main.size + (1 << 36), job.rules.address_end - main.start)
    larger = Ranges([(main.start, limit)]).exclude(_taken(job.rules, machine, True))
    try:
        placed, _ = job.place(larger)
    except _Full as e:
        return FdtNoRoom(
            OP,
            e.what,
            f"{e.size} bytes do not fit where the kernel finds them, in no crash "
            f"region that starts at {main.start:#x}",
        )
    header = _named(placed, "elfcorehdr")
    others = max(s.start + s.size for s in placed if s is not header)
    need = others + header.size - main.start
    if need <= main.size:  # not the region is too small, but a part of it
        return too_small
    pieces = ", ".join(f"{s.name} {s.size}" for s in placed)
    return FdtNoRoom(
        OP,
        full.what,
        f"does not fit into the crash region {main!r}: {need - main.size} bytes are "
        f"missing, {need} are needed for {pieces}; boot with a crashkernel= of more "
        f"than {_up(need, MIB) // MIB}M, for the kernel needs memory to run in too",
    )
