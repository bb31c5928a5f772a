# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Facts of machines: the captures of real ones, and the shapes of others.

tests/unit/test_examples.py holds the captures together; here the same numbers
come through Machine. Roots made here follow the kernel sources named beside
them.
"""

import errno
import os
import shutil
import struct
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyfdtx import Fdt, _native
from pyfdtx.codec.reg import MemRange
from pyfdtx.errors import FdtExists, FdtMachineError, FdtWarning
from pyfdtx.files.reading import Root
from pyfdtx.kexec import check_tree
from pyfdtx.kexec.elfcore import core_header_of
from pyfdtx.kexec.facts.capture import capture
from pyfdtx.kexec.facts.devicetree import flatten
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.facts.ranges import Ranges

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CAPTURES = sorted(p.parent for p in EXAMPLES.glob("arm64-*/RECIPE.txt"))
TOP = 1 << 64
CPU = "sys/devices/system/cpu"

every_capture = pytest.mark.parametrize("root", CAPTURES, ids=lambda p: p.name)


def write(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
    return Machine(root)


# Two blanks a level, last byte inclusive: Linux kernel/resource.c r_show()
ARM64_6_1 = """\
09000000-09000fff : pl011@9000000
40000000-7fffffff : System RAM
  40210000-4158ffff : Kernel code
  41590000-41a0ffff : reserved
  41a10000-41caffff : Kernel data
  6ac00000-7abfffff : Crash kernel
"""
# 6.12: "Kernel code" starts with the image, not with _stext
ARM64_6_12 = ARM64_6_1.replace("40210000", "40200000")
# arch/riscv/kernel/setup.c init_resources(): a parent for the kernel
RISCV = """\
80000000-8005ffff : Reserved
80060000-9fffffff : System RAM
  80200000-81ffffff : Kernel image
    80202000-80ffffff : Kernel code
    81200000-815fffff : Kernel rodata
    81800000-81afffff : Kernel data
    81b00000-81ffffff : Kernel bss
  8c000000-97ffffff : Crash kernel
  9f000000-9f0fffff : Reserved
