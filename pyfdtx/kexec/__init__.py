# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The kernel that boots next: its device tree, for kexec and kdump."""

from __future__ import annotations

from ..reg import MemRange
from .dtb import Crash, second_kernel_dtb

__all__ = ["Crash", "MemRange", "second_kernel_dtb"]
