# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Machine: the facts of a running, or captured, system.

Each is read once, when it is first asked for.
"""

from __future__ import annotations

import errno
import os
import sys

from ...codec.reg import MemRange
from ...errors import FdtBadParameter, FdtMachineError
from ...files.reading import LIMITS, Root, is_running
from ..architecture import arch_of, arches
from .config import CONFIG_GZ, config_files, parse_config
from .devicetree import flatten
from .iomem import Resource, parse
from .kcore import Load, loads_in_kcore, note_in_kcore
from .kmsg import lpi_lines, lpi_tables, read_kmsg
from .number import decimal, hexadecimal
from .ranges import Ranges
from .vmcoreinfo import Vmcoreinfo

__all__ = ["Machine"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, TypeVar

    from .mapping import Mapping

    T = TypeVar("T")

OP = "Machine"
IOMEM = "proc/iomem"
KCORE = "proc/kcore"
# Where a capture keeps what is asked of kcore; the rest of it is all of memory
KCORE_NOTE = "proc/kcore.vmcoreinfo"
KCORE_LOADS = "proc/kcore.loads"
# Where a capture keeps what is asked of /dev/kmsg
KMSG_LPI = "dev/kmsg.lpi"
FDT = "sys/firmware/fdt"
VMCOREINFO = "sys/kernel/vmcoreinfo"
KERNEL_ARCH = "proc/sys/kernel/arch"
CPU = "sys/devices/system/cpu"
# What lies inside System RAM and is free for a plain kexec: the running kernel,
# and what a crash region gave back (Linux kernel/kexec_core.c
# crash_shrink_memory())
FREE_INSIDE = ("Kernel ", "System RAM")
CHOSEN = "proc/device-tree/chosen"
TREES = ("proc/device-tree", "sys/firmware/devicetree/base")
# The second is what Linux 6.19 named the first
CRASH_SIZE = ("sys/kernel/kexec_crash_size", "sys/kernel/kexec/crash_size")
CRASH_CMA = ("sys/kernel/kexec/crash_cma_ranges", "sys/kernel/kexec_crash_cma_ranges")

KALLSYMS = "proc/kallsyms"
# What has more than one line: its kind in LIMITS
KINDS = {
    IOMEM: "table",
    "proc/cpuinfo": "cpus",
    KCORE_LOADS: "table",
    KCORE_NOTE: "note",
    KALLSYMS: "symbols",
    KMSG_LPI: "table",
    FDT: "tree",
    CONFIG_GZ: "config",
    "proc/net/dev": "table",
    "proc/partitions": "table",
}

# Of what lies in folders
PLACES = (
    *((tree, "property") for tree in TREES),
    ("boot/config-", "config"),
    ("usr/lib/modules/", "config"),
    ("lib/modules/", "config"),
)

# Linux 6.6, kernel/ksysfs.c; the second is what Linux 6.19 named the first
HEADER_ROOM = (
    "sys/kernel/crash_elfcorehdr_size",
    "sys/kernel/kexec/crash_elfcorehdr_size",
)
# kernel/crash_core.c crash_get_elfcorehdr_size(): 64 bytes for each CPU and piece of
# memory, at most 8192 and 32768 of them
MAX_HEADER_ROOM = 1 << 22

# Linux include/uapi/linux/utsname.h __NEW_UTS_LEN: of `uname -m`
MAX_ARCH = 64
# Linux has a main region and a low one (kernel/crash_reserve.c)
MAX_REGIONS = 16
# Linux arch/x86/Kconfig NR_CPUS_RANGE_END, the largest of all architectures
MAX_CPUS = 8192


def known_arch(machine: str) -> str:
    """Our name of what `uname -m` and /proc/sys/kernel/arch say."""
    from fnmatch import fnmatchcase

    for arch in arches():
        for pattern, name in arch.uname:
            if fnmatchcase(machine, pattern):
                return name
    return machine


class Machine:
    """The facts of one system.

    Args:
        root: "/" for the running system, or a directory that capture() made.
        arch: "arm64", "arm", "riscv64", ...; None finds out.
    Raises:
        FdtMachineError: the running system is not Linux.

    Every attribute raises FdtMachineError when its fact is missing, cannot be
    read or contradicts another; the message names the file and the way out.
    """

    def __init__(self, root: str | os.PathLike[str] = "/", *, arch: str | None = None):
        self.root = os.fspath(root)
        self.files = Root(self.root)
        self._arch = arch
        self._facts: dict[str, object] = {}
        if sys.platform != "linux" and is_running(self.root):
            raise FdtMachineError(
                OP,
                self.root,
                f"the running system is {sys.platform}, not Linux; name a directory "
                "that 'pyfdtx capture' made on the machine (root=, --root)",
            )

    def __repr__(self) -> str:
        return f"Machine({self.root!r})"

    # Reading

    def path(self, name: str) -> str:
        """Where a file such as "proc/iomem" lies."""
        return os.path.join(self.root, name)

    def exists(self, name: str) -> bool:
        """Whether something is there; if it cannot be read, reading it says so."""
        return self.files.exists(name)

    def folders(self, name: str) -> list[str]:
        """The names of the folders in a folder, sorted."""
        try:
            return self.files.entries(name)[0]
        except OSError as e:
            self.refuse_os(name, e)

    def read(self, name: str, way_out: str = "") -> bytes:
        """The content of a regular file; way_out is said when it does not exist."""
        kind = next((k for start, k in PLACES if name.startswith(start)), "line")
        kind = KINDS.get(name, kind)
        try:
            return self.files.read(name, LIMITS[kind])
        except OSError as e:
            self.refuse_os(name, e, way_out)

    def text(self, name: str, way_out: str = "") -> str:
        return self.read(name, way_out).decode("utf-8", "surrogateescape")

    def refuse(self, name: str, cause: str) -> NoReturn:
        raise FdtMachineError(OP, self.path(name), cause) from None

    def refuse_os(self, name: str, e: OSError, way_out: str = "") -> NoReturn:
        """What an OSError on a file means, in words."""
        if isinstance(e, PermissionError):
            self.refuse(
                name,
                f"{e.strerror}; run as root (a locked-down kernel refuses root too)",
            )
        if isinstance(e, FileNotFoundError):
            self.refuse(name, f"does not exist; {way_out}" if way_out else "is missing")
        if e.errno == errno.EBUSY:
            self.refuse(name, "busy: another program is loading a kernel; try again")
        self.refuse(name, e.strerror or str(e))

    def _number(self, name: str, parse: Callable[[str], int], way_out: str = "") -> int:
        text = self.text(name, way_out).strip()
        try:
            return parse(text)
        except ValueError:
            self.refuse(name, f"{text[:80]!r} is not a number")

    def _once(self, name: str, make: Callable[[], T]) -> T:
        if name not in self._facts:
            self._facts[name] = make()
        return self._facts[name]  # type: ignore[return-value]

    def _first(self, names: tuple[str, ...]) -> str | None:
        return next((name for name in names if self.exists(name)), None)

    # Identity

    @property
    def arch(self) -> str:
        """ "arm64", "arm", "riscv64", "ppc64le", "x86_64", ..."""
        if self._arch is None:
            self._arch = self._find_arch()
        return self._arch

    def _find_arch(self) -> str:
        if self.exists(KERNEL_ARCH):
            name = self.text(KERNEL_ARCH).strip()
            if not name.isprintable() or not 0 < len(name) <= MAX_ARCH:
                self.refuse(KERNEL_ARCH, f"{name[:80]!r} is no architecture")
            return known_arch(name)
        if is_running(self.root):
            return known_arch(os.uname().machine)
        if self.exists("proc/cpuinfo"):
            lines = self.text("proc/cpuinfo").splitlines()
            for arch in arches():
                found = arch.cpuinfo(lines) if arch.cpuinfo is not None else None
                if found is not None:
                    return found
        return self.refuse(KERNEL_ARCH, "is missing; say which: Machine(root, arch=)")

    @property
    def cmdline(self) -> str:
        """The running kernel's command line, without the final newline."""
        return self.text("proc/cmdline").rstrip("\n")

    @property
    def release(self) -> str:
        """The kernel's version, as `uname -r` prints it."""
        return self._once("release", self._find_release)

    def _find_release(self) -> str:
        words = self.text("proc/version").split()
        if len(words) < 3 or words[:2] != ["Linux", "version"]:
            self.refuse("proc/version", "does not start with 'Linux version'")
        return words[2]

    @property
    def config(self) -> dict[str, str] | None:
        """The kernel's configuration, "CONFIG_KEXEC" to "y", "m" or a value; what is
        not set is absent. None if no file tells it."""
        return self._once("config", self._find_config)

    def _find_config(self) -> dict[str, str] | None:
        name = self._first(config_files(self.release))
        if name is None:
            return None
        try:
            return parse_config(self.read(name), packed=name == CONFIG_GZ)
        except ValueError as e:
            self.refuse(name, str(e))

    # Memory

    @property
    def iomem(self) -> tuple[Resource, ...]:
        """/proc/iomem, in the kernel's order."""
        return self._once("iomem", lambda: parse(self.text(IOMEM), self.path(IOMEM)))

    def named(self, name: str) -> list[MemRange]:
        """All ranges of that name in /proc/iomem, at any depth."""
        return [r.range for r in self.iomem if r.name == name]

    def _ranges(self, pairs: list[MemRange], name: str) -> Ranges:
        try:
            return Ranges(pairs)
        except FdtBadParameter as e:
            self.refuse(IOMEM, f"{name}: {e.where} {e.cause.partition(';')[0]}")

    @property
    def ram(self) -> Ranges:
        """All memory: what a dump is made of, the crash kernel's own included.

        Memory that a driver manages ("System RAM (kmem)") is in, as in Linux's
        own core header; memory reserved by firmware or drivers is in too.
        """
        return self._once("ram", self._find_ram)

    def _find_ram(self) -> Ranges:
        found = []
        inside = -1
        for r in self.iomem:
            if inside >= 0 and r.depth > inside:
                continue  # may be RAM given back by a shrunk crash region
            inside = -1
            if r.name == "System RAM" or r.name.startswith("System RAM ("):
                inside = r.depth
                found.append(r.range)
        ram = self._ranges(found, "System RAM")
        if not ram:
            self.refuse(IOMEM, "has no System RAM")
        return ram

    @property
    def free_ram(self) -> Ranges:
        """Where a plain kexec may place segments: System RAM without what lies
        inside it, but for the running kernel, which is over by then. Memory
        that a driver manages is left out."""
        return self._once("free_ram", self._find_free_ram)

    def _find_free_ram(self) -> Ranges:
        found, taken = [], []
        inside = -1
        for r in self.iomem:
            if inside >= 0 and r.depth > inside:
                if r.depth == inside + 1 and not r.name.startswith(FREE_INSIDE):
                    taken.append(r.range)
                continue
            inside = -1
            if r.name == "System RAM":
                inside = r.depth
                found.append(r.range)
        return self._ranges(found, "System RAM").exclude(taken)

    @property
    def lpi_tables(self) -> tuple[MemRange, ...]:
        """What the redistributors of a GICv3 write to, as the kernel's log tells;
        empty if it does not (any more)."""
        return self._once("lpi_tables", self._find_lpi_tables)

    def _find_lpi_tables(self) -> tuple[MemRange, ...]:
        return tuple(lpi_tables(self.lpi_log))

    @property
    def lpi_log(self) -> str:
        """The lines of the kernel's log about them."""
        if self.exists(KMSG_LPI):
            return self.text(KMSG_LPI)
        if os.path.realpath(self.root) != "/":
            return ""
        try:
            return lpi_lines(read_kmsg())
        except OSError:  # who may not read it does not know
            return ""

    # The crash kernel's memory

    @property
    def crash_ranges(self) -> tuple[MemRange, ...]:
        """What crashkernel= reserved: the main region, then, if there is one,
        the low one. Empty if nothing is reserved."""
        return self._once("crash_ranges", self._find_crash_ranges)

    def _find_crash_ranges(self) -> tuple[MemRange, ...]:
        found = sorted(set(self.named("Crash kernel")), reverse=True)
        source = IOMEM
        if not found:
            found, source = self._crash_in_tree()
        if len(found) > MAX_REGIONS:
            self.refuse(source, f"has {len(found)} crash regions, which no Linux has")
        self._ranges(found, "Crash kernel")
        for r in found:
            if not self.ram.covers(r):
                self.refuse(source, f"Crash kernel {r!r} is not in System RAM")
        self._check_crash_size(found)
        return tuple(found)

    def _crash_in_tree(self) -> tuple[list[MemRange], str]:
        """Some say it in the device tree alone."""
        for arch in arches():
            names = [f"{CHOSEN}/{name}" for name in arch.crash_in_chosen or ()]
            if names and all(map(self.exists, names)):
                start, size = map(self._cells, names)
                try:
                    return ([MemRange(start, size)] if size else []), names[0]
                except FdtBadParameter as e:
                    self.refuse(names[0], f"{e.where}: {e.cause}")
        return [], IOMEM

    def _cells(self, name: str) -> int:
        value = self.read(name)
        if len(value) not in (4, 8):
            self.refuse(name, f"has {len(value)} bytes, not one or two cells")
        return int.from_bytes(value, "big")

    def _check_crash_size(self, found: list[MemRange]) -> None:
        name = self._first(CRASH_SIZE)
        if name is None:
            return
        says = self._number(name, decimal)
        # Linux 6.1 counts the main region alone, 6.12 both
        sums = {sum(r.size for r in found[:n]) for n in (1, len(found))}
        if says not in sums:
            self.refuse(
                name,
                f"says {says} bytes, but the regions are {found[:8]!r}; were the "
                "files read while the reservation changed? Read them again",
            )

    @property
    def crash_main(self) -> MemRange:
        """The main crash region: every crash segment must lie in it."""
        if not self.crash_ranges:
            self.refuse(
                IOMEM,
                "has no 'Crash kernel': no memory is reserved; boot with "
                "crashkernel=256M or so",
            )
        return self.crash_ranges[0]

    @property
    def core_header_room(self) -> int:
        """Bytes that a core header must have for the kernel to keep it up to date
        itself when memory or CPUs come and go; 0 if it does not."""
        name = self._first(HEADER_ROOM)
        size = 0 if name is None else self._number(name, decimal)
        if size > MAX_HEADER_ROOM:
            self.refuse(name or "", f"{size} bytes are more than any Linux asks for")
        return size

    @property
    def cma_ranges(self) -> Ranges:
        """What crashkernel=,cma reserved: usable for the crash kernel, not in
        the dump, no place for segments. Empty if the kernel lists none."""
        return self._once("cma_ranges", self._find_cma_ranges)

    def _find_cma_ranges(self) -> Ranges:
        name = self._first(CRASH_CMA)
        found = []
        for line in self.text(name).splitlines() if name else ():
            first, _, last = line.partition("-")
            try:
                start = hexadecimal(first)
                found.append(MemRange(start, hexadecimal(last) + 1 - start))
            except (ValueError, FdtBadParameter):
                self.refuse(name or "", f"not 'first-last': {line[:80]!r}")
        return self._ranges(found, "crash CMA")

    # Notes for the dump

    @property
    def vmcoreinfo(self) -> Vmcoreinfo:
        """The text of the running kernel's VMCOREINFO note."""
        return self._once("vmcoreinfo", self._find_vmcoreinfo)

    def _find_vmcoreinfo(self) -> Vmcoreinfo:
        if self.exists(KCORE_NOTE):
            return Vmcoreinfo(self.text(KCORE_NOTE), self.path(KCORE_NOTE))
        return Vmcoreinfo(self._from_kcore(note_in_kcore), self.path(KCORE))

    def _from_kcore(self, find: Callable[[int, str], T]) -> T:
        try:
            fd = self.files.open(KCORE)
            try:
                return find(fd, self.path(KCORE))
            finally:
                os.close(fd)
        except OSError as e:
            self.refuse_os(KCORE, e, "the kernel lacks CONFIG_PROC_KCORE")

    @property
    def kcore_loads(self) -> tuple[Load, ...]:
        """What /proc/kcore says of memory: where each piece of it is mapped."""
        return self._once("kcore_loads", self._find_kcore_loads)

    def _find_kcore_loads(self) -> tuple[Load, ...]:
        if not self.exists(KCORE_LOADS):
            return tuple(self._from_kcore(loads_in_kcore))
        found = []
        for line in self.text(KCORE_LOADS).splitlines():
            try:
                virtual, physical, size = map(hexadecimal, line.split())
            except ValueError:
                self.refuse(KCORE_LOADS, f"not 'virtual physical size': {line[:80]!r}")
            found.append(Load((virtual, physical, size)))
        return tuple(found)

    @property
    def vmcoreinfo_note(self) -> MemRange:
        """Where the VMCOREINFO note lies, physically, and its size in bytes.

        Source: Linux kernel/ksysfs.c vmcoreinfo_show(): both hexadecimal, the
            size without 0x.
        """
        return self._once("vmcoreinfo_note", self._find_vmcoreinfo_note)

    def _find_vmcoreinfo_note(self) -> MemRange:
        text = self.text(VMCOREINFO, "the kernel lacks CONFIG_CRASH_DUMP").strip()
        try:
            start, size = text.split()
            note = MemRange(hexadecimal(start.removeprefix("0x")), hexadecimal(size))
        except (ValueError, FdtBadParameter):
            self.refuse(VMCOREINFO, f"not 'address size': {text[:80]!r}")
        return self._in_ram(note, VMCOREINFO)

    def _in_ram(self, note: MemRange, name: str) -> MemRange:
        if not note.size or not self.ram.covers(note):
            self.refuse(name, f"{note!r} is not in System RAM of {self.path(IOMEM)}")
        return note

    @property
    def crash_notes(self) -> dict[int, MemRange]:
        """Each possible CPU's note, physically, by CPU number, ascending.

        Numbers may have gaps. A CPU that is possible but has never been
        present (no directory of its own) shows no note and is left out.
        """
        return dict(self._once("crash_notes", self._find_crash_notes))

    def _find_crash_notes(self) -> dict[int, MemRange]:
        found = {}
        present = set(self._cpus("present"))
        for cpu in self._cpus("possible"):
            name = f"{CPU}/cpu{cpu}/crash_notes"
            if cpu not in present and not self.exists(f"{CPU}/cpu{cpu}"):
                continue
            way_out = "the kernel lacks CONFIG_CRASH_DUMP"
            start = self._number(name, hexadecimal, way_out)
            size = self._number(f"{name}_size", decimal)
            try:
                note = MemRange(start, size)
            except FdtBadParameter as e:
                self.refuse(name, f"{e.where}: {e.cause}")
            found[cpu] = self._in_ram(note, name)
        return found

    @property
    def possible_cpus(self) -> tuple[int, ...]:
        """Numbers of the CPUs that this kernel could ever start."""
        return tuple(self._cpus("possible"))

    def _cpus(self, which: str) -> list[int]:
        """A CPU list such as '0-2,4'."""
        name = f"{CPU}/{which}"
        text = self.text(name).strip()
        numbers: list[int] = []
        try:
            for part in text.split(","):
                low, _, high = part.partition("-")
                first, last = decimal(low), decimal(high or low)
                if last < first:
                    raise ValueError
                # Before the range becomes a list
                if last >= MAX_CPUS or len(numbers) > MAX_CPUS:
                    self.refuse(
                        name,
                        f"{text[:80]!r} has {MAX_CPUS} or more, which no Linux has; "
                        "was the file damaged?",
                    )
                numbers += range(first, last + 1)
        except ValueError:
            self.refuse(name, f"not a list of CPUs: {text[:80]!r}")
        return numbers

    # The tree

    @property
    def has_fdt(self) -> bool:
        """Whether it shows a tree at all."""
        return self.exists(FDT) or self._first(TREES) is not None

    @property
    def fdt(self) -> bytes:
        """The device tree the kernel was booted with, as the kernel shows it;
        from /proc/device-tree where there is no /sys/firmware/fdt (then
        without memory reservations)."""
        return self._once("fdt", self._find_fdt)

    def _find_fdt(self) -> bytes:
        return self.read(FDT) if self.exists(FDT) else self.live_fdt

    @property
    def live_fdt(self) -> bytes:
        """The device tree as the running kernel has it now, from
        /proc/device-tree: without memory reservations, boot CPU 0."""
        return self._once("live_fdt", self._find_live_fdt)

    def _find_live_fdt(self) -> bytes:
        tree = self._first(TREES)
        if tree is None:
            self.refuse(FDT, "does not exist, nor /proc/device-tree; give a DTB")
        try:
            return flatten(self.files, tree)
        except OSError as e:
            self.refuse_os(e.filename or tree, e)

    # The running kernel

    @property
    def kernel_image(self) -> MemRange:
        """From the start of the kernel's code to the end of its data."""
        whole = self.named("Kernel image")
        if whole:
            return whole[0]
        code = self.named("Kernel code")
        data = [*self.named("Kernel bss"), *self.named("Kernel data")]
        if not code or not data or data[0].stop <= code[0].start:
            self.refuse(IOMEM, "has no 'Kernel code' with 'Kernel data' behind it")
        return MemRange(code[0].start, data[0].stop - code[0].start)

    @property
    def mapping(self) -> Mapping:
        """How the running kernel maps its memory."""
        return self._once("mapping", self._find_mapping)

    def _find_mapping(self) -> Mapping:
        arch = arch_of(self.arch)
        mine = arch is not None and self.arch in arch.machines
        find = arch.own("mapping") if arch is not None and mine else None
        if find is None:
            known = sorted(m for a in arches() if a.own("mapping") for m in a.machines)
            raise FdtMachineError(
                OP,
                self.root,
                f"how {self.arch} maps its memory is not known here (known: "
                f"{', '.join(known)}); call elf_core_header() with virtual_offset",
            )
        mapping: Mapping = find(self)
        return mapping
