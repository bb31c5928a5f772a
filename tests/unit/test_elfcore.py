# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The ELF core header, read back by pyelftools and readelf.

Order and fields: Linux kernel/crash_core.c crash_prepare_elf64_headers();
kexec-tools kexec/crashdump-elf.c. Field places: elf(5), by the two readers.
"""

import io
import os
import re
import shutil
import struct
import subprocess
import threading
from array import array
from itertools import permutations
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_E_MACHINE

from pyfdtx.codec.reg import MemRange
from pyfdtx.errors import FdtBadParameter
from pyfdtx.kexec.architecture import arches
from pyfdtx.kexec.elfcore import (
    core_header_of,
    elf_core_header,
    ranges_of_32_bits,
)
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.facts.ranges import Ranges

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TOP = 1 << 64
NOTES = [(0x7000, 0x1A8), (0x3000, 0x1A8), (0x9000, 0x1A8)]
RAM = [(0x1000_0000, 0x100_0000), (0x2000_0000, 0x200_0000)]
ARCHES = sorted(machine for arch in arches() for machine in arch.machines)
# Names as readelf and pyelftools know the machines of <elf.h>
MACHINES = {
    "arm": "EM_ARM",
    "arm64": "EM_AARCH64",
    "i386": "EM_386",
    "loongarch64": "EM_LOONGARCH",
    "ppc64": "EM_PPC64",
    "ppc64le": "EM_PPC64",
    "riscv32": "EM_RISCV",
    "riscv64": "EM_RISCV",
    "s390x": "EM_S390",
    "x86_64": "EM_X86_64",
}
READELF_NAMES = {
    "EM_ARM": "ARM",
    "EM_AARCH64": "AArch64",
    "EM_386": "Intel 80386",
    "EM_LOONGARCH": "LoongArch",
    "EM_PPC64": "PowerPC64",
    "EM_RISCV": "RISC-V",
    "EM_S390": "IBM S/390",
    "EM_X86_64": "Advanced Micro Devices X86-64",
}


def header(arch="arm64", **changes):
    arguments = {"notes": NOTES, "ram": RAM, "virtual_offset": 0}
    return elf_core_header(arch, **{**arguments, **changes})


def parsed(data):
    return ELFFile(io.BytesIO(data))


def segments(data):
    return [s.header for s in parsed(data).iter_segments()]


def loads(data):
    return [s for s in segments(data) if s.p_type == "PT_LOAD"]


def test_the_table_names_every_architecture():
    assert set(MACHINES) == set(ARCHES)


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("arch", ARCHES)
def test_every_machine_class_and_byte_order_as_pyelftools_reads_it(arch, bits, order):
    data = header(
        arch,
        bits=bits,
        byteorder=order,
        vmcoreinfo=(0x5000, 0x1024),
        text=((0x1020_0000, 0x1_0000), 0x8020_0000),
        virtual_offset=0x4000_0000,
    )
    elf = parsed(data)
    assert (elf.elfclass, elf.little_endian) == (bits, order == "little")
    head = elf.header
    assert head.e_ident.EI_OSABI == "ELFOSABI_SYSV"
    assert head.e_ident.EI_VERSION == head.e_version == "EV_CURRENT"
    assert (head.e_type, head.e_machine) == ("ET_CORE", MACHINES[arch])
    assert (head.e_entry, head.e_flags) == (0, 0)
    # elf(5): sizes of Elf32_Ehdr, Elf64_Ehdr, Elf32_Phdr, Elf64_Phdr
    sizes = (52, 32) if bits == 32 else (64, 56)
    assert (head.e_ehsize, head.e_phentsize) == sizes
    assert (head.e_phoff, head.e_phnum) == (sizes[0], 7)
    assert (head.e_shoff, head.e_shentsize, head.e_shnum, head.e_shstrndx) == (0,) * 4

    expected = [("PT_NOTE", start, size, 0) for start, size in NOTES]
    expected.append(("PT_NOTE", 0x5000, 0x1024, 0))
    expected.append(("PT_LOAD", 0x1020_0000, 0x1_0000, 0x8020_0000))
    expected += [("PT_LOAD", s, size, s + 0x4000_0000) for s, size in RAM]
    got = segments(data)
    assert [(s.p_type, s.p_paddr, s.p_memsz, s.p_vaddr) for s in got] == expected
    for s in got:
        assert s.p_offset == s.p_paddr
        assert s.p_filesz == s.p_memsz
        assert s.p_align == 0
        assert s.p_flags == (7 if s.p_type == "PT_LOAD" else 0)  # PF_R | PF_W | PF_X


@pytest.mark.parametrize("arch", ARCHES)
def test_without_a_choice_each_architecture_has_its_own_class_and_order(arch):
    """arm: ELF32, with LPAE too; ppc64 and s390x: big-endian."""
    elf = parsed(header(arch))
    assert elf.elfclass == (32 if arch in ("arm", "i386", "riscv32") else 64)
    assert elf.little_endian == (arch not in ("ppc64", "s390x"))


def readelf(data, tmp_path):
    program = shutil.which("readelf")
    if program is None:
        pytest.skip("no readelf (Debian: apt-get install binutils)")
    path = tmp_path / "core"
    path.write_bytes(data)
    done = subprocess.run(
        (program, "-hlW", path),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("arch", ARCHES)
def test_readelf_reads_the_same(arch, bits, order, tmp_path):
    text = readelf(
        header(arch, bits=bits, byteorder=order, virtual_offset=0x4000_0000), tmp_path
    )
    assert f"ELF{bits}" in text
    assert f"2's complement, {order} endian" in text
    assert "CORE (Core file)" in text
    machine = re.search(r"Machine: +(.+)", text)[1]
    assert machine == READELF_NAMES[MACHINES[arch]]
    number = r"0x([0-9a-f]+)"
    lines = re.findall(
        rf"^ +(NOTE|LOAD) +{number} {number} {number} {number} {number}", text, re.M
    )
    got = [(kind, *(int(n, 16) for n in numbers)) for kind, *numbers in lines]
    notes = [("NOTE", s, 0, s, size, size) for s, size in NOTES]
    ram = [("LOAD", s, s + 0x4000_0000, s, size, size) for s, size in RAM]
    assert got == notes + ram


# (PHYS_OFFSET, PAGE_OFFSET) of arm64, of arm64 with KASLR (PHYS_OFFSET above
# 2^63), of riscv64, of arm with memory at 0xe0000000
@pytest.mark.parametrize(
    ("phys", "page"),
    [
        (0x4000_0000, 0xFFFF_0000_0000_0000),
        (0xFFFF_B225_4000_0000, 0xFFFF_0000_0000_0000),
        (0x8000_0000, 0xFF60_0000_0000_0000),
        (0xE000_0000, 0xC000_0000),
    ],
)
@pytest.mark.parametrize("bits", [32, 64])
def test_virtual_addresses_wrap_at_the_width_of_the_class(phys, page, bits):
    data = header("arm64", bits=bits, virtual_offset=page - phys)
    width = 1 << bits
    assert [s.p_vaddr for s in loads(data)] == [
        (start - phys + page) % width for start, _ in RAM
    ]


def test_memory_beyond_the_linear_map_has_the_virtual_address_minus_one():
    """kexec-tools: p_vaddr = -1 for ranges that end beyond low memory."""
    last = RAM[0][0] + RAM[0][1] - 1
    for bits in (32, 64):
        for limit, first in ((last, RAM[0][0]), (last - 1, (1 << bits) - 1)):
            got = [s.p_vaddr for s in loads(header(bits=bits, virtual_last=limit))]
            assert got == [first, (1 << bits) - 1]


@pytest.mark.parametrize("style", ["kernel", "kexec-tools"])
@pytest.mark.parametrize("bits", [32, 64])
def test_the_size_is_rounded_up_and_the_rest_is_zero(style, bits):
    """Linux: ELF_CORE_HEADER_ALIGN 4096, a header for the kernel map is always
    counted; kexec-tools: align 1024. Swept over both sides of each limit."""
    head, each = (52, 32) if bits == 32 else (64, 56)
    step = 4096 if style == "kernel" else 1024
    for ranges in range(1, 2 * step // each + 3):
        ram = [(0x1000 * 2 * i, 0x1000) for i in range(ranges)]
        data = header(bits=bits, style=style, notes=NOTES, ram=ram)
        used = head + each * (len(NOTES) + ranges)
        counted = used + each * (style == "kernel")
        assert len(data) == -(-counted // step) * step, ranges
        assert not any(data[used:]), ranges


def test_spare_segments_make_room_but_are_not_counted():
    small, large = header(style="kexec-tools"), header(style="kexec-tools", spare=100)
    assert parsed(large).header.e_phnum == len(NOTES) + len(RAM)
    assert len(large) == -(-(64 + 56 * (len(NOTES) + len(RAM) + 100)) // 1024) * 1024
    assert large[: len(small)] == small
    assert not any(large[len(small) :])


def test_the_largest_header_and_one_segment_more():
    """elf(5): e_phnum is 16 bits and 0xffff (PN_XNUM) says "look elsewhere",
    where no crash kernel looks."""
    room = 0xFFFE - len(NOTES)
    ram = Ranges([(0x2000 * i, 0x1000) for i in range(room)])
    data = header(ram=ram, style="kexec-tools")
    assert parsed(data).header.e_phnum == 0xFFFE
    last = parsed(data).get_segment(0xFFFD).header
    assert (last.p_paddr, last.p_memsz) == tuple(ram[-1])

    more = Ranges([*ram, (TOP - 4096, 4096)])
    for changes in (
        {"ram": more, "style": "kexec-tools"},
        {"ram": ram, "style": "kexec-tools", "spare": 1},
        {"ram": ram, "style": "kernel"},
        {"ram": ram, "style": "kexec-tools", "vmcoreinfo": (0x5000, 5)},
    ):
        with pytest.raises(FdtBadParameter, match=r"65535 segments.*at most 65534"):
            header(**changes)
    with pytest.raises(FdtBadParameter, match="100003 segments"):
        header(
            ram=Ranges([(0x2000 * i, 0x1000) for i in range(100_000)]),
            style="kexec-tools",
        )


def test_a_backed_up_range_is_a_segment_of_its_own_read_from_the_copy():
    """ppc64: the first 64 KiB are overwritten by the crash kernel; their copy
    lies at the backup. x86: the first 640 KiB."""
    data = header(
        "ppc64le",
        ram=[(0, 0x2000_0000)],
        backup=[((0, 0x1_0000), 0x2288_0000)],
        virtual_offset=0xC000_0000_0000_0000,
    )
    got = [(s.p_paddr, s.p_memsz, s.p_offset, s.p_vaddr) for s in loads(data)]
    assert got == [
        (0, 0x1_0000, 0x2288_0000, 0xC000_0000_0000_0000),
        (0x1_0000, 0x1FFF_0000, 0x1_0000, 0xC000_0000_0001_0000),
    ]


def test_backups_in_the_middle_over_a_border_and_of_a_whole_range():
    data = header(
        ram=[(0x1000, 0x1000), (0x2000, 0x4000), (0x8000, 0x1000)],
        backup=[((0x8000, 0x1000), 0x9_0000), ((0x1800, 0x1800), 0x5_0000)],
    )
    got = [(s.p_paddr, s.p_memsz, s.p_offset) for s in loads(data)]
    assert got == [
        (0x1000, 0x800, 0x1000),
        (0x1800, 0x800, 0x5_0000),
        (0x2000, 0x1000, 0x5_0800),
        (0x3000, 0x3000, 0x3000),
        (0x8000, 0x1000, 0x9_0000),
    ]


def test_memory_that_touches_stays_as_many_segments():
    """As both writers do: each System RAM entry is one."""
    ram = [(0x1000, 0x1000), (0x2000, 0x1000)]
    assert [s.p_paddr for s in loads(header(ram=ram))] == [0x1000, 0x2000]


def test_notes_keep_the_order_of_the_cpus_and_can_be_packed():
    packed = array("Q", [n for note in NOTES for n in note])
    assert header(notes=packed) == header(notes=memoryview(packed)) == header()
    assert [s.p_paddr for s in segments(header())[:3]] == [0x7000, 0x3000, 0x9000]
    assert len(segments(header(notes=[]))) == len(RAM)


def test_the_32_bit_class_has_32_bits_for_start_and_size_and_not_one_more():
    """Linux adds p_offset and p_memsz of a PT_LOAD in 64 bits (fs/proc/vmcore.c);
    notes never lie across 4 GiB."""
    edge = 1 << 32
    for fits in ((edge - 0x1000, 0x1000), (edge - 1, edge - 1), (0, edge - 1)):
        (load,) = loads(header("arm", ram=[fits]))
        assert (load.p_paddr, load.p_memsz) == (load.p_offset, load.p_filesz) == fits
    for note in ((edge - 0x1000, 0x1000), (edge - 1, 1), (0, edge - 1)):
        for changes in ({"notes": [*NOTES, note]}, {"vmcoreinfo": note}):
            found = [
                s for s in segments(header("arm", **changes)) if s.p_paddr == note[0]
            ]
            assert [(s.p_type, s.p_filesz, s.p_memsz) for s in found] == [
                ("PT_NOTE", note[1], note[1])
            ]
    across = (edge - 0x1000, 0x1001)
    for bad in (across, (edge, 1), (0, edge), (edge + 5, edge)):
        cases = [{"notes": [*NOTES, bad]}, {"vmcoreinfo": bad}]
        if bad != across:
            cases += [{"ram": [bad]}, {"text": (bad, 0)}]
        for changes in cases:
            with pytest.raises(FdtBadParameter, match=r"ELF.*ranges_of_32_bits") as e:
                header("arm", **changes)
            assert e.value.where == repr(MemRange(*bad)), changes
    with pytest.raises(FdtBadParameter, match="32-bit ELF"):
        header("arm", backup=[((RAM[0][0], 0x1000), edge)])


PAGE, GIB = 4096, 1 << 30
LAST = 4 * GIB - PAGE  # the last page below 4 GiB


@pytest.mark.parametrize(
    ("ram", "told"),
    [
        ([(GIB, 3 * GIB)], [(GIB, 3 * GIB)]),
        # one piece across 4 GiB, as short and as long as it may be
        ([(GIB, 3 * GIB + 1)], [(GIB, 3 * GIB - PAGE), (LAST, PAGE + 1)]),
        ([(GIB, 5 * GIB)], [(GIB, 3 * GIB - PAGE), (LAST, 2 * GIB + PAGE)]),
        ([(LAST, LAST)], [(LAST, LAST)]),
        ([(LAST, LAST + 1)], [(LAST, LAST)]),
        ([(0, 1 << 40)], [(0, LAST), (LAST, LAST)]),
        ([(GIB, 3 * GIB), (4 * GIB, GIB)], [(GIB, 3 * GIB - PAGE), (LAST, GIB + PAGE)]),
        ([(GIB, PAGE), (LAST, PAGE + 9)], [(GIB, PAGE), (LAST, PAGE + 9)]),
        # a gap in front of 4 GiB, behind it, in the last page
        ([(GIB, GIB), (4 * GIB, GIB)], [(GIB, GIB)]),
        ([(GIB, 3 * GIB), (4 * GIB + 1, GIB)], [(GIB, 3 * GIB)]),
        ([(LAST + 1, GIB)], [(LAST + 1, PAGE - 1)]),
        # only what has no gap
        ([(LAST, 2 * PAGE), (LAST + 3 * PAGE, GIB)], [(LAST, 2 * PAGE)]),
        ([(4 * GIB, GIB)], []),
    ],
)
def test_a_32_bit_header_tells_of_memory_that_runs_on_across_4_gib(ram, told):
    got = ranges_of_32_bits(Ranges(ram))
    assert [tuple(r) for r in got] == told
    if told:
        read = [(s.p_paddr, s.p_memsz) for s in loads(header("arm", ram=got))]
        assert read == told


def test_memory_ends_at_2_64_in_the_64_bit_class():
    data = header(ram=[(TOP - 0x1000, 0x1000)], virtual_offset=0x1000)
    assert [(s.p_paddr, s.p_memsz, s.p_vaddr) for s in loads(data)] == [
        (TOP - 0x1000, 0x1000, 0)
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"arch": "vax"}, "arch 'vax': unknown; there are arm, arm64,"),
        ({"style": "linux"}, "style 'linux': unknown; there are kernel, kexec-tools"),
        ({"bits": 16}, "bits 16: unknown; there are 32, 64"),
        ({"byteorder": "middle"}, "byteorder 'middle'"),
        ({"ram": []}, "ram: no memory"),
        ({"ram": [(0, 10), (5, 10)]}, "overlap"),
        ({"notes": [(5, 0)]}, r"notes\[0\] MemRange\(0x5, 0x0\)"),
        ({"notes": array("Q", [1, 2, 3])}, "3 packed numbers"),
        ({"vmcoreinfo": (0, 0)}, "vmcoreinfo"),
        ({"text": ((0, 0), 0)}, "text"),
        ({"spare": -1}, "spare -1"),
        ({"spare": 0xFFFF}, "spare 65535"),
        ({"spare": 1 << 64}, "spare 18446744073709551616"),
        ({"virtual_last": TOP}, "virtual_last"),
        ({"backup": [((0x900, 0x800), 5)]}, r"backup\[0\] .* is not all in ram"),
        ({"backup": [((0x1000_0000, 0), 5)]}, r"backup\[0\]"),
        ({"backup": [((0x1000_0000, 16), TOP - 8)]}, "2\\*\\*64"),
    ],
)
def test_what_cannot_be_is_refused_by_name(changes, says):
    with pytest.raises(FdtBadParameter, match=says):
        header(**changes)


def test_packed_notes_of_another_format_are_refused():
    with pytest.raises(TypeError, match="format 'I'"):
        header(notes=array("I", [1, 2]))


def test_threads_fill_headers_at_the_same_time():
    ram = Ranges([(0x2000 * i, 0x1000) for i in range(50_000)])
    expected, got = header(ram=ram), []
    threads = [
        threading.Thread(target=lambda: got.append(header(ram=ram))) for _ in range(4)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert got == [expected] * 4


@pytest.mark.parametrize("name", ["arm64-dt", "arm64-high-low", "arm64-uefi-acpi"])
def test_the_header_of_a_captured_machine(name):
    """Notes, VMCOREINFO, kernel, memory without the crash regions: each from
    the machine's own files."""
    root = EXAMPLES / name
    machine = Machine(root)
    data = core_header_of(machine)
    cpus = root / "sys/devices/system/cpu"
    possible = len(list(cpus.glob("cpu[0-9]*/crash_notes")))
    got = segments(data)
    for cpu in range(possible):
        text = (cpus / f"cpu{cpu}/crash_notes").read_text()
        size = (cpus / f"cpu{cpu}/crash_notes_size").read_text()
        assert (got[cpu].p_paddr, got[cpu].p_memsz) == (int(text, 16), int(size))
    address, size = (root / "sys/kernel/vmcoreinfo").read_text().split()
    note = got[possible]
    assert (note.p_type, note.p_paddr) == ("PT_NOTE", int(address, 16))
    # Linux include/linux/vmcore_info.h VMCOREINFO_NOTE_SIZE: note header and
    # name "VMCOREINFO", aligned, twice the header, and a page of 4096
    assert note.p_memsz == int(size, 16) == 12 * 2 + 12 + 4096

    info = machine.vmcoreinfo
    kernel = got[possible + 1]
    stext = info.symbol("_stext")
    assert kernel.p_vaddr <= stext < kernel.p_vaddr + kernel.p_memsz
    assert (kernel.p_vaddr - kernel.p_paddr) % TOP == info.number("kimage_voffset")

    memory = Ranges([(s.p_paddr, s.p_memsz) for s in got[possible + 2 :]])
    crash = Ranges(machine.named("Crash kernel"))
    assert not memory.intersect(crash)
    assert memory.merge(crash) == Ranges.union(machine.named("System RAM"))
    # The kernel allocated mem_section from the linear map: by the header's own
    # offset it lies in memory
    section = info.symbol("mem_section")
    offsets = {(s.p_vaddr - s.p_paddr) % TOP for s in got[possible + 2 :]}
    assert len(offsets) == 1
    assert (section - offsets.pop()) % TOP in machine.ram


