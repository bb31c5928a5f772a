# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Which memory an arm crash kernel is told to use.

Source: Linux Documentation/arch/arm/booting.rst.
"""

from __future__ import annotations

from ....codec.memrange import MemRange
from . import CRASH_BOUNDARY

__all__ = ["usable"]


def usable(main: MemRange, header: MemRange) -> MemRange:
    """The core header is read with ioremap(), which refuses memory of the
    kernel's own (arch/arm/kernel/crash_dump.c copy_oldmem_page()): memory ends
    below it. mem= counts from where the kernel's memory starts."""
    start = -(-main.start // CRASH_BOUNDARY) * CRASH_BOUNDARY
    return MemRange(start, header.start - start)
