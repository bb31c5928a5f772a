# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What differs between architectures when kexec starts a kernel: a file each."""

from __future__ import annotations

from ...errors import FdtBadParameter
from . import arm, arm64, ppc64, riscv
from .rules import Footprint, Rules

__all__ = ["ARCHES", "Footprint", "Rules", "rules_of"]

ARCHES = {
    rules.name: rules for rules in (arm.RULES, arm64.RULES, ppc64.RULES, riscv.RULES)
}


def rules_of(arch: str) -> Rules:
    """The rules of an architecture, named as Machine.arch.

    Raises:
        FdtBadParameter: kexec is not known here for it.
    """
    try:
        return ARCHES[arch]
    except KeyError:
        raise FdtBadParameter(
            "plan",
            f"arch {arch!r}",
            f"how kexec starts its kernels is not known here (known: "
            f"{', '.join(ARCHES)})",
        ) from None