def test_memory_that_the_caller_excludes_is_not_in_the_header():
    machine = Machine(EXAMPLES / "arm64-dt")
    hole = MemRange(0x5000_0000, 0x1000)
    data = core_header_of(machine, exclude=[hole], style="kexec-tools")
    assert len(data) == 1024
    dumped = Ranges.union([(s.p_paddr, s.p_memsz) for s in loads(data)])
    assert not dumped.intersect([hole])
    assert dumped.total == machine.ram.total - machine.crash_main.size - hole.size


def by_struct(ram, offset, bits, order):
    """The same header written with struct, field by field as <elf.h> has them."""
    mark = "<" if order == "little" else ">"
    address = "Q" if bits == 64 else "I"
    ehdr = struct.Struct(f"{mark}16sHHI3{address}I6H")
    phdr = struct.Struct(mark + ("IIQQQQQQ" if bits == 64 else "IIIIIIII"))
    ident = bytes([0x7F, *b"ELF", bits // 32, 1 if order == "little" else 2, 1])
    n = len(NOTES) + len(ram)
    out = [
        ehdr.pack(
            ident, 4, 183, 1, 0, ehdr.size, 0, 0, ehdr.size, phdr.size, n, 0, 0, 0
        )
    ]
    segments = [(4, 0, start, 0, start, size) for start, size in NOTES]
    segments += [(1, 7, s, (s + offset) % (1 << bits), s, size) for s, size in ram]
    for kind, flags, at, virtual, physical, size in segments:
        if bits == 64:
            out.append(phdr.pack(kind, flags, at, virtual, physical, size, size, 0))
        else:
            out.append(phdr.pack(kind, at, virtual, physical, size, size, flags, 0))
    return b"".join(out)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("n", [1, 2, 10_000])
def test_many_ranges_are_what_a_loop_with_struct_writes(bits, order, n):
    ram = [(0x5000 * i, 0x4000 + i % 0x1000) for i in range(n)]
    packed = array("Q", [number for pair in ram for number in pair])
    expected = by_struct(ram, 0x8000_1234, bits, order)
    for way in (ram, packed, memoryview(packed), Ranges(ram)):
        data = header(
            ram=way, virtual_offset=0x8000_1234, bits=bits, byteorder=order,
            vmcoreinfo=None, text=None,
        )  # fmt: skip
        assert data[: len(expected)] == expected
        assert not any(data[len(expected) :])


@pytest.mark.parametrize("bad", [(5, 0), (TOP - 1, 2)])
def test_one_bad_note_among_many_is_found(bad):
    notes = [(0x1000 * i, 0x100) for i in range(500)]
    notes[300] = bad
    packed = array("Q", [number for pair in notes for number in pair])
    for way in (notes, tuple(notes), iter(notes), packed, memoryview(packed)):
        with pytest.raises(FdtBadParameter, match=hex(bad[0])):
            header(notes=way)


# All but an array is copied, searched for faults and sorted before the header is
# made; an array is looked at while the header is written
IN_ORDER = [(0x1000, 0x1000), (0x2000, 1), (0x8000, 0x4000)]


def as_array(pairs):
    return array("Q", [number for pair in pairs for number in pair])


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("empty", [None, 0, 1, 2, 3])
def test_an_array_in_any_order_gives_the_header_of_the_sorted_list(order, empty):
    ram = [IN_ORDER[i] for i in order]
    if empty is not None:
        ram.insert(empty, (0x3000, 0))
    packed = as_array(ram)
    assert header(ram=packed) == header(ram=IN_ORDER)
    assert packed == as_array(ram), "the array was changed"
    packed.append(0)  # BufferError if something still held it


@pytest.mark.parametrize(
    ("bits", "ram"),
    [
        (64, []),
        (64, [(0, 0)]),
        (64, [(0, 10), (9, 10)]),
        (64, [(5, 10), (0, 6)]),
        (64, [(0, 10), (0, 10)]),
        (64, [(0, 1), (TOP - 1, 2)]),
        (32, [(1 << 32, 1), (0, 1)]),
        (32, [(0, 1), (5, 1 << 32)]),
        (64, [(2 * i, 1) for i in range(0xFFFF)]),
    ],
)
def test_an_array_is_refused_in_the_words_for_a_copy_of_it(bits, ram):
    said = []
    for given in (memoryview(as_array(ram)), as_array(ram)):
        with pytest.raises(FdtBadParameter) as e:
            header(ram=given, bits=bits)
        said.append(str(e.value))
    assert said[0] == said[1]


def test_each_architecture_has_its_number_of_the_elf_specification():
    names = {"i386": "386", "s390x": "S390", "arm64": "AARCH64", "ppc64le": "PPC64"}
    names |= {"riscv32": "RISCV", "riscv64": "RISCV", "loongarch64": "LOONGARCH"}
    found = {(m, arch.elf_machine) for arch in arches() for m in arch.machines}
    assert len(found) >= 8
    for machine, number in found:
        name = names.get(machine, machine.upper())
        assert number == ENUM_E_MACHINE[f"EM_{name}"], machine
