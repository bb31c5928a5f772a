# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What differs between architectures: a file, or a folder, each, and nothing of it
anywhere else. The others ask its record, Arch, and never a name.

A folder has the record in __init__.py, and as parts, loaded when they are needed:
start.py (RULES: how a kernel is placed and entered), running.py (mapping(): where
the running kernel has its memory), image.py (read(): a file to its kernel image),
check.py (rules of its own for the checker).
"""

from __future__ import annotations

from .._core import MEM_WORD

__all__ = ["Arch", "arch_of", "arches", "rules_of"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .facts.machine import Machine
    from .facts.mapping import Mapping
    from .image.kernel import KernelImage
    from .place.rules import Rules

    Machines = dict[str, tuple[int, str]]

# One module each, in the order in which people read of them
MODULES = ("arm64", "arm", "riscv", "ppc64", "x86_64", "others")


class Arch:
    """The record of one architecture.

    name: as second_kernel_dtb() and check_tree() call it.
    machines: by Machine.arch, one for each width and byte order: bits and byte
        order of the ELF core header.
    elf_machine: EM_* of elf(5); kexec_load(2) takes it as KEXEC_ARCH_*.
    parts: which of start, running, image and check it has.

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

    The next kernel's tree:
    crash_words: what a crash kernel is told on its command line: HEADER_WORD,
        MEM_WORD, WORDS_FIRST (csrc/kexec/second_kernel.h); -1 if second_kernel_dtb()
        does not make its trees.
    command_line_size: COMMAND_LINE_SIZE, NUL included (Linux,
        arch/*/include/uapi/asm/setup.h).
    max_size: of the tree, bytes, above which the kernel hangs; 0: not known to.
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
    """

    __slots__ = (
        "boundaries",
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
        "kcore_loads",
        "live_tree",
        "machines",
        "max_size",
        "mem_limit",
        "mem_word",
        "name",
        "not_dumped",
        "parts",
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
        parts: tuple[str, ...] = (),
        uname: tuple[tuple[str, str], ...] = (),
        cpuinfo: Callable[[list[str]], str | None] | None = None,
        kcore_loads: bool = False,
        symbols: tuple[str, ...] = (),
        live_tree: bool = False,
        crash_in_chosen: tuple[str, str] | None = None,
        not_dumped: tuple[tuple[int, int], ...] = (),
        by_file: bool = False,
        file_image: tuple[str, str] | None = None,
        crash_words: int = -1,
        command_line_size: int = 0,
        max_size: int = 0,
        header_inside: bool = False,
        header_outside: str = "",
        mem_limit: Callable[[list[int]], int] | None = None,
        unread: tuple[str, ...] = (),
        image: str = "",
        images: tuple[str, ...] = (),
        boundaries: dict[str, int] | None = None,
    ):
        self.home = home
        self.name = name
        self.machines = machines
        self.elf_machine = elf_machine
        self.parts = parts
        self.uname = uname
        self.cpuinfo = cpuinfo
        self.kcore_loads = kcore_loads
        self.symbols = symbols
        self.live_tree = live_tree
        self.crash_in_chosen = crash_in_chosen
        self.not_dumped = not_dumped
        self.by_file = by_file
        self.file_image = file_image
        self.crash_words = crash_words
        self.command_line_size = command_line_size
        self.max_size = max_size
        self.header_inside = header_inside
        self.header_outside = header_outside
        self.mem_word = crash_words >= 0 and bool(crash_words & MEM_WORD)
        self.mem_limit = mem_limit
        self.unread = unread
        self.image = image
        self.images = images
        self.boundaries = boundaries or {}

    def __repr__(self) -> str:
        return f"Arch({self.name})"

    def part(self, name: str) -> Any | None:
        """One of its parts; None if it has no such one."""
        from importlib import import_module

        return import_module(f"{self.home}.{name}") if name in self.parts else None

    @property
    def rules(self) -> Rules | None:
        """How kernels of one of its machines are placed."""
        start = self.part("start")
        return None if start is None else start.RULES

    @property
    def mapping(self) -> Callable[[Machine], Mapping] | None:
        """Where a running kernel has its memory, from the facts of its machine."""
        running = self.part("running")
        return None if running is None else running.mapping

    def read_image(
        self, data: bytes, where: str, layers: tuple[str, ...]
    ) -> KernelImage | None:
        """The kernel in a file that is not wrapped any more (layers: what it was
        wrapped in); None if it is none of this architecture.

        Raises:
            FdtImageError: it is, but damaged, or not to be placed by us.
        """
        image = self.part("image")
        return None if image is None else image.read(data, where, layers)


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


def rules_of(arch: str) -> Rules:
    """How kernels are placed on a Machine.arch.

    Raises:
        FdtBadParameter: kexec is not known here for it.
    """
    from ..errors import FdtBadParameter

    found = arch_of(arch)
    if found is not None and found.by_file:
        raise FdtBadParameter(
            "plan",
            f"arch {arch!r}",
            "there is nothing to plan: the running kernel places the next one by "
            "itself; load it from its files (pyfdtx load)",
        )
    rules = found.rules if found is not None else None
    if rules is None or rules.name != arch:
        known = sorted(a.rules.name for a in arches() if a.rules is not None)
        raise FdtBadParameter(
            "plan",
            f"arch {arch!r}",
            f"how kexec starts its kernels is not known here (known: "
            f"{', '.join(known)})",
        )
    return rules
