# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Placement, on captured machines and on machines with little room.

Rules: Linux Documentation/arch/arm64/booting.rst, Documentation/arch/riscv/
boot.rst, kernel/kexec_core.c sanity_check_segment_list(). sound() holds a
plan against them, with arithmetic of its own.
"""

import re
import shutil
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from riscv64_machine import machine as machine_of_riscv64
from riscv64_machine import riscv

from pyfdtx import Fdt
from pyfdtx.errors import (
    FdtBadContent,
    FdtBadParameter,
    FdtImageError,
    FdtMachineError,
    FdtNoRoom,
)
from pyfdtx.kexec.arch.arm64.start import trampoline
from pyfdtx.kexec.elfcore import core_header_of
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.place.plan import make_plan, reused_cmdline

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CAPTURES = sorted(p.parent for p in EXAMPLES.glob("arm64-*/RECIPE.txt"))
PAGE, MIB, GIB = 4096, 1 << 20, 1 << 30
pytestmark = pytest.mark.filterwarnings("error::pyfdtx.errors.FdtWarning")
NO_SEEDS = {"kaslr_seed": None, "rng_seed": None}

every_capture = pytest.mark.parametrize("root", CAPTURES, ids=lambda p: p.name)


def arm64(image_size=20 * MIB, text_offset=0, flags=0b1010):
    """An image whose header alone matters here; flags: 4 KiB pages, anywhere."""
    head = struct.pack(
        "<2I6Q4sI",
        *(0, 0, text_offset, image_size, flags, 0, 0, 0),
        *(b"ARM\x64", 0),
    )
    return parse_image(head + bytes(1000), "Image")


@pytest.fixture
def riscv64(tmp_path):
    return machine_of_riscv64(tmp_path)


def with_crash_region(root, target, size):
    """The captured machine, its main crash region of another size."""
    shutil.copytree(root, target)
    (target / "sys/kernel/kexec_crash_size").unlink()
    iomem = target / "proc/iomem"
    main = Machine(root).crash_main
    old = f"{main.start:08x}-{main.last:08x} : Crash kernel"
    new = f"{main.start:08x}-{main.start + size - 1:08x} : Crash kernel"
    text = iomem.read_text()
    assert old in text
    iomem.write_text(text.replace(old, new))
    return Machine(target)


def sound(plan, machine, image, initrd=None):
    """Every rule of the documents named above."""
    spans = sorted((s.start, s.start + s.size, s.name) for s in plan.segments)
    assert len(spans) <= 16
    for start, stop, name in spans:
        assert start % plan.page_size == stop % plan.page_size == 0, name
        inside = machine.crash_ranges[:1] if plan.crash else machine.free_ram
        assert any(r.start <= start < stop <= r.stop for r in inside), name
    for before, behind in zip(spans, spans[1:]):
        assert before[1] <= behind[0], f"{before[2]} and {behind[2]} overlap"
    for s in plan.segments:
        assert len(s.data) <= s.size

    kernel, dtb = plan["kernel"], plan["dtb"]
    assert bytes(kernel.data) == image.data
    assert (kernel.start - image.text_offset) % (2 * MIB) == 0
    assert kernel.size >= image.image_size
    end = kernel.start + kernel.size
    assert len(dtb.data) <= 2 * MIB
    tree = Fdt(dtb.data)
    chosen = tree["/chosen"]
    assert ("initrd" in plan) == (initrd is not None)
    if initrd is not None:
        got = plan["initrd"]
        assert bytes(got.data) == initrd
        assert chosen.get_u64("linux,initrd-start") == got.start
        assert chosen.get_u64("linux,initrd-end") == got.start + len(initrd)
        if plan.arch == "arm64":
            low = min(kernel.start, got.start) // GIB * GIB
            assert max(end, got.start + len(initrd)) <= low + 32 * GIB
        else:
            assert got.start >= -(-end // (2 * MIB)) * 2 * MIB
    if plan.arch == "arm64":
        assert plan.entry == plan["trampoline"].start
        assert plan["trampoline"].data == trampoline(kernel.start, dtb.start)
    else:
        assert plan.entry == kernel.start
        assert "trampoline" not in plan
    assert ("elfcorehdr" in plan) == plan.crash
    if plan.crash:
        header = plan["elfcorehdr"]
        assert header.data == core_header_of(machine)
        where = chosen.reg("linux,elfcorehdr", parent="/")
        assert where == [(header.start, len(header.data))]
        usable = chosen.reg("linux,usable-memory-range", parent="/")
        assert usable == list(machine.crash_ranges)


@every_capture
@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
@pytest.mark.parametrize(
    "initrd", [None, bytes(1), bytes(5_000_001)], ids=["-", "1", "5M"]
)
def test_plans_for_captured_machines_keep_every_rule(root, crash, initrd):
    machine, image = Machine(root), arm64()
    sound(make_plan(machine, image, crash=crash, initrd=initrd), machine, image, initrd)


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
@pytest.mark.parametrize("image_size", [20 * MIB, 20 * MIB + 1, 21 * MIB + PAGE])
def test_on_riscv_the_initrd_starts_in_a_fresh_piece_of_2_mib(
    riscv64, crash, image_size
):
    image, initrd = riscv(image_size), bytes(100_000)
    plan = make_plan(riscv64, image, crash=crash, initrd=initrd)
    sound(plan, riscv64, image, initrd)
    line = Fdt(plan["dtb"].data)["/chosen"].get_string("bootargs")
    assert line.startswith("elfcorehdr=0x") == crash


def test_a_crash_plan_lies_where_kexec_tools_puts_it():
    """kexec-tools 2.0.25 on this machine: the kernel of memsz 0x1ab0000 at the
    start of the region, the core header in its last page."""
    machine = Machine(EXAMPLES / "arm64-dt")
    plan = make_plan(machine, arm64(0x1AB0000))
    assert (plan["kernel"].start, plan["kernel"].size) == (0x6AC00000, 0x1AB0000)
    assert (plan["elfcorehdr"].start, plan["elfcorehdr"].size) == (0x7ABFF000, PAGE)


def test_with_two_crash_regions_only_the_main_one_gets_segments():
    machine = Machine(EXAMPLES / "arm64-high-low")
    plan = make_plan(machine, arm64())
    main, low = machine.crash_ranges
    assert plan.usable == (main, low)
    assert all(main.start <= s.start < main.stop for s in plan.segments)
    assert make_plan(machine, arm64(), max_usable=1).usable == (main,)


@pytest.mark.parametrize("text_offset", [0, 0x80000, PAGE])
def test_the_image_lies_text_offset_behind_the_boundary(text_offset):
    machine, image = Machine(EXAMPLES / "arm64-dt"), arm64(text_offset=text_offset)
    for crash in (True, False):
        sound(make_plan(machine, image, crash=crash), machine, image)


@pytest.mark.parametrize(("flags", "page"), [(0b1010, 4), (0b1100, 16), (0b1110, 64)])
def test_segments_are_whole_pages_of_the_larger_kernel(flags, page):
    """booting.rst: flags, bits 1-2. The running kernel has 4 KiB."""
    machine, image = Machine(EXAMPLES / "arm64-dt"), arm64(flags=flags)
    plan = make_plan(machine, image)
    assert plan.page_size == page * 1024
    sound(plan, machine, image)


def test_seeds_left_out_give_the_same_bytes_again():
    machine = Machine(EXAMPLES / "arm64-dt")
    one, two = (make_plan(machine, arm64(), **NO_SEEDS) for _ in "12")
    assert [s.data for s in one.segments] == [s.data for s in two.segments]


def missing_bytes(error):
    return int(re.search(r"(\d+) bytes are missing", str(error))[1])


def test_in_a_crash_region_of_any_size_it_fits_or_says_how_much_is_missing(tmp_path):
    """Swept by pages over both sides of the limit, and coarsely below it."""
    initrd = bytes(3 * MIB)
    root, image = EXAMPLES / "arm64-dt", arm64(8 * MIB)
    # kernel and initrd, two pages of tree, one of trampoline, one of header
    need = 11 * MIB + 4 * PAGE
    sizes = {PAGE, MIB, 8 * MIB, 8 * MIB + PAGE, 11 * MIB}
    sizes.update(range(need - 6 * PAGE, need + 4 * PAGE, PAGE))
    for size in sorted(sizes):
        machine = with_crash_region(root, tmp_path / f"{size:x}", size)
        if size >= need:
            sound(make_plan(machine, image, initrd=initrd), machine, image, initrd)
            continue
        with pytest.raises(FdtNoRoom) as refused:
            make_plan(machine, image, initrd=initrd)
        assert missing_bytes(refused.value) == need - size


@pytest.mark.parametrize(
    ("size", "what"),
    [
        (PAGE, "kernel"),
        (8 * MIB, "kernel"),
        (8 * MIB + PAGE, "initrd"),
        (11 * MIB, "initrd"),
        (11 * MIB + PAGE, "dtb"),
        (11 * MIB + 3 * PAGE, "trampoline"),
    ],
)
def test_the_first_thing_without_room_is_named(tmp_path, size, what):
    root, image = EXAMPLES / "arm64-dt", arm64(8 * MIB)
    machine = with_crash_region(root, tmp_path / "root", size)
    with pytest.raises(FdtNoRoom, match=f"^plan {what}: does not fit") as refused:
        make_plan(machine, image, initrd=bytes(3 * MIB))
    assert "crashkernel=" in str(refused.value)


def test_without_room_for_a_plain_kexec_the_largest_hole_is_named():
    machine = Machine(EXAMPLES / "arm64-dt")
    hole = max(r.size for r in machine.free_ram)
    image = arm64(hole + PAGE)
    with pytest.raises(FdtNoRoom, match=f"piece of memory .* has {hole}, {PAGE} are"):
        make_plan(machine, image, crash=False)


def test_a_plain_kexec_moves_the_kernel_up_if_the_initrd_does_not_fit_above():
    """The lowest hole of the capture holds the kernel, but not both."""
    machine = Machine(EXAMPLES / "arm64-dt")
    image, holes = arm64(8 * MIB), list(machine.free_ram)
    initrd = bytes(max(r.size for r in holes) - 16 * MIB)
    plan = make_plan(machine, image, crash=False, initrd=initrd)
    sound(plan, machine, image, initrd)


def test_no_reserved_memory_is_named_with_the_way_out(tmp_path):
    shutil.copytree(EXAMPLES / "arm64-dt", tmp_path / "root")
    iomem = tmp_path / "root/proc/iomem"
    lines = iomem.read_text().splitlines(keepends=True)
    iomem.write_text("".join(line for line in lines if "Crash" not in line))
    (tmp_path / "root/sys/kernel/kexec_crash_size").write_text("0\n")
    with pytest.raises(FdtMachineError, match="boot with crashkernel="):
        make_plan(Machine(tmp_path / "root"), arm64())


def test_images_that_the_machine_cannot_start_are_refused(riscv64):
    arm = Machine(EXAMPLES / "arm64-dt")
    with pytest.raises(FdtImageError, match="kernel of riscv, but the machine is arm6"):
        make_plan(arm, riscv())
    with pytest.raises(FdtImageError, match="kernel of arm64, but the machine is risc"):
        make_plan(riscv64, arm64())
    with pytest.raises(FdtImageError, match="big-endian"):
        make_plan(arm, arm64(flags=0b1011))


def test_an_unknown_architecture_is_named_with_the_known_ones(tmp_path):
    with pytest.raises(FdtBadParameter, match=r"'s390x'.*arm64, ppc64le, riscv64"):
        make_plan(Machine(tmp_path, arch="s390x"), arm64())


def test_an_empty_initrd_and_one_that_looks_like_a_tree(riscv64):
    """A riscv kernel takes the first segment with a tree's magic for the tree
    (arch/riscv/kernel/machine_kexec.c); no kernel takes it for an initrd."""
    arm, lookalike = Machine(EXAMPLES / "arm64-dt"), b"\xd0\x0d\xfe\xed" + bytes(100)
    with pytest.raises(FdtBadParameter, match="empty"):
        make_plan(arm, arm64(), initrd=b"")
    for machine, image in ((riscv64, riscv()), (arm, arm64())):
        with pytest.raises(FdtBadParameter, match="device tree"):
            make_plan(machine, image, initrd=lookalike)


def test_a_tree_above_2_mib_is_refused():
    machine = Machine(EXAMPLES / "arm64-dt")
    fdt = Fdt(machine.fdt)
    fdt.root["large"] = bytes(2 * MIB)
    with pytest.raises(FdtBadContent, match="arm64 kernels take at most 0x2000"):
        make_plan(machine, arm64(), dtb=fdt.to_bytes())


def test_on_riscv_too(riscv64):
    fdt = Fdt(riscv64.fdt)
    fdt.root["large"] = bytes(2 * MIB)
    with pytest.raises(FdtBadContent, match="riscv kernels take at most 0x200000"):
        make_plan(riscv64, riscv(), dtb=fdt.to_bytes())


def test_the_command_line_is_the_running_one_without_what_was_for_this_boot(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text(
        "BOOT_IMAGE=/vmlinuz root=/dev/vda1  crashkernel=256M,high crashkernel=64M,low"
        " elfcorehdr=0x1000 mem=2G quiet xcrashkernel=1\n"
    )
    machine = Machine(tmp_path)
    assert reused_cmdline(machine, crash=True) == "root=/dev/vda1 quiet xcrashkernel=1"
    assert reused_cmdline(machine, crash=False) == (
        "root=/dev/vda1 crashkernel=256M,high crashkernel=64M,low mem=2G quiet "
        "xcrashkernel=1"
    )


@pytest.mark.parametrize(
    ("given", "want"),
    [
        ({}, "console=ttyAMA0 panic=-1 quiet"),
        ({"append": "maxcpus=1"}, "console=ttyAMA0 panic=-1 quiet maxcpus=1"),
        ({"cmdline": "single"}, "single"),
        ({"cmdline": "single", "append": "x"}, "single x"),
        ({"cmdline": "", "append": "x"}, "x"),
        ({"cmdline": ""}, None),
    ],
)
def test_command_lines_of_the_tree(given, want):
    """The capture's own: console=ttyAMA0 panic=-1 quiet crashkernel=256M."""
    plan = make_plan(Machine(EXAMPLES / "arm64-dt"), arm64(), **given)
    chosen = Fdt(plan["dtb"].data)["/chosen"]
    assert chosen.get_string("bootargs", default=None) == want
