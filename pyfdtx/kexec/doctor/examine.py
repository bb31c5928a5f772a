# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""examine(): what stands in the way of kexec and kdump on a machine.

Each examination is a small generator over Patient. One that lacks a fact says so, and
the others go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...errors import FdtError
from ...files.reading import is_running
from ...tree.view import to_dict
from ..architecture import arch_of
from ..elfcore import core_header_of
from ..facts.state import DISABLED, HOTPLUG, LIMIT, LOCKDOWN
from ..loading.kexec_load import is_loaded
from ..loading.record import recorded
from ..place.judge import stuck_cpus
from ..place.plan import make_plan, reused_cmdline
from .need import Need, estimate

__all__ = ["SEVERITIES", "Finding", "examine"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..architecture import Arch
    from ..facts.machine import Machine
    from ..image.kernel import KernelImage

ERROR, WARNING, NOTE = SEVERITIES = ("error", "warning", "note")
MIB = 1 << 20
# CONFIG_RD_* of init/initramfs.c, by the first bytes of what is compressed
RD = (
    (b"\x1f\x8b", "CONFIG_RD_GZIP"),
    (b"BZh", "CONFIG_RD_BZIP2"),
    (b"\x5d\0\0", "CONFIG_RD_LZMA"),
    (b"\xfd7zXZ\0", "CONFIG_RD_XZ"),
    (b"\x89LZO\0", "CONFIG_RD_LZO"),
    (b"\x02\x21\x4c\x18", "CONFIG_RD_LZ4"),
    (b"\x28\xb5\x2f\xfd", "CONFIG_RD_ZSTD"),
)


class Finding(NamedTuple):
    """One thing that was found.

    id: stable, for programs. severity: "error" (kexec or kdump cannot work), "warning"
        (it may not), "note".
    what: the fact. why: what follows from it. way_out: what to do. source: where the
        fact, or the consequence, is to be seen.
    """

    id: str
    severity: str
    what: str
    why: str
    way_out: str
    source: str

    def __str__(self) -> str:
        return f"{self.severity} {self.id}: {self.what}: {self.why}; {self.way_out}"


class Patient:
    """All that is known.

    image, initrd: what is to be loaded, or None. free: bytes of the place for a dump,
    or None.
    """

    def __init__(
        self,
        machine: Machine,
        image: KernelImage | None,
        initrd: bytes | None,
        free: int | None,
    ):
        self.machine = machine
        self.image = image
        self.initrd = initrd or (image.initrd if image is not None else None)
        self.free = free
        self.arch: Arch | None = arch_of(machine.arch)

    def set(self, option: str) -> bool | None:
        """Whether an option is in the kernel's configuration; None: not known."""
        config = self.machine.config
        return None if config is None else option in config

    def says(self, name: str) -> str | None:
        """A line of a file; None if there is none."""
        return self.machine.text(name).strip() if self.machine.exists(name) else None

    def nodes(self) -> dict[str, dict[str, bytes]]:
        return to_dict(self.machine.fdt)


def size_text(size: int) -> str:
    return f"{-(-size // MIB)} MiB"


# The kernel


def configuration(p: Patient) -> Iterator[Finding]:
    if p.machine.config is None:
        yield Finding(
            "config-unknown",
            NOTE,
            "the kernel's configuration is in no file",
            "whether it has kexec, /proc/vmcore, and unpacks the initrd is not known",
            "look for /boot/config-* or /proc/config.gz",
            "CONFIG_IKCONFIG_PROC",
        )


def kexec(p: Patient) -> Iterator[Finding]:
    loaded = is_loaded(p.machine, crash=True)
    by_file = p.arch is not None and p.arch.by_file
    options = (
        ["CONFIG_KEXEC_FILE"] if by_file else ["CONFIG_KEXEC", "CONFIG_KEXEC_FILE"]
    )
    answers = [p.set(option) for option in options]
    if answers[0] is None and loaded is None and is_running(p.machine.root):
        answers = [False]
    if any(answers) or answers[0] is None:
        return
    yield Finding(
        "no-kexec",
        ERROR,
        "this kernel has no kexec",
        f"{' and '.join(options)} are not set" if len(options) > 1 else "it is not set",
        "boot a kernel that has it",
        "kernel/Kconfig.kexec",
    )


def crash_dump(p: Patient) -> Iterator[Finding]:
    for option, why in (
        ("CONFIG_CRASH_DUMP", "it cannot be a crash kernel, and reserves no memory"),
        ("CONFIG_PROC_VMCORE", "as a crash kernel it shows no /proc/vmcore"),
        ("CONFIG_PROC_KCORE", "where memory is mapped is not to be had"),
    ):
        needed = option != "CONFIG_PROC_KCORE" or not (p.arch and p.arch.symbols)
        if p.set(option) is False and needed:
            yield Finding(
                "config-" + option[7:].lower().replace("_", "-"),
                ERROR if option == "CONFIG_CRASH_DUMP" else WARNING,
                f"{option} is not set",
                why,
                "boot a kernel that has it",
                "kernel/Kconfig.kexec, fs/proc/Kconfig",
            )


def initrd_compression(p: Patient) -> Iterator[Finding]:
    head = (p.initrd or b"")[:8]
    option = next((o for magic, o in RD if head.startswith(magic)), None)
    if option and p.set(option) is False:
        yield Finding(
            "config-initrd",
            WARNING,
            f"{option} is not set",
            "a kernel of this configuration cannot unpack the initrd",
            "compress it in another way",
            "init/initramfs.c, usr/Kconfig",
        )


def permission(p: Patient) -> Iterator[Finding]:
    if p.says(DISABLED) == "1":
        yield Finding(
            "kexec-disabled",
            ERROR,
            "kernel.kexec_load_disabled is 1",
            "nothing can be loaded or unloaded until the next boot",
            "remove it from sysctl.conf and boot anew",
            "Documentation/admin-guide/sysctl/kernel.rst",
        )
    for crash, name in LIMIT.items():
        if p.says(name) == "0":
            yield Finding(
                "kexec-limit",
                ERROR,
                f"{name[len('proc/sys/') :].replace('/', '.')} is 0",
                f"no {'crash kernel' if crash else 'kernel'} can be loaded any more",
                "boot anew",
                "Documentation/admin-guide/sysctl/kernel.rst",
            )
    mode = p.says(LOCKDOWN)
    if mode and "[none]" not in mode:
        locked = mode.partition("[")[2].partition("]")[0]
        file_call = p.set("CONFIG_KEXEC_FILE") is not False
        yield Finding(
            "locked-down",
            WARNING if file_call else ERROR,
            f"the kernel is locked down ({locked})",
            "kexec_load(2) is refused; kexec_file_load(2) takes signed images alone"
            if file_call
            else "kexec_load(2) is refused, and there is no kexec_file_load(2)",
            "load a signed image with --file"
            if file_call
            else "boot without secure boot or lockdown=",
            "kernel/kexec.c kexec_load_check()",
        )


# CPUs


def stopping(p: Patient) -> Iterator[Finding]:
    """What the architecture says of CPUs that its kernel cannot stop."""
    told = stuck_cpus(p.machine, p.arch)
    if told is not None:
        id, what, why, way_out, source = told
        yield Finding(id, WARNING, what, why, way_out, source)


# Memory


def reservation(p: Patient) -> Iterator[Finding]:
    if p.machine.crash_ranges:
        return
    asked = [w for w in p.machine.cmdline.split() if w.startswith("crashkernel=")]
    if not asked:
        yield Finding(
            "not-reserved",
            ERROR,
            "no memory is reserved for a crash kernel",
            "crashkernel= is not on the command line",
            "boot with crashkernel=256M or so; 'pyfdtx estimate' says how much",
            "Documentation/admin-guide/kdump/kdump.rst",
        )
        return
    yield Finding(
        "not-reserved",
        ERROR,
        f"{' '.join(asked)} reserved nothing",
        "it is too large, the memory is taken or less than it counts for, or "
        "CONFIG_CRASH_DUMP is not set",
        "dmesg | grep crashkernel says which; ask for less, or add ,high",
        "kernel/crash_reserve.c",
    )


def enough(p: Patient) -> Iterator[Finding]:
    if p.image is None or not p.machine.crash_ranges:
        return
    line = reused_cmdline(p.machine, crash=True)
    need = estimate(p.machine, p.image, p.initrd, cmdline=line)
    reserved = sum(r.size for r in p.machine.crash_ranges)
    if reserved >= need.total:
        yield Finding(
            "reserved",
            NOTE,
            f"{size_text(reserved)} are reserved, about {size_text(need.total)} needed",
            needs(need),
            "nothing to do",
            "docs/doctor.md",
        )
        return
    yield Finding(
        "reserved-too-small",
        WARNING,
        f"{size_text(reserved)} are reserved, about {size_text(need.total)} needed",
        f"the crash kernel may run out of memory before it has written the dump: "
        f"{needs(need)}",
        f"boot with crashkernel={-(-need.total // (32 * MIB)) * 32}M, or make the "
        "initrd smaller",
        "docs/doctor.md",
    )


def needs(need: Need) -> str:
    return ", ".join(f"{part.name} {size_text(part.size)}" for part in need.parts)


def firmware(p: Patient) -> Iterator[Finding]:
    """What no kernel may use, and a plain kexec has to keep off."""
    ram, free = p.machine.ram.total, p.machine.free_ram.total
    crash = sum(r.size for r in p.machine.crash_ranges)
    kept = ram - free - crash
    if kept * 8 > ram:
        yield Finding(
            "memory-kept",
            WARNING,
            f"{size_text(kept)} of {size_text(ram)} are kept by firmware and drivers",
            "a plain kexec may find no room",
            "look for large nodes in /reserved-memory, and at cma=",
            "/proc/iomem",
        )


# What is loaded, and what would be


def facts(p: Patient) -> Iterator[Finding]:
    """The core header that a crash kernel would get."""
    if p.arch is None or p.arch.by_file or not p.machine.crash_ranges:
        return
    try:
        core_header_of(p.machine)
    except FdtError as e:
        yield _lacking("core-header", "no core header can be made", e)


def planned(p: Patient) -> Iterator[Finding]:
    image, machine = p.image, p.machine
    if image is None or p.arch is None or p.arch.placed != machine.arch:
        return
    for crash in (True, False):
        if crash and not machine.crash_ranges:
            continue
        what = "crash kernel" if crash else "kernel"
        try:
            make_plan(machine, image, crash=crash, initrd=p.initrd)
        except FdtError as e:
            id = "crash-plan" if crash else "plain-plan"
            yield _lacking(id, f"this {what} cannot be placed", e)


def _lacking(id: str, what: str, e: FdtError) -> Finding:
    cause, more, way_out = e.cause.rpartition("; ")
    if not more:
        cause, way_out = e.cause, "read the file again, or mend it"
    why = f"{e.where}: {cause}" if e.where else cause
    return Finding(id, ERROR, what, why, way_out, e.op)


def loaded(p: Patient) -> Iterator[Finding]:
    now = is_loaded(p.machine, crash=True)
    if now is None and not is_running(p.machine.root):
        yield Finding(
            "state-unknown",
            NOTE,
            "the copy does not say whether a crash kernel is loaded",
            "it was made by an older version",
            "make it anew: pyfdtx capture",
            "/sys/kernel/kexec_crash_loaded",
        )
    if now is False and p.machine.crash_ranges:
        yield Finding(
            "not-loaded",
            WARNING,
            "no crash kernel is loaded",
            "a crash leaves no dump",
            "pyfdtx load --crash",
            "/sys/kernel/kexec_crash_loaded",
        )


def stale(p: Patient) -> Iterator[Finding]:
    """Whether the loaded core header still fits."""
    if not is_loaded(p.machine, crash=True):
        return
    if any(p.says(name) == "1" for name in HOTPLUG):
        return  # the kernel keeps it up to date
    record = recorded(p.machine)
    if record is None:
        yield Finding(
            "core-header-unknown",
            NOTE,
            "a crash kernel is loaded, by another program",
            "whether its core header fits the memory and CPUs of today is not known",
            "load it again after memory or CPUs were plugged",
            "run/pyfdtx/crash.json",
        )
        return
    changes = record.changes(p.machine)
    if changes:
        yield Finding(
            "core-header-stale",
            ERROR,
            "the loaded crash kernel's core header is old",
            f"since it was loaded: {', '.join(changes)}",
            "pyfdtx load --crash --replace",
            "run/pyfdtx/crash.json",
        )


def target(p: Patient) -> Iterator[Finding]:
    if p.free is None:
        return
    whole = p.machine.ram.exclude(p.machine.crash_ranges).total
    if p.free < whole:
        yield Finding(
            "target-small",
            WARNING,
            f"{size_text(p.free)} are free for a dump of {size_text(whole)}",
            "a copy of /proc/vmcore does not fit; a filtered one may",
            "use makedumpfile -d 31, or make room",
            "statvfs(3)",
        )


EXAMINATIONS: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    configuration,
    kexec,
    permission,
    crash_dump,
    reservation,
    stopping,
    firmware,
    facts,
    enough,
    planned,
    initrd_compression,
    loaded,
    stale,
    target,
)


def examine(
    machine: Machine,
    *,
    image: KernelImage | None = None,
    initrd: bytes | None = None,
    free: int | None = None,
) -> list[Finding]:
    """What stands in the way of kexec and kdump.

    Args:
        machine: the facts of the running, or of a captured, system.
        image, initrd: what is to be loaded; None: what needs them is not looked at.
        free: bytes that are free where the dump is to go; None: not looked at.
    Returns: what was found, errors first.
    """
    p = Patient(machine, image, initrd, free)
    found: list[Finding] = []
    lacking: set[str] = set()
    for look in EXAMINATIONS:
        try:
            found += look(p)
        except FdtError as e:
            if str(e) not in lacking:  # one fact that is missing, one finding
                lacking.add(str(e))
                found.append(_lacking("fact-missing", "a fact cannot be read", e))
    return sorted(found, key=lambda f: SEVERITIES.index(f.severity))
