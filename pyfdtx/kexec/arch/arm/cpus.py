# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""CPUs of 32-bit arm that the kernel cannot stop."""

from __future__ import annotations

__all__ = ["stuck_cpus"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...architecture import Told


def stuck_cpus(methods: set[str], nodes: dict[str, dict[str, bytes]]) -> Told | None:
    """PSCI can kill a CPU; of the platforms' own code neither the tree nor sysfs
    tells: it may switch a CPU off (cpuN/online is there) and not kill it."""
    if any(b"arm,psci" in values.get("compatible", b"") for values in nodes.values()):
        return None
    name = ", ".join(sorted(filter(None, methods))) or "none"
    return (
        "cpus-not-stopped",
        f"CPUs are not started by PSCI (enable-method: {name})",
        "where the platform's code cannot kill a CPU, loading fails (EINVAL)",
        "boot with nr_cpus=1 if loading fails",
        "arch/arm/kernel/machine_kexec.c machine_kexec_prepare()",
    )
