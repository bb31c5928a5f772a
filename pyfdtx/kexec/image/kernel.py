# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Kernel images. Each architecture reads its own; the flat Image, which two of them
share, is here."""

from __future__ import annotations

import os
import struct

from ...errors import FdtImageError, warn
from ...files.reading import LIMITS, read_file
from ..architecture import arch_of, arches
from .elf import MAGIC as ELF_MAGIC
from .elf import Elf, machine_of
from .unpack import unpack

__all__ = [
    "Footprint",
    "Image",
    "KernelImage",
    "first_start",
    "parse_image",
    "read_image",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..._native import Buffer
    from ...codec.memrange import MemRange

OP = "image"
# Linux Documentation/arch/arm64/booting.rst and arch/riscv/boot-image-header.rst
# share the places: code0, code1, text_offset, image_size, flags; the magic is
# at 56, the offset of a PE header at 60
HEADER = struct.Struct("<8x3Q")
HEADER_SIZE = 64
MAGIC_AT = 56

OTHERS = (
    (b"\xd0\x0d\xfe\xed", "a device tree blob"),
    (b"0707", "a cpio archive (an initrd?)"),
    (b"VNDRBOOT", "Android's vendor_boot.img, which holds no kernel"),
    (b"#!", "a script"),
)


def first_start(low: int, boundary: int, offset: int = 0) -> int:
    """The first address from low on that lies offset bytes behind a multiple of a
    boundary: where the planner puts a kernel, and the checker expects it."""
    return -((offset - low) // boundary) * boundary + offset


class Footprint:
    """The memory that an image takes until its kernel runs.

    size: bytes. offset: where it starts, bytes behind a multiple of the
        boundary.
    at, length: the part of it that is loaded, bytes from its start.
    """

    __slots__ = ("at", "length", "offset", "size")

    def __init__(self, size: int, *, at: int, length: int, offset: int = 0):
        self.size = size
        self.at = at
        self.length = length
        self.offset = offset


class KernelImage:
    """What all kernel images have.

    arch: as Machine.arch, or of several of them if the image does not tell.
    data: the plain image, bytes.
    where: the file it came from.
    layers: what it was wrapped in, outermost first: ("EFI zboot", "gzip").
    text_offset: where it must lie from a multiple of its boundary, bytes.
    initrd: bytes of the one that is in the same file (FIT, UKI, ...), or None.
    """

    __slots__ = ("arch", "data", "initrd", "layers", "text_offset", "where")

    def __init__(self, arch: str, data: bytes, where: str, layers: tuple[str, ...]):
        self.arch = arch
        self.data = data
        self.where = where
        self.layers = layers
        self.text_offset = 0
        self.initrd: bytes | None = None

    @property
    def big_endian(self) -> bool:
        return False

    @property
    def page_size(self) -> int | None:
        """Bytes; None if the image does not tell."""
        return None

    @property
    def memory_size(self) -> int:
        """Bytes of memory that it takes until the kernel runs, BSS included."""
        raise NotImplementedError

    @property
    def footprint(self) -> Footprint:
        """The memory that it takes until the kernel runs."""
        size = self.memory_size
        return Footprint(size, at=0, length=size)

    @property
    def boundary(self) -> int:
        """Bytes; 0 if only its architecture's own rules know it."""
        arch = arch_of(self.arch)
        return arch.boundaries.get(self.arch, 0) if arch is not None else 0

    def starts_at(self, address: int, usable: Sequence[MemRange]) -> int:
        """The first byte of memory that it takes, if loaded at an address; usable:
        a crash kernel's ranges, or none."""
        return address

    def lowest(self, hole: MemRange, usable: Sequence[MemRange]) -> tuple[int, int]:
        """The first byte that it takes, and the first behind, when it lies in a
        piece of the first usable range as low as it can: the same if it cannot lie
        there, beyond the piece if it does not fit."""
        start = first_start(hole.start, self.boundary, self.text_offset)
        return start, start + self.memory_size


class Image(KernelImage):
    """A flat kernel image of arm64 or riscv.

    arch: "arm64", "riscv64" or "riscv32"; "riscv" if the header does not tell
        which of the two.
    data, where, layers, text_offset: as KernelImage.
    image_size: bytes of memory it needs from there, its BSS included; at least
        len(data).
    flags: as in the header.
    """

    __slots__ = ("flags", "image_size")

    def __init__(self, arch: str, data: bytes, where: str, layers: tuple[str, ...]):
        super().__init__(arch, data, where, layers)
        size: int
        self.flags: int
        self.text_offset, size, self.flags = HEADER.unpack_from(data)
        if not size:
            raise FdtImageError(
                OP,
                where,
                "image_size in its header is 0 (a kernel before 3.17): how much "
                "memory it needs is unknown",
            )
        self.image_size = max(size, len(data))

    @property
    def big_endian(self) -> bool:
        return bool(self.flags & 1)

    @property
    def memory_size(self) -> int:
        return self.image_size

    @property
    def footprint(self) -> Footprint:
        size = self.image_size
        return Footprint(size, at=0, length=size, offset=self.text_offset)

    @property
    def anywhere(self) -> bool:
        """Whether the boundary may be any in memory (arm64 alone says so); else it
        should be near the start of memory."""
        return False

    def __repr__(self) -> str:
        return (
            f"Image({self.arch}, {self.where!r}, {len(self.data)} bytes, "
            f"text_offset={self.text_offset:#x}, image_size={self.image_size:#x})"
        )