"""
CPUS = {
    f"{CPU}/possible": "0,2-3,9\n",
    f"{CPU}/present": "0,2-3\n",
    f"{CPU}/cpu0/crash_notes": "50000000\n",
    f"{CPU}/cpu0/crash_notes_size": "424\n",
    f"{CPU}/cpu2/crash_notes": "4f000000\n",
    f"{CPU}/cpu2/crash_notes_size": "424\n",
    f"{CPU}/cpu3/crash_notes": "51000000\n",
    f"{CPU}/cpu3/crash_notes_size": "424\n",
}


def test_system_ram_of_the_capture_with_high_and_low_crash_regions():
    """-m 4G at 1 GiB; crashkernel=256M,high crashkernel=64M,low: main first."""
    machine = Machine(EXAMPLES / "arm64-high-low")
    assert machine.ram == Ranges([(1 << 30, 4 << 30)])
    main, low = machine.crash_ranges
    assert (main.size, low.size) == (256 << 20, 64 << 20)
    assert low.stop <= 1 << 32 <= main.start
    assert machine.crash_main == main
    assert list(machine.crash_notes) == [0, 1, 2, 3]


@every_capture
def test_every_fact_of_a_capture_can_be_read(root):
    machine = Machine(root)
    assert machine.arch == "arm64"
    assert machine.release == machine.vmcoreinfo["OSRELEASE"]
    assert machine.cmdline + "\n" == (root / "proc/cmdline").read_text()
    assert machine.fdt == (root / "sys/firmware/fdt").read_bytes()
    assert machine.cma_ranges == Ranges()
    assert machine.crash_main.size == int(
        (root / "sys/kernel/kexec_crash_size").read_text()
    )
    assert machine.vmcoreinfo_note in machine.ram
    assert all(note in machine.ram for note in machine.crash_notes.values())


@every_capture
def test_free_ram_has_no_byte_of_what_the_kernel_shows_inside(root):
    """Neither reservations nor crash regions; the running kernel may go."""
    machine = Machine(root)
    taken = Ranges.union(
        [r.range for r in machine.iomem if r.depth and not r.name.startswith("Kernel")]
    )
    assert not machine.free_ram.intersect(taken)
    assert machine.free_ram.merge(taken.intersect(machine.ram)) == machine.ram.joined()
    assert machine.named("Kernel code")[0] in machine.free_ram


@every_capture
def test_the_mapping_of_a_capture_finds_symbols_at_their_place(root):
    """swapper_pg_dir lies in the kernel image, mem_section in the linear map."""
    machine = Machine(root)
    image, virtual = machine.mapping.text
    for name in ("swapper_pg_dir", "_stext", "init_uts_ns"):
        physical = machine.vmcoreinfo.symbol(name) - virtual + image.start
        assert physical in Ranges(image), name
    section = machine.vmcoreinfo.symbol("mem_section")
    assert (section - machine.mapping.offset) % TOP in machine.ram
    assert machine.named("Kernel code")[0] in Ranges(image)
    assert machine.named("Kernel data")[0].stop == image.stop
    # Documentation/arch/arm64/booting.rst: the image's _text is 64 KiB aligned
    assert image.start % 0x10000 == 0


def arm64_info(stext, voffset, **more):
    values = {
        "OSRELEASE": "6.12.1",
        "SYMBOL(_stext)": f"{stext % TOP:x}",
        "NUMBER(VA_BITS)": "48",
        "NUMBER(kimage_voffset)": f"{voffset % TOP:#x}",
        "NUMBER(PHYS_OFFSET)": "0x40000000",
        **more,
    }
    return "".join(f"{k}={v}\n" for k, v in values.items())


def arm64(tmp_path, iomem=ARM64_6_12, **changes):
    voffset = 0xFFFF_8000_4000_0000
    info = arm64_info(0x4021_0000 + voffset, voffset, **changes)
    return write(
        tmp_path,
        {
            "proc/iomem": iomem,
            "proc/kcore.vmcoreinfo": info,
            "proc/sys/kernel/arch": "aarch64\n",
        },
    )


def test_the_kernel_of_6_12_starts_where_kernel_code_starts(tmp_path):
    mapping = arm64(tmp_path).mapping
    image, virtual = mapping.text
    assert image == MemRange(0x4020_0000, 0x41CB_0000 - 0x4020_0000)
    assert virtual == 0xFFFF_8000_8020_0000
    assert mapping.offset == 0xFFFF_0000_0000_0000 - 0x4000_0000


def test_without_module_numbers_the_kernel_of_6_1_starts_at_stext(tmp_path):
    image, virtual = arm64(tmp_path, ARM64_6_1).mapping.text
    assert (image.start, virtual) == (0x4021_0000, 0xFFFF_8000_8021_0000)


def test_before_5_4_the_linear_map_was_the_upper_half(tmp_path):
    """Linux commit 14c127c957c1 ("arm64: mm: Flip kernel VA space") in v5.4."""
    mapping = arm64(tmp_path, OSRELEASE="5.3.18-x").mapping
    assert mapping.offset == 0xFFFF_8000_0000_0000 - 0x4000_0000


@pytest.mark.parametrize("release", ["six", "6", "6.x"])
def test_a_release_that_is_no_version_is_blamed_on_the_file_it_came_from(
    release, tmp_path
):
    machine = arm64(tmp_path, OSRELEASE=release)
    with pytest.raises(FdtMachineError, match=f"OSRELEASE={release} ") as e:
        _ = machine.mapping
    assert e.value.where == str(tmp_path / "proc/kcore.vmcoreinfo")


def test_files_of_different_boots_are_noticed(tmp_path):
    machine = arm64(tmp_path, ARM64_6_12.replace("  402", "  40a", 1))
    with pytest.raises(FdtMachineError, match=r"_stext is at 0x40210000.*same boot"):
        _ = machine.mapping


def test_riscv_shows_the_kernel_as_a_parent(tmp_path):
    """PAGE_OFFSET and phys_ram_base: Linux arch/riscv/kernel/vmcore_info.c;
    the latter decimal."""
    info = {
        "NUMBER(PAGE_OFFSET)": "0xff60000000000000",
        "NUMBER(phys_ram_base)": str(0x8000_0000),
        "NUMBER(KERNEL_LINK_ADDR)": "0xffffffff80000000",
        "NUMBER(va_kernel_pa_offset)": f"{0xFFFFFFFF80000000 - 0x80200000:#x}",
    }
    files = {"proc/iomem": RISCV, "proc/sys/kernel/arch": "riscv64\n"}
    for drop in (None, "NUMBER(va_kernel_pa_offset)"):
        info.pop(drop, None)
        text = "".join(f"{k}={v}\n" for k, v in info.items())
        machine = write(tmp_path, {**files, "proc/kcore.vmcoreinfo": text})
        mapping = machine.mapping
        assert mapping.offset == 0xFF60_0000_0000_0000 - 0x8000_0000
        image = MemRange(0x8020_0000, 0x1E0_0000)
        assert mapping.text == (image, 0xFFFFFFFF80000000)
    assert machine.crash_ranges == (MemRange(0x8C00_0000, 0xC00_0000),)
    # the kernel and its parts are free, reservations and the crash region not
    assert [tuple(r) for r in machine.free_ram] == [
        (0x8006_0000, 0x8C00_0000 - 0x8006_0000),
        (0x9800_0000, 0x700_0000),
        (0x9F10_0000, 0xF0_0000),
    ]


def test_memory_that_a_shrunk_crash_region_gave_back_is_not_counted_twice(tmp_path):
    """Linux kernel/kexec_core.c crash_shrink_memory(): writing a smaller number
    to /sys/kernel/kexec_crash_size makes a System RAM inside System RAM; so it
    stood in a 6.1 kernel's /proc/iomem."""
    iomem = """\
40000000-7fffffff : System RAM
  40210000-4158ffff : Kernel code
  6ac00000-6ebfffff : Crash kernel
  6ec00000-7abfffff : System RAM
  7ac00000-7fbfffff : reserved
"""
    machine = write(tmp_path, {"proc/iomem": iomem})
    assert [tuple(r) for r in machine.ram] == [(1 << 30, 1 << 30)]
    assert machine.free_ram.joined() == Ranges(
        [
            (0x4000_0000, 0x6AC0_0000 - 0x4000_0000),
            (0x6EC0_0000, 0x7AC0_0000 - 0x6EC0_0000),
            (0x7FC0_0000, 0x40_0000),
        ]
    )


