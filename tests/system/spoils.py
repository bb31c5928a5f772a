# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A good crash machine made bad, each time in one way: what `pyfdtx check` says
of it, and how the kernel shows it. The kernel is Debian's 6.1; the functions
named are that version's.
"""

import struct
from typing import Callable, NamedTuple

from guest import vmcore

CASES = {}
MIB, PAGE = 1 << 20, 4096
HEADER, USABLE = "linux,elfcorehdr", "linux,usable-memory-range"
CHOSEN_HEADER, CHOSEN_USABLE = f"/chosen:{HEADER}", f"/chosen:{USABLE}"
INITRD = ("linux,initrd-start", "linux,initrd-end")
BOOTARGS = "/chosen:bootargs"


class Case(NamedTuple):
    """finds: {rule: (where, a piece of value or why)} of all findings there are.
    kernel: looks at what the kernel showed. until: its last words, if it does
    not power off, or restart, by itself."""

    spoil: Callable
    finds: dict
    kernel: Callable
    until: str


def case(finds, kernel, until="---[ end Kernel panic"):
    def add(spoil):
        CASES[spoil.__name__] = Case(spoil, finds, kernel, until)
        return spoil

    return add


# How a kernel shows it. m: the spoiled machine; seen: its boot


def no_vmcore(_, seen):
    seen.must_finish()
    assert "front" not in seen.sent, "there is a /proc/vmcore"


def not_sane(m, seen):
    no_vmcore(m, seen)
    assert "Core image elf header is not sane" in seen.log


def not_found(m, seen):
    no_vmcore(m, seen)
    assert "Core image elf header not found" in seen.log


def no_init(_, seen):
    assert "@@@ all sent" not in seen.log
    assert "Unable to mount root fs" in seen.log


def header_not_mapped(_, seen):
    assert "@@@ all sent" not in seen.log
    assert "Unable to handle kernel paging request" in seen.log
    assert "elfcorehdr_read" in seen.log


def silent(_, seen):
    """It spins before it has a console, even earlycon."""
    assert seen.log == ""


def dies_early(_, seen):
    """In paging_init(), and with nobody who could restart the machine."""
    assert "@@@ all sent" not in seen.log
    assert "Kernel panic" in seen.log
    assert "paging_init" in seen.log


def has_all_memory(m, seen):
    """It says nothing and overwrites what it was to save."""
    assert seen.memory == [(r.start, r.stop) for r in m.machine.ram]


def has(*spans):
    """The memory that the crash kernel took for its own."""

    def kernel(_, seen):
        assert seen.memory == list(spans)

    return kernel


# The tree: core header and usable memory


@case({"elfcorehdr-missing": (CHOSEN_HEADER, "missing")}, no_vmcore)
def no_elfcorehdr(m):
    """early_init_dt_check_for_elfcorehdr() returns without a word."""
    del m.chosen[HEADER]
    m.fdt.memreserve.remove(m.header_range)


@case({"usable-missing": (CHOSEN_USABLE, "missing")}, has_all_memory)
def no_usable_range(m):
    """early_init_dt_check_for_usable_mem_range() returns without a word."""
    del m.chosen[USABLE]


@case({"usable-empty": (CHOSEN_USABLE, "range 0")}, has_all_memory)
def empty_usable_range(m):
    """memblock_cap_memory_range() does nothing if the size is 0."""
    m.usable((m.main.start, 0))


@case(
    {
        "usable-outside-crash": (CHOSEN_USABLE, "0x66c00000"),
        "usable-overlap": (CHOSEN_USABLE, "0x66c00000"),
        "core-load-in-crash": ("", "crash kernel's: 0x66c00000"),
    },
    has((0x66C00000, 0x7AC00000)),
)
def range_of_the_dead_kernel(m):
    """It uses 64 MiB that belong to the dump."""
    m.usable(m.main, (m.main.start - 64 * MIB, 80 * MIB))


@case(
    {
        "elfcorehdr-outside-usable": (CHOSEN_HEADER, "usable:"),
        "usable-incomplete": (CHOSEN_USABLE, "not usable"),
    },
    header_not_mapped,
)
def header_above_usable_range(m):
    """arch/arm64/kernel/crash_dump.c elfcorehdr_read() reads through the linear
    map, where the header then is not."""
    m.usable((m.main.start, m.main.size - 4 * MIB))


@case(
    {
        "usable-too-many": (CHOSEN_USABLE, "3 ranges"),
        "usable-incomplete": (CHOSEN_USABLE, "0x6ec00000"),
        "elfcorehdr-not-in-first": (CHOSEN_HEADER, "first usable range"),
    },
    has((0x6AC00000, 0x6EC00000), (0x72C00000, 0x7AC00000)),
)
def third_usable_range(m):
    """MAX_USABLE_RANGES is 2: 64 MiB are missing."""
    start = m.main.start
    m.usable(
        (start, 64 * MIB), (start + 128 * MIB, 128 * MIB), (start + 64 * MIB, 64 * MIB)
    )


def tree_overwritten(_, seen):
    assert "@@@ all sent" not in seen.log
    assert "of_fdt_raw_init" in seen.log or "fdt': CRC check failed" in seen.log


@case({"dtb-not-in-first": ("", "load address 0x6c8")}, tree_overwritten)
def tree_in_the_second_usable_range(m):
    """setup_machine_fdt() reserves the tree, then memblock_cap_memory_range()
    forgets all reservations outside the first range; the tree is overwritten,
    which of_fdt_raw_init() sees: it oopses, as the length is none any more, or
    leaves /sys/firmware/fdt out."""
    middle = m.main.start + 128 * MIB
    m.usable((middle, 128 * MIB), (m.main.start, 128 * MIB))


@case(
    {"usable-not-in-memory": (CHOSEN_USABLE, "134217728 of its 268435456")},
    header_not_mapped,
)
def memory_node_too_small(m):
    """memblock_cap_memory_range() keeps what both say; core header outside."""
    middle = m.main.start + m.main.size // 2
    node = m.fdt["/memory@40000000"]
    node.set_reg("reg", [(0x40000000, middle - 0x40000000)])


@case(
    {
        "elfcorehdr-length": (CHOSEN_HEADER, "8 bytes, one entry has 16"),
        "chosen-cells": ("/chosen:#address-cells", "root's is 2"),
    },
    header_not_mapped,
)
def header_in_cells_of_chosen(m):
    """The reader takes the root's cells, and goes beyond the property: the
    address is all of it."""
    m.chosen.set_u32("#address-cells", 1)
    m.chosen.set_cells(HEADER, m.header_range)
    m.fdt.memreserve.remove(m.header_range)


@case(
    {
        "elfcorehdr-length": (CHOSEN_HEADER, "32 bytes, one entry has 16"),
        "core-address": (CHOSEN_HEADER, "loaded to"),
    },
    not_found,
)
def header_appended_to_an_old_one(m):
    """6.1 reads the first entry, the one of an earlier boot."""
    old = (m.main.start + 128 * MIB, m.header_range.size)
    m.chosen.set_reg(HEADER, [old, m.header_range], parent="/")
    m.fdt.memreserve.remove(m.header_range)


@case({"elfcorehdr-empty": (CHOSEN_HEADER, "size 0")}, no_vmcore)
def header_of_0_bytes(m):
    """fdt_reserve_elfcorehdr() reserves nothing, and the first pages that are
    handed out are those at the end of memory."""
    m.chosen.set_reg(HEADER, [(m.header_range.start, 0)], parent="/")
    m.fdt.memreserve.remove(m.header_range)


@case({"core-address": (CHOSEN_HEADER, "loaded to 0x7abfe000")}, not_found)
def header_elsewhere(m):
    m.place["elfcorehdr"] -= PAGE


# The command line


@case(
    {
        "elfcorehdr-overridden": (BOOTARGS, "elfcorehdr=0x72c00000"),
    },
    not_found,
)
def elfcorehdr_word_of_an_earlier_boot(m):
    """kernel/crash_dump.c setup_elfcorehdr() has the last word."""
    m.words(f"elfcorehdr={m.main.start + 128 * MIB:#x}")


@case({"cmdline-mem": (BOOTARGS, "mem=128M")}, header_not_mapped)
def mem_word(m):
    """arm64_memblock_init() drops all memory above the limit, counted from the
    start of the usable range; the core header is at its end."""
    m.words("mem=128M")


def crashkernel_in_iomem(_, seen):
    seen.must_finish()
    assert b"Crash kernel" in seen.sent["iomem"]


@case({"crashkernel-in-crash": (BOOTARGS, "crashkernel=64M")}, crashkernel_in_iomem)
def crashkernel_word(m):
    """It sets 64 MiB of its own memory aside."""
    m.words("crashkernel=64M")


def last_character_lost(_, seen):
    seen.must_finish()
    assert seen.sent["cmdline"].endswith(b" maxcpus=\n")


@case({"cmdline-no-nul": (BOOTARGS, "'1' is lost")}, last_character_lost)
def cmdline_without_nul(m):
    """early_init_dt_scan_chosen(): strscpy() keeps the last byte for a NUL."""
    m.chosen["bootargs"] = m.chosen["bootargs"].rstrip(b"\0")


def last_word_lost(m, seen):
    seen.must_finish()
    line = seen.sent["cmdline"].rstrip(b"\n")
    assert len(line) == 2047
    assert m.chosen["bootargs"].startswith(line)
    assert b"lost" not in line


@case({"cmdline-too-long": (BOOTARGS, "arm64 reads 2047")}, last_word_lost)
def cmdline_of_2048_bytes_and_more(m):
    """COMMAND_LINE_SIZE of arch/arm64/include/uapi/asm/setup.h."""
    m.room_for_tree()
    line = m.chosen.get_string("bootargs").ljust(2048, "x")
    m.chosen.set_string("bootargs", line + " lost")


# The initrd


def initrd_dropped(m, seen):
    no_init(m, seen)
    assert "initrd not fully accessible via the linear mapping" in seen.log


@case(
    {
        "initrd-outside-usable": ("/chosen:linux,initrd-start", "usable:"),
        "segment-outside-main": ("/chosen:linux,initrd-start", "the initrd is not"),
    },
    initrd_dropped,
)
def initrd_below_usable_range(m):
    """arm64_memblock_init() warns and goes on without."""
    m.put_initrd(0x58000000)


def initrd_memory_taken(m, seen):
    seen.must_finish()
    start, size = m.place["initrd"], len(m.data["initrd"])
    assert (start, -(-(start + size) // PAGE) * PAGE) in seen.memory


@case(
    {
        "initrd-outside-usable": ("/chosen:linux,initrd-start", "usable:"),
        "segment-outside-main": ("/chosen:linux,initrd-start", "the initrd is not"),
    },
    initrd_memory_taken,
)
def initrd_above_usable_range(m):
    """arm64_memblock_init() adds it to memory, which the dead kernel owned."""
    m.put_initrd(0x7C000000)


@case({"initrd-backwards": ("/chosen:linux,initrd-end", "starts at")}, no_init)
def initrd_that_ends_before_it_starts(m):
    """early_init_dt_check_for_initrd() returns without a word."""
    m.chosen.set_u64(INITRD[1], m.place["initrd"] - 1)
    m.fdt.memreserve.remove(m.initrd_range)


@case({"initrd-half": ("/chosen:linux,initrd-start", "other one")}, no_init)
def initrd_without_end(m):
    """The same."""
    del m.chosen[INITRD[1]]
    m.fdt.memreserve.remove(m.initrd_range)


# Seeds


def seed_readable(m, seen):
    seen.must_finish()
    assert seen.chosen["kaslr-seed"] == m.chosen["kaslr-seed"]
    not_random(m, seen)


@case({"kaslr-seed-length": ("/chosen:kaslr-seed", "4 bytes")}, seed_readable)
def kaslr_seed_of_4_bytes(m):
    """arch/arm64/kernel/pi/kaslr_early.c get_kaslr_seed() wants 8, and only then wipes
    it."""
    m.chosen.set_u32("kaslr-seed", 0x01234567)


def not_random(_, seen):
    assert "KASLR disabled due to lack of seed" in seen.log


@case({"kaslr-seed-zero": ("/chosen:kaslr-seed", "")}, not_random)
def kaslr_seed_used_up(m):
    """As every kernel leaves it in /sys/firmware/fdt."""
    m.chosen.set_u64("kaslr-seed", 0)


# The rest of the tree


@case({"root-cells-unsound": ("/:#address-cells", "00000000")}, dies_early)
def no_address_cells(m):
    """early_init_dt_scan_memory() finds memory, at 0."""
    m.fdt.root.set_u32("#address-cells", 0)


@case(
    {"memory-no-device-type": ("/memory@40000000:device_type", "missing")}, dies_early
)
def memory_node_without_type(m):
    """early_init_dt_scan_memory() does not see it."""
    del m.fdt["/memory@40000000"]["device_type"]


def reserved_memory_used(_, seen):
    seen.must_finish()
    assert "Reserved memory: unsupported node format, ignoring" in seen.log


@case(
    {"reserved-memory-ignored": ("/reserved-memory:#size-cells", "root's is 2")},
    reserved_memory_used,
)
def reserved_memory_with_other_cells(m):
    """__reserved_mem_check_root()."""
    m.room_for_tree()
    node = m.fdt.add_node("/reserved-memory")
    node.set_u32("#address-cells", 1)
    node.set_u32("#size-cells", 1)
    node.set_empty("ranges")


def has_128_mib_less(m, seen):
    seen.must_finish()
    assert m.good_total - seen.total == 128 << 10


@case({"memreserve-in-usable": ("", "134217728 bytes are lost")}, has_128_mib_less)
def reservation_of_an_earlier_boot(m):
    """early_init_fdt_scan_reserved_mem() obeys."""
    m.fdt.memreserve.append(m.main.start + 96 * MIB, 128 * MIB)


@case({"memreserve-wraps": ("", "wraps")}, dies_early)
def reservation_that_wraps(m):
    """mm/memblock.c memblock_cap_size() cuts it; all above its start is gone."""
    m.fdt.memreserve.append(m.main.start, PAGE)
    good = struct.pack(">2Q", m.main.start, PAGE)
    bad = struct.pack(">2Q", m.main.start, (1 << 64) - PAGE)
    blob = m.fdt.to_bytes()
    assert blob.count(good) == 1
    m.raw = blob.replace(good, bad)


@case(
    {"dtb-too-large": ("", "8 bytes more"), "dtb-slack": ("", "behind the last block")},
    silent,
)
def tree_of_2_mib_and_8_bytes(m):
    """arch/arm64/kernel/setup.c setup_machine_fdt() spins."""
    m.room_for_tree()
    size = (2 << 20) + 8
    blob = m.fdt.to_bytes().ljust(size, b"\0")
    m.raw = blob[:4] + struct.pack(">I", size) + blob[8:]


@case({"dtb-misaligned": ("", "load address")}, silent)
def tree_at_4_bytes(m):
    """fixmap_remap_fdt() wants MIN_FDT_ALIGN, setup_machine_fdt() spins."""
    m.place["dtb"] += 4


# The core header


@case({"core-not-sane": ("", "not ELF")}, not_found)
def core_without_magic(m):
    """parse_crash_elf_headers()."""
    m.header[0] = 0


@case({"core-not-sane": ("", "e_type is 2, not 4")}, not_sane)
def core_that_is_a_program(m):
    struct.pack_into("<H", m.header, 16, 2)


@case({"core-machine": ("", "e_machine 62")}, not_sane)
def core_of_x86(m):
    struct.pack_into("<H", m.header, 18, 62)


@case({"core-not-sane": ("", "e_phnum is 0")}, not_sane)
def core_without_program_headers(m):
    struct.pack_into("<H", m.header, 56, 0)


@case({"core-byteorder": ("", "ELFDATA2MSB")}, not_sane)
def core_big_endian(m):
    """EI_DATA is not looked at; the type, say, is 0x400 then."""
    elf = vmcore.LAYOUTS[2]
    head = list(elf.ehdr.unpack_from(m.header))
    table = [elf.row(m.header, head[5] + i * elf.phdr.size) for i in range(head[10])]
    head[0] = head[0][:5] + b"\2" + head[0][6:]
    big = struct.pack(">" + elf.ehdr.format[1:], *head)
    big += b"".join(struct.pack(">" + elf.phdr.format[1:], *p) for p in table)
    m.header[: len(big)] = big


def no_memory_in_dump(m, seen):
    seen.must_finish()
    if "front" in seen.sent:
        assert not vmcore.loads(seen.sent["front"])


@case(
    {
        "core-phoff": ("", "e_phoff 1024"),
        "core-load-none": ("", "6 other program headers"),
        "core-load-missing": ("", "in 2 ranges are missing"),
        "core-note-missing": ("", "VMCOREINFO is missing"),
    },
    no_memory_in_dump,
)
def core_with_a_gap(m):
    """e_phoff is not looked at: zeros are read as program headers."""
    table = m.header[64:1024]
    m.header[64:1024] = bytes(len(table))
    m.header[1024 : 1024 + len(table)] = table
    struct.pack_into("<Q", m.header, 32, 1024)


def dumps_itself(m, seen):
    """The tree it was booted from, in the dump."""
    seen.must_finish()
    assert seen.sent["probe"][:4] == b"\xd0\x0d\xfe\xed"


@case({"core-load-in-crash": ("", "crash kernel's")}, dumps_itself)
def core_with_the_crash_kernel(m):
    """fs/proc/vmcore.c reads what the header says."""
    number, start, _ = m.load_of(m.good_probe[0])
    m.load_at(number, start, m.main.stop - start)
    m.probe = m.place["dtb"], PAGE


def piece_missing(m, seen):
    seen.must_finish()
    there = [(p.paddr, p.size) for p in vmcore.loads(seen.sent["front"])]
    assert not any(p <= m.probe[0] < p + size for p, size in there)


@case({"core-load-missing": ("", "are missing")}, piece_missing)
def core_without_a_piece_of_memory(m):
    number, start, _ = m.load_of(m.good_probe[0])
    m.load_at(number, start, m.good_probe[0] - start)
    m.probe = m.good_probe[0], 0


def no_registers(m, seen):
    seen.must_finish()
    assert b"CORE\0" not in seen.sent["front"]
    assert b"VMCOREINFO\0" in seen.sent["front"]


@case({"core-note-missing": ("", "CPU 0 is missing")}, no_registers)
def core_without_the_registers(m):
    """The first program header is CPU 0's notes: here those of CPU 1 again."""
    m.header[64:120] = m.header[120:176]


