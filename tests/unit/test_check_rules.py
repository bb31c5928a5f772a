# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Every rule of pyfdtx.kexec.check.checker: a good tree made bad in exactly one way.

Each case starts from a tree that second_kernel_dtb() made and against which no
rule has anything to say; it changes one thing and says which one rule must
find it, and where. What the kernel does with such trees is the rules' own text;
the sources are named there.
"""

import shutil
import struct
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from arm_machine import zimage
from second_kernel_blobs import assemble, u32, u64

from pyfdtx import MemRange, pure
from pyfdtx.errors import FdtBadBlob, FdtBadParameter, FdtError, FdtMachineError
from pyfdtx.kexec import Crash, Machine, core_header_of, second_kernel_dtb
from pyfdtx.kexec.check.checker import (
    RULES,
    check_tree,
    parse_kernel,
    rules_table,
)
from pyfdtx.kexec.check.facts import hexed, inside
from pyfdtx.kexec.image.kernel import parse_image

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
MACHINES = sorted(p.parent.name for p in EXAMPLES.glob("arm64-*/RECIPE.txt"))
SEEDS = {"kaslr_seed": 0x0123456789ABCDEF, "rng_seed": bytes(range(128))}
MIB = 1 << 20
# What every architecture's good tree is made of: memory, the crash region in
# it, and, from the region's start, initrd and core header. riscv: the initrd
# leaves room for the image in front.
MEMORY, USABLE = (0x40000000, 1 << 30), (0x6AC00000, 256 * MIB)
INITRD, HEADER = (0x70000000, 5 * MIB), (0x7AB00000, 0x1000)
UEFI = {
    "linux,uefi-system-table": u64(0x7F000000),
    "linux,uefi-mmap-start": u64(0x7E000000),
    "linux,uefi-mmap-size": u32(0x1000),
    "linux,uefi-mmap-desc-size": u32(0x30),
    "linux,uefi-mmap-desc-ver": u32(1),
}


class Node:
    """A node of a tree that can be changed."""

    def __init__(self, plain):
        self.name, self.props, children = plain
        self.nodes = [Node(child) for child in children]

    def plain(self):
        return (self.name, self.props, [node.plain() for node in self.nodes])

    def __getitem__(self, name):
        if name.startswith("/"):
            return next(n for n in self.nodes if n.name.split("@")[0] == name[1:])
        return dict(self.props)[name]

    def __setitem__(self, name, value):
        for i, (key, _) in enumerate(self.props):
            if key == name:
                self.props[i] = (name, value)
                return
        self.props.append((name, value))

    def __delitem__(self, name):
        if name.startswith("/"):
            self.nodes.remove(self[name])
        else:
            self.props.remove((name, self[name]))

    def add(self, name, props=()):
        self.nodes.append(Node((name, list(props), [])))
        return self.nodes[-1]


def memory_props(reg):
    return [("device_type", b"memory\0"), ("reg", reg)]


def boot_tree():
    return assemble(
        (
            "",
            [
                ("#address-cells", u32(2)),
                ("#size-cells", u32(2)),
                ("compatible", b"b\0"),
            ],
            [
                ("chosen", [("bootargs", b"console=ttyAMA0\0")], []),
                (
                    "memory@40000000",
                    [("device_type", b"memory\0"), ("reg", u64(*MEMORY))],
                    [],
                ),
                ("cpus", [], [("cpu@0", [("reg", u32(0))], [])]),
            ],
        )
    )


class Setup:
    """A good tree and what is known beside it; .found() judges it."""

    def __init__(self, arch="arm64"):
        usable = USABLE if arch != "arm" else (USABLE[0], HEADER[0] - USABLE[0])
        blob = second_kernel_dtb(
            boot_tree(),
            arch=arch,
            initrd=INITRD,
            crash=Crash(elfcorehdr=HEADER, usable=[usable]),
            **SEEDS,
        )
        self.known = {"arch": arch}
        self.options = {}
        self.root = Node(pure.unflatten(blob))
        self.reserved = list(pure.memreserve(blob))
        self.blob = None

    @property
    def chosen(self):
        return self.root["/chosen"]

    def normal(self):
        """Make it the tree of a kernel that is no crash kernel."""
        for name in ("linux,elfcorehdr", "linux,usable-memory-range"):
            del self.chosen[name]
        self.reserved.remove(HEADER)
        words = self.chosen["bootargs"].rstrip(b"\0").split()
        kept = [w for w in words if not w.startswith((b"elfcorehdr=", b"mem="))]
        self.chosen["bootargs"] = b" ".join(kept) + b"\0"

    def uefi(self):
        """Make it a tree as the EFI stub leaves it to an ACPI kernel."""
        del self.root["/memory"]
        del self.root["/cpus"]
        del self.root["compatible"]
        for name, value in UEFI.items():
            self.chosen[name] = value

    def words(self, text):
        """Put words in front of the command line."""
        self.chosen["bootargs"] = text.encode() + b" " + self.chosen["bootargs"]

    def say_header(self, start, size):
        """Another place of the core header, said everywhere."""
        self.chosen["linux,elfcorehdr"] = u64(start, size)
        self.reserved.remove(HEADER)
        if size:
            self.reserved.append((start, size))
        old = self.chosen["bootargs"]
        self.chosen["bootargs"] = old.replace(b"%#x" % HEADER[0], b"%#x" % start)

    def say_initrd(self, start, stop):
        self.chosen["linux,initrd-start"] = u64(start)
        self.chosen["linux,initrd-end"] = u64(stop)
        self.reserved = [r for r in self.reserved if r != INITRD]

    def say_usable(self, *ranges):
        flat = [number for r in ranges for number in r]
        self.chosen["linux,usable-memory-range"] = u64(*flat)

    def found(self):
        blob = self.blob or assemble(self.root.plain(), self.reserved, **self.options)
        return check_tree(blob, **self.known)


CASES = []


def violates(rule, where="", arch="arm64", value=None):
    """A case: the rule that must be the only one, and the place it must name."""

    def add(change):
        CASES.append(
            pytest.param(
                rule, where, arch, value, change, id=f"{rule}-{change.__name__}"
            )
        )
        return change

    return add


# The blob


@violates("dtb-too-large")
def one_byte_more_than_2_mib(s):
    blob = assemble(s.root.plain(), s.reserved)
    s.chosen["filler"] = bytes(2 * MIB - len(blob) - 32)
    blob = bytearray(assemble(s.root.plain(), s.reserved))
    struct.pack_into(">I", blob, 4, 2 * MIB + 1)
    s.blob = bytes(blob).ljust(2 * MIB + 1, b"\0")


def test_slack_that_arm_does_not_read_may_be_as_large_as_it_is():
    """The tree that QEMU 7.2 hands to an arm kernel has 1 MiB and 127 bytes, and the
    kernel boots: most of it is slack, and head.S maps what comes first."""
    s = Setup("arm")
    blob = bytearray(assemble(s.root.plain(), s.reserved))
    used = len(blob)
    struct.pack_into(">I", blob, 4, MIB + 127)
    s.blob = bytes(blob).ljust(MIB + 127, b"\0")
    assert "dtb-too-large" not in [f.rule for f in s.found()]
    # The same bytes, all of them strings
    (strings,) = struct.unpack_from(">I", blob, 12)
    struct.pack_into(">I", blob, 32, MIB - strings)
    s.blob = bytes(blob).ljust(MIB + 127, b"\0")
    assert "dtb-too-large" not in [f.rule for f in s.found()]
    struct.pack_into(">I", blob, 32, MIB + 1 - strings)
    s.blob = bytes(blob).ljust(MIB + 127, b"\0")
    assert used < MIB
    assert "dtb-too-large" in [f.rule for f in s.found()]


@pytest.mark.parametrize(("arch", "most"), [("riscv", 2 * MIB)])
def test_other_kernels_map_no_more_of_a_tree(arch, most):
    """Linux arch/riscv/mm/init.c create_fdt_early_page_table(): MAX_FDT_SIZE."""
    for size, found in ((most, []), (most + 1, ["dtb-too-large"])):
        s = Setup(arch)
        s.chosen["filler"] = b""
        s.chosen["filler"] = bytes(size - len(assemble(s.root.plain(), s.reserved)) - 8)
        blob = bytearray(assemble(s.root.plain(), s.reserved))
        struct.pack_into(">I", blob, 4, size)
        s.blob = bytes(blob).ljust(size, b"\0")
        assert [f.rule for f in s.found()] == found


@violates("dtb-misaligned")
def loaded_at_an_odd_word(s):
    s.known["load_address"] = USABLE[0] + 4


@violates("dtb-slack")
def a_buffer_of_one_page_more(s):
    blob = bytearray(assemble(s.root.plain(), s.reserved))
    struct.pack_into(">I", blob, 4, len(blob) + 4096)
    s.blob = bytes(blob) + bytes(4096)


@violates("nop-growth")
def nops_everywhere(s):
    s.options["nops"] = True


@violates("node-too-deep", "/" + "/".join(["n"] * 63))
def root_and_63_levels(s):
    node = s.root
    for _ in range(63):
        node = node.add("n")


@violates("duplicate-property", "/chosen:rng-seed")
def two_rng_seeds(s):
    s.chosen.props.append(("rng-seed", bytes(32)))


@violates("duplicate-node", "/cpus/cpu@0")
def two_cpus_of_one_name(s):
    s.root["/cpus"].add("cpu@0")


@violates("memreserve-cut", value="/memreserve/ 0x48000000 0x0")
def a_reservation_of_nothing(s):
    s.reserved.append((0x48000000, 0))
    s.reserved.append((0x49000000, 0x1000))


# The root


@violates("root-cells-missing", "/:#size-cells")
def no_size_cells_in_a_normal_uefi_tree(s):
    s.normal()
    s.uefi()
    del s.root["#size-cells"]


@violates("root-cells-unsound", "/:#address-cells")
def five_address_cells(s):
    s.root["#address-cells"] = u32(5)


@violates("root-cells-unsound", "/:#size-cells")
def size_cells_of_eight_bytes(s):
    s.root["#size-cells"] = u64(2)


@violates("root-cells-wide", "/:#address-cells")
def three_address_cells(s):
    s.root["#address-cells"] = u32(3)
    for node, name in (
        (s.chosen, "linux,elfcorehdr"),
        (s.chosen, "linux,usable-memory-range"),
        (s.root["/memory"], "reg"),
    ):
        node[name] = u32(0) + node[name]


@violates("memory-missing", "/")
def no_memory_node(s):
    del s.root["/memory"]


@violates("memory-missing", "/")
def memory_disabled(s):
    s.root["/memory"]["status"] = b"disabled\0"


@violates("memory-missing", "/")
def memory_of_no_bytes(s):
    s.root["/memory"]["reg"] = u64(MEMORY[0], 0)


@violates("segment-not-in-memory")
def tree_behind_the_memory(s):
    s.normal()
    s.known["load_address"] = sum(MEMORY) - 8


@violates(
    "segment-not-in-memory", value="image address 0x7fe00000-0x80000000 (2097153 bytes)"
)
def image_ends_behind_the_memory(s):
    s.normal()
    at = sum(MEMORY) - 2 * MIB
    s.known.update(image=image(2 * MIB + 1), image_address=at)


@violates("memory-no-device-type", "/memory@40000000:device_type")
def memory_without_device_type(s):
    del s.root["/memory"]["device_type"]


@violates("memory-reg", "/memory@40000000:reg")
def half_an_entry_of_memory(s):
    s.root["/memory"]["reg"] += u64(0x100000000)


@violates("memory-reg", "/memory@40000000:reg")
def memory_beyond_64_bits(s):
    s.root["/memory"]["reg"] += u64((1 << 64) - 0x1000, 0x1001)


def reserved_memory(s):
    cells = [("#address-cells", u32(2)), ("#size-cells", u32(2))]
    return s.root.add("reserved-memory", [*cells, ("ranges", b"")])


@violates("reserved-memory-ignored", "/reserved-memory:#address-cells")
def reserved_memory_with_one_cell(s):
    reserved_memory(s)["#address-cells"] = u32(1)


@violates("reserved-memory-ignored", "/reserved-memory:ranges")
def reserved_memory_without_ranges(s):
    del reserved_memory(s)["ranges"]


@violates("reserved-memory-reg", "/reserved-memory/fw:reg")
def half_an_entry_of_reserved_memory(s):
    reserved_memory(s).add("fw", [("reg", u64(0x48000000))])


# /chosen


@violates("chosen-missing", "/")
def no_chosen(s):
    s.normal()
    s.reserved.clear()
    del s.root["/chosen"]


@violates("chosen-twice", "/chosen@0")
def a_second_chosen(s):
    s.root.add("chosen@0")


@violates("chosen-cells", "/chosen:#address-cells")
def chosen_with_one_cell(s):
    s.chosen["#address-cells"] = u32(1)


@violates("cmdline-too-long", "/chosen:bootargs")
def command_line_of_2048(s):
    s.chosen["bootargs"] = b"x" * 2048 + b"\0"


@violates("cmdline-too-long", "/chosen:bootargs", "riscv")
def command_line_of_1024(s):
    s.chosen["bootargs"] = s.chosen["bootargs"].rstrip(b"\0").ljust(1024, b"x") + b"\0"


@violates("cmdline-no-nul", "/chosen:bootargs")
def command_line_without_nul(s):
    s.chosen["bootargs"] = b"maxcpus=1"


@violates("cmdline-cut", "/chosen:bootargs")
def text_behind_the_nul(s):
    s.chosen["bootargs"] += b"maxcpus=1\0"


@violates("cmdline-quote", "/chosen:bootargs")
def a_quote_that_is_not_closed(s):
    s.normal()
    s.chosen["bootargs"] = b'a="b c\0'


@violates("crashkernel-in-crash", "/chosen:bootargs")
def crashkernel_again(s):
    s.words("crashkernel=256M")


@violates("cmdline-mem", "/chosen:bootargs", value="mem=128M")
def mem_half_of_the_crash_region(s):
    s.words("mem=128M")


@violates("cmdline-mem", "/chosen:bootargs", value="mem=0xfffffff")
def mem_one_byte_too_little_on_arm64(s):
    # the last one counts; it is cut to whole pages
    s.words("mem=64M mem=0xfffffff")


@violates("cmdline-mem", "/chosen:bootargs", "riscv", value="mem=64M")
def mem_the_smallest_on_riscv(s):
    s.words("mem=64M mem=1G")


@violates("initrd-half", "/chosen:linux,initrd-start")
def no_initrd_end(s):
    del s.chosen["linux,initrd-end"]
    s.reserved.remove(INITRD)


@violates("initrd-length", "/chosen:linux,initrd-end")
def initrd_end_of_six_bytes(s):
    s.chosen["linux,initrd-end"] = u64(sum(INITRD))[2:]
    s.reserved.remove(INITRD)


@violates("initrd-backwards", "/chosen:linux,initrd-end")
def initrd_ends_before_it_starts(s):
    s.say_initrd(INITRD[0], INITRD[0] - 1)


@violates("initrd-outside-usable", "/chosen:linux,initrd-start")
def initrd_one_byte_beyond_usable(s):
    s.say_header(USABLE[0], 0x1000)
    s.say_initrd(sum(USABLE) - 0x1000, sum(USABLE) + 1)


@violates("initrd-not-in-memory", "/chosen:linux,initrd-start")
def initrd_one_byte_beyond_memory(s):
    s.normal()
    s.say_initrd(sum(MEMORY) - 0x1000, sum(MEMORY) + 1)


# The crash kernel


@violates("elfcorehdr-missing", "/chosen:linux,elfcorehdr")
def usable_without_header(s):
    del s.chosen["linux,elfcorehdr"]
    s.reserved.remove(HEADER)


@violates("usable-missing", "/chosen:linux,usable-memory-range")
def header_without_usable(s):
    del s.chosen["linux,usable-memory-range"]


@violates("usable-missing", "/chosen:linux,usable-memory-range", "riscv")
def header_on_the_command_line_alone(s):
    del s.chosen["linux,usable-memory-range"]
    del s.chosen["linux,elfcorehdr"]


@violates("elfcorehdr-length", "/chosen:linux,elfcorehdr")
def stale_header_appended_to(s):
    s.chosen["linux,elfcorehdr"] += u64(0x48000000, 0x1000)


@violates("elfcorehdr-length", "/chosen:linux,elfcorehdr")
def header_of_one_cell_less(s):
    s.chosen["linux,elfcorehdr"] = s.chosen["linux,elfcorehdr"][:-4]
    s.reserved.remove(HEADER)


@violates("elfcorehdr-empty", "/chosen:linux,elfcorehdr")
def header_of_no_bytes(s):
    s.say_header(HEADER[0], 0)


@violates("range-does-not-fit", "/chosen:linux,elfcorehdr")
def header_beyond_64_bits(s):
    s.chosen["linux,elfcorehdr"] = u64((1 << 64) - 0x1000, 0x1001)
    s.reserved.remove(HEADER)


@violates("range-does-not-fit", "/chosen:linux,usable-memory-range")
def second_usable_beyond_64_bits(s):
    s.say_usable(USABLE, ((1 << 64) - 1, 2))


@violates("usable-length", "/chosen:linux,usable-memory-range")
def usable_and_four_bytes(s):
    s.chosen["linux,usable-memory-range"] += u32(0)


@violates("usable-length", "/chosen:linux,usable-memory-range")
def usable_of_no_bytes(s):
    s.chosen["linux,usable-memory-range"] = b""


@violates("usable-empty", "/chosen:linux,usable-memory-range")
def first_usable_empty(s):
    s.say_usable((USABLE[0], 0), USABLE)


@violates("usable-empty", "/chosen:linux,usable-memory-range")
def second_usable_empty(s):
    s.say_usable(USABLE, (0x48000000, 0))


THREE = (USABLE, (0x48000000, MIB), (0x49000000, MIB))


@violates("usable-too-many", "/chosen:linux,usable-memory-range")
def three_ranges_for_any_kernel(s):
    s.say_usable(*THREE)


@violates("usable-too-many", "/chosen:linux,usable-memory-range")
def three_ranges_for_7_2(s):
    s.say_usable(*THREE)
    s.known["kernel"] = "7.2"


@violates("usable-too-many", "/chosen:linux,usable-memory-range")
def seven_ranges_for_7_3(s):
    s.say_usable(USABLE, *((0x48000000 + i * 2 * MIB, MIB) for i in range(6)))
    s.known["kernel"] = "7.3"


@violates("usable-overlap", "/chosen:linux,usable-memory-range")
def usable_overlaps_by_a_byte(s):
    s.say_usable(USABLE, (USABLE[0] - MIB, MIB + 1))


@violates("usable-not-in-memory", "/chosen:linux,usable-memory-range")
def usable_one_byte_beyond_memory(s):
    s.say_usable((USABLE[0], sum(MEMORY) + 1 - USABLE[0]))


@violates("usable-added-unseen", "/chosen:linux,usable-memory-range")
def second_usable_beyond_memory(s):
    s.say_usable(USABLE, (sum(MEMORY), MIB))


@violates("usable-above-4g", "/chosen:linux,usable-memory-range", "arm")
def arm_usable_above_4g(s):
    s.root["/memory"]["reg"] += u64(1 << 32, 1 << 30)
    s.say_usable((1 << 32, 64 * MIB))
    s.say_initrd((1 << 32) + 16 * MIB, (1 << 32) + 17 * MIB)


@violates("elfcorehdr-outside-usable", "/chosen:linux,elfcorehdr")
def header_one_byte_beyond_usable(s):
    s.say_header(sum(USABLE) - 0xFFF, 0x1000)


@violates("elfcorehdr-outside-usable", "/chosen:linux,elfcorehdr", "riscv")
def header_below_usable(s):
    s.say_header(USABLE[0] - 1, 0x1000)


@violates("elfcorehdr-inside-usable", "/chosen:linux,elfcorehdr", "arm")
def arm_header_overlaps_usable_by_a_byte(s):
    s.chosen["bootargs"] = s.chosen["bootargs"].partition(b" mem=")[0] + b"\0"
    s.say_usable((USABLE[0], HEADER[0] + 1 - USABLE[0]))


# The good tree's usable range ends below the header; 2 MiB aligned, it starts
# where mem= counts from
@violates("elfcorehdr-inside-usable", "/chosen:linux,elfcorehdr", "arm")
def mem_reaches_a_byte_into_the_header(s):
    s.words(f"mem={HEADER[0] - USABLE[0] + 1}")


@violates("mem-not-usable", "/chosen:bootargs", "arm")
def mem_starts_in_the_dead_kernels_memory(s):
    s.words(f"mem=1M@{USABLE[0] - 1:#x}")


@violates("elfcorehdr-not-in-first", "/chosen:linux,elfcorehdr")
def header_in_the_second_range(s):
    s.say_usable(USABLE, (0x48000000, MIB))
    s.say_header(0x48000000, 0x1000)


@violates("elfcorehdr-overridden", "/chosen:bootargs", value="elfcorehdr=0x48000000")
def elfcorehdr_of_an_older_boot(s):
    s.words("elfcorehdr=0x48000000")


@violates("elfcorehdr-overridden", "/chosen:bootargs")
def the_last_elfcorehdr_counts(s):
    s.words(f"elfcorehdr={HEADER[0]:#x} elfcorehdr=4K@0x48000000")


@violates("elfcorehdr-unreserved", "/chosen:bootargs")
def elfcorehdr_without_a_size(s):
    del s.chosen["linux,elfcorehdr"]
    s.reserved.remove(HEADER)
    s.words(f"elfcorehdr={HEADER[0]:#x}")


@violates("segments-overlap", "/chosen:linux,initrd-start")
def initrd_ends_inside_the_header(s):
    s.say_initrd(INITRD[0], HEADER[0] + 1)


@violates("segments-overlap")
def tree_ends_inside_the_initrd(s):
    s.known["load_address"] = INITRD[0] - 8


@violates("dtb-outside-usable")
def tree_ends_beyond_usable(s):
    s.known["load_address"] = sum(USABLE) - 8


@violates("dtb-not-in-first")
def tree_in_the_second_usable_range(s):
    s.say_usable((INITRD[0], USABLE[0] + USABLE[1] - INITRD[0]), (USABLE[0], 64 * MIB))
    s.known["load_address"] = USABLE[0]


@violates("dmcryptkeys-length", "/chosen:linux,dmcryptkeys")
def two_entries_of_keys(s):
    s.chosen["linux,dmcryptkeys"] = u64(0x6B000000, 0x1000) * 2


@violates("dmcryptkeys-stale", "/chosen:linux,dmcryptkeys")
def keys_in_a_normal_tree(s):
    s.normal()
    s.chosen["linux,dmcryptkeys"] = u64(0x6B000000, 0x1000)


@violates("kho-length", "/chosen:linux,kho-scratch")
def kho_appended_to(s):
    s.normal()
    s.chosen["linux,kho-fdt"] = u64(0x6B000000, 0x1000)
    s.chosen["linux,kho-scratch"] = u64(0x6B000000, 0x1000) * 2


@violates("kho-length", "/chosen:linux,kho-scratch")
def kho_without_scratch(s):
    s.normal()
    s.chosen["linux,kho-fdt"] = u64(0x6B000000, 0x1000)


@violates("kho-in-crash", "/chosen:linux,kho-fdt")
def kho_given_to_a_crash_kernel(s):
    s.chosen["linux,kho-fdt"] = u64(0x6B000000, 0x1000)
    s.chosen["linux,kho-scratch"] = u64(0x6B001000, 0x1000)


def test_what_is_handed_over_to_a_crash_kernel_is_an_error():
    """It faults: Linux commit a6715d7ec472 ("kho: skip KHO for crash kernel")."""
    s = Setup()
    kho_given_to_a_crash_kernel(s)
    assert {f.severity for f in s.found()} == {"error"}


@violates("ima-buffer-stale", "/chosen:linux,ima-kexec-buffer")
def ima_buffer_of_the_dead_kernel(s):
    s.chosen["linux,ima-kexec-buffer"] = u64(0x48000000, 0x1000)


@violates("ima-buffer-stale", "/chosen:linux,ima-kexec-buffer")
def ima_buffer_in_the_second_usable_range(s):
    # No loader can have put it there: kernel/kexec_core.c
    # sanity_check_segment_list() knows the main region alone
    s.say_usable(USABLE, (0x48000000, MIB))
    s.chosen["linux,ima-kexec-buffer"] = u64(0x48000000, 0x1000)


# Reservations


def reserve(s, where, name="fw", **props):
    """A child of /reserved-memory; props: other properties, _ for -."""
    two = u32(2)
    if not any(node.name == "reserved-memory" for node in s.root.nodes):
        head = [("#address-cells", two), ("#size-cells", two), ("ranges", b"")]
        s.root.nodes.append(Node(("reserved-memory", head, [])))
    home = s.root["/reserved-memory"]
    own = [("reg", u64(*where))]
    own += [(k.replace("_", "-"), v) for k, v in props.items()]
    home.nodes.append(Node((f"{name}@{where[0]:x}", own, [])))


@violates("segment-on-reservation", "/chosen:linux,initrd-start")
def initrd_on_a_no_map_region(s):
    reserve(s, (INITRD[0] + INITRD[1] - 1, 1), no_map=b"")


@violates("segment-on-reservation", "/chosen:linux,initrd-start", arch="riscv")
def initrd_on_a_plain_region(s):
    reserve(s, INITRD)


@violates("segment-on-reservation", "/chosen:linux,elfcorehdr")
def header_on_a_region(s):
    reserve(s, (HEADER[0] - 0x1000, 0x3000))


@violates("segment-on-reservation", "/chosen:linux,initrd-start")
def initrd_on_a_header_reservation(s):
    s.reserved.append((INITRD[0] + 0x1000, 0x2000))


@violates("segment-on-reservation")
def tree_on_a_region(s):
    reserve(s, (USABLE[0] + 16 * MIB, 0x1000))
    s.known["load_address"] = USABLE[0] + 16 * MIB


@violates("segment-on-reservation")
def image_clears_its_bss_over_a_region(s):
    reserve(s, (USABLE[0] + 4 * MIB - 1, 1), no_map=b"")
    s.known.update(image=image(4 * MIB), image_address=USABLE[0])


@violates("segment-on-reservation", arch="arm")
def zimage_unpacks_itself_over_a_reservation(s):
    """Its room starts where memory does, not where it is loaded."""
    image = zimage()
    s.reserved.append((USABLE[0] + image.room - 1, 1))
    s.known.update(image=image, image_address=USABLE[0] + 0x8000)


@pytest.mark.parametrize("size", [INITRD[1], -(-INITRD[1] // 65536) * 65536])
def test_a_segments_own_reservation_is_no_fault(size):
    s = Setup()
    s.reserved = [HEADER, (INITRD[0], size)]
    assert s.found() == []


@pytest.mark.parametrize(
    "props", [{"status": b"disabled\0"}, {"status": b""}], ids=["disabled", "empty"]
)
def test_a_region_that_is_switched_off_is_none(props):
    s = Setup()
    reserve(s, INITRD, **props)
    assert s.found() == []


@violates("no-map-on-memreserve", "/reserved-memory/fw@48000000:reg")
def no_map_inside_a_header_reservation(s):
    reserve(s, (0x48000000, 0x1000), no_map=b"")
    s.reserved.append((0x47FFF000, 0x2000))


def test_from_6_4_on_no_map_comes_first():
    """Linux commit b413281876292 ("of: fdt: Scan /memreserve/ last")."""
    s = Setup()
    no_map_inside_a_header_reservation(s)
    for kernel, found in (("6.3", 1), ("6.4", 0), ("6.12", 0), (None, 1)):
        s.known["kernel"] = kernel
        assert len(s.found()) == found, kernel


@violates("reserved-memory-overlap", "/reserved-memory/b@48001000:reg")
def two_regions_share_a_page(s):
    reserve(s, (0x48000000, 0x2000), "a")
    reserve(s, (0x48001000, 0x2000), "b")


@violates("reserved-memory-overlap", "/reserved-memory/c@48800000:reg")
def a_region_inside_one_that_is_not_its_neighbour(s):
    reserve(s, (0x48800000, 0x1000), "c")
    reserve(s, (0x48000000, 16 * MIB), "a")


@violates("reserved-memory-several", "/reserved-memory/fw@48000000:reg")
def a_region_of_two_pieces(s):
    reserve(s, (0x48000000, 0x1000, 0x48002000, 0x1000))


POOL = {"compatible": b"x,y\0shared-dma-pool\0", "reusable": b""}


@violates("cma-lost", "/reserved-memory/fw@48000000:reg")
def a_pool_of_the_dead_kernel(s):
    reserve(s, (0x48000000, 16 * MIB), **POOL)


@violates("cma-lost", "/reserved-memory/fw@6abff000:reg", arch="arm")
def a_pool_that_starts_below_usable_memory(s):
    reserve(s, (USABLE[0] - 0x1000, 0x2000), **POOL)


@pytest.mark.parametrize(
    "props",
    [
        {**POOL, "status": b"disabled\0"},
        {**POOL, "no_map": b""},
        {"compatible": b"shared-dma-pool\0"},
        {"reusable": b""},
        {"compatible": b"shared-dma-pools\0", "reusable": b""},
    ],
)
def test_what_is_no_pool_that_linux_would_lend_out(props):
    """kernel/dma/contiguous.c rmem_cma_setup()."""
    s = Setup()
    reserve(s, (0x48000000, 16 * MIB), **props)
    assert s.found() == []


def test_a_pool_in_usable_memory_or_in_a_normal_tree():
    for change in (lambda s: None, Setup.normal):
        s = Setup()
        change(s)
        where = 0x48000000 if change is Setup.normal else USABLE[0]
        reserve(s, (where, 16 * MIB), **POOL)
        assert s.found() == []


@violates("memreserve-wraps")
def reservation_beyond_64_bits(s):
    s.reserved.append(((1 << 64) - 1, 2))


@violates("memreserve-in-usable", value="/memreserve/ 0x6ac00000 0x1000")
def reservation_of_an_older_header(s):
    s.reserved.append((USABLE[0], 0x1000))


@violates("elfcorehdr-half-reserved")
def half_of_the_header_reserved(s):
    s.reserved[s.reserved.index(HEADER)] = (HEADER[0], HEADER[1] // 2)


@violates("memreserve-duplicate")
def reservation_twice(s):
    s.reserved.append(s.reserved[0])


# Seeds


@violates("kaslr-seed-length", "/chosen:kaslr-seed", value="")
def kaslr_seed_of_four_bytes(s):
    s.chosen["kaslr-seed"] = u32(0x12345678)


@violates("kaslr-seed-zero", "/chosen:kaslr-seed", value="")
def kaslr_seed_used_up(s):
    s.chosen["kaslr-seed"] = u64(0)


@violates("kaslr-seed-missing", "/chosen:kaslr-seed", "riscv")
def no_kaslr_seed(s):
    del s.chosen["kaslr-seed"]


@violates("rng-seed-short", "/chosen:rng-seed", value="")
def rng_seed_of_31_bytes(s):
    s.chosen["rng-seed"] = bytes(range(31))


@violates("rng-seed-short", "/chosen:rng-seed")
def no_rng_seed(s):
    del s.chosen["rng-seed"]


# UEFI and ACPI


@violates("uefi-partial", "/chosen:linux,uefi-mmap-desc-ver")
def one_uefi_property_lost(s):
    s.uefi()
    del s.chosen["linux,uefi-mmap-desc-ver"]


@violates("uefi-length", "/chosen:linux,uefi-mmap-start")
def uefi_address_of_six_bytes(s):
    s.uefi()
    s.chosen["linux,uefi-mmap-start"] = u64(1)[2:]


@violates("acpi-switched-off", "/memory@40000000")
def memory_node_in_an_acpi_tree(s):
    s.uefi()
    s.root.add("memory@40000000", memory_props(u64(*MEMORY)))


@violates("acpi-switched-off", "/hypervisor")
def a_hypervisor_that_is_not_xen(s):
    s.uefi()
    s.root.add("hypervisor", [("compatible", b"linux,kvm\0")])


# The machine, the core header, the image

MACHINE = EXAMPLES / "arm64-dt"


@pytest.fixture(scope="module")
def machine():
    return Machine(MACHINE)


@pytest.fixture(scope="module")
def core(machine):
    return core_header_of(machine)


def test_the_good_tree_is_as_if_made_for_the_captured_machine(machine):
    assert machine.crash_ranges == (USABLE,)
    assert list(machine.ram) == [MEMORY]


def with_core(s, patch=None, **edit):
    """Patches bytes of the core header: elf(5), Elf64_Ehdr and Elf64_Phdr."""
    data = bytearray(core_header_of(Machine(MACHINE)))
    if patch:
        struct.pack_into(patch[0], data, *patch[1:])
    s.known["elfcorehdr"] = (HEADER[0], bytes(data))
    return data


EHDR, PHDR = 64, 56
PT_LOAD, PT_NOTE = 1, 4


def first(data, kind):
    """Where the first program header of that type stands."""
    at = EHDR
    while struct.unpack_from("<I", data, at)[0] != kind:
        at += PHDR
    return at


@violates("core-not-sane")
def no_elf_magic(s):
    with_core(s, ("4s", 0, b"\x7fELG"))


@violates("core-not-sane")
def an_executable(s):
    with_core(s, ("<H", 16, 2))


@violates("core-not-sane")
def program_headers_of_another_size(s):
    with_core(s, ("<H", 54, 57))


@violates("core-not-sane")
def no_program_headers(s):
    with_core(s, ("<H", 56, 0))


@violates("core-not-sane")
def an_empty_core_file(s):
    s.known["elfcorehdr"] = (HEADER[0], b"")


@violates("core-machine", value="e_machine 243")
def a_header_of_riscv(s):
    with_core(s, ("<H", 18, 243))


@violates("core-class", arch="arm")
def a_64_bit_header_for_arm(s):
    with_core(s, ("<H", 18, 40))


def test_a_big_endian_header_is_not_read(core):
    s = Setup()
    with_core(s, ("B", 5, 2))
    # Read backwards its other numbers make no sense either
    assert {f.rule for f in s.found()} == {"core-byteorder", "core-not-sane"}


@violates("core-byteorder")
def a_sound_header_of_the_other_byte_order(s):
    data = with_core(s)
    head = struct.unpack_from("<HHIQQQIHHHHHH", data, 16)
    struct.pack_into(">HHIQQQIHHHHHH", data, 16, *head)
    for at in range(EHDR, EHDR + head[9] * PHDR, PHDR):
        struct.pack_into(">2I6Q", data, at, *struct.unpack_from("<2I6Q", data, at))
    data[5] = 2
    s.known["elfcorehdr"] = (HEADER[0], bytes(data))


@violates("core-phoff")
def program_headers_elsewhere(s):
    with_core(s, ("<Q", 32, 128))


@violates("core-phnum", value="e_phnum 65535")
def as_many_program_headers_as_cannot_be_counted(s):
    data = with_core(s, ("<H", 56, 0xFFFF))
    whole = bytes(data).ljust(EHDR + 0xFFFF * PHDR, b"\0")
    s.say_header(0x7A000000, len(whole))
    s.known["elfcorehdr"] = (0x7A000000, whole)


@violates("core-truncated")
def file_ends_inside_the_last_program_header(s):
    data = with_core(s)
    count = struct.unpack_from("<H", data, 56)[0]
    length = EHDR + count * PHDR
    s.known["elfcorehdr"] = (HEADER[0], bytes(data[: length - 1]))


@violates("core-truncated", "/chosen:linux,elfcorehdr")
def property_ends_inside_the_last_program_header(s):
    data = with_core(s)
    count = struct.unpack_from("<H", data, 56)[0]
    s.say_header(HEADER[0], EHDR + count * PHDR - 1)


@violates("core-size", "/chosen:linux,elfcorehdr")
def property_is_longer_than_the_file(s):
    with_core(s)
    s.say_header(HEADER[0], HEADER[1] + 1)


@violates("core-address", "/chosen:linux,elfcorehdr")
def header_loaded_elsewhere(s):
    with_core(s)
    s.known["elfcorehdr"] = (HEADER[0] + 0x1000, s.known["elfcorehdr"][1])


@violates("core-not-said", "/chosen:linux,elfcorehdr")
def a_core_header_for_a_normal_tree(s):
    s.normal()
    with_core(s)


@violates("core-load-wraps")
def dump_beyond_64_bits(s):
    data = with_core(s)
    at = first(data, PT_LOAD)
    with_core(s, ("<Q", at + 40, (1 << 64) - 1))


@violates("core-load-none")
def notes_alone(s):
    data = with_core(s)
    count = (first(data, PT_LOAD) - EHDR) // PHDR
    with_core(s, ("<H", 56, count))


@violates("core-load-in-crash")
def dump_reaches_into_the_crash_region_by_a_byte(s):
    data = with_core(s)
    at = first(data, PT_LOAD)
    while sum(struct.unpack_from("<Q8xQ", data, at + 24)) != USABLE[0]:
        at += PHDR  # the one that ends where the region starts
    size = struct.unpack_from("<Q", data, at + 40)[0]
    with_core(s, ("<Q", at + 40, size + 1))


@violates("core-load-missing", value="0x40000000-0x40000fff (4 KiB)")
def the_first_page_is_not_dumped(s):
    data = with_core(s)
    s.known["machine"] = Machine(MACHINE)
    at = first(data, PT_LOAD)
    while struct.unpack_from("<Q", data, at + 24)[0] != MEMORY[0]:
        at += PHDR
    size = struct.unpack_from("<Q", data, at + 40)[0]
    page = 0x1000
    for place, number in ((8, MEMORY[0] + page), (24, MEMORY[0] + page)):
        struct.pack_into("<Q", data, at + place, number)
    struct.pack_into("<Q", data, at + 40, size - page)
    s.known["elfcorehdr"] = (HEADER[0], bytes(data))


@violates("core-note-missing")
def a_cpu_without_notes(s):
    data = with_core(s)
    s.known["machine"] = Machine(MACHINE)
    with_core(s, ("<Q", first(data, PT_NOTE) + 8, 0x40000000))


def image(size, text_offset=0):
    """Linux Documentation/arch/arm64/booting.rst, the header alone."""
    head = struct.pack("<8x6Q4s4x", text_offset, size, 0b1010, 0, 0, 0, b"ARM\x64")
    return parse_image(head)


def riscv_image(size):
    """Linux Documentation/arch/riscv/boot-image-header.rst."""
    head = struct.pack("<8x3Q2IQ8s4s4x", 0, size, 0, 2, 0, 0, b"RISCV", b"RSC\x05")
    return parse_image(head)


@violates("image-arch")
def an_image_of_riscv(s):
    s.known["image"] = riscv_image(16 * MIB)


@violates("image-does-not-fit", "/chosen:linux,usable-memory-range")
def image_larger_than_the_space_behind_the_initrd(s):
    # 0x6ac00000 to the initrd are 84 MiB; from its end, 0x70500000, rounded up
    # to 2 MiB, to the header at 0x7ab00000 are 165 MiB
    s.known["image"] = image(165 * MIB + 1)


@violates("image-does-not-fit", "/chosen:linux,usable-memory-range")
def text_offset_pushes_the_image_out(s):
    s.known["image"] = image(165 * MIB, text_offset=1)


@violates("initrd-below-image", "/chosen:linux,initrd-start", "riscv")
def riscv_image_reaches_over_the_initrd(s):
    # 84 MiB lie in front of the initrd, and the place behind it is larger
    s.known["image"] = riscv_image(84 * MIB + 1)


@violates("image-misplaced", value="image address 0x6ac01000")
def image_a_page_above_its_boundary(s):
    s.known.update(image=image(16 * MIB), image_address=USABLE[0] + 4096)


@violates("image-misplaced", value="image address 0x6ac00000")
def image_without_its_text_offset(s):
    s.known.update(image=image(16 * MIB, 0x80000), image_address=USABLE[0])


@violates("image-misplaced", arch="riscv", value="image address 0x6ad00000")
def riscv_image_between_two_boundaries(s):
    s.known.update(image=riscv_image(16 * MIB), image_address=USABLE[0] + MIB)


@violates("image-outside-usable")
def image_ends_behind_usable_memory(s):
    # from 0x7ac00000 - 2 MiB, above the header at 0x7ab00000 - it has 1 page
    s.say_header(USABLE[0] + 240 * MIB, 0x1000)
    at = USABLE[0] + USABLE[1] - 2 * MIB
    s.known.update(image=image(2 * MIB + 1), image_address=at)


@violates("segments-overlap", "/chosen:linux,initrd-start")
def image_clears_its_bss_over_the_initrd(s):
    at = USABLE[0] + 82 * MIB
    s.known.update(image=image(2 * MIB + 1), image_address=at)


def copy_of(tmp_path, **edits):
    """The captured machine with other facts."""
    target = tmp_path / "machine"
    shutil.copytree(MACHINE, target)
    (target / "sys/kernel/kexec_crash_size").unlink()
    iomem = target / "proc/iomem"
    text = iomem.read_text()
    for old, new in edits.get("iomem", ()):
        assert old in text
        text = text.replace(old, new)
    iomem.write_text(text)
    if "fdt" in edits:
        (target / "sys/firmware/fdt").write_bytes(edits["fdt"])
    return Machine(target)


REGION = "  6ac00000-7abfffff : Crash kernel\n"
LOW = (0x44000000, 16 * MIB)
TWO_REGIONS = [(REGION, "  44000000-44ffffff : Crash kernel\n" + REGION)]
BOOT_INITRD = [
    ("linux,initrd-start", u32(0x48000000)),
    ("linux,initrd-end", u32(0x48000801)),
]


def booted_with(*props):
    return assemble(("", [], [("chosen", list(props), [])]))


MACHINE_CASES = []


def contradicts(rule, where="", also=(), **edits):
    """A case of a machine whose facts are edited and a tree that is changed."""

    def add(change):
        MACHINE_CASES.append(pytest.param(rule, where, also, edits, change, id=rule))
        return change

    return add


@contradicts("crash-not-reserved", "/", iomem=[(REGION, "")])
def nothing_is_reserved(s):
    pass


@contradicts(
    "usable-outside-crash",
    "/chosen:linux,usable-memory-range",
    iomem=[(REGION, "  6ac01000-7abfffff : Crash kernel\n")],
)
def the_region_is_a_page_smaller(s):
    pass


# The header, which is in the main region, then is not in the first range either
@contradicts(
    "usable-order",
    "/chosen:linux,usable-memory-range",
    also={"elfcorehdr-not-in-first"},
    iomem=TWO_REGIONS,
)
def low_range_first(s):
    s.say_usable(LOW, USABLE)


@contradicts(
    "usable-incomplete", "/chosen:linux,usable-memory-range", iomem=TWO_REGIONS
)
def low_range_forgotten(s):
    pass


@contradicts("segment-outside-main", iomem=TWO_REGIONS)
def tree_in_the_low_region(s):
    s.say_usable(USABLE, LOW)
    s.known["load_address"] = LOW[0]


@contradicts(
    "uefi-lost", "/chosen:linux,uefi-system-table", fdt=booted_with(*UEFI.items())
)
def no_uefi_property_left(s):
    pass


@contradicts(
    "uefi-differs", "/chosen:linux,uefi-mmap-start", fdt=booted_with(*UEFI.items())
)
def memory_map_of_another_boot(s):
    s.uefi()
    s.chosen["linux,uefi-mmap-start"] = u64(0x7E001000)


@contradicts("memreserve-stale", fdt=booted_with(*BOOT_INITRD))
def old_initrd_reserved_in_whole_pages(s):
    s.reserved.append((0x48000000, 0x1000))


# What the cases say


@pytest.mark.parametrize(("rule", "where", "arch", "value", "change"), CASES)
def test_the_rule_and_no_other_finds_it(rule, where, arch, value, change):
    s = Setup(arch)
    change(s)
    found = s.found()
    assert {f.rule for f in found} == {rule}, "\n".join(map(str, found))
    assert where in [f.where for f in found]
    if value is not None:
        assert [f.value for f in found] == [value]


def test_on_arm_mem_alone_may_keep_the_header_out_of_memory():
    """As kexec-tools writes it: the usable range is the whole crash region."""
    s = Setup("arm")
    s.say_usable(USABLE)
    assert s.found() == []


@pytest.mark.parametrize(("rule", "where", "also", "edits", "change"), MACHINE_CASES)
def test_the_machine_contradicts(tmp_path, rule, where, also, edits, change):
    s = Setup()
    change(s)
    assert rule not in {f.rule for f in s.found()}, "found without the machine"
    s.known["machine"] = copy_of(tmp_path, **edits)
    found = s.found()
    assert {f.rule for f in found} == {rule, *also}, "\n".join(map(str, found))
    assert where in [f.where for f in found if f.rule == rule]


def test_every_rule_has_a_case():
    cases = {case.values[0] for case in CASES + MACHINE_CASES}
    # ppc64le's own have theirs in test_ppc64_check.py
    assert cases == {rule.id for rule in RULES if rule.arches != ("ppc64le",)}


def test_ids_are_unique_and_texts_complete():
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.severity in ("error", "warning", "note")
        for text in (rule.about, rule.effect, rule.way_out, rule.source):
            assert text
            assert text == " ".join(text.split()), rule.id
            assert not text.endswith("."), rule.id


# Good trees


@pytest.mark.parametrize("arch", ["arm64", "arm", "riscv"])
def test_nothing_is_found_in_a_good_crash_tree(arch):
    assert Setup(arch).found() == []


@pytest.mark.parametrize("arch", ["arm64", "arm", "riscv"])
def test_nothing_is_found_in_a_good_normal_tree(arch):
    s = Setup(arch)
    s.normal()
    assert s.found() == []


def test_nothing_is_found_in_a_good_acpi_tree():
    s = Setup()
    s.uefi()
    s.root.add("hypervisor", [("compatible", b"xen,xen-4.17\0xen,xen\0")])
    assert s.found() == []


def test_nothing_is_found_when_machine_core_and_image_agree(machine, core):
    s = Setup()
    s.known.update(
        machine=machine,
        elfcorehdr=(HEADER[0], core),
        image=image(84 * MIB),
        image_address=USABLE[0],
        load_address=0x70500000,
        kernel="6.1.192-cloud-arm64",
    )
    assert s.found() == []


@pytest.mark.parametrize("name", MACHINES)
def test_trees_for_the_captured_machines_have_no_errors(name):
    machine = Machine(EXAMPLES / name)
    main = machine.crash_main
    header = core_header_of(machine)
    place = (main.stop - len(header), len(header))
    crash = second_kernel_dtb(
        machine.fdt,
        crash=Crash(elfcorehdr=place, usable=machine.crash_ranges),
        cmdline="console=ttyAMA0 maxcpus=1",
        initrd=(main.start + 64 * MIB, 8 * MIB),
    )
    known = {"machine": machine, "elfcorehdr": (place[0], header)}
    assert check_tree(crash, **known, image=image(32 * MIB)) == []
    assert check_tree(second_kernel_dtb(machine.fdt), machine=machine) == []


def one_cell(s, header):
    """A tree of 32-bit addresses, with the core header at a place."""
    s.root["#address-cells"] = s.root["#size-cells"] = u32(1)
    s.root["/memory"]["reg"] = u32(0x80000000, 0x80000000)
    s.chosen["linux,usable-memory-range"] = u32(0xC0000000, 0x40000000)
    s.chosen["linux,elfcorehdr"] = u32(*header)
    s.reserved = []


@pytest.mark.parametrize("arch", ["arm64", "arm", "riscv"])
def test_usable_memory_without_a_core_header(arch):
    s = Setup(arch)
    s.normal()
    s.say_usable(USABLE)
    assert [f.rule for f in s.found()] == ["elfcorehdr-missing"]


def test_a_header_of_one_byte_is_too_short_for_its_file():
    s = Setup()
    with_core(s)
    s.say_header(HEADER[0], 1)
    assert "core-truncated" in {f.rule for f in s.found()}


def test_without_any_memory_none_is_missing_in_it():
    """memory-missing says it all."""
    s = Setup()
    del s.root["/memory"]
    s.say_usable(USABLE, (0x48000000, MIB))
    assert [f.rule for f in s.found()] == ["memory-missing"]


def test_one_cell_ends_at_4_gib_and_not_a_byte_behind():
    for size, fits in ((0x1000, True), (0x1001, False)):
        s = Setup()
        one_cell(s, (0xFFFFF000, size))
        assert ("range-does-not-fit" in {f.rule for f in s.found()}) != fits


def test_a_range_of_all_addresses_holds_whatever_there_is():
    """3 cells can say 2**64, which no MemRange of Ranges can be."""
    s = Setup()
    s.root["#size-cells"] = u32(3)
    everything = u64(0) + u32(1) + u64(0)
    s.chosen["linux,usable-memory-range"] = everything
    s.root["/memory"]["reg"] = everything
    found = {f.rule for f in s.found()}
    assert "root-cells-wide" in found
    assert not inside(MemRange(0, 1), [MemRange(0, 1 << 64)])


@pytest.mark.parametrize("size", [4, 28, 32, 33, 36, 100])
def test_of_a_long_value_the_first_eight_cells_are_shown(size):
    value = bytes(range(size))
    shown = hexed(value)
    cells, _, rest = shown.removeprefix("<").partition(">")
    want = [value[at : at + 4].hex() for at in range(0, min(size, 32), 4)]
    assert cells.split() == want + ["..."] * (size > 32)
    assert rest == f", {size} bytes"


# Limits, from the side that is good


def limit_dtb_of_2_mib(s):
    blob = assemble(s.root.plain(), s.reserved)
    # the largest value that leaves room for its padding; bytes behind the last
    # block count as well
    s.chosen["filler"] = bytes(2 * MIB - len(blob) - 32)
    blob = bytearray(assemble(s.root.plain(), s.reserved))
    assert len(blob) <= 2 * MIB
    struct.pack_into(">I", blob, 4, 2 * MIB)
    s.blob = bytes(blob).ljust(2 * MIB, b"\0")


def limit_62_levels(s):
    node = s.root
    for _ in range(62):
        node = node.add("n")


def limit_slack_of_one_byte_less(s):
    blob = bytearray(assemble(s.root.plain(), s.reserved))
    struct.pack_into(">I", blob, 4, len(blob) + 4095)
    s.blob = bytes(blob) + bytes(4095)


def limit_command_line_of_2047(s):
    s.chosen["bootargs"] = b"x" * 2047 + b"\0"


def limit_kexec_tools_pads_with_zeros(s):
    s.chosen["bootargs"] += bytes(3)


def limit_header_ends_with_usable(s):
    s.say_header(sum(USABLE) - 0x1000, 0x1000)


def limit_header_over_two_touching_ranges(s):
    half = HEADER[0] + 0x800
    s.say_usable((USABLE[0], half - USABLE[0]), (half, sum(USABLE) - half))
    # the loader wants it in the first one
    s.say_header(HEADER[0] - 0x1000, 0x1000)


def limit_initrd_touches_the_header(s):
    s.say_initrd(INITRD[0], HEADER[0])


def limit_initrd_of_four_byte_cells(s):
    s.chosen["linux,initrd-start"] = u32(INITRD[0])
    s.chosen["linux,initrd-end"] = u32(sum(INITRD))


def limit_six_ranges_for_7_3(s):
    s.say_usable(USABLE, *((0x48000000 + i * 2 * MIB, MIB) for i in range(5)))
    s.known["kernel"] = "7.3-rc1"


def limit_two_ranges(s):
    s.say_usable(USABLE, (0x48000000, MIB))


def limit_one_cell_up_to_4_gib(s):
    # An end at 2^32 is an address of 32 bits and one
    one_cell(s, (0xFFFFF000, 0x1000))
    s.say_initrd(0xC0000000, 0xC0100000)


def limit_same_address_on_the_command_line(s):
    s.words(f"elfcorehdr={HEADER[0] >> 10}K")


def limit_elfcorehdr_with_a_size(s):
    del s.chosen["linux,elfcorehdr"]
    s.reserved.remove(HEADER)
    s.words(f"elfcorehdr=4K@{HEADER[0]:#o}".replace("0o", "0"))


def limit_reservation_of_the_initrd_in_pages(s):
    s.say_initrd(INITRD[0], sum(INITRD) - 1)
    s.reserved.append(INITRD)


def limit_reservation_outside_usable(s):
    s.reserved.append((USABLE[0] - 0x1000, 0x1000))


def limit_memory_in_front_of_another_memory_node(s):
    s.root["/memory"]["reg"] = u64(0x40000000, 0x20000000)
    s.root.add("memory@60000000", memory_props(u64(3 << 29, 1 << 29)))


def limit_linux_usable_memory_beats_reg(s):
    s.root["/memory"]["linux,usable-memory"] = s.root["/memory"]["reg"]
    s.root["/memory"]["reg"] = b"123"


def limit_reserved_memory_as_it_should_be(s):
    reserved_memory(s).add("fw", [("reg", u64(0x48000000, 0x1000))])


def limit_rng_seed_of_32_bytes(s):
    s.chosen["rng-seed"] = bytes(range(32))


def limit_nokaslr_needs_no_seed(s):
    del s.chosen["kaslr-seed"]
    s.words("nokaslr")


def limit_uefi_with_a_real_tree(s):
    for name, value in UEFI.items():
        s.chosen[name] = value


def limit_acpi_forced(s):
    s.uefi()
    s.root.add("memory@40000000", memory_props(u64(*MEMORY)))
    s.words("acpi=force")


def limit_acpi_off(s):
    # Then a tree with devices is what was asked for
    s.uefi()
    s.root.add("memory@40000000", memory_props(u64(*MEMORY)))
    s.words("acpi=off")


def limit_uefi_says_what_memory_is(s):
    """drivers/firmware/efi/efi-init.c efi_init() forgets what memory nodes said:
    whatever they lack, or leave half, is no fault."""
    for name, value in UEFI.items():
        s.chosen[name] = value
    s.root["/memory"]["reg"] = u64(0x40000000, 0x1000) + b"half"
    s.root.add("memory@80000000", [("reg", u64(0x80000000, 0x1000))])
    s.say_usable(USABLE, (0x48000000, MIB))


def limit_uefi_says_where_an_initrd_may_lie(s):
    s.normal()
    for name, value in UEFI.items():
        s.chosen[name] = value
    s.root["/memory"]["reg"] = u64(0x40000000, 0x1000)


def limit_ima_buffer_in_usable_memory(s):
    s.chosen["linux,ima-kexec-buffer"] = u64(USABLE[0], 0x1000)


def limit_reservation_that_ends_with_the_address_space(s):
    s.reserved.append(((1 << 64) - 0x1000, 0x1000))


def limit_usable_ends_with_the_address_space(s):
    for name, value in UEFI.items():
        s.chosen[name] = value
    s.say_usable(USABLE, ((1 << 64) - MIB, MIB))


def limit_ima_buffer_is_the_first_entry(s):
    # of_property_read_u64_array() of two numbers; what stands behind is not read
    s.chosen["linux,ima-kexec-buffer"] = u64(*USABLE) + u64(0x48000000, 0x1000)


def limit_tree_is_reserved_with_the_size_that_it_had(s):
    # arch/powerpc's loaders reserve the tree; whoever edits it later makes it longer
    s.known["load_address"] = USABLE[0] + 8 * MIB
    s.reserved.append((USABLE[0] + 8 * MIB, 0x18))


def limit_image_fills_the_space(s):
    s.known["image"] = image(165 * MIB)


LIMITS = [
    pytest.param(change, id=name[6:])
    for name, change in sorted(globals().items())
    if name.startswith("limit_")
]


@pytest.mark.parametrize("change", LIMITS)
def test_the_limit_itself_is_good(change):
    s = Setup()
    change(s)
    assert s.found() == []


def test_an_arm_zimage_needs_its_room_from_the_start_of_memory():
    # Linux arch/arm/boot/compressed/head.S; tags as vmlinux.lds.S has them
    s = Setup("arm")
    inflated = 12 * MIB
    data = bytearray(0x100)
    struct.pack_into(
        "<6I", data, 0x24, 0x016F2818, 0, 0x100, 0x04030201, 0x45454545, 64
    )
    struct.pack_into("<6I", data, 64, 6, 0x5A534C4B, 0x80, 0, 0x8000, 0x10000)
    struct.pack_into("<I", data, 0x80, inflated)
    s.known["image"] = parse_image(bytes(data))
    assert s.found() == []
    s.say_initrd(USABLE[0] + 12 * MIB, USABLE[0] + 13 * MIB)
    assert [f.rule for f in s.found()] == ["image-does-not-fit"]


@pytest.mark.parametrize(
    ("arch", "words"),
    [
        # as much as there is; 0 and what is no number limit nothing (memblock.c)
        ("arm64", "mem=256M"),
        ("arm64", "mem=64M mem=1G"),
        ("arm64", "mem=0"),
        ("arm64", "mem=all"),
        ("riscv", "mem=256M mem=1G"),
        # arm's crash kernel is told its memory that way
        ("arm", "quiet"),
    ],
)
def test_a_mem_word_that_cuts_nothing_is_no_fault(arch, words):
    s = Setup(arch)
    s.words(words)
    assert s.found() == []


def test_of_a_long_word_sixty_characters_are_shown():
    s = Setup()
    word = "mem=" + "0" * 80 + "64M"  # octal: 52 MiB
    s.words(word)
    (found,) = s.found()
    assert (found.rule, found.value) == ("cmdline-mem", word[:60])


def test_a_mem_word_of_a_kernel_that_is_no_crash_kernel_is_its_own_affair():
    s = Setup()
    s.normal()
    s.words("mem=64M")
    assert s.found() == []


# Arguments


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("6.12", (6, 12)),
        ("v7.3-rc1", (7, 3)),
        ("6.1.0-56-cloud-arm64", (6, 1)),
        ("6.1.192-2", (6, 1)),
    ],
)
def test_versions_as_people_write_them(text, number):
    assert parse_kernel(text) == number


@pytest.mark.parametrize("text", ["", "6", "six", "6.x", ".1", "6.", "-6.1", "9" * 99])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(FdtBadParameter, match="not a version"):
        check_tree(boot_tree(), kernel=text)


def test_wrong_arguments_are_refused(machine):
    with pytest.raises(FdtBadParameter, match="unknown"):
        check_tree(boot_tree(), arch="sparc")
    with pytest.raises(FdtBadParameter, match="the machine is arm64"):
        check_tree(boot_tree(), arch="riscv", machine=machine)
    with pytest.raises(FdtBadParameter, match="not a 64-bit address"):
        check_tree(boot_tree(), load_address=1 << 64)
    with pytest.raises(FdtBadParameter, match="not a 64-bit address"):
        check_tree(boot_tree(), elfcorehdr=(-1, b""))
    with pytest.raises(
        FdtBadParameter, match=r"image_address 0x0.*the image is not given"
    ):
        check_tree(boot_tree(), image_address=0)
    with pytest.raises(FdtBadParameter, match=r"image_address.*not a 64-bit address"):
        check_tree(boot_tree(), image=image(MIB), image_address=-1)
    with pytest.raises(TypeError):
        check_tree("a path")
    with pytest.raises(FdtBadBlob):
        check_tree(b"no tree")


def test_a_machine_that_hides_its_addresses_is_an_error(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/iomem").write_text("00000000-00000000 : System RAM\n")
    machine = Machine(tmp_path, arch="arm64")
    with pytest.raises(FdtMachineError, match="run as root"):
        check_tree(assemble(Setup().root.plain()), machine=machine)


def test_findings_are_tuples_errors_first():
    s = Setup()
    s.chosen["kaslr-seed"] = u64(0)
    del s.chosen["rng-seed"]
    s.chosen["bootargs"] = b"x"
    found = s.found()
    assert [f.severity for f in found] == ["error", "warning", "note"]
    assert tuple(found[0])[:4] == (
        "cmdline-no-nul",
        "error",
        "/chosen",
        "bootargs",
    )
    with pytest.raises(AttributeError):
        found[0].rule = "other"


def test_seeds_are_never_shown():
    s = Setup()
    s.chosen["kaslr-seed"] = b"SECRET7"
    s.chosen["rng-seed"] = b"SECRETRNG"
    s.chosen.props.append(("rng-seed", b"SECRETRNG"))
    text = repr(s.found())
    assert "kaslr-seed-length" in text
    assert "rng-seed-short" in text
    assert "SECRET" not in text
    assert b"SECRET".hex() not in text.replace(" ", "")


def test_one_rule_broken_often_is_told_eight_times_with_the_number():
    s = Setup()
    s.chosen["linux,usable-memory-range"] = u64(*USABLE) + u64(0, 0) * 1000
    found = [f for f in s.found() if f.rule == "usable-empty"]
    assert len(found) == 8
    assert found[-1].why == "range 8 (and 992 more of this kind)"


# Hostile input


def judged(blob, **known):
    """Findings, or the typed error; anything else fails the test."""
    try:
        return check_tree(blob, **known)
    except FdtError as e:
        return e


def test_every_byte_of_the_tree_may_be_anything(machine, core):
    good = assemble(Setup().root.plain(), [INITRD, HEADER])
    known = {"machine": machine, "elfcorehdr": (HEADER[0], core), "image": image(MIB)}
    results = set()
    for at in range(len(good)):
        for value in (0, 1, 0x7F, 0xFF):
            blob = bytearray(good)
            blob[at] = value
            results.add(type(judged(bytes(blob), **known)))
    assert results == {list, FdtBadBlob}


def test_a_tree_cut_off_anywhere_is_a_bad_blob():
    good = assemble(Setup().root.plain())
    for size in range(len(good)):
        assert type(judged(good[:size])) is FdtBadBlob, size


def test_every_byte_of_the_core_header_may_be_anything(machine, core):
    s = Setup()
    blob = assemble(s.root.plain(), s.reserved)
    used = EHDR + PHDR * struct.unpack_from("<H", core, 56)[0]
    for at in range(used):
        for value in (0, 1, 0x7F, 0xFF):
            data = bytearray(core)
            data[at] = value
            found = check_tree(
                blob, machine=machine, elfcorehdr=(HEADER[0], bytes(data))
            )
            assert isinstance(found, list)
    for size in range(used):
        found = check_tree(blob, elfcorehdr=(HEADER[0], core[:size]))
        assert {f.rule for f in found} & {"core-not-sane", "core-truncated"}, size


def deep(n):
    """Long names on the way down, then many leaves: paths of n * n bytes."""
    tree = ("", [], [])
    node = tree
    for _ in range(900):
        node[2].append(("x" * (n // 900), [], []))
        node = node[2][0]
    node[2].extend(("leaf", [("a", b""), ("a", b"")], []) for _ in range(n // 48))
    return assemble(tree)


def many(name):
    def make(n):
        return assemble(
            (
                "",
                [("#address-cells", u32(2)), ("#size-cells", u32(2))],
                [("chosen", [(name, u64(*USABLE) * (n // 16))], [])],
            )
        )

    return make


def reservations(n):
    tree = ("", [], [("chosen", [("linux,usable-memory-range", u64(*USABLE))], [])])
    return assemble(tree, [(USABLE[0] + i, 2) for i in range(n // 16)])


def words(n):
    line = b"elfcorehdr=0x1 " * (n // 30) + b"elfcorehdr=" + b"1" * (n // 2) + b"\0"
    return assemble(("", [], [("chosen", [("bootargs", line)], [])]))


@pytest.mark.parametrize(
    "make",
    [deep, many("linux,usable-memory-range"), many("reg"), reservations, words],
    ids=["deep", "usable", "reg", "reservations", "words"],
)
def test_time_is_linear_in_the_size_of_a_hostile_tree(make):
    def seconds(n):
        blob = make(n)
        times = []
        for _ in range(3):
            start = time.process_time()
            judged(blob)
            times.append(time.process_time() - start)
        return min(times)

    small, large = seconds(1 << 18), seconds(1 << 21)
    # 8 times the size; were it quadratic, it would be 64 times the time
    assert large < 24 * small + 0.2, (small, large)


def test_a_core_header_of_65534_segments_takes_no_seconds(machine):
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 4, 183, 1, 0, 64, 0, 0,
                       64, 56, 65534, 0, 0, 0)  # fmt: skip
    loads = b"".join(
        struct.pack("<2I6Q", 1, 7, USABLE[0] + i, 0, USABLE[0] + i, 9, 9, 0)
        for i in range(65534)
    )
    s = Setup()
    s.known.update(machine=machine, elfcorehdr=(HEADER[0], head + loads))
    start = time.process_time()
    found = s.found()
    assert time.process_time() - start < 10
    inside = [f for f in found if f.rule == "core-load-in-crash"]
    assert inside[-1].why.endswith("(and 65526 more of this kind)")


# The table


def test_the_page_has_the_table_of_the_rules_as_they_are():
    page = (ROOT / "docs/check.md").read_text()
    begin, end = "<!-- rules -->\n", "<!-- /rules -->"
    assert page.count(begin) == page.count(end) == 1
    table = page.partition(begin)[2].partition(end)[0]
    assert table == rules_table(), "put there what pyfdtx check --rules prints"