def test_memory_of_drivers_is_dumped_but_nothing_is_placed_there(tmp_path):
    """Linux mm/memory_hotplug.c add_memory_driver_managed(); CXL nests it."""
    iomem = """\
40000000-4fffffff : System RAM
100000000-1ffffffff : CXL Window 0
  100000000-1ffffffff : region0
    100000000-17fffffff : dax0.0
      100000000-17fffffff : System RAM (kmem)
"""
    machine = write(tmp_path, {"proc/iomem": iomem})
    assert [tuple(r) for r in machine.ram] == [(1 << 30, 1 << 28), (1 << 32, 1 << 31)]
    assert machine.free_ram == Ranges([(1 << 30, 1 << 28)])


def arm_files(iomem):
    return {
        "proc/iomem": iomem,
        "proc/sys/kernel/arch": "armv7l\n",
        "proc/kallsyms": "80008000 T _text\n80100000 T _stext\n80200000 D x\n",
        "sys/kernel/vmcoreinfo": "0x60100000 1024\n",
        f"{CPU}/possible": "0\n",
        f"{CPU}/present": "0\n",
        f"{CPU}/cpu0/crash_notes": "60200000\n",
        f"{CPU}/cpu0/crash_notes_size": "180\n",
    }


def test_arm_has_no_kcore_and_asks_its_symbols(tmp_path):
    """VMSPLIT_2G: _stext above 0x80000000; memory from 0x60000000. The linear
    map ends where virtual addresses do."""
    machine = write(tmp_path, arm_files("60000000-9fffffff : System RAM\n"))
    mapping = machine.mapping
    assert mapping.offset == 0x2000_0000
    assert mapping.last == 0xDFFF_FFFF
    assert mapping.text is None
    (tmp_path / "proc/kallsyms").unlink()
    assert Machine(tmp_path).mapping.offset == 0xC000_0000 - 0x6000_0000
    # hidden symbols (kptr_restrict) are zero
    (tmp_path / "proc/kallsyms").write_text("00000000 T _stext\n")
    assert Machine(tmp_path).mapping.offset == 0xC000_0000 - 0x6000_0000
    (tmp_path / "proc/kallsyms").write_text("(null) T _stext\n")
    with pytest.raises(FdtMachineError, match=r"kallsyms.*address type name"):
        _ = Machine(tmp_path).mapping


def test_arm_with_lpae_warns_of_memory_above_4_gib_that_is_not_dumped(tmp_path):
    iomem = "60000000-9fffffff : System RAM\n200000000-23fffffff : System RAM\n"
    machine = write(tmp_path, arm_files(iomem))
    missing = "1024 MiB from 0x200000000 on will be"
    with pytest.warns(FdtWarning, match=missing) as caught:
        data = core_header_of(machine)
    assert [w.filename for w in caught] == [__file__]
    assert data[4] == 1  # EI_CLASS: ELFCLASS32
    assert struct.unpack_from("<H", data, 44) == (3,)  # e_phnum


@pytest.mark.filterwarnings("ignore::pyfdtx.errors.FdtWarning")
def test_the_checker_misses_no_memory_that_a_header_of_32_bits_cannot_have(tmp_path):
    iomem = "60000000-9fffffff : System RAM\n200000000-23fffffff : System RAM\n"
    machine = write(tmp_path, arm_files(iomem))
    header = (0x6010_0000, core_header_of(machine))

    def rules():
        found = check_tree(
            Fdt.empty().to_bytes(),
            arch="arm",
            machine=Machine(tmp_path),
            elfcorehdr=header,
        )
        return {f.rule for f in found}

    assert "core-load-missing" not in rules()
    more = iomem.replace("9fffffff", "afffffff")
    (tmp_path / "proc/iomem").write_text(more)
    assert "core-load-missing" in rules()


@pytest.mark.filterwarnings("error::pyfdtx.errors.FdtWarning")
def test_arm_with_lpae_dumps_memory_that_runs_on_across_4_gib(tmp_path):
    """QEMU's virt machine with 5 GiB. No virtual address (-1) is known of memory
    that is mapped when it is needed."""
    iomem = "40000000-17fffffff : System RAM\n  60000000-67ffffff : Crash kernel\n"
    data = core_header_of(write(tmp_path, arm_files(iomem)))
    rows = [struct.unpack_from("<8I", data, 52 + 32 * i) for i in range(5)]
    assert [(r[1], r[3], r[5], r[2]) for r in rows if r[0] == 1] == [
        (0x4000_0000, 0x4000_0000, 0x2000_0000, 0x8000_0000),
        (0x6800_0000, 0x6800_0000, 0x97FF_F000, 0xFFFF_FFFF),
        (0xFFFF_F000, 0xFFFF_F000, 0x8000_1000, 0xFFFF_FFFF),
    ]


def test_ppc64_says_in_the_tree_what_is_reserved(tmp_path):
    """Linux kernel/kexec_core.c and arch/powerpc/kexec: cpu_to_be_ulong()."""
    chosen = "proc/device-tree/chosen/linux,crashkernel"
    machine = write(
        tmp_path,
        {
            "proc/iomem": "00000000-7fffffff : System RAM\n",
            "proc/sys/kernel/arch": "ppc64le\n",
            f"{chosen}-base": struct.pack(">Q", 0x2000_0000),
            f"{chosen}-size": struct.pack(">Q", 0x2000_0000),
            "sys/kernel/kexec_crash_size": "536870912\n",
        },
    )
    assert machine.crash_ranges == (MemRange(0x2000_0000, 0x2000_0000),)
    assert machine.mapping.offset == 0xC000_0000_0000_0000
    write(tmp_path, {f"{chosen}-size": bytes(8), "sys/kernel/kexec_crash_size": "0"})
    assert Machine(tmp_path).crash_ranges == ()


