# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The tree as Linux's early reader sees it, decoded once for all rules.

At most one pass over the tree for each fact. Nothing is refused: what cannot be
decoded is absent, and a rule says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...codec.reg import U64_END, MemRange
from ...tree import flat
from ..cmdline import memparse
from ..cmdline import words as words_of
from ..facts.ranges import Ranges
from ..reserved import reserved_in
from . import names

__all__ = ["Facts", "Word", "hexed", "inside", "overlap", "shown", "shown_place"]

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..architecture import Arch
    from ..facts.machine import Machine
    from ..image.kernel import KernelImage
    from .elf import Core

    Props = dict[str, bytes]

# Linux drivers/of/fdt.c MAX_USABLE_RANGES; include/linux/crash_reserve.h
# CRASHKERNEL_CMA_RANGES_MAX gives four more
USABLE_RANGES = 2
USABLE_RANGES_CMA = 6
CMA_SINCE = (7, 3)


def ranges_read(kernel: tuple[int, int] | None) -> int:
    """How many usable ranges a version of the kernel reads; None: what all read."""
    cma = kernel is not None and kernel >= CMA_SINCE
    return USABLE_RANGES_CMA if cma else USABLE_RANGES


class Word(NamedTuple):
    """The last elfcorehdr=[SIZE@]ADDR of the command line; size 0: not said."""

    text: str
    start: int
    size: int


def shown(r: tuple[int, int]) -> str:
    """A range for people, last byte inclusive as in /proc/iomem."""
    start, size = r
    if not size:
        return f"{start:#x}, empty"
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if not size % (1 << shift):
            return f"{start:#x}-{start + size - 1:#x} ({size >> shift} {unit})"
    return f"{start:#x}-{start + size - 1:#x} ({size} bytes)"


def shown_place(what: str, where: tuple[int, int]) -> str:
    """Of a segment that no property speaks of."""
    name = "image address" if what == "the image" else "load address"
    return f"{name} {shown(where)}"


def hexed(value: bytes) -> str:
    """The first cells of a value."""
    cells = [value[at : at + 4].hex() for at in range(0, min(len(value), 32), 4)]
    dots = " ..." if len(value) > 32 else ""
    return f"<{' '.join(cells)}{dots}>, {len(value)} bytes"


