# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The questions of a review, answered.

In May 2018 James Morse reviewed "arm64: kexec_file: add crash dump support",
v9 07/11, on linux-arm-kernel. The patch wrote the crash kernel's device tree
with a fill_property() and an fdt_setprop_range() of its own. Each test here
quotes a question about that code.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from second_kernel_blobs import Parsed, assemble, u32, u64

from pyfdtx import FdtBadContent
from pyfdtx._native import ffi, lib
from pyfdtx.kexec import Crash, second_kernel_dtb

NO_SEEDS = {"kaslr_seed": None, "rng_seed": None}


def cells(ac, sc):
    return [("#address-cells", u32(ac)), ("#size-cells", u32(sc))]


def blob(root, *chosen):
    return assemble(("", root, [("chosen", list(chosen), [])]))


def crash_at(start):
    main = (start, 0x1000_0000)
    return Crash(elfcorehdr=(start + 0x0102_3000, 0x400), usable=[main])


def test_is_it_endian_safe():
    """Asked: "I'm pretty sure this isn't endian safe." Numbers whose bytes all
    differ come out most significant byte first, whatever machine runs this
    (a big-endian one included)."""
    crash = Crash(
        elfcorehdr=(0x0102030405060708, 0x1112131415161718),
        usable=[(0x0000000000060708, 0x2122232425262728)],
    )
    out = Parsed(second_kernel_dtb(blob(cells(2, 2)), crash=crash))
    assert out.prop("linux,elfcorehdr").hex() == "01020304050607081112131415161718"
    assert out.prop("linux,usable-memory-range").hex() == (
        "00000000000607082122232425262728"
    )


def test_do_we_really_expect_more_than_two_cells():
    """Asked: "Do we really expect a system to have #address-cells > 2?" The format
    allows up to four, so the high cells are there, and zero."""
    crash = crash_at(0x8_6000_0000)
    out = Parsed(second_kernel_dtb(blob(cells(4, 3)), crash=crash))
    assert out.prop("linux,elfcorehdr") == (
        u32(0, 0, 0x8, 0x6102_3000) + u32(0, 0, 0x400)
    )


def test_should_it_not_be_fdt_setprop_reg_in_libfdt():
    """Asked: "Should we rename it to, say, fdt_setprop_reg()?" "Sure, but I'd really
    like this code to come from libfdt." The function has libfdt's shape and
    gives the same value on a tree of one's own."""
    crash = crash_at(0x6000_0000)
    out = Parsed(second_kernel_dtb(blob(cells(2, 1)), crash=crash))
    mine = ffi.new("char[]", 1024)
    assert lib.fdt_open_into(blob(cells(2, 1)), mine, 1024) == 0
    at = lib.fdt_path_offset_namelen(mine, b"/chosen", 7)
    assert lib.fdt_setprop_reg(mine, 0, at, b"x", *crash.elfcorehdr) == 0
    length = ffi.new("int *")
    value = lib.fdt_getprop_namelen(mine, at, b"x", 1, length)
    want = u64(0x6102_3000) + u32(0x400)
    assert bytes(ffi.buffer(value, length[0])) == want
    assert out.prop("linux,elfcorehdr") == want


def test_there_is_no_add_array_element_api():
    """Asked: "I guess there is no 'add array element' api because this the first time
    we've wanted to create a node with more than key=fixed-size-value." Two
    crash regions are one array, main first; an old array is not added to."""
    low = (0x4000_0000, 0x100_0000)
    crash = Crash(elfcorehdr=(0x6102_3000, 0x400), usable=[(0x6000_0000, 1 << 28), low])
    old = ("linux,usable-memory-range", u64(1, 2, 3, 4))
    out = Parsed(second_kernel_dtb(blob(cells(2, 2), old), crash=crash))
    assert out.prop("linux,usable-memory-range") == u64(0x6000_0000, 1 << 28, *low)