def test_an_architecture_whose_mapping_is_unknown_says_what_to_do(tmp_path):
    machine = write(
        tmp_path, {"proc/iomem": ARM64_6_1, "proc/sys/kernel/arch": "s390x\n"}
    )
    with pytest.raises(FdtMachineError, match=r"s390x.*virtual_offset"):
        _ = machine.mapping


@pytest.mark.parametrize(
    ("word", "arch"),
    [
        ("aarch64", "arm64"),
        ("armv7l", "arm"),
        ("armv8b", "arm"),
        ("i686", "i386"),
        ("riscv64", "riscv64"),
        ("x86_64", "x86_64"),
    ],
)
def test_the_kernels_word_for_an_architecture(word, arch, tmp_path):
    assert write(tmp_path, {"proc/sys/kernel/arch": word + "\n"}).arch == arch


@pytest.mark.parametrize(
    ("cpuinfo", "arch"),
    [
        ("processor\t: 0\nCPU implementer\t: 0x41\n", "arm64"),
        ("processor\t: 0\nmodel name\t: ARMv7\nCPU implementer\t: 0x41\n", "arm"),
        ("processor\t: 0\nhart\t\t: 0\nisa\t\t: rv64imafdc\n", "riscv64"),
    ],
)
def test_an_old_capture_shows_its_architecture_in_cpuinfo(cpuinfo, arch, tmp_path):
    assert write(tmp_path, {"proc/cpuinfo": cpuinfo}).arch == arch


def test_an_unknown_architecture_can_be_told(tmp_path):
    with pytest.raises(FdtMachineError, match=r"Machine\(root, arch=\)"):
        _ = Machine(tmp_path).arch
    assert Machine(tmp_path, arch="riscv64").arch == "riscv64"


# Crash regions


def test_nothing_reserved_is_an_answer_until_the_region_is_needed(tmp_path):
    machine = write(
        tmp_path,
        {
            "proc/iomem": "40000000-7fffffff : System RAM\n",
            "sys/kernel/kexec_crash_size": "0\n",
        },
    )
    assert machine.crash_ranges == ()
    with pytest.raises(FdtMachineError, match="boot with crashkernel="):
        _ = machine.crash_main


@pytest.mark.parametrize("name", ["kexec_crash_size", "kexec/crash_size"])
def test_the_size_of_the_reservation_must_agree_with_iomem(name, tmp_path):
    iomem = (
        "40000000-7fffffff : System RAM\n  48000000-4bffffff : Crash kernel\n"
        "100000000-17fffffff : System RAM\n  110000000-11fffffff : Crash kernel\n"
    )
    main, low = 0x1000_0000, 0x400_0000
    for good in (main, main + low):
        machine = write(
            tmp_path, {"proc/iomem": iomem, f"sys/kernel/{name}": f"{good}\n"}
        )
        assert [r.size for r in machine.crash_ranges] == [main, low]
    for bad in (0, low, main - 4096):
        write(tmp_path, {f"sys/kernel/{name}": f"{bad}\n"})
        with pytest.raises(FdtMachineError, match=f"says {bad} bytes") as e:
            _ = Machine(tmp_path).crash_ranges
        assert e.value.where.endswith(name)


def test_a_reservation_that_iomem_does_not_show_is_noticed(tmp_path):
    write(
        tmp_path,
        {
            "proc/iomem": "40000000-7fffffff : System RAM\n",
            "sys/kernel/kexec_crash_size": "4096\n",
        },
    )
    with pytest.raises(FdtMachineError, match="says 4096 bytes"):
        _ = Machine(tmp_path).crash_ranges


def test_a_crash_region_outside_memory_is_noticed(tmp_path):
    iomem = "40000000-7fffffff : System RAM\n7ff00000-800fffff : Crash kernel\n"
    with pytest.raises(FdtMachineError, match=r"0x7ff00000.*is not in System RAM"):
        _ = write(tmp_path, {"proc/iomem": iomem}).crash_ranges


@pytest.mark.parametrize("count", [16, 17])
def test_sixteen_crash_regions_are_taken_and_no_more(tmp_path, count):
    """Linux has two (kernel/crash_reserve.c)."""
    rows = [
        f"  {0x48000000 + (i << 13):x}-{0x48000FFF + (i << 13):x}" for i in range(count)
    ]
    iomem = "40000000-7fffffff : System RAM\n"
    iomem += "".join(f"{row} : Crash kernel\n" for row in rows)
    machine = write(tmp_path, {"proc/iomem": iomem})
    if count == 16:
        assert len(machine.crash_ranges) == 16
        return
    with pytest.raises(FdtMachineError, match="has 17 crash regions"):
        _ = machine.crash_ranges