def flat_magic(data: bytes) -> bytes:
    """What tells whose flat image it is; nothing if it is too short for one."""
    return data[MAGIC_AT : MAGIC_AT + 4] if len(data) >= HEADER_SIZE else b""


def refusal(where: str, kind: str) -> FdtImageError:
    """Of a file that is something else; says what would do."""
    forms: dict[str, list[str]] = {}
    for arch in arches():
        if arch.image:
            forms.setdefault(arch.image, []).append(arch.name)
    wanted = ", ".join(f"{form} ({', '.join(of)})" for form, of in forms.items())
    return FdtImageError(
        OP,
        where,
        f"is {kind}; give {wanted}, or one of them compressed, as EFI zboot, or in a "
        "uImage, FIT, UKI or Android boot image",
    )


def vmlinux(machine: int, magic: bytes, data: bytes, where: str) -> bytes | None:
    """The flat image that an architecture's ELF file was made for; None if data is
    none of its.

    machine: EM_* of elf(5). magic: of the flat image.
    Raises:
        FdtImageError: it is damaged, or has no such header.
    """
    if machine_of(data) != machine:
        return None
    flat = Elf(data, where).data
    if flat_magic(flat) != magic:
        raise FdtImageError(
            OP,
            where,
            "is an ELF file (vmlinux?) without the header of an Image; give the Image "
            "that is made from it",
        )
    return flat


def _elf_kind(data: bytes) -> str:
    machine = machine_of(data)
    for arch in arches():
        if arch.elf_machine == machine:
            made = f", not {arch.image}" if arch.image else ""
            return f"an ELF file (vmlinux?) of {arch.name}{made}"
    return f"an ELF file of machine {machine}"


def _refuse(data: bytes, where: str) -> FdtImageError:
    """What a file is that is no image."""
    kind = "no kernel image that is known here"
    if data.startswith(ELF_MAGIC):
        return refusal(where, _elf_kind(data))
    for magic, text in OTHERS:
        if data.startswith(magic):
            kind = text
    if not data:
        kind = "empty"
    elif data.startswith(b"MZ"):
        kind = "an EFI program, but neither Image nor EFI zboot"
    elif all(c in b"\t\n\r" or 32 <= c < 127 for c in data[:HEADER_SIZE]):
        kind = f"text ({data[:16].decode()!r}...)" if kind.startswith("no") else kind
    return refusal(where, kind)


def parse_image(
    blob: Buffer, where: str = "image", *, configuration: str = ""
) -> KernelImage:
    """The image in a file's content: plain, compressed, an EFI zboot image, the
    kernel of a uImage, a FIT, an Android boot image, a UKI, or an ELF file of one.

    Args:
        blob: any bytes-like object.
        where: the file's name, for errors.
        configuration: of a FIT; "": its default, or the only one.
    Returns: an Image (arm64, riscv), a ZImage (arm), or a Vmlinux (ELF, ppc64);
        data is a copy if it was wrapped.
    Raises:
        TypeError: blob is not bytes-like.
        FdtImageError: it is something else, damaged, or of a kernel too old to
            say how much memory it needs. The message says what it is.
    """
    try:
        # bytes() takes numbers too
        raw = blob if isinstance(blob, bytes) else bytes(memoryview(blob))
    except TypeError:
        raise TypeError(
            f"an image must be bytes-like, not {type(blob).__name__}"
        ) from None
    found = unpack(raw, where, configuration)
    layers = tuple(found.layers)
    for arch in arches():
        read = arch.own("read_image")
        image: KernelImage | None = read(found.data, where, layers) if read else None
        if image is not None:
            break
    else:
        raise _refuse(found.data, where)
    image.initrd = found.initrd
    if found.cmdline:
        warn(
            f"image {where}: the command line in it is not used, --cmdline gives it: "
            f"{found.cmdline}"
        )
    return image


def read_image(path: str | os.PathLike[str], *, configuration: str = "") -> KernelImage:
    """As parse_image(), of a file.

    Raises:
        FdtImageError: as parse_image(), or the file cannot be read, is neither a
            regular file nor a pipe, or has more than 1 GiB.
    """
    where = os.fspath(path)
    try:
        data = read_file(where, LIMITS["image"], pipes=True)
    except OSError as e:
        raise FdtImageError(OP, where, e.strerror or str(e)) from None
    except ValueError as e:  # a NUL in the name
        raise FdtImageError(OP, where, str(e)) from None
    return parse_image(data, where, configuration=configuration)