def test_what_if_the_crash_region_does_not_fit_roots_cells():
    """Asked: "This can happen if the firmware provided a DTB with 32bit address/size
    cells, but at least some of the memory requires 64 bit address/size
    cells." Refused with every number, and the way out works."""
    crash = crash_at(0x8_6000_0000)
    narrow = blob(cells(1, 1))
    with pytest.raises(FdtBadContent) as e:
        second_kernel_dtb(narrow, crash=crash)
    for part in (
        "/chosen:linux,elfcorehdr",
        "0x861023000",
        "#address-cells is 1",
        'root_cells="2/2"',
    ):
        assert part in str(e.value)
    out = Parsed(second_kernel_dtb(narrow, crash=crash, root_cells="2/2"))
    assert out.root == cells(2, 2)
    assert out.prop("linux,elfcorehdr") == u64(*crash.elfcorehdr)


def test_what_if_root_has_no_cells():
    """Asked: "I assumed the case where #address-cells and #size-cells were just
    missing in fdt." "Ah, that's another one." libfdt would write 2/1, Linux
    reads 1/1: nothing is guessed."""
    # what GRUB before 2.04 made on ACPI machines: root, chosen, no cells
    grub = blob([], ("linux,uefi-system-table", u64(0x7F00_0000)))
    crash = crash_at(0x8_6000_0000)
    with pytest.raises(FdtBadContent, match=r'#address-cells.*root_cells="2/2"'):
        second_kernel_dtb(grub, crash=crash)
    out = Parsed(second_kernel_dtb(grub, crash=crash, root_cells="2/2"))
    assert out.root == cells(2, 2)


def test_does_the_efi_stubs_tree_of_an_acpi_machine_work():
    """Asked: "ACPI-only systems would have the EFIstub DT." It has 2/2 cells and
    nothing but /chosen; it must stay that way or Linux switches ACPI off."""
    stub = blob(
        cells(2, 2),
        ("linux,uefi-system-table", u64(0x7F00_0000)),
        ("linux,uefi-mmap-start", u64(0x7E00_0000)),
        ("linux,uefi-mmap-size", u32(0x1200)),
    )
    crash = crash_at(0x8_6000_0000)
    out = Parsed(second_kernel_dtb(stub, crash=crash, initrd=(0x8_6200_0000, 5)))
    assert [name for name, _, _ in out.tree[2]] == ["chosen"]
    assert out.prop("linux,uefi-mmap-start") == u64(0x7E00_0000)
    assert out.prop("linux,uefi-mmap-size") == u32(0x1200)


def test_is_the_buffer_estimate_complete():
    """Asked: "Don't you need to add "linux,usable-memory-range" to the buf_size
    estimate?" Room is computed from everything that is written; a result is
    never short of it, for one range or a thousand."""
    for n in (1, 2, 3, 1000):
        usable = [(0x6000_0000 + i * 0x1000, 0x1000) for i in range(n)]
        crash = Crash(elfcorehdr=(0x6000_0000, 0x1000), usable=usable)
        out = second_kernel_dtb(
            blob(cells(4, 4)),
            crash=crash,
            cmdline="x" * 2047,
            initrd=(0x6800_0000, 5),
            max_usable=1000,
        )
        assert len(Parsed(out).prop("linux,usable-memory-range")) == 32 * n


def test_could_one_function_own_allocation_and_free():
    """Asked: "Could this function be included in prepare_elf_headers() so that the
    alloc() and free() occur together." One call, one buffer of the caller's;
    a refused job leaves nothing behind that a next one could see."""
    crash = crash_at(0x8_6000_0000)
    want = second_kernel_dtb(blob(cells(2, 2)), crash=crash, **NO_SEEDS)
    for _ in range(100):
        with pytest.raises(FdtBadContent):
            second_kernel_dtb(blob(cells(1, 1)), crash=crash)
        assert second_kernel_dtb(blob(cells(2, 2)), crash=crash, **NO_SEEDS) == want


def test_why_two_architectures_with_two_copies_of_the_same_code():
    """Asked: "If they are the same, it probably shouldn't be in per-arch code." One
    function makes all trees; architectures differ in their words alone."""
    crash = crash_at(0x6000_0000)
    trees = {
        arch: Parsed(
            second_kernel_dtb(blob(cells(2, 2)), crash=crash, arch=arch, **NO_SEEDS)
        )
        for arch in ("arm64", "riscv")
    }
    assert trees["arm64"].prop("bootargs") is None
    assert trees["riscv"].prop("bootargs") == b"elfcorehdr=0x61023000\0"
    same = [[p for p in tree.chosen if p[0] != "bootargs"] for tree in trees.values()]
    assert same[0] == same[1]