def test_a_crash_region_shown_twice_counts_once(tmp_path):
    """x86 shows it in the CPU's map and in the resource tree."""
    line = "  48000000-4bffffff : Crash kernel\n"
    iomem = "40000000-7fffffff : System RAM\n" + 2 * line
    assert len(write(tmp_path, {"proc/iomem": iomem}).crash_ranges) == 1


def test_cma_ranges_are_first_and_last_byte(tmp_path):
    """Linux kernel/kexec_core.c crash_cma_ranges_show(): "%08llx-%08llx"."""
    name = "sys/kernel/kexec/crash_cma_ranges"
    machine = write(tmp_path, {name: "60000000-6fffffff\n100000000-10fffffff\n"})
    assert [tuple(r) for r in machine.cma_ranges] == [
        (0x6000_0000, 0x1000_0000),
        (1 << 32, 0x1000_0000),
    ]
    write(tmp_path, {name: ""})
    assert Machine(tmp_path).cma_ranges == Ranges()
    write(tmp_path, {name: "6000000\n"})
    with pytest.raises(FdtMachineError, match="crash_cma_ranges: not 'first-last'"):
        _ = Machine(tmp_path).cma_ranges


def test_cma_ranges_are_not_dumped(tmp_path):
    root = tmp_path / "root"
    shutil.copytree(EXAMPLES / "arm64-dt", root)
    write(root, {"sys/kernel/kexec/crash_cma_ranges": "50000000-5fffffff\n"})
    whole = core_header_of(Machine(EXAMPLES / "arm64-dt"))
    assert (
        struct.unpack_from("<H", core_header_of(Machine(root)), 56)[0]
        == 1 + (struct.unpack_from("<H", whole, 56)[0])
    )


# Notes


def test_notes_of_all_possible_cpus_whose_numbers_have_gaps(tmp_path):
    """1 does not exist; 9 is possible, was never present, has no directory."""
    machine = write(tmp_path, {"proc/iomem": ARM64_6_1, **CPUS})
    assert machine.crash_notes == {
        0: MemRange(0x5000_0000, 424),
        2: MemRange(0x4F00_0000, 424),
        3: MemRange(0x5100_0000, 424),
    }


def test_as_many_cpus_as_linux_can_have_are_taken(tmp_path):
    """arch/x86/Kconfig NR_CPUS_RANGE_END: 8192."""
    changes = {f"{CPU}/possible": "0-8191\n"}
    machine = write(tmp_path, {"proc/iomem": ARM64_6_1, **CPUS, **changes})
    assert list(machine.crash_notes) == [0, 2, 3]


def test_a_cpu_that_went_offline_still_has_its_note(tmp_path):
    files = {**CPUS, f"{CPU}/cpu9/crash_notes": "52000000\n"}
    files[f"{CPU}/cpu9/crash_notes_size"] = "424\n"
    machine = write(tmp_path, {"proc/iomem": ARM64_6_1, **files})
    assert list(machine.crash_notes) == [0, 2, 3, 9]


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({f"{CPU}/cpu2/crash_notes": None}, "cpu2/crash_notes", "CONFIG_CRASH_DUMP"),
        ({f"{CPU}/cpu2/crash_notes_size": None}, "crash_notes_size", "is missing"),
        ({f"{CPU}/cpu2/crash_notes": "xyz\n"}, "cpu2/crash_notes", "not a number"),
        ({f"{CPU}/cpu2/crash_notes": "0\n"}, "cpu2/crash_notes", "not in System RAM"),
        ({f"{CPU}/cpu2/crash_notes_size": "0\n"}, "cpu2", "not in System RAM"),
        ({f"{CPU}/cpu3/crash_notes": "7fffff00\n"}, "cpu3", "not in System RAM"),
        ({f"{CPU}/cpu3/crash_notes": "f" * 16}, "cpu3", "does not end"),
        ({f"{CPU}/possible": "\n"}, "possible", "not a list of CPUs"),
        ({f"{CPU}/possible": "0-x\n"}, "possible", "not a list of CPUs: '0-x'"),
        ({f"{CPU}/possible": "2-1\n"}, "possible", "not a list of CPUs: '2-1'"),
        # arch/x86/Kconfig NR_CPUS_RANGE_END: nowhere above 8192, so 8191 is last
        ({f"{CPU}/possible": "0-8192\n"}, "possible", "8192 or more"),
        ({f"{CPU}/possible": "0-4294967295\n"}, "possible", "8192 or more"),
        ({f"{CPU}/possible": "0," * 9999 + "0\n"}, "possible", "8192 or more"),
        ({f"{CPU}/present": f"0-{10**19}"}, "present", "8192 or more"),
        ({f"{CPU}/present": f"0-{10**30}"}, "present", "not a list of CPUs"),
        ({f"{CPU}/present": None}, "present", "missing"),
    ],
)
def test_a_note_that_cannot_be_is_refused_with_its_file(changes, where, says, tmp_path):
    write(tmp_path, {"proc/iomem": ARM64_6_1, **CPUS})
    for name, content in changes.items():
        if content is None:
            (tmp_path / name).unlink()
        else:
            (tmp_path / name).write_text(content)
    with pytest.raises(FdtMachineError, match=says) as e:
        _ = Machine(tmp_path).crash_notes
    assert where in e.value.where


