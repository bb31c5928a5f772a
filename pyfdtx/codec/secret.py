# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Which properties of a tree nobody else may see."""

from __future__ import annotations

__all__ = ["is_secret", "is_secret_name"]

# kaslr-seed and rng-seed of Linux, and what vendors name after them: whoever knows
# one, knows where the kernel lies, or what its random numbers come from
ENDING = "-seed"


def is_secret_name(name: str) -> bool:
    """Of a property, or of a place: "/chosen:kaslr-seed"."""
    if name.endswith("]"):  # the second one of a name is "NAME[2]"
        name = name.rpartition("[")[0]
    return name.endswith(ENDING)


def is_secret(name: str, value: bytes) -> bool:
    """Whether a property has something to hide: a seed of zeros is used up."""
    return is_secret_name(name) and any(value)
