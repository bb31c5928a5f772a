# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Files that say what is loaded, and what may be."""

from __future__ import annotations

__all__ = ["DISABLED", "HOTPLUG", "LIMIT", "LOADED", "LOCKDOWN", "RECORD"]

# The second is what Linux 6.19 named the first
LOADED = {
    False: ("sys/kernel/kexec_loaded", "sys/kernel/kexec/loaded"),
    True: ("sys/kernel/kexec_crash_loaded", "sys/kernel/kexec/crash_loaded"),
}
DISABLED = "proc/sys/kernel/kexec_load_disabled"
LIMIT = {
    False: "proc/sys/kernel/kexec_load_limit_reboot",
    True: "proc/sys/kernel/kexec_load_limit_panic",
}
LOCKDOWN = "sys/kernel/security/lockdown"
# Whether the kernel keeps the loaded core header up to date by itself
HOTPLUG = (
    "sys/devices/system/cpu/crash_hotplug",
    "sys/devices/system/memory/crash_hotplug",
)
# What we keep when a crash kernel was loaded (loading/record.py)
RECORD = "run/pyfdtx/crash.json"
