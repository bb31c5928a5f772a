# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Each captured machine agrees with itself and with how it was booted.

No expected value is copied from a capture: it comes from the command line, from
QEMU's arguments, from another file of the same capture or from the kernel's
definitions.
"""

import re
import shlex
import struct
from pathlib import Path

import pytest

from pyfdtx import _native
from pyfdtx.codec.reg import MemRange

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MACHINES = sorted(p.parent.name for p in EXAMPLES.glob("arm64-*/RECIPE.txt"))
WITH_TREE = [m for m in MACHINES if "uefi" not in m]
U64 = 1 << 64
FOUR_GIB = 1 << 32
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

every_machine = pytest.mark.parametrize("machine", MACHINES)


def read(machine, path):
    return (EXAMPLES / machine / path).read_bytes()


def text(machine, path):
    return read(machine, path).decode("ascii")


def size_of(word):
    return int(word[:-1]) * UNITS[word[-1]]


def recipe(machine):
    """(QEMU's arguments, kernel command line)"""
    command = shlex.split(text(machine, "RECIPE.txt").splitlines()[1])
    return command, command[command.index("-append") + 1]


def iomem(machine, name=None, top_only=False):
    """MemRanges of /proc/iomem; lines are 'first-last : name', last inclusive."""
    found = []
    for line in text(machine, "proc/iomem").splitlines():
        m = re.fullmatch(r"( *)([0-9a-f]+)-([0-9a-f]+) : (.+)", line)
        assert m, f"{machine}: not a line of iomem: {line!r}"
        first, last = int(m[2], 16), int(m[3], 16)
        if name in (None, m[4]) and not (top_only and m[1]):
            found.append(MemRange(first, last + 1 - first))
    return found


def inside(inner, outer):
    return outer.start <= inner.start and inner.stop <= outer.stop


def cpus(machine, which):
    """Numbers of a CPU list such as '0-2,4'."""
    numbers = []
    for part in text(machine, f"sys/devices/system/cpu/{which}").strip().split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def note(machine, cpu):
    base = f"sys/devices/system/cpu/cpu{cpu}/crash_notes"
    return MemRange(int(text(machine, base), 16), int(text(machine, base + "_size")))


def vmcoreinfo(machine):
    lines = text(machine, "proc/kcore.vmcoreinfo").splitlines()
    return dict(line.split("=", 1) for line in lines)


def number(machine, name):
    """NUMBER(name) modulo 2^64, SYMBOL(name) where there is no NUMBER."""
    info = vmcoreinfo(machine)
    if f"NUMBER({name})" in info:
        return int(info[f"NUMBER({name})"], 0) % U64
    return int(info[f"SYMBOL({name})"], 16)


class Tree:
    """A blob read with libfdt."""

    def __init__(self, machine):
        self.blob = bytearray(read(machine, "sys/firmware/fdt"))
        _native.validate(self.blob, where=machine)

    def children(self, path):
        lib, ffi = _native.lib, _native.ffi
        with _native.reading(self.blob) as fdt:
            names = []
            at = lib.fdt_first_subnode(fdt, self._node(fdt, path))
            while at >= 0:
                names.append(ffi.string(lib.fdt_get_name(fdt, at, ffi.NULL)).decode())
                at = lib.fdt_next_subnode(fdt, at)
            assert at == -lib.FDT_ERR_NOTFOUND
            return names

    def properties(self, path):
        lib, ffi = _native.lib, _native.ffi
        found = {}
        name, length = ffi.new("const char **"), ffi.new("int *")
        with _native.reading(self.blob) as fdt:
            at = lib.fdt_first_property_offset(fdt, self._node(fdt, path))
            while at >= 0:
                value = lib.fdt_getprop_by_offset(fdt, at, name, length)
                key = ffi.string(name[0]).decode()
                found[key] = bytes(ffi.buffer(value, length[0]))
                at = lib.fdt_next_property_offset(fdt, at)
            assert at == -lib.FDT_ERR_NOTFOUND
        return found

    @staticmethod
    def _node(fdt, path):
        offset = _native.lib.fdt_path_offset_namelen(fdt, path.encode(), len(path))
        return _native.check(offset, "fdt_path_offset", path)


def test_the_three_machines_are_here():
    assert MACHINES == ["arm64-dt", "arm64-high-low", "arm64-uefi-acpi"]


@every_machine
def test_the_machine_was_booted_as_its_recipe_says(machine):
    _, cmdline = recipe(machine)
    booted = text(machine, "proc/cmdline").split()
    # The firmware tells the EFI stub by this word where the initrd is.
    assert [w for w in booted if w != "initrd=initrd"] == cmdline.split()


@every_machine
def test_the_tree_holds_the_command_line_that_the_kernel_shows(machine):
    bootargs = Tree(machine).properties("/chosen")["bootargs"]
    assert bootargs == read(machine, "proc/cmdline").rstrip(b"\n") + b"\0"


@every_machine
def test_crash_regions_have_the_sizes_of_crashkernel(machine):
    _, cmdline = recipe(machine)
    wanted = re.findall(r"\bcrashkernel=(\w+)", cmdline)
    regions = iomem(machine, "Crash kernel")
    assert sorted(r.size for r in regions) == sorted(map(size_of, wanted))
    for region in regions:
        # CRASH_ALIGN of arch/arm64 is 2 MiB
        assert region.start % (2 << 20) == 0, f"{machine}: {region}"
        assert any(inside(region, ram) for ram in iomem(machine, "System RAM"))


@every_machine
def test_the_kernel_reports_the_size_of_its_main_crash_region(machine):
    main = max(iomem(machine, "Crash kernel"), key=lambda r: r.size)
    assert int(text(machine, "sys/kernel/kexec_crash_size")) == main.size


def test_one_crash_region_lies_above_4_gib_and_a_smaller_one_below():
    _, cmdline = recipe("arm64-high-low")
    high = size_of(re.search(r"crashkernel=(\w+),high", cmdline)[1])
    low = size_of(re.search(r"crashkernel=(\w+),low", cmdline)[1])
    below, above = sorted(iomem("arm64-high-low", "Crash kernel"))
    assert (below.size, above.size) == (low, high)
    assert below.stop <= FOUR_GIB <= above.start


@every_machine
def test_iomem_accounts_for_all_the_memory_of_the_machine(machine):
    command, _ = recipe(machine)
    size = size_of(command[command.index("-m") + 1])
    ram = MemRange(1 << 30, size)  # QEMU's virt machine has its RAM at 1 GiB
    parts = [r for r in iomem(machine, top_only=True) if inside(r, ram)]
    at = ram.start
    for part in parts:
        assert part.start == at, f"{machine}: hole or overlap at {at:#x}"
        at = part.stop
    assert at == ram.stop


@pytest.mark.parametrize("machine", WITH_TREE)
def test_the_memory_node_is_the_system_ram_of_iomem(machine):
    tree = Tree(machine)
    root = tree.properties("/")
    two = struct.pack(">I", 2)
    assert (root["#address-cells"], root["#size-cells"]) == (two, two)
    reg = tree.properties("/memory@40000000")["reg"]
    assert [MemRange(*struct.unpack(">2Q", reg))] == iomem(machine, "System RAM")


@every_machine
def test_the_blob_ends_with_its_last_block(machine):
    blob = read(machine, "sys/firmware/fdt")
    total, structure, strings = struct.unpack_from(">3I", blob, 4)
    strings_size, structure_size = struct.unpack_from(">2I", blob, 32)
    assert len(blob) == total == max(structure + structure_size, strings + strings_size)


@every_machine
def test_no_seed_is_left_in_the_tree(machine):
    chosen = Tree(machine).properties("/chosen")
    assert not any(chosen.get("kaslr-seed", b""))
    assert "rng-seed" not in chosen


def test_the_uefi_machine_has_only_chosen_with_uefi_properties():
    tree = Tree("arm64-uefi-acpi")
    assert tree.children("/") == ["chosen"]
    assert tree.children("/chosen") == []
    chosen = tree.properties("/chosen")
    rest = {name for name in chosen if not name.startswith("linux,uefi-")}
    assert rest == {"bootargs"}
    # What Linux looks for (drivers/firmware/efi/fdtparams.c)
    for name, length in (
        ("linux,uefi-system-table", 8),
        ("linux,uefi-mmap-start", 8),
        ("linux,uefi-mmap-size", 4),
        ("linux,uefi-mmap-desc-size", 4),
        ("linux,uefi-mmap-desc-ver", 4),
    ):
        assert len(chosen[name]) == length, name


@every_machine
def test_vmcoreinfo_is_two_hex_numbers(machine):
    address, size = text(machine, "sys/kernel/vmcoreinfo").split()
    where = MemRange(int(address, 16), int(size, 16))
    # VMCOREINFO_NOTE_SIZE: two times 12 of head, 12 of name, one page of text.
    # Read as decimal, the size would be too small for that.
    assert where.size == 2 * 12 + 12 + 4096
    assert any(inside(where, ram) for ram in iomem(machine, "System RAM"))


@every_machine
def test_the_vmcoreinfo_text_is_of_the_kernel_that_ran(machine):
    info = vmcoreinfo(machine)
    assert text(machine, "proc/version").split()[2] == info["OSRELEASE"]
    assert len(read(machine, "proc/kcore.vmcoreinfo")) <= 4096


@every_machine
def test_kimage_voffset_leads_from_stext_to_the_kernel_code(machine):
    stext = number(machine, "_stext") - number(machine, "kimage_voffset")
    (code,) = iomem(machine, "Kernel code")
    assert code.start <= stext <= code.last


@every_machine
def test_phys_offset_leads_from_a_linear_address_to_system_ram(machine):
    # mem_section is a pointer into the linear map, which starts at
    # -(1 << VA_BITS) for the physical address PHYS_OFFSET (modulo 2^64: with
    # KASLR, PHYS_OFFSET may be "negative").
    linear = number(machine, "mem_section")
    page_offset = U64 - (1 << number(machine, "VA_BITS"))
    physical = (linear - page_offset + number(machine, "PHYS_OFFSET")) % U64
    assert any(r.start <= physical <= r.last for r in iomem(machine, "System RAM"))


def test_phys_offset_wraps_on_some_machine_and_not_on_another():
    wraps = {number(m, "PHYS_OFFSET") >= U64 // 2 for m in MACHINES}
    assert wraps == {True, False}


@every_machine
def test_every_possible_cpu_has_crash_notes_of_its_own(machine):
    command, _ = recipe(machine)
    possible = cpus(machine, "possible")
    assert possible == list(range(int(command[command.index("-smp") + 1])))
    directories = (EXAMPLES / machine / "sys/devices/system/cpu").glob("cpu[0-9]*")
    assert sorted(int(d.name[3:]) for d in directories) == possible
    notes = sorted(note(machine, cpu) for cpu in possible)
    for one in notes:
        # An ELF note of a struct elf_prstatus: heads of 12 + "CORE" + registers
        assert one.size > 12 + 8 + 34 * 8
        assert any(inside(one, ram) for ram in iomem(machine, "System RAM"))
    for one, following in zip(notes, notes[1:]):
        assert one.stop <= following.start


@every_machine
def test_nothing_to_dump_lies_in_a_crash_region(machine):
    address, size = text(machine, "sys/kernel/vmcoreinfo").split()
    kept = [note(machine, cpu) for cpu in cpus(machine, "possible")]
    kept += iomem(machine, "Kernel code") + iomem(machine, "Kernel data")
    kept.append(MemRange(int(address, 16), int(size, 16)))
    for region in iomem(machine, "Crash kernel"):
        for one in kept:
            assert one.stop <= region.start or region.stop <= one.start, one


def test_an_offline_cpu_is_possible_and_has_crash_notes():
    machine = "arm64-high-low"
    _, cmdline = recipe(machine)
    online = cpus(machine, "online")
    assert len(online) == int(re.search(r"maxcpus=(\d+)", cmdline)[1])
    (offline,) = set(cpus(machine, "possible")) - set(online)
    assert note(machine, offline).start


@every_machine
def test_cpuinfo_lists_the_online_cpus(machine):
    listed = re.findall(r"^processor\s*: (\d+)$", text(machine, "proc/cpuinfo"), re.M)
    assert list(map(int, listed)) == cpus(machine, "online")


@every_machine
def test_no_path_of_the_capturing_host_is_in_a_capture(machine):
    for path in (EXAMPLES / machine).rglob("*"):
        if path.is_file():
            found = re.search(rb"/(home|root|tmp|usr|var|mnt)\b", path.read_bytes())
            assert not found, f"{path}: {found}"
