# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kexec_load(2): load a Plan. Also: unload, and start, what is loaded by either call.

The kernel checks neither image nor tree. Nothing checks the segments again before the
next kernel is entered, unless the plan was made with verify=True.
"""

from __future__ import annotations

import errno
import os
import sys

from ..._native import ffi, lib
from ...errors import FdtBadParameter, FdtLoadError, FdtMachineError
from ..architecture import arch_of, placed_arch
from ..facts.state import DISABLED, LIMIT, LOADED, LOCKDOWN
from .record import forget

__all__ = [
    "is_loaded",
    "load_segments",
    "need_kexec",
    "reboot_into_loaded",
    "unload",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from ..architecture import Arch
    from ..facts.machine import Machine
    from ..place.plan import Plan

OP = "kexec_load"
MISSING = {
    "kexec_load": "this kernel has no kexec_load(2) (CONFIG_KEXEC)",
    "kexec_file_load": "this kernel has no kexec_file_load(2) (CONFIG_KEXEC_FILE)",
}
STATUS = "proc/self/status"
CAP_SYS_BOOT = 22  # linux/capability.h

HAS_KEXEC = bool(lib.FDTX_HAS_KEXEC)

_SEGMENTS = ffi.typeof("struct kexec_segment[]")


def need_kexec(op: str) -> None:
    """Raises FdtLoadError where no kernel can be loaded."""
    if not HAS_KEXEC:
        raise FdtLoadError(
            op,
            "",
            f"only Linux has kexec, and this is {sys.platform}; planning, trees and "
            "core headers need none: carry the files of a plan to the machine",
            errno=errno.ENOSYS,
        )


# What the C library's numbers for addresses hold: kexec_load(2) takes no more
MAX_ADDRESS = (1 << 8 * ffi.sizeof("unsigned long")) - 1


def _flags(plan: Plan) -> int:
    flags = lib.KEXEC_ON_CRASH if plan.crash else 0
    if plan.updated:
        # Kernels of either flag's time take the one that they know
        flags |= lib.KEXEC_UPDATE_ELFCOREHDR | lib.KEXEC_CRASH_HOTPLUG_SUPPORT
    return int(placed_arch(plan.arch).elf_machine << 16 | flags)


def is_loaded(machine: Machine, *, crash: bool) -> bool | None:
    """Whether a kernel is loaded; None if the running kernel has no kexec."""
    for name in LOADED[crash]:
        if machine.exists(name):
            return machine.text(name).strip() == "1"
    return None


def load_segments(plan: Plan, machine: Machine, *, replace: bool = False) -> None:
    """Load what was placed; see load().

    Args:
        plan: from make_plan(), with the facts of the running system.
        machine: the running system.
        replace: load even if a kernel is loaded already; that one goes.
    Raises:
        FdtLoadError: a kernel is loaded already, or the kernel refused; the
            message says why, as far as the system tells.
        FdtBadParameter: more segments than the kernel takes.
    """
    need_kexec(OP)
    if len(plan.segments) > lib.KEXEC_SEGMENT_MAX:
        raise FdtBadParameter(
            OP,
            f"{len(plan.segments)} segments",
            f"the kernel takes at most {lib.KEXEC_SEGMENT_MAX}",
        )
    if not replace:
        refuse_loaded(OP, machine, crash=plan.crash)
    for name, last in [
        ("entry", plan.entry),
        *((s.name, s.start + s.size - 1) for s in plan.segments),
    ]:
        if last > MAX_ADDRESS:
            raise FdtLoadError(
                OP,
                name,
                f"reaches {last:#x}, which a program of "
                f"{MAX_ADDRESS.bit_length()} bits cannot tell the kernel: use Python "
                f"and pyfdtx of the kernel's own architecture ({plan.arch})",
            )
    # from_buffer() holds the bytes where they are until the call is over
    pins = [ffi.from_buffer(s.data) for s in plan.segments]
    segments = ffi.new(_SEGMENTS, len(pins))
    for entry, pin, s in zip(segments, pins, plan.segments):
        entry.buf, entry.bufsz = pin, len(pin)
        entry.mem, entry.memsz = ffi.cast("void *", s.start), s.size
    code = lib.fdtx_kexec_load(plan.entry, len(pins), segments, _flags(plan))
    if code:
        raise refused(-code, machine, crash=plan.crash)


def refuse_loaded(op: str, machine: Machine, *, crash: bool) -> None:
    """Raises FdtLoadError if a kernel is loaded already."""
    if is_loaded(machine, crash=crash):
        what = "a crash kernel" if crash else "a kernel"
        raise FdtLoadError(
            op, "", f"{what} is loaded already; unload it, or replace it"
        )


def unload(machine: Machine, *, crash: bool, by_file: bool | None = None) -> None:
    """Forget what is loaded, however it was; nothing happens if nothing is.

    Args:
        by_file: by kexec_file_load(2) alone; False: by kexec_load(2) alone; None: by
            the call that the running kernel allows.
    Raises:
        FdtLoadError: the kernel refused.
    """
    need_kexec(OP)
    if by_file:
        code, op = _unload_by_file(crash), "kexec_file_load"
    else:
        # Unloading passes no segments, so architecture 0 works
        flags, op = lib.KEXEC_ON_CRASH if crash else 0, OP
        code = lib.fdtx_kexec_load(0, 0, ffi.NULL, flags)
        # A locked-down kernel, or one without kexec_load(2), has another way
        other_way = by_file is None and code in (-errno.EPERM, -errno.ENOSYS)
        if other_way and not _unload_by_file(crash):
            code = 0
    if code:
        raise refused(-code, machine, crash=crash, op=op)
    if crash:
        forget(machine)


def _unload_by_file(crash: bool) -> int:
    flags = lib.KEXEC_FILE_UNLOAD | (lib.KEXEC_FILE_ON_CRASH if crash else 0)
    return int(lib.fdtx_kexec_file_load(-1, -1, 0, ffi.NULL, flags))


def reboot_into_loaded(machine: Machine) -> NoReturn:
    """Leave this kernel for the loaded one, at once: no service is stopped, no
    file system unmounted. `systemctl kexec` does that first.

    Raises:
        FdtLoadError: nothing is loaded, or the kernel refused.
    """
    need_kexec("reboot")
    if is_loaded(machine, crash=False) is False:
        raise FdtLoadError("reboot", "", "no kernel is loaded")
    code = lib.fdtx_kexec_reboot()
    raise refused(-code, machine, crash=False, op="reboot")


def refused(
    number: int, machine: Machine, *, crash: bool, op: str = OP
) -> FdtLoadError:
    """What an errno of the system call means here, in words.

    Source: Linux kernel/kexec.c, kernel/kexec_core.c
        sanity_check_segment_list(); kexec_load(2).
    """
    if number == errno.EPERM:
        cause = not_permitted(
            machine, crash, locked="takes signed images alone, by kexec_file_load(2)"
        )
        return FdtLoadError(op, "", cause, errno=number)
    causes = {
        errno.ENOSYS: MISSING.get(op, MISSING[OP]),
        errno.EBUSY: "another program is loading a kernel; try again",
        errno.EADDRNOTAVAIL: "a segment lies where none may: the crash region "
        "has changed since the plan was made, or is not reserved; plan again",
        errno.ENOMEM: "the kernel has not enough memory to keep the segments",
        errno.EINVAL: "the kernel takes segments of another architecture, or "
        "none that fill more than half of the memory",
    }
    arch = arch_if_known(machine) if op == OP else None
    if arch is not None:
        causes.update(
            {n: text for (n, kind), text in arch.refusals.items() if kind == crash}
        )
    cause = causes.get(number, os.strerror(number))
    cause = f"{cause} ({errno.errorcode.get(number, number)})"
    return FdtLoadError(op, "", cause, errno=number)


def arch_if_known(machine: Machine) -> Arch | None:
    """For the words of an error, which must not become another one."""
    try:
        return arch_of(machine.arch)
    except FdtMachineError:
        return None


def not_permitted(machine: Machine, crash: bool, *, locked: str) -> str:
    """Why the kernel says EPERM; locked: what a locked-down one does."""
    if _says(machine, DISABLED, "1"):
        return "switched off until the next boot (sysctl kernel.kexec_load_disabled)"
    if not _may_boot(machine):
        return "run as root (CAP_SYS_BOOT is missing)"
    if machine.exists(LOCKDOWN) and "[none]" not in machine.text(LOCKDOWN):
        return f"the kernel is locked down (secure boot?) and {locked}"
    if _says(machine, LIMIT[crash], "0"):
        return f"not allowed any more (sysctl {LIMIT[crash][9:].replace('/', '.')})"
    return "not permitted (a container, or a security module?)"


def _says(machine: Machine, name: str, value: str) -> bool:
    return machine.exists(name) and machine.text(name).strip() == value


def _may_boot(machine: Machine) -> bool:
    """Whether this process has CAP_SYS_BOOT, as far as can be seen."""
    if not machine.exists(STATUS):
        return os.geteuid() == 0
    for line in machine.text(STATUS).splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return bool(int(value, 16) >> CAP_SYS_BOOT & 1)
    return os.geteuid() == 0
