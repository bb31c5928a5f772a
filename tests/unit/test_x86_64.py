# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""x86_64: the dump's header, and the crash kernel's memory map (E820, memmap=).

Rules: Linux 6.1 arch/x86/kernel/crash.c elf_header_exclude_ranges(),
crash_setup_memmap_entries(). tests/system/test_x86_64.py holds both against
what the running kernel itself makes.
"""

import struct

import pytest
from elftools.elf.elffile import ELFFile

from pyfdtx.errors import FdtBadParameter, FdtMachineError
from pyfdtx.kexec import crash_memory_map, memmap_words
from pyfdtx.kexec.elfcore import core_header_of
from pyfdtx.kexec.facts.capture import capture
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.place.plan import make_plan

PAGE, MIB = 4096, 1 << 20
CPU = "sys/devices/system/cpu"
# /proc/iomem of Debian's 6.1 on QEMU's q35 with 4 GiB and crashkernel=256M,high
# crashkernel=72M,low; the ACPI lines as firmware of real machines has them
IOMEM = """\
00000000-00000fff : Reserved
00001000-0009fbff : System RAM
0009fc00-0009ffff : Reserved
000a0000-000bffff : PCI Bus 0000:00
000f0000-000fffff : Reserved
  000f0000-000fffff : System ROM
00100000-7ffbffff : System RAM
  7b000000-7f7fffff : Crash kernel
7ffc0000-7ffcffff : ACPI Tables
7ffd0000-7ffdffff : ACPI Non-volatile Storage
7ffe0000-7fffffff : Reserved
b0000000-bfffffff : PCI MMCONFIG 0000 [bus 00-ff]
  b0000000-bfffffff : Reserved
    b0000000-bfffffff : pnp 00:04
fee00000-fee00fff : Local APIC
100000000-17fffffff : System RAM
  169000000-178ffffff : Crash kernel
  179a00000-17a801ef1 : Kernel code
  17bcb1000-17c1fffff : Kernel bss
