# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Placement on 32-bit arm, held against what its kernels do by a calculation of
our own: Linux arch/arm/boot/compressed/head.S and fdt_check_mem_start.c,
arch/arm/kernel/setup.c early_mem(), arch/arm/kernel/crash_dump.c.
tests/system/test_arm.py lets the kernels judge.
"""

import re
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from arm_machine import IOMEM, machine_with, with_region, zimage

from pyfdtx import Fdt
from pyfdtx.cli.memory_map import lines
from pyfdtx.errors import (
    FdtBadContent,
    FdtBadParameter,
    FdtImageError,
    FdtNoRoom,
    FdtWarning,
)
from pyfdtx.kexec.elfcore import core_header_of
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.place.plan import make_plan

PAGE, MIB, GIB = 4096, 1 << 20, 1 << 30
LOWMEM = 760 * MIB
pytestmark = pytest.mark.filterwarnings("error::pyfdtx.errors.FdtWarning")


def memory_start(plan, machine):
    """Where the kernel's memory will begin, and its text be TEXT_OFFSET behind."""
    if plan.crash:
        usable = Fdt(plan["dtb"].data)["/chosen"].reg(
            "linux,usable-memory-range", parent="/"
        )
        return -(-usable[0].start // (2 * MIB)) * 2 * MIB
    start = plan.entry & 0xF800_0000
    assert any(r.start <= start < r.stop for r in machine.ram), "not its own memory"
    return start


def sound(plan, machine, image, initrd=None):
    spans = sorted((s.start, s.start + s.size, s.name) for s in plan.segments)
    for start, stop, name in spans:
        assert start % PAGE == stop % PAGE == 0, name
        inside = machine.crash_ranges[:1] if plan.crash else machine.free_ram
        assert any(r.start <= start < stop <= r.stop for r in inside), name
        assert stop <= 4 * GIB, name
    for before, behind in zip(spans, spans[1:]):
        assert before[1] <= behind[0], f"{before[2]} and {behind[2]} overlap"
    assert plan.entry == plan["kernel"].start, "no trampoline"
    assert bytes(plan["kernel"].data) == image.data

    base = memory_start(plan, machine)
    text = base + image.text_offset
    # the zImage's own copy of itself lies behind the kernel's end, its heap and
    # stack behind that; 0x4000 of page tables in front of the kernel
    end = text + image.inflated + image.bss
    moved = text + image.inflated + 0x1000 + len(image.data) + image.malloc + 0x2000
    free = machine.free_ram if not plan.crash else machine.crash_ranges[:1]
    written = base, max(end, moved)
    assert any(r.start <= written[0] < written[1] <= r.stop for r in free)
    for start, stop, name in spans:
        if name != "kernel":
            assert stop <= written[0] or start >= written[1], f"{name} is overwritten"
    assert plan["kernel"].start % 4 == 0

    # it finds its tree by the magic, in the first segment that starts with it
    dtb = plan["dtb"]
    assert [s.name for s in plan.segments if s.data[:4] == b"\xd0\r\xfe\xed"] == ["dtb"]
    # two sections of 1 MiB are mapped
    assert (dtb.start + len(dtb.data) - 1) // MIB - dtb.start // MIB <= 1
    chosen = Fdt(dtb.data)["/chosen"]
    if initrd is not None:
        place = plan["initrd"]
        assert bytes(place.data) == initrd
        assert chosen.get_u64("linux,initrd-start") == place.start
        assert place.start + place.size <= base + LOWMEM, "high memory"
    assert ("elfcorehdr" in plan) == plan.crash
    if not plan.crash:
        return
    header = plan["elfcorehdr"]
    assert header.data == core_header_of(machine)
    where = chosen.reg("linux,elfcorehdr", parent="/")
    assert where == [(header.start, len(header.data))]
    (usable,) = chosen.reg("linux,usable-memory-range", parent="/")
    assert plan.usable == (usable,)
    assert usable.stop <= header.start, "ioremap() refuses it"
    for s in plan.segments:
        if s is not header:
            assert usable.start <= s.start < s.start + s.size <= usable.stop, s.name
    words = chosen.get_string("bootargs").split()
    assert f"elfcorehdr={header.start:#x}" in words
    (kib,) = (int(w[4:-1]) for w in words if w.startswith("mem="))
    assert base + kib * 1024 <= header.start, "mem= makes the header memory"
    assert base + kib * 1024 == usable.stop


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
@pytest.mark.parametrize(
    "initrd", [None, bytes(1), bytes(9_000_001)], ids=["-", "1", "9M"]
)
@pytest.mark.parametrize("cells", [1, 2])
@pytest.mark.parametrize("length", [1_000_000, 5_000_000, 25_000_000])
def test_plans_keep_every_rule(tmp_path, crash, initrd, cells, length):
    """A zImage larger than the kernel in it moves further than the kernel goes."""
    machine, image = machine_with(tmp_path, cells=cells), zimage(length)
    sound(make_plan(machine, image, crash=crash, initrd=initrd), machine, image, initrd)


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
@pytest.mark.parametrize("text_offset", [0x8000, 0x208000, 0x308000, 0x1008000])
def test_text_offset_moves_everything_behind_the_kernel(tmp_path, crash, text_offset):
    """Of old kernels, of Debian's, and of platforms that keep memory for
    themselves (arch/arm/Makefile textofs)."""
    machine, image = machine_with(tmp_path), zimage(text_offset=text_offset)
    initrd = bytes(1000)
    sound(make_plan(machine, image, crash=crash, initrd=initrd), machine, image, initrd)


# crashkernel=SIZE@START may start anywhere
STARTS = [0x6000_0000 + n * PAGE for n in (0, 1, 0xFF, 0x100, 0x1FF, 0x200, 0x201)]


@pytest.mark.parametrize("start", STARTS, ids=hex)
def test_a_region_may_start_anywhere(tmp_path, start):
    machine, image = with_region(tmp_path, start, 96 * MIB), zimage()
    sound(make_plan(machine, image, initrd=bytes(1)), machine, image, bytes(1))


def missing_bytes(error):
    return int(re.search(r"(\d+) bytes are missing", str(error))[1])


@pytest.mark.parametrize("start", [0x6000_0000, 0x6010_1000], ids=hex)
def test_a_region_of_any_size_has_room_or_says_how_much_is_missing(tmp_path, start):
    image, initrd = zimage(), bytes(3 * MIB)
    ahead = -start % (2 * MIB)
    # what the image needs, initrd, one page of tree, one of header
    need = ahead + image.room + 3 * MIB + 2 * PAGE
    sizes = {PAGE, MIB, image.room, image.room + ahead, need - MIB}
    sizes.update(range(need - 4 * PAGE, need + 4 * PAGE, PAGE))
    for size in sorted(sizes):
        machine = with_region(tmp_path / f"{size:x}", start, size)
        if size >= need:
            sound(make_plan(machine, image, initrd=initrd), machine, image, initrd)
            continue
        with pytest.raises(FdtNoRoom) as refused:
            make_plan(machine, image, initrd=initrd)
        assert missing_bytes(refused.value) == need - size, f"{size:#x}"


def test_an_initrd_beyond_what_the_kernel_maps_is_refused(tmp_path):
    """No crash region, however large, helps."""
    machine, image = machine_with(tmp_path), zimage()
    with pytest.raises(FdtNoRoom, match=r"initrd: \d+ bytes do not fit where"):
        make_plan(machine, image, initrd=bytes(LOWMEM - image.room + 1))


@pytest.mark.parametrize(
    ("ram", "start"),
    [
        ("40000000-7fffffff : System RAM", 0x4000_0000),
        ("80000000-9fffffff : System RAM", 0x8000_0000),
        # not a multiple of 128 MiB: the next one is
        ("42000000-7fffffff : System RAM", 0x4800_0000),
    ],
)
def test_a_plain_kexec_starts_memory_where_the_zimage_rounds_down_to(
    tmp_path, ram, start
):
    machine, image = machine_with(tmp_path, f"{ram}\n"), zimage()
    plan = make_plan(machine, image, crash=False, initrd=bytes(1))
    assert memory_start(plan, machine) == start
    sound(plan, machine, image, bytes(1))


def test_nothing_lies_above_4_gib(tmp_path):
    """LPAE: memory is there, but zImage and tree cannot be given there."""
    high = "100000000-2ffffffff : System RAM\n"
    image = zimage()
    machine = machine_with(tmp_path, IOMEM + high)
    for initrd in (None, bytes(1000)):
        plan = make_plan(machine, image, crash=False, initrd=initrd)
        sound(plan, machine, image, initrd)


def test_a_tree_above_1_mib_is_refused(tmp_path):
    machine = machine_with(tmp_path)
    fdt = Fdt(machine.fdt)
    fdt.root["large"] = bytes(MIB)
    with pytest.raises(FdtBadContent, match="at most 0x100000"):
        make_plan(machine, zimage(), dtb=fdt.to_bytes())
    fdt.root["large"] = bytes(MIB - 4 * PAGE)
    image = zimage()
    sound(make_plan(machine, image, dtb=fdt.to_bytes()), machine, image)


def test_other_images_and_an_initrd_like_a_tree_are_refused(tmp_path):
    machine = machine_with(tmp_path)
    arm64 = struct.pack("<2I6Q4sI", 0, 0, 0, MIB, 2, 0, 0, 0, b"ARM\x64", 0)
    with pytest.raises(FdtImageError, match="kernel of arm64, but the machine is arm"):
        make_plan(machine, parse_image(arm64 + bytes(100)))
    with pytest.raises(FdtBadParameter, match="device tree"):
        make_plan(machine, zimage(), initrd=b"\xd0\x0d\xfe\xed" + bytes(100))


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (6 * GIB, ["memory, dumped"] * 2),
        (10 * GIB, ["memory, dumped"] * 2 + ["memory, not dumped"]),
    ],
)
def test_the_map_says_which_memory_the_dump_will_not_have(tmp_path, end, words):
    """Memory that runs on across 4 GiB is dumped up to 8 GiB less two pages."""
    iomem = IOMEM.replace("7fffffff : System", f"{end - 1:x} : System")
    machine = machine_with(tmp_path, iomem)
    if words[-1] == "memory, dumped":
        drawn = lines(make_plan(machine, zimage()))
    else:
        with pytest.warns(FdtWarning, match="2048 MiB from 0x1ffffe000 on will be"):
            drawn = lines(make_plan(machine, zimage()))
        assert any(row.startswith("0x1ffffe000 +") for row in drawn)
    found = [re.search(r"memory, (not )?dumped", row) for row in drawn]
    assert [f[0] for f in found if f] == words


@pytest.mark.parametrize("length", [PAGE - 1, PAGE, 2 * PAGE - 4, 2 * PAGE - 3])
@pytest.mark.parametrize("crash", [True, False])
def test_the_word_behind_the_zimage_is_zero(tmp_path, length, crash):
    """Else the decompressor may find an old tree's magic there, and take that tree:
    kexec_load(2) clears what memsz has beyond bufsz, nothing more."""
    image = zimage(length)
    segment = make_plan(machine_with(tmp_path), image, crash=crash)["kernel"]
    assert bytes(segment.data) == image.data
    assert segment.size >= length + 4
    assert segment.size - length < PAGE + 4
