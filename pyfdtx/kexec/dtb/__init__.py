# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The second kernel's tree: what it is told of a crash, and how it is made."""

from .crash import Crash
from .second_kernel import second_kernel_dtb

__all__ = ["Crash", "second_kernel_dtb"]