"""
MAIN, LOW = (0x1_6900_0000, 256 * MIB), (0x7B00_0000, 72 * MIB)
# KASLR: virtual addresses of memory and kernel are where they happen to be
PAGE_OFFSET, TEXT = 0xFFFF_9C80_0000_0000, 0xFFFF_FFFF_AEE0_0000
TEXT_AT, TEXT_SIZE = 0x1_79A0_0000, 0x2830000
LOADS = [
    (TEXT, TEXT_AT, TEXT_SIZE),
    (PAGE_OFFSET + 0x1000, 0x1000, 0x9E000),
    (PAGE_OFFSET + MIB, MIB, 0x7FEC_0000),
    (PAGE_OFFSET + (1 << 32), 1 << 32, 0x8000_0000),
]
FILES = {
    "proc/iomem": IOMEM,
    "proc/sys/kernel/arch": "x86_64\n",
    "proc/cmdline": "console=ttyS0\n",
    "proc/kcore.vmcoreinfo": "OSRELEASE=6.1.0\nPAGESIZE=4096\n",
    "proc/kcore.loads": "".join(f"{v:x} {p:x} {n:x}\n" for v, p, n in LOADS),
    "sys/kernel/vmcoreinfo": "0x0000000101200000 1024\n",
    f"{CPU}/possible": "0-1\n",
    f"{CPU}/present": "0-1\n",
    f"{CPU}/cpu0/crash_notes": "17d000000\n",
    f"{CPU}/cpu0/crash_notes_size": "424\n",
    f"{CPU}/cpu1/crash_notes": "17d100000\n",
    f"{CPU}/cpu1/crash_notes_size": "424\n",
}


def machine_with(root, **changes):
    for name, text in {**FILES, **changes}.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return Machine(root)


@pytest.fixture
def machine(tmp_path):
    return machine_with(tmp_path / "root")


def test_the_core_header_has_all_memory_but_the_first_mib_and_the_crash_regions(
    machine, tmp_path
):
    (tmp_path / "core").write_bytes(core_header_of(machine))
    with (tmp_path / "core").open("rb") as f:
        elf = ELFFile(f)
        assert (elf.elfclass, elf["e_machine"]) == (64, "EM_X86_64")
        rows = [s.header for s in elf.iter_segments()]
    assert [r.p_type for r in rows[:3]] == ["PT_NOTE"] * 3
    assert [r.p_paddr for r in rows[:3]] == [0x17D000000, 0x17D100000, 0x101200000]
    # the kernel first, in its own mapping; the rest in that of all memory
    text, *memory = rows[3:]
    assert (text.p_vaddr, text.p_paddr, text.p_memsz) == (TEXT, TEXT_AT, TEXT_SIZE)
    got = [(r.p_paddr, r.p_paddr + r.p_memsz) for r in memory]
    assert got == [
        (MIB, 0x7B00_0000),
        (0x7F80_0000, 0x7FFC_0000),
        (0x1_0000_0000, 0x1_6900_0000),
        (0x1_7900_0000, 0x1_8000_0000),
    ]
    assert all(r.p_vaddr == r.p_paddr + PAGE_OFFSET for r in memory)
    assert all(r.p_offset == r.p_paddr for r in rows)


def kcore(*rows):
    """elf(5): type, flags, offset, vaddr, paddr, filesz, memsz, align."""
    table = b"".join(
        struct.pack("<2I6Q", kind, 7, 0, v, p, n, n, PAGE) for kind, v, p, n in rows
    )
    head = struct.pack("<4s5B7x", b"\x7fELF", 2, 1, 1, 0, 0)
    head += struct.pack("<2HI3QI6H", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(rows), 0, 0, 0)
    return head + table


def live(root, *rows):
    machine = machine_with(root)
    (root / "proc/kcore.loads").unlink()
    (root / "proc/kcore").write_bytes(kcore(*rows))
    return machine


UNKNOWN = (1 << 64) - 1


def test_the_mapping_comes_from_a_live_kcore_and_a_capture_keeps_it(tmp_path):
    """fs/proc/kcore.c: p_paddr is -1 for vmalloc and modules."""
    machine = live(
        tmp_path / "live",
        (1, 0xFFFF_C900_0000_0000, UNKNOWN, 1 << 40),
        (1, 0xFFFF_FFFF_C000_0000, UNKNOWN, 1 << 28),
        *((1, *load) for load in LOADS),
    )
    mapping = machine.mapping
    assert mapping.offset == PAGE_OFFSET
    assert mapping.text == ((TEXT_AT, TEXT_SIZE), TEXT)
    names = capture(tmp_path / "copy", tmp_path / "live")
    assert "proc/kcore.loads" in names
    assert "proc/kcore" not in names
    copy = Machine(tmp_path / "copy")
    assert copy.kcore_loads == machine.kcore_loads
    assert core_header_of(copy) == core_header_of(machine)


@pytest.mark.parametrize("kept", [[], LOADS[:1], LOADS[1:]], ids=["-", "text", "ram"])
def test_a_kcore_that_does_not_tell_is_named(tmp_path, kept):
    machine = live(tmp_path, *((1, *load) for load in kept))
    with pytest.raises(FdtMachineError, match="kcore: does not tell where"):
        core_header_of(machine)


def test_a_damaged_table_of_a_capture_is_named(tmp_path):
    machine = machine_with(tmp_path, **{"proc/kcore.loads": "ffff 1000\n"})
    with pytest.raises(FdtMachineError, match=r"kcore.loads: not 'virtual physical"):
        core_header_of(machine)


FIRMWARE = [
    ((0, PAGE), "reserved"),
    ((0x9FC00, 0x400), "reserved"),
    ((0xF0000, 0x10000), "reserved"),
    ((0x7FFC_0000, 0x10000), "acpi"),
    ((0x7FFD_0000, 0x10000), "nvs"),
    ((0x7FFE_0000, 0x20000), "reserved"),
    ((0xB000_0000, 256 * MIB), "reserved"),
]
LOW_RAM = ((0x1000, 0x9EC00), "ram")


@pytest.mark.parametrize(
    ("header", "ram"),
    [
        (None, [MAIN]),
        # where Linux's own loader puts it: at the start; and elsewhere
        ((MAIN[0], PAGE), [(MAIN[0] + PAGE, MAIN[1] - PAGE)]),
        ((MAIN[0], 1), [(MAIN[0] + PAGE, MAIN[1] - PAGE)]),
        (
            (MAIN[0] + MIB, 2 * PAGE),
            [
                (MAIN[0], MIB),
                (MAIN[0] + MIB + 2 * PAGE, MAIN[1] - MIB - 2 * PAGE),
            ],
        ),
        ((sum(MAIN) - PAGE, PAGE), [(MAIN[0], MAIN[1] - PAGE)]),
        (MAIN, []),
    ],
)
def test_the_crash_kernels_memory_map(machine, header, ram):
    want = [LOW_RAM, (LOW, "ram"), *FIRMWARE, *((r, "ram") for r in ram)]
    assert crash_memory_map(machine, elfcorehdr=header) == sorted(want)


@pytest.mark.parametrize("left", [0, 1, 2])
def test_one_page_left_beside_the_core_header_is_memory(machine, left):
    """crash.c crash_setup_memmap_entries(): less than a page is not added."""
    for header, rest in (
        ((MAIN[0], MAIN[1] - left * PAGE), (sum(MAIN) - left * PAGE, left * PAGE)),
        ((MAIN[0] + left * PAGE, MAIN[1] - left * PAGE), (MAIN[0], left * PAGE)),
    ):
        inside = [
            r
            for r, kind in crash_memory_map(machine, elfcorehdr=header)
            if kind == "ram" and MAIN[0] <= r.start < sum(MAIN)
        ]
        assert inside == ([rest] if left else [])


def test_memory_of_crashkernel_cma_is_in_the_map_and_not_in_the_dump(tmp_path):
    """Since Linux 6.17; kernel/crash_core.c, arch/x86/kernel/crash.c."""
    cma = (0x1_0800_0000, 64 * MIB)
    text = f"{cma[0]:x}-{sum(cma) - 1:x}\n"
    name = "sys/kernel/kexec_crash_cma_ranges"
    machine = machine_with(tmp_path, **{name: text})
    assert (cma, "ram") in crash_memory_map(machine)
    loads = struct.unpack_from("<H", core_header_of(machine), 56)  # e_phnum
    assert loads == (3 + 1 + 5,)


@pytest.mark.parametrize(
    "header",
    [(MAIN[0] - 1, PAGE), (sum(MAIN) - PAGE + 1, PAGE), LOW, (MAIN[0], 0)],
)
def test_a_core_header_outside_the_main_region_is_refused(machine, header):
    with pytest.raises(FdtBadParameter, match="is not inside the crash region"):
        crash_memory_map(machine, elfcorehdr=header)


def test_no_crash_region_has_no_map(tmp_path):
    rows = [line for line in IOMEM.splitlines(True) if "Crash" not in line]
    machine = machine_with(tmp_path, **{"proc/iomem": "".join(rows)})
    with pytest.raises(FdtMachineError, match="boot with crashkernel="):
        crash_memory_map(machine)


def test_the_map_as_words_of_the_command_line(machine):
    """kernel-parameters.txt: memmap=nn[KMG]@ss[KMG] is RAM, # ACPI data, $
    reserved; exactmap forgets the firmware's map first."""
    entries = [
        ((0x1000, 0x9EC00), "ram"),
        ((0x9FC00, 0x3FF), "reserved"),
        ((0x7FFC_0000, 0x10000), "acpi"),
        ((0x7FFD_0000, 0x10000), "nvs"),
    ]
    assert memmap_words(entries) == (
        "memmap=exactmap memmap=635K@4K memmap=0x3ff$639K "
        "memmap=64K#2096896K memmap=64K$2096960K"
    )
    with pytest.raises(FdtBadParameter, match=r"'disk': unknown; there are ram"):
        memmap_words([((0, PAGE), "disk")])
    whole = memmap_words(crash_memory_map(machine))
    assert whole.count("@") == 3


def test_there_is_nothing_to_plan(machine):
    arm64 = struct.pack("<2I6Q4sI", 0, 0, 0, MIB, 2, 0, 0, 0, b"ARM\x64", 0)
    with pytest.raises(FdtBadParameter, match=r"nothing to plan.*from its files"):
        make_plan(machine, parse_image(arm64 + bytes(100)))
