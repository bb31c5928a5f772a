# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What differs between architectures when kexec starts a kernel: a file each."""

from __future__ import annotations

from ...errors import FdtBadParameter
from . import arm, arm64, ppc64, riscv, x86_64
from .rules import Footprint, Rules

__all__ = [
    "ARCHES",
    "BY_FILE",
    "BY_KCORE",
    "MAPPINGS",
    "NOT_DUMPED",
    "Footprint",
    "Rules",
    "rules_of",
]

ARCHES = {
    rules.name: rules for rules in (arm.RULES, arm64.RULES, ppc64.RULES, riscv.RULES)
}

# Where the running kernel has its memory, by Machine.arch
MAPPINGS = {
    "arm": arm.mapping,
    "arm64": arm64.mapping,
    "ppc64": ppc64.mapping,
    "ppc64le": ppc64.mapping,
    "riscv32": riscv.mapping,
    "riscv64": riscv.mapping,
    "x86_64": x86_64.mapping,
}
# Memory that no dump has, beside the crash kernel's
NOT_DUMPED = {"x86_64": (x86_64.LOW,)}
# Whose mapping /proc/kcore tells
BY_KCORE = ("x86_64",)
# What the running kernel places by itself; its files are given to it
BY_FILE = ("x86_64",)


def rules_of(arch: str) -> Rules:
    """The rules of an architecture, named as Machine.arch.

    Raises:
        FdtBadParameter: kexec is not known here for it.
    """
    if arch in BY_FILE:
        raise FdtBadParameter(
            "plan",
            f"arch {arch!r}",
            "there is nothing to plan: the running kernel places the next one by "
            "itself; load it from its files (pyfdtx load)",
        )
    try:
        return ARCHES[arch]
    except KeyError:
        raise FdtBadParameter(
            "plan",
            f"arch {arch!r}",
            f"how kexec starts its kernels is not known here (known: "
            f"{', '.join(ARCHES)})",
        ) from None
