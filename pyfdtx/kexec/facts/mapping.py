# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where the running kernel has its memory and itself, by virtual address.

Readers of a dump start from these addresses. mapping() of each architecture finds
them.
"""

from __future__ import annotations

from ...codec.memrange import U64_END, U64_MAX

__all__ = ["Mapping"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...codec.memrange import MemRange


class Mapping:
    """offset: virtual minus physical address of memory, modulo 2**64.
    last: the last physical byte that is mapped so.
    text: the kernel image's physical range and its virtual start; None where
        the kernel lies in the mapping of all memory.
    """

    __slots__ = ("last", "offset", "text")

    def __init__(
        self,
        offset: int,
        text: tuple[MemRange, int] | None = None,
        last: int = U64_MAX,
    ):
        self.offset = offset % U64_END
        self.text = text
        self.last = last

    def __repr__(self) -> str:
        return f"Mapping({self.offset:#x}, {self.text!r}, {self.last:#x})"
