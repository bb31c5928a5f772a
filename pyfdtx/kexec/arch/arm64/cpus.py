# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""CPUs of arm64 that the kernel cannot stop."""

from __future__ import annotations

__all__ = ["stuck_cpus"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...architecture import Told


def stuck_cpus(methods: set[str], nodes: dict[str, dict[str, bytes]]) -> Told | None:
    """A spin-table has no way back: its CPUs stay in the kernel."""
    if "spin-table" not in methods:
        return None
    return (
        "spin-table",
        "CPUs are started by a spin-table",
        "the kernel cannot stop them: a plain kexec is refused (EBUSY); a crash kernel "
        "works, on one CPU",
        "for a plain kexec boot with nr_cpus=1, or with firmware that has PSCI",
        "arch/arm64/kernel/smp.c cpus_are_stuck_in_kernel()",
    )
