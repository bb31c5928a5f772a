# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Arch: the record of an architecture. One module or package of arch/ has each.

The record is data, with every limit. The rest of the package asks the record, never
a name. What needs code is a
function, loaded when Arch.own() is asked for it:

mapping(machine): the Mapping of the running kernel.
read_image(data, where, layers): the KernelImage in a file that is not wrapped any
    more (layers: what it was wrapped in); None if it is none of this architecture.
    Raises FdtImageError: it is, but damaged, or not to be placed by us.
trampoline(kernel, dtb): code that hands the tree over; without it the kernel that is
    left behind does so.
verifying(kernel, dtb, entry, pieces, digest): the same, after a check of SHA-256.
usable(main crash region, core header): what of the region the crash kernel is told
    to use; without it all.
taken(machine, crash): memory that is no place for segments.
handed_on(machine, tree, notes): for a plain kexec: the tree, with a reservation for
    what hardware goes on writing to when the running kernel leaves, and that memory;
    tells of it in the list of notes.
place(job, free memory): places everything by itself: the segments and the entry.
stuck_cpus(enable-methods, nodes): what stands in the way if they cannot be stopped.

OURS (no function): with it come rules of its own for the checker.
"""

from __future__ import annotations

from .._core import MEM_WORD
from ..codec.memrange import U64_END
from ..errors import FdtBadParameter

__all__ = ["Arch", "arch_of", "arches", "placed_arch"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Machines = dict[str, tuple[int, str]]
    # id, what, why, way out, source: of a finding of the doctor
    Told = tuple[str, str, str, str, str]

# One module each, in the order in which people read of them
MODULES = ("arm64", "arm", "riscv", "ppc64", "x86_64", "others")


class Arch:
    """The record of one architecture.

    name: as second_kernel_dtb() and check_tree() call it.
    machines: by Machine.arch, one for each width and byte order: bits and byte
        order of the ELF core header.
    elf_machine: EM_* of elf(5); kexec_load(2) takes it as KEXEC_ARCH_*.

    parts: its functions, and the module below it that each is in; "": itself.

    How a system is known to be one:
    uname: `uname -m`, with ? and * for any letters, and its Machine.arch.
    cpuinfo: lines of /proc/cpuinfo to Machine.arch, None if it is another one's.

    The running kernel:
    kcore_loads: whether /proc/kcore alone tells where memory is mapped.
    symbols: what of /proc/kallsyms tells that, where there is no /proc/kcore.
    live_tree: whether it changes its tree so much that the next one needs it as
        it is now (/proc/device-tree), not as it was at boot.
    crash_in_chosen: properties of /chosen, start and size, that alone tell what
        crashkernel= reserved.
    not_dumped: (start, size) of memory that no dump has, beside the crash kernel's.
    by_file: whether it places the next kernel by itself; its files are given to it.
    file_image: who takes what for kexec_file_load(2), for people.
    refusals: by (errno, whether it is a crash kernel): what the kexec_load(2) of this
        architecture means by it, where that is not the same everywhere.

    The next kernel's tree:
    crash_words: what a crash kernel is told on its command line: HEADER_WORD,
        MEM_WORD, WORDS_FIRST (csrc/kexec/second_kernel.h); -1 if second_kernel_dtb()
        does not make its trees.
    command_line_size: COMMAND_LINE_SIZE, NUL included (Linux,
        arch/*/include/uapi/asm/setup.h).
    max_dtb: the largest tree that the kernel takes, bytes; 0: not known.
    above_max_dtb: what it does with a larger one.
    slack_counts: whether slack inside totalsize counts, which is never read.
    header_inside: whether the core header belongs inside usable memory, where the
        crash kernel has it mapped; else outside, where it may be mapped anew.
    header_outside: what the kernel does with a header that lies outside.
    mem_word: whether MEM_WORD is among crash_words.
    mem_limit: which of several mem= words counts; None: it limits nothing.
    unread: properties of /chosen that its kernels do not read.

    Its kernels:
    image: the form they come in, for people: "an Image".
    images: KernelImage.arch of those that belong to it.
    boundaries: by KernelImage.arch: a flat image lies text_offset behind a
        multiple of this, bytes.

    How they are placed:
    placed: the Machine.arch whose kernels are placed here; "": none.
    startable: the images of those that can be started there.
    boundary: the image lies behind a multiple of this, bytes.
    plain_boundary: the same, for a kexec that is no crash.
    initrd_boundary: the initrd starts at or behind the image's end, rounded up to
        this, bytes.
    initrd_reach: from the start of the image's footprint to the first byte that the
        initrd must not reach.
    page_size: of the running kernel, bytes; 0: VMCOREINFO says it.
    address_end: the first byte that cannot be addressed.
    judged: whether check_tree() judges its trees.
    """

    __slots__ = (
        "above_max_dtb",
        "address_end",
        "boundaries",
        "boundary",
        "by_file",
        "command_line_size",
        "cpuinfo",
        "crash_in_chosen",
        "crash_words",
        "elf_machine",
        "file_image",
        "header_inside",
        "header_outside",
        "home",
        "image",
        "images",
        "initrd_boundary",
        "initrd_reach",
        "judged",
        "kcore_loads",
        "live_tree",
        "machines",
        "max_dtb",
        "mem_limit",
        "mem_word",
        "name",
        "not_dumped",
        "page_size",
        "parts",
        "placed",
        "plain_boundary",
        "refusals",
        "slack_counts",
        "startable",
        "symbols",
        "uname",
        "unread",
    )

    def __init__(
        self,
        home: str,
        name: str,
        *,
        machines: Machines,
        elf_machine: int,
        parts: dict[str, str] | None = None,
        uname: tuple[tuple[str, str], ...] = (),
        cpuinfo: Callable[[list[str]], str | None] | None = None,
        kcore_loads: bool = False,
        symbols: tuple[str, ...] = (),
        live_tree: bool = False,
        crash_in_chosen: tuple[str, str] | None = None,
        not_dumped: tuple[tuple[int, int], ...] = (),
        by_file: bool = False,
        file_image: tuple[str, str] | None = None,
        refusals: dict[tuple[int, bool], str] | None = None,
        crash_words: int = -1,
        command_line_size: int = 0,
        max_dtb: int = 0,
        above_max_dtb: str = "",
        slack_counts: bool = True,
        header_inside: bool = False,
        header_outside: str = "",
        mem_limit: Callable[[list[int]], int] | None = None,
        unread: tuple[str, ...] = (),
        image: str = "",
        images: tuple[str, ...] = (),
        boundaries: dict[str, int] | None = None,
        placed: str = "",
        startable: tuple[str, ...] = (),
        boundary: int = 0,
        plain_boundary: int = 0,
        initrd_boundary: int = 1,
        initrd_reach: Callable[[int], int] = lambda _start: U64_END,
        page_size: int = 0,
        address_end: int = U64_END,
        judged: bool = False,
    ):
        self.home = home
        self.name = name
        self.machines = machines
        self.elf_machine = elf_machine
        self.parts = parts or {}
        self.uname = uname
        self.cpuinfo = cpuinfo
        self.kcore_loads = kcore_loads
        self.symbols = symbols
        self.live_tree = live_tree
        self.crash_in_chosen = crash_in_chosen
        self.not_dumped = not_dumped
        self.by_file = by_file
        self.file_image = file_image
        self.refusals = refusals or {}
        self.crash_words = crash_words
        self.mem_word = crash_words >= 0 and bool(crash_words & MEM_WORD)
        self.command_line_size = command_line_size
        self.max_dtb = max_dtb
        self.above_max_dtb = above_max_dtb
        self.slack_counts = slack_counts
        self.header_inside = header_inside
        self.header_outside = header_outside
        self.mem_limit = mem_limit
        self.unread = unread
        self.image = image
        self.images = images
        self.boundaries = boundaries or {}
        self.placed = placed
        self.startable = startable or images
        self.boundary = boundary or self.boundaries.get(placed, 0)
        self.plain_boundary = plain_boundary or self.boundary
        self.initrd_boundary = initrd_boundary
        self.initrd_reach = initrd_reach
        self.page_size = page_size
        self.address_end = address_end
        self.judged = judged

    def __repr__(self) -> str:
        return f"Arch({self.name})"

    def own(self, name: str) -> Any | None:
        """A function of its own (see above); None if it has no such one."""
        if name not in self.parts:
            return None
        home = ".".join(filter(None, (self.home, self.parts[name])))
        return getattr(__import__(home, fromlist=[name]), name)


_by_name: dict[str, Arch] = {}


def _load(module: str) -> tuple[Arch, ...]:
    """The records of a module. (import_module() would be loaded for this alone.)"""
    found = __import__(f"arch.{module}", globals(), None, ("ARCHES",), 1)
    records: tuple[Arch, ...] = found.ARCHES
    for arch in records:
        for name in (arch.name, *arch.machines):
            _by_name[name] = arch
    return records


def arches() -> list[Arch]:
    """All of them."""
    return [arch for module in MODULES for arch in _load(module)]


def arch_of(name: str) -> Arch | None:
    """The architecture of a Machine.arch, or of that name; None if there is none.
    Others are loaded only if it does not tell where to look."""
    if name not in _by_name:
        if name in MODULES:
            _load(name)
        else:
            arches()
    return _by_name.get(name)


def placed_arch(machine: str) -> Arch:
    """The record of a Machine.arch whose kernels are placed here.

    Raises:
        FdtBadParameter: kexec is not known here for it.
    """
    found = arch_of(machine)
    if found is not None and found.by_file:
        raise FdtBadParameter(
            "plan",
            f"arch {machine!r}",
            "there is nothing to plan: the running kernel places the next one by "
            "itself; load it from its files (pyfdtx load)",
        )
    if found is None or found.placed != machine:
        known = sorted(a.placed for a in arches() if a.placed)
        raise FdtBadParameter(
            "plan",
            f"arch {machine!r}",
            f"how kexec starts its kernels is not known here (known: "
            f"{', '.join(known)})",
        )
    return found