def size_is_nonsense(m, seen):
    seen.must_finish()
    assert seen.size > 1 << 62


@case({"core-load-wraps": ("", "it wraps")}, size_is_nonsense)
def core_with_a_piece_without_end(m):
    text, _ = m.machine.mapping.text
    number, _, _ = m.load_of(text.start, first=True)
    m.load_at(number, 1 << 62, (1 << 64) - (1 << 62) + PAGE)


# The image


MISALIGNED = "[Firmware Bug]: Kernel image misaligned at boot"


def misaligned(_, seen):
    """It panics a little later, each build in its own way."""
    assert MISALIGNED in seen.log


@case({"image-misplaced": ("", "0x6ac01000")}, misaligned, MISALIGNED)
def image_off_by_a_page(m):
    """Documentation/arm64/booting.rst: text_offset behind a multiple of 2 MiB."""
    m.place["kernel"] += PAGE
    m.put_initrd(m.main.start + 128 * MIB)


NO_CPIO = "Initramfs unpacking failed: invalid magic"


def initrd_overwritten(_, seen):
    assert NO_CPIO in seen.log


@case(
    {"segments-overlap": ("/chosen:linux,initrd-start", "the image is at")},
    initrd_overwritten,
    NO_CPIO,
)
def initrd_in_the_bss(m):
    """The kernel clears its BSS before it looks at the initrd."""
    end = m.place["kernel"] + len(m.data["kernel"])
    m.put_initrd(-(-end // PAGE) * PAGE)


def oops(_, seen):
    assert "@@@ all sent" not in seen.log
    assert "Unable to handle kernel paging request" in seen.log


@case(
    {
        "image-outside-usable": ("", "usable:"),
        "segment-outside-main": ("", "the image is not"),
    },
    oops,
    "---[ end trace",
)
def image_below_usable_range(m):
    """Its own image is no memory of its: the linear map lacks it."""
    m.place["kernel"] = 0x50000000
