# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Job: one kernel to be placed. Tree: how its tree is made once places are known."""

from __future__ import annotations

from ...codec.reg import U64_END, MemRange
from ...errors import FdtBadParameter
from ..dtb import Crash
from ..dtb.full import unjudged
from ..image.initrd import InitrdFile
from .integrity import EMPTY_DIGEST, digest_of, verifying
from .places import Full, Segment, Space, up

__all__ = ["OP", "Job", "Tree", "named", "startable"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from ..architecture import Arch
    from ..facts.machine import Machine
    from ..facts.ranges import Ranges, Source
    from ..image.kernel import KernelImage

    Buffer = Union[bytes, bytearray, memoryview]

OP = "plan"
# Holes that are tried for a kernel whose initrd and tree do not fit above it: each
# try looks at all free memory
MAX_TRIES = 64
FDT_MAGIC = b"\xd0\x0d\xfe\xed"


def named(segments: list[Segment], name: str) -> Segment:
    return next(s for s in segments if s.name == name)


def startable(arch: Arch, initrd: bytes) -> bytes:
    searched = arch.own("trampoline") is None and arch.own("place") is None
    if searched and initrd.startswith(FDT_MAGIC):
        raise FdtBadParameter(
            OP,
            "initrd",
            "starts like a device tree: the kernel would take it for the tree",
        )
    return initrd


class Job:
    """One kernel to be placed: what all attempts have in common."""

    def __init__(
        self,
        machine: Machine,
        arch: Arch,
        image: KernelImage,
        initrd: bytes | None,
        header: bytes | None,
        page: int,
        tree: Tree,
        exclude: Source = (),
        verify: bool = False,
        updated: bool = False,
    ):
        self.machine = machine
        self.arch = arch
        self.image = image
        self.footprint = image.footprint
        self.initrd = initrd
        self.header = header
        self.page = page
        self.tree = tree
        self.exclude = exclude
        self.anywhere = False  # if set: no limits but those of the area
        self.verify = verify
        self.updated = updated  # whether the kernel writes the core header anew

    def place(self, free: Ranges) -> tuple[list[Segment], int]:
        """Segments and entry.

        Raises: Full.
        """
        place = self.arch.own("place")
        if place is not None:
            placed: tuple[list[Segment], int] = place(self, free)
            return placed
        space = Space(free, self.page)
        header = None
        if self.header is not None:
            size = up(len(self.header), self.page)
            start = space.highest("elfcorehdr", len(self.header))
            header = Segment("elfcorehdr", self.header, start, size)
        size = up(self.footprint.size, self.page)
        boundary = self.arch.plain_boundary if header is None else self.arch.boundary
        full = Full("kernel", size, space.largest(0, U64_END))
        for start in space.starts(size, boundary, self.footprint.offset)[:MAX_TRIES]:
            try:
                return self._around(space.copy(), MemRange(start, size), header)
            except Full as e:
                full = e
        raise full

    def _around(
        self, space: Space, taken: MemRange, header: Segment | None
    ) -> tuple[list[Segment], int]:
        """Everything, with the kernel's footprint at a place."""
        arch = self.arch
        space.take(*taken)
        end = taken.stop
        kernel = taken.start + self.footprint.at
        size = up(self.footprint.length, self.page)
        placed = [Segment("kernel", self.image.data, kernel, size)]
        if header is not None:
            placed.append(header)
        initrd = None
        if self.initrd is not None:
            start = space.lowest(
                "initrd",
                len(self.initrd),
                up(end, arch.initrd_boundary),
                high=arch.initrd_reach(taken.start),
            )
            initrd = MemRange(start, len(self.initrd))
            size = up(len(self.initrd), self.page)
            placed.append(Segment("initrd", self.initrd, start, size))

        dtb = self.tree.make(initrd, header)
        tree = space.lowest("dtb", len(dtb), end)
        placed.append(Segment("dtb", dtb, tree, up(len(dtb), self.page)))
        trampoline = arch.own("trampoline")
        if trampoline is None:
            return placed, kernel
        code = trampoline(kernel, tree)
        if self.verify:
            # Of the length that it will have; fill() knows the sum
            code = verifying(arch, self._fixed(placed), 0, EMPTY_DIGEST)
        entry = space.lowest("trampoline", len(code), end)
        placed.append(Segment("trampoline", code, entry, up(len(code), self.page)))
        return placed, entry

    def _fixed(self, placed: list[Segment]) -> list[Segment]:
        """What is the same when the kernel is entered as when it was loaded."""
        return [s for s in placed if not self.updated or s.name != "elfcorehdr"]

    def fill(self, placed: list[Segment]) -> None:
        """What needs the content of all segments, once they have their places."""
        for s in placed:
            if isinstance(s.data, InitrdFile):
                s.data = startable(self.arch, s.data.read())
        if self.verify:
            entry = named(placed, "trampoline")
            others = self._fixed([s for s in placed if s is not entry])
            entry.data = verifying(self.arch, others, entry.start, digest_of(others))


class Tree:
    """How the next kernel's tree is made, once places are known."""

    def __init__(
        self,
        arch: Arch,
        blob: Buffer,
        regions: tuple[MemRange, ...],
        keywords: dict[str, object],
    ):
        self.arch = arch
        self.blob = blob
        self.regions = regions
        self.keywords = keywords
        self.fixed: bytes | None = None  # if set: instead of one for the places

    def usable(self, header: MemRange) -> tuple[MemRange, ...]:
        """What the crash kernel is told to use."""
        main, *others = self.regions
        usable = self.arch.own("usable")
        if usable is not None:
            main = usable(main, header)
        return (main, *others)

    def make(self, initrd: MemRange | None, header: Segment | None) -> bytes:
        if self.fixed is not None:
            return self.fixed
        crash = None
        if header is not None:
            where = MemRange(header.start, len(header.data))
            crash = Crash(elfcorehdr=where, usable=self.usable(where))
        # What it would warn about is found by the checker
        return unjudged(
            self.blob,
            self.arch,
            initrd=initrd,
            crash=crash,
            max_usable=max(len(self.regions), 1),
            **self.keywords,
        )
