# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The package's jobs once more, in plain Python.

An independent opinion for tests and a baseline for benchmarks: written from
docs/second-kernel.md, not from the C code, and without the extension. It
trades speed for being readable beside the text, and warns about nothing.
"""

from __future__ import annotations

from .blob import canonicalise, check
from .second_kernel import second_kernel_dtb
from .tree import flatten, memreserve, unflatten

__all__ = [
    "canonicalise",
    "check",
    "flatten",
    "memreserve",
    "second_kernel_dtb",
    "unflatten",
]