class Facts:
    """What the rules ask.

    own: the record of the architecture; arch: its name.
    nodes: flat.FlatNode in the order of the blob; the root is number 0.
    blob: all bytes, validated. chosen: number of /chosen, or -1.
    reserved: what it reserves at fixed places.
    address_cells, size_cells: the root's as Linux takes them (1 and 1 when
        missing); 0 and 0 if unsound: then no range is decoded.
    limit: how many usable ranges the kernel reads.
    header: the core header by the property, or, without it, by the command
        line; None if neither says so.
    usable: ranges the kernel reads, at most limit, none empty but the first.
    crash: whether anything in the tree makes it a crash kernel's.
    """

    def __init__(
        self,
        blob: bytes,
        own: Arch,
        kernel: tuple[int, int] | None,
        machine: Machine | None,
        core: Core | None,
        image: KernelImage | None,
        address: int | None,
        image_address: int | None = None,
    ):
        self.blob = blob
        self.own = own
        self.arch = own.name
        self.kernel = kernel
        self.machine = machine
        self.core = core
        self.image = image
        self.address = address
        self.image_address = image_address
        self._boot: Facts | None = None
        tree = flat.read(blob)
        self.nodes = tree.nodes
        self.memreserve = tree.memreserve
        self.reserved = reserved_in(tree)
        self._props: dict[int, Props] = {}
        self.top = [i for i, node in enumerate(self.nodes) if node.depth == 1]
        self.chosens = [i for i in self.top if self.is_called(i, "chosen")]
        self.chosen = self.chosens[0] if self.chosens else -1
        self.in_chosen = dict(self.props(self.chosen)) if self.chosens else {}
        for name in own.unread:
            self.in_chosen.pop(name, None)
        self._read_cells()
        self._read_cmdline()
        self._read_crash()
        self._read_initrd()
        self._read_memory()

    @property
    def boot(self) -> Facts | None:
        """The tree that the machine was booted with, if it shows one."""
        if self.machine is None or not self.machine.has_fdt:
            return None
        if self._boot is None:
            tree = self.machine.fdt
            self._boot = Facts(tree, self.own, None, None, None, None, None)
        return self._boot

    @property
    def command_line_size(self) -> int:
        """COMMAND_LINE_SIZE, NUL included."""
        return self.own.command_line_size

    # Nodes and properties

    def is_called(self, number: int, name: str) -> bool:
        """As libfdt compares: the unit address may be left out."""
        return self.nodes[number].name.partition("@")[0] == name

    def props(self, number: int) -> Props:
        """The first property of each name, as libfdt and Linux find it."""
        if number not in self._props:
            properties = self.nodes[number].properties
            self._props[number] = dict(reversed(properties))
        return self._props[number]

    def children(self, number: int) -> Iterator[int]:
        depth = self.nodes[number].depth
        for i in range(number + 1, len(self.nodes)):
            if self.nodes[i].depth <= depth:
                return
            if self.nodes[i].depth == depth + 1:
                yield i

    def path(self, number: int) -> str:
        parts: list[str] = []
        depth = self.nodes[number].depth + 1
        for i in range(number, -1, -1):
            if self.nodes[i].depth < depth:
                depth = self.nodes[i].depth
                parts.append(self.nodes[i].name)
        return flat.path_text(parts[::-1])

    # Cells

    def _read_cells(self) -> None:
        self.cells_missing: list[str] = []
        self.cells_unsound: list[str] = []
        numbers = []
        for name, least in ((names.AC, 1), (names.SC, 0)):
            value = self.props(0).get(name)
            number = 1 if value is None else int.from_bytes(value[:4], "big")
            if value is None:
                self.cells_missing.append(name)
            elif len(value) != 4 or not least <= number <= 4:
                self.cells_unsound.append(name)
            numbers.append(number)
        if self.cells_unsound:
            numbers = [0, 0]
        self.address_cells, self.size_cells = numbers
        self.tuple_size = 4 * (self.address_cells + self.size_cells)

    def entries(self, value: bytes) -> Iterator[tuple[int, int]]:
        """The whole (start, size) entries as written, any number of bits."""
        step, a = self.tuple_size, 4 * self.address_cells
        for at in range(0, len(value) - step + 1, step) if step else ():
            yield (
                int.from_bytes(value[at : at + a], "big"),
                int.from_bytes(value[at + a : at + step], "big"),
            )

    def fits(self, entry: tuple[int, int]) -> bool:
        """Whether it ends inside the addresses that the cells can spell."""
        end = min(1 << 32 * self.address_cells, U64_END)
        return entry[0] + entry[1] <= end

    def whole(self, value: bytes) -> bool:
        """One entry or more and nothing else."""
        return bool(value and self.tuple_size) and not len(value) % self.tuple_size

    def ranges(self, value: bytes | None) -> list[MemRange]:
        """The entries that make sense."""
        return [MemRange(*e) for e in self.entries(value or b"") if self.fits(e)]

    # /chosen

    def _read_cmdline(self) -> None:
        raw = self.in_chosen.get(names.BOOTARGS, b"")
        self.cmdline = raw.partition(b"\0")[0]
        self.words = [word.text for word in words_of(self.cmdline)]
        self.word: Word | None = None
        for text in self.words:
            if text.startswith("elfcorehdr="):
                first, rest = memparse(text[len("elfcorehdr=") :])
                if rest.startswith("@"):
                    self.word = Word(text, memparse(rest[1:])[0], first)
                else:
                    self.word = Word(text, first, 0)

    def _read_crash(self) -> None:
        self.limit = ranges_read(self.kernel)
        self.crash = bool(
            self.word or self.in_chosen.keys() & {names.HEADER, names.USABLE}
        )
        found = self.ranges(self.in_chosen.get(names.HEADER))
        self.header = found[0] if found else None
        if names.HEADER not in self.in_chosen and self.word:
            size = min(self.word.size, U64_END - self.word.start)
            self.header = MemRange(self.word.start, size)
        self.usable = self.ranges(self.in_chosen.get(names.USABLE))[: self.limit]
        for i, r in enumerate(self.usable):
            if not r.size:
                del self.usable[i:]
                break

    def _read_initrd(self) -> None:
        self.initrd: MemRange | None = None
        pair = [self.in_chosen.get(n) for n in (names.INITRD_START, names.INITRD_END)]
        numbers = [int.from_bytes(v, "big") for v in pair if v and len(v) in (4, 8)]
        if len(numbers) == 2 and numbers[0] < numbers[1]:
            self.initrd = MemRange(numbers[0], numbers[1] - numbers[0])

    # Memory

    def _read_memory(self) -> None:
        self.efi = all(name in self.in_chosen for name in names.EFI)
        self.memory_nodes = [
            i
            for i in self.top
            if self.props(i).get("device_type") == b"memory\0"
            and self.props(i).get("status", b"okay\0") in (b"okay\0", b"ok\0")
        ]
        found: list[MemRange] = []
        for i in self.memory_nodes:
            found += self.ranges(self.memory_of(i))
        self.memory = Ranges.union([r for r in found if r.size < U64_END])

    def memory_of(self, number: int) -> bytes:
        props = self.props(number)
        return props.get("linux,usable-memory", props.get("reg", b""))

    # Places

    @property
    def image_size(self) -> int:
        """Bytes of memory that the image takes, BSS included; 0: unknown."""
        return self.image.memory_size if self.image is not None else 0

    def image_range(self) -> MemRange | None:
        """Where the image will lie, if that is said."""
        if self.image is None or self.image_address is None:
            return None
        start = self.image.starts_at(self.image_address, self.usable)
        return MemRange(start, min(self.image_size, U64_END - start))

    def tree_range(self) -> MemRange | None:
        """Where the tree will lie, if that is said."""
        if self.address is None:
            return None
        return MemRange(self.address, min(len(self.blob), U64_END - self.address))

    def segments(self) -> list[tuple[str, int, str, MemRange]]:
        """(what, node, property, where) of what a loader puts into memory."""
        found = []
        image, tree = self.image_range(), self.tree_range()
        if image and image.size:
            found.append(("the image", -1, "", image))
        if self.header and self.header.size:
            at = names.HEADER if names.HEADER in self.in_chosen else names.BOOTARGS
            found.append(("the core header", self.chosen, at, self.header))
        if self.initrd:
            found.append(("the initrd", self.chosen, names.INITRD_START, self.initrd))
        if tree:
            found.append(("the tree", -1, "", tree))
        return found


def inside(r: MemRange, ranges: Iterable[MemRange]) -> bool:
    return Ranges.union([u for u in ranges if u.size < U64_END]).covers(r)


def overlap(a: MemRange, b: MemRange) -> bool:
    return a.start < b.stop and b.start < a.stop
