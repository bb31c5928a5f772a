# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where a running ppc64 kernel has its memory."""

from __future__ import annotations

from ...facts.mapping import Mapping

__all__ = ["mapping"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...facts.machine import Machine

# Linux arch/powerpc/Kconfig PAGE_OFFSET of PPC64
PAGE_OFFSET = 0xC000_0000_0000_0000


def mapping(_machine: Machine) -> Mapping:
    """All memory in one piece, the kernel in it."""
    return Mapping(PAGE_OFFSET)
