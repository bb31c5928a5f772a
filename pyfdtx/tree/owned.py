# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A tree with a blob of its own, as a whole: bytes, header fields, reservations."""

from __future__ import annotations

from .._native import lib, writing
from ..codec.values import shown_hex
from ..errors import FdtBadParameter
from .blob import MAX_SIZE, Blob
from .lookup import Lookup
from .memreserve import MemReserve

__all__ = ["Owned"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from typing_extensions import Buffer, Self

    from .props import Properties

    N = TypeVar("N", bound=Properties, covariant=True)
else:
    N = None


def padded(blob: bytes, pad: int, size: int, align: int) -> bytes:
    """The blob with zeros behind, which totalsize counts."""
    for name, value, least in (("pad", pad, 0), ("size", size, 0), ("align", align, 1)):
        if not isinstance(value, int):
            raise TypeError(f"to_bytes: {name} must be int, not {type(value).__name__}")
        if value < least:
            raise FdtBadParameter("to_bytes", name, f"{value} is less than {least}")
    total = max(len(blob) + pad, size)
    total += -total % align
    if total > MAX_SIZE:
        raise FdtBadParameter(
            "to_bytes", "", f"{total} bytes, a device tree ends at {MAX_SIZE}"
        )
    return b"".join(
        (blob[:4], total.to_bytes(4, "big"), blob[8:], bytes(total - len(blob)))
    )


class Owned(Lookup[N]):
    """What `Fdt` has that is about no single node."""

    __slots__ = ("__weakref__", "_blob")

    def __init__(self, data: Buffer) -> None:
        self._adopt(Blob.load(data, "Fdt"))

    def _adopt(self, blob: Blob) -> None:
        self._blob = blob

    @classmethod
    def _of(cls, blob: Blob) -> Self:
        fdt = cls.__new__(cls)
        fdt._adopt(blob)
        return fdt

    @classmethod
    def empty(cls) -> Self:
        """A tree with nothing but the root node."""
        return cls._of(Blob.empty())

    def duplicate(self) -> Self:
        """An independent copy, of the class of this one; handles stay with this."""
        return self._of(self._blob.duplicate())

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.to_bytes(),)

    def __repr__(self) -> str:
        return f"<Fdt of {self.totalsize} bytes>"

    # -- the blob ----------------------------------------------------------

    def to_bytes(self, *, pad: int = 0, size: int = 0, align: int = 1) -> bytes:
        """The tree in its one canonical form: version 17, no gaps, no slack.

        FDT_NOP tags are kept; squeeze() drops them.

        Args:
            pad: bytes of zeros behind the tree, inside totalsize, for boot loaders
                that add to it; as dtc -p.
            size: totalsize at least, bytes; as dtc -S.
            align: totalsize is a multiple of this; as dtc -a, but any number.
        Returns: a copy, totalsize bytes long; numbers in it are big-endian.
        Raises:
            FdtBadParameter: a negative number, align 0, or a result that is larger
                than a device tree can be.
        Source: Devicetree Specification v0.4, chapter 5;
            docs/trees.md, "The canonical form".
        """
        with self._blob.lock:
            blob = self._blob.to_bytes()
        if not pad and not size and align == 1:
            return blob
        return padded(blob, pad, size, align)

    def squeeze(self) -> None:
        """Drop the FDT_NOP tags that others have left behind."""
        with self._blob.lock:
            self._blob.canonicalise(squeeze=True)

    def pack(self) -> None:
        """Give back the memory that was kept for growth."""
        with self._blob.lock:
            self._blob.canonicalise(squeeze=False)

    @property
    def totalsize(self) -> int:
        """Length of to_bytes(), bytes."""
        with self._blob.lock:
            return self._blob.used

    @property
    def version(self) -> int:
        """Format version: always 17."""
        with self._blob.lock:
            version: int = self._blob.read(lib.fdt_version)
        return version

    @property
    def boot_cpuid_phys(self) -> int:
        """Physical id of the boot CPU, a field of the header, 0 to 2**32 - 1.

        Can be set: TypeError if it is no int, FdtBadParameter beyond 32 bits.
        """
        with self._blob.lock:
            n: int = self._blob.read(lib.fdt_boot_cpuid_phys)
        return n

    @boot_cpuid_phys.setter
    def boot_cpuid_phys(self, value: int) -> None:
        if not isinstance(value, int):
            raise TypeError(f"boot_cpuid_phys must be int, not {type(value).__name__}")
        if not 0 <= value < 1 << 32:
            raise FdtBadParameter(
                "boot_cpuid_phys",
                "",
                f"{shown_hex(value)} is not an unsigned 32-bit number",
            )
        with self._blob.lock, writing(self._blob.buf) as p:
            lib.fdt_set_boot_cpuid_phys(p, value)

    @property
    def memreserve(self) -> MemReserve:
        """The memory reservations: a view, through which they can be changed."""
        return MemReserve(self._blob)