def test_both_numbers_of_vmcoreinfo_are_hexadecimal(tmp_path):
    name = "sys/kernel/vmcoreinfo"
    machine = write(
        tmp_path, {"proc/iomem": ARM64_6_1, name: "0x0000000049e66000 1024\n"}
    )
    assert machine.vmcoreinfo_note == MemRange(0x49E6_6000, 0x1024)
    for bad in ("", "0x49e66000\n", "a b\n", "1 2 3\n", "0x49e66000 0\n", "1 2\n"):
        write(tmp_path, {name: bad})
        with pytest.raises(FdtMachineError) as e:
            _ = Machine(tmp_path).vmcoreinfo_note
        assert e.value.where.endswith(name)
    (tmp_path / name).unlink()
    with pytest.raises(FdtMachineError, match="CONFIG_CRASH_DUMP"):
        _ = Machine(tmp_path).vmcoreinfo_note


# kcore


def kcore(bits, order, *notes, before=()):
    """An ELF core, elf(5), with segments before the one of the notes."""
    mark = {"little": "<", "big": ">"}[order]
    packed = b"".join(
        struct.pack(mark + "3I", len(name), len(desc), 0)
        + name.ljust(-(-len(name) // 4) * 4, b"\0")
        + desc.ljust(-(-len(desc) // 4) * 4, b"\0")
        for name, desc in notes
    )
    count = len(before) + 1
    ident = b"\x7fELF" + bytes((bits // 32, 1 + (order == "big"), 1)) + bytes(9)
    if bits == 64:
        at = 64 + 56 * count
        head = struct.pack(
            mark + "2HI3QI6H", 4, 183, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0
        )
        table = [
            struct.pack(mark + "2I6Q", kind, 0, at, 0, 0, size, 0, 0)
            for kind, size in (*before, (4, len(packed)))
        ]
    else:
        at = 52 + 32 * count
        head = struct.pack(
            mark + "2H5I6H", 4, 40, 1, 0, 52, 0, 0, 52, 32, count, 0, 0, 0
        )
        table = [
            struct.pack(mark + "8I", kind, at, 0, 0, size, 0, 0, 0)
            for kind, size in (*before, (4, len(packed)))
        ]
    return ident + head + b"".join(table) + packed


INFO = (b"VMCOREINFO\0", b"OSRELEASE=6.1\nPAGESIZE=4096\n\0\0")


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("bits", [32, 64])
def test_the_note_of_a_live_kcore_is_found_in_every_class(bits, order, tmp_path):
    core = kcore(bits, order, (b"CORE\0", b"x" * 5), INFO, before=[(1, 4096)])
    machine = write(tmp_path, {"proc/kcore": core})
    assert machine.vmcoreinfo.text == "OSRELEASE=6.1\nPAGESIZE=4096\n"
    assert machine.vmcoreinfo["PAGESIZE"] == "4096"


@pytest.mark.parametrize("length", range(1, 13))
def test_a_note_is_found_behind_names_and_values_of_any_length(length, tmp_path):
    """elf(5): both are padded to 4 bytes."""
    for other in ((b"N" * length, b"x" * 5), (b"CORE\0", b"x" * length)):
        core = kcore(64, "little", other, INFO)
        text = write(tmp_path, {"proc/kcore": core}).vmcoreinfo.text
        assert text == "OSRELEASE=6.1\nPAGESIZE=4096\n"


def test_a_kcore_cut_or_spoiled_anywhere_gives_the_note_or_a_clear_error(tmp_path):
    whole = kcore(64, "little", (b"CORE\0", b"x" * 5), INFO)
    path = tmp_path / "proc/kcore"
    for keep in range(len(whole)):
        write(tmp_path, {"proc/kcore": whole[:keep]})
        with pytest.raises(FdtMachineError) as e:
            _ = Machine(tmp_path).vmcoreinfo
        assert e.value.where == str(path), keep
    text = note_or_none(whole, tmp_path)
    for at in range(64 + 56):
        for value in (0, 0xFF):
            got = note_or_none(whole[:at] + bytes([value]) + whole[at + 1 :], tmp_path)
            assert got in (None, text), (at, value)


def note_or_none(core, root):
    write(root, {"proc/kcore": core})
    try:
        return Machine(root).vmcoreinfo.text
    except FdtMachineError:
        return None


def test_a_value_that_vmcoreinfo_lacks_or_that_is_no_number_is_named(tmp_path):
    machine = write(
        tmp_path, {"proc/kcore.vmcoreinfo": "NUMBER(VA_BITS)=x\nSYMBOL(a)="}
    )
    with pytest.raises(FdtMachineError, match=r"has no NUMBER\(PHYS_OFFSET\)"):
        machine.vmcoreinfo.number("PHYS_OFFSET")
    with pytest.raises(FdtMachineError, match=r"NUMBER\(VA_BITS\)=x is not a number"):
        machine.vmcoreinfo.number("VA_BITS")
    with pytest.raises(FdtMachineError, match=r"kcore.vmcoreinfo: SYMBOL\(a\)="):
        machine.vmcoreinfo.symbol("a")


def test_numbers_are_taken_modulo_2_64(tmp_path):
    machine = write(
        tmp_path, {"proc/kcore.vmcoreinfo": "NUMBER(a)=-129\nNUMBER(b)=0x10"}
    )
    assert machine.vmcoreinfo.number("a") == TOP - 129
    assert machine.vmcoreinfo.number("b") == 16


# Unreadable


@contextmanager
def as_nobody():
    """What another user sees: only root can become one."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_iomem_with_hidden_addresses_says_run_as_root(tmp_path):
    iomem = "00000000-00000000 : System RAM\n  00000000-00000000 : Kernel code\n"
    with pytest.raises(FdtMachineError, match=r"are zero.*run as root"):
        _ = write(tmp_path, {"proc/iomem": iomem}).ram


def test_the_running_kernel_hides_its_addresses_from_another_user():
    """Some sandboxes have no /proc/iomem at all."""
    says = "run as root" if os.path.exists("/proc/iomem") else "is missing"
    with as_nobody(), pytest.raises(FdtMachineError, match=says):
        _ = Machine().ram


def test_a_file_that_only_root_may_read_says_so(tmp_path):
    machine = write(tmp_path, {"proc/iomem": ARM64_6_1, **CPUS})
    tmp_path.chmod(0o755)
    note = tmp_path / f"{CPU}/cpu2/crash_notes"
    note.chmod(0)
    # pytest's own directories above are closed to others: go there first
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        with as_nobody(), pytest.raises(FdtMachineError, match="run as root") as e:
            _ = Machine(".").crash_notes
    finally:
        os.chdir(before)
    assert e.value.where.endswith("cpu2/crash_notes")
    assert machine.root == str(tmp_path)


def test_a_busy_kernel_says_try_again(tmp_path):
    """Linux crash_get_memory_size() gives EBUSY while kexec holds its lock."""
    with pytest.raises(FdtMachineError, match="try again"):
        Machine(tmp_path).refuse_os("x", OSError(errno.EBUSY, "busy"))


@pytest.mark.parametrize(
    ("iomem", "says"),
    [
        ("", "is empty"),
        ("hello\n", "line 1 is not 'first-last : name': 'hello'"),
        ("0-f : System RAM\nf0 : x\n", "line 2"),
        ("0-f System RAM\n", "line 1"),
        ("10-f : System RAM\n", "line 1"),
        ("20-f : System RAM\n", "line 1"),
        ("0-ffffffffffffffffff : System RAM\n", "line 1"),
        ("0-f : reserved\n", "has no System RAM"),
        ("0-f : System RAM\n8-1f : System RAM\n", "System RAM: .* overlap"),
    ],
)
def test_iomem_that_cannot_be_is_refused(iomem, says, tmp_path):
    with pytest.raises(FdtMachineError, match=says) as e:
        _ = write(tmp_path, {"proc/iomem": iomem}).ram
    assert e.value.where == str(tmp_path / "proc/iomem")


def test_a_missing_file_is_named_and_nothing_is_read_before_it_is_needed(tmp_path):
    machine = Machine(tmp_path / "nowhere")
    for fact in ("iomem", "ram", "vmcoreinfo", "crash_notes", "fdt", "cmdline"):
        with pytest.raises(FdtMachineError) as e:
            getattr(machine, fact)
        assert str(tmp_path / "nowhere") in e.value.where, fact


# The tree


def tree(root):
    top = root / "proc/device-tree"
    write(
        top,
        {
            "#address-cells": struct.pack(">I", 2),
            "name": b"\0",
            "compatible": b"vendor,board\0",
            "chosen/bootargs": b"console=ttyAMA0\0",
            "chosen/empty": b"",
            "cpus/cpu@10/reg": struct.pack(">I", 16),
            "cpus/cpu@2/reg": struct.pack(">I", 2),
            "cpus/cpu@2/name": b"cpu\0",
            "cpus/cpu@2/l2-cache/compatible": b"cache\0",
        },
    )
    return top


def dtc(*arguments):
    program = shutil.which("dtc")
    if program is None:
        pytest.skip("no dtc (Debian: apt-get install device-tree-compiler)")
    return subprocess.run(
        (program, "-q", "-s", *arguments), capture_output=True, check=True
    ).stdout


def test_a_tree_of_files_is_flattened_as_dtc_reads_it(tmp_path):
    """dtc -I fs reads the same directory; sorted, both print the same source."""
    top = tree(tmp_path)
    blob = tmp_path / "ours.dtb"
    blob.write_bytes(Machine(tmp_path).fdt)
    for name in top.rglob("name"):
        name.unlink()
    ours = dtc("-I", "dtb", "-O", "dts", str(blob))
    assert ours == dtc("-I", "fs", "-O", "dts", str(top))
    assert b"cpu@10" in ours


def test_units_are_ordered_by_number_and_the_same_tree_gives_the_same_bytes(tmp_path):
    first = flatten(Root(str(tree(tmp_path / "a"))), ".")
    second = flatten(Root(str(tree(tmp_path / "b"))), ".")
    assert first == second
    assert first.index(b"cpu@2\0") < first.index(b"cpu@10\0")
    _native.validate(bytearray(first))


def test_a_tree_deeper_than_the_kernel_reads_one_is_refused(tmp_path):
    """Linux drivers/of/fdt.c FDT_MAX_DEPTH is 64."""
    levels = [str(tmp_path) + "/n" * depth for depth in range(1, 1101)]
    try:
        for level in levels[:64]:
            os.mkdir(level)
        assert flatten(Root(str(tmp_path)), ".").count(b"n\0") == 64
        for level in levels[64:]:
            os.mkdir(level)
        with pytest.raises(OSError, match="is deeper than 64"):
            flatten(Root(str(tmp_path)), ".")
    finally:
        # pytest's own cleaning recurses, and does not come that deep
        for level in reversed(levels):
            os.rmdir(level)


# Captures


@every_capture
def test_a_capture_of_a_capture_says_the_same(root, tmp_path):
    target = tmp_path / "copy"
    names = capture(target, root)
    copy, machine = Machine(target), Machine(root)
    for fact in (
        *("arch", "cmdline", "release", "ram", "free_ram", "crash_ranges"),
        *("cma_ranges", "crash_notes", "vmcoreinfo_note", "fdt"),
    ):
        assert getattr(copy, fact) == getattr(machine, fact), fact
    assert copy.vmcoreinfo.text == machine.vmcoreinfo.text
    assert core_header_of(copy) == core_header_of(machine)
    there = {str(p.relative_to(target)) for p in target.rglob("*") if p.is_file()}
    assert there == set(names)
    assert set(names) >= {
        str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()
    } - {"RECIPE.txt"}


def test_a_capture_keeps_the_note_of_a_live_kcore_and_not_the_memory(tmp_path):
    root = tmp_path / "live"
    core = kcore(64, "little", INFO, before=[(1, 1 << 20)]) + b"secret"
    write(
        root,
        {
            "proc/iomem": ARM64_6_1,
            "proc/kcore": core,
            "proc/sys/kernel/arch": "aarch64",
        },
    )
    capture(tmp_path / "c", root)
    assert Machine(tmp_path / "c").vmcoreinfo["PAGESIZE"] == "4096"
    assert not (tmp_path / "c/proc/kcore").exists()


def test_a_capture_says_the_architecture_where_the_kernel_does_not(tmp_path):
    """/proc/sys/kernel/arch is there since Linux 6.1."""
    root = tmp_path / "live"
    files = {"proc/iomem": ARM64_6_1, "proc/cpuinfo": "CPU implementer\t: 0x41\n"}
    write(root, {**files, "proc/kcore": kcore(64, "little", INFO)})
    tree(root)
    capture(tmp_path / "c", root)
    assert (tmp_path / "c/proc/sys/kernel/arch").read_text() == "arm64\n"
    assert Machine(tmp_path / "c").arch == "arm64"


def test_a_capture_of_a_machine_without_blob_keeps_the_tree(tmp_path):
    root = tmp_path / "live"
    write(root, {"proc/iomem": ARM64_6_1, "proc/sys/kernel/arch": "aarch64"})
    tree(root)
    capture(tmp_path / "c", root)
    assert Machine(tmp_path / "c").fdt == Machine(root).fdt


def test_a_capture_of_a_tree_that_cannot_be_read_is_refused_not_halved(tmp_path):
    root = tmp_path / "live"
    write(root, {"proc/iomem": ARM64_6_1, "proc/sys/kernel/arch": "aarch64"})
    tree(root)
    closed = next(p for p in (root / "proc/device-tree").iterdir() if p.is_dir())
    closed.chmod(0)
    tmp_path.chmod(0o777)
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        with as_nobody(), pytest.raises(FdtMachineError, match="run as root") as e:
            capture("c", "live")
    finally:
        os.chdir(before)
        closed.chmod(0o755)
    assert e.value.where == f"live/proc/device-tree/{closed.name}"
    assert not (tmp_path / "c").exists()


def test_a_capture_of_arm_keeps_three_symbols_of_all(tmp_path):
    root = tmp_path / "live"
    write(root, arm_files("60000000-9fffffff : System RAM\n"))
    capture(tmp_path / "c", root)
    assert (tmp_path / "c/proc/kallsyms").read_text() == (
        "80008000 T _text\n80100000 T _stext\n"
    )
    assert Machine(tmp_path / "c").mapping.offset == 0x2000_0000


def test_a_capture_that_fails_leaves_nothing(tmp_path):
    root = tmp_path / "live"
    target = tmp_path / "c"
    write(root, {"proc/iomem": "00000000-00000000 : System RAM\n"})
    with pytest.raises(FdtMachineError, match="run as root"):
        capture(target, root)
    files = {"proc/kcore": b"no core", "proc/sys/kernel/arch": "aarch64\n"}
    write(root, {"proc/iomem": ARM64_6_1, **files})
    with pytest.raises(FdtMachineError, match="is not an ELF core"):
        capture(target, root)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["live"]


def test_a_capture_replaces_nothing(tmp_path):
    with pytest.raises(FdtExists, match="name a new directory"):
        capture(tmp_path, EXAMPLES / "arm64-dt")
    with pytest.raises(FdtMachineError):
        capture("/proc/nowhere/c", EXAMPLES / "arm64-dt")


def test_the_running_system_is_captured_or_refused_as_machine_refuses_it(tmp_path):
    """Root outside a container sees it all, others see nothing."""
    target = tmp_path / "c"
    refusal = ""
    try:
        ram = Machine().ram
    except FdtMachineError as e:
        refusal = str(e)
    if refusal:
        with pytest.raises(FdtMachineError) as refused:
            capture(target)
        assert str(refused.value) == refusal
        assert not target.exists()
        return
    capture(target)
    assert Machine(target).ram == ram
    assert Machine(target).arch == Machine().arch
