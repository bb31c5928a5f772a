# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Placement at its limits: what just fits, and what just does not."""

import shutil
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import arm_machine
import ppc64_machine
import riscv64_machine

from pyfdtx import Fdt
from pyfdtx.errors import FdtBadContent, FdtBadParameter, FdtMachineError, FdtNoRoom
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image.initrd import InitrdFile
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.place.plan import make_plan

DT = Path(__file__).resolve().parents[2] / "examples" / "arm64-dt"
PAGE, MIB, GIB = 4096, 1 << 20, 1 << 30
FDT_MAGIC = b"\xd0\x0d\xfe\xed"
NO_SEEDS = {"kaslr_seed": None, "rng_seed": None}


def arm64(image_size=20 * MIB, text_offset=0):
    head = struct.pack(
        "<2I6Q4sI", *(0, 0, text_offset, image_size, 10, 0, 0, 0), *(b"ARM\x64", 0)
    )
    return parse_image(head + bytes(1000), "Image")


@pytest.fixture
def arm64_with(tmp_path):
    """The captured machine, with other memory: (start, size) pairs."""

    def with_memory(*ranges, name="root"):
        root = tmp_path / name
        shutil.copytree(DT, root)
        lines = [f"{a:08x}-{a + n - 1:08x} : System RAM\n" for a, n in ranges]
        (root / "proc/iomem").write_text("".join(lines))
        return Machine(root)

    return with_memory


@pytest.fixture(params=["arm", "arm64", "riscv64"])
def system(request, tmp_path):
    """(machine, image, bytes of the largest tree): arch/arm/kernel/head.S maps two
    sections of 1 MiB; MAX_FDT_SIZE of arch/arm64/include/asm/boot.h and
    arch/riscv/include/asm/pgtable.h is 2 MiB."""
    root = tmp_path / "root"
    if request.param == "arm":
        return arm_machine.machine_with(root), arm_machine.zimage(), MIB
    if request.param == "riscv64":
        return riscv64_machine.machine(root), riscv64_machine.riscv(), 2 * MIB
    shutil.copytree(DT, root)
    return Machine(root), arm64(), 2 * MIB


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
def test_the_largest_tree_is_taken_and_one_byte_more_is_not(system, crash):
    machine, image, largest = system

    def plan_of(name, size):
        fdt = Fdt(machine.fdt)
        fdt.root[name] = bytes(size)
        dtb = fdt.to_bytes()
        return make_plan(machine, image, crash=crash, dtb=dtb, **NO_SEEDS)["dtb"]

    # values are padded to 4 bytes, names are not
    rest = largest - len(plan_of("large", largest // 2).data)
    name, size = "large" + "_" * (rest % 4), largest // 2 + rest // 4 * 4
    dtb = plan_of(name, size)
    assert len(dtb.data) == dtb.size == largest
    with pytest.raises(FdtBadContent):
        plan_of(name + "_", size)


def test_an_initrd_file_that_became_a_tree_is_refused(tmp_path):
    """riscv and arm look for the tree by its magic (arch/*/kernel/machine_kexec.c)."""
    place = tmp_path / "initrd"
    riscv64 = riscv64_machine.machine(tmp_path / "riscv64"), riscv64_machine.riscv()
    arm = arm_machine.machine_with(tmp_path / "arm"), arm_machine.zimage()
    for machine, image in (riscv64, arm):
        place.write_bytes(bytes(104))
        initrd = InitrdFile(place)
        place.write_bytes(FDT_MAGIC + bytes(100))
        with pytest.raises(FdtBadParameter, match="starts like a device tree"):
            make_plan(machine, image, initrd=initrd)
        with pytest.raises(FdtBadParameter, match="is a device tree blob"):
            InitrdFile(place)


# Documentation/arch/arm64/booting.rst: image and initrd lie in one window of 32 GiB
# that starts at a multiple of 1 GiB


@pytest.mark.parametrize("start", [GIB, GIB + 2 * MIB, 2 * GIB - 20 * MIB], ids=hex)
def test_an_initrd_may_end_with_the_window_of_its_image(arm64_with, start):
    initrd, image = bytes(3 * PAGE), arm64()
    stop = GIB + 32 * GIB
    kernel = (start, 20 * MIB)
    # tree and trampoline behind it
    machine = arm64_with(kernel, (stop - 3 * PAGE, MIB), name="fits")
    plan = make_plan(machine, image, crash=False, initrd=initrd)
    assert plan["kernel"].start == start
    assert plan["initrd"].start + plan["initrd"].size == stop
    machine = arm64_with(kernel, (stop - 2 * PAGE, MIB), name="full")
    with pytest.raises(FdtNoRoom, match="initrd") as refused:
        make_plan(machine, image, crash=False, initrd=initrd)
    assert f"has {2 * PAGE}, {PAGE} are missing" in str(refused.value)


def test_an_initrd_may_end_with_what_arm_surely_maps(tmp_path):
    """760 MiB from the start of memory: see arch/arm/start.py."""
    machine, image = arm_machine.machine_with(tmp_path), arm_machine.zimage()
    room = 760 * MIB - image.room
    iomem = "40000000-7fffffff : System RAM\n"
    machine = arm_machine.machine_with(tmp_path / "plain", iomem)
    for size, fits in ((room, True), (room - PAGE + 1, True), (room + 1, False)):
        if fits:
            plan = make_plan(machine, image, crash=False, initrd=bytes(size))
            assert plan["initrd"].start + plan["initrd"].size == 0x4000_0000 + 760 * MIB
        else:
            with pytest.raises(FdtNoRoom, match="initrd"):
                make_plan(machine, image, crash=False, initrd=bytes(size))


# ppc64


def ppc64_with(root, start, page=65536):
    """The region starts elsewhere."""
    fdt = ppc64_machine.tree()
    fdt["/chosen"].set_u64("linux,crashkernel-base", start)
    info = ppc64_machine.FILES["proc/kcore.vmcoreinfo"].replace("65536", f"{page}")
    return ppc64_machine.machine(root, fdt, **{"proc/kcore.vmcoreinfo": info})


@pytest.mark.parametrize("page", [4096, 16384, 65536])
@pytest.mark.parametrize("behind", [0, PAGE, 16384, 65536 - PAGE, 65536])
def test_ppc64_kernels_lie_at_multiples_of_64_kib_whatever_the_page(
    tmp_path, page, behind
):
    """arch/powerpc/kernel/head_64.S copies itself in such steps; the rest may lie at
    any page (arch/powerpc/Kconfig PAGE_SIZE)."""
    start = 512 * MIB + behind
    machine = ppc64_with(tmp_path, start, page)
    vmlinux = parse_image(ppc64_machine.vmlinux(), "vmlinux")
    plan = make_plan(machine, vmlinux, initrd=bytes(1))
    assert plan.page_size == page
    assert plan["kernel"].start == -(-start // 65536) * 65536
    for s in plan.segments:
        assert s.start % page == s.size % page == 0
        assert s.start >= start
        assert len(s.data) <= s.size


def test_ppc64_trees_have_room_for_all_that_is_written_into_them(tmp_path):
    """Of any length: the last one on a page, the first one beyond it."""
    vmlinux = parse_image(ppc64_machine.vmlinux(), "vmlinux")
    fdt = ppc64_machine.tree()
    fdt.root["filler"] = b""
    machine = ppc64_machine.machine(tmp_path / "0", fdt)
    words = {"initrd": bytes(1), "cmdline": "quiet", "rng_seed": None}
    first = len(make_plan(machine, vmlinux, **words)["dtb"].data)
    sizes = set()
    for more in range(-120, 8, 4):
        fdt.root["filler"] = bytes(65536 - first + more)
        machine = ppc64_machine.machine(tmp_path / f"{more}", fdt)
        plan = make_plan(machine, vmlinux, **words)
        dtb = plan["dtb"]
        assert len(dtb.data) <= dtb.size
        assert dtb.size - len(dtb.data) < 65536
        sizes.add(dtb.size)
        chosen = Fdt(dtb.data)["/chosen"]
        assert chosen.get_u64("linux,initrd-start") == plan["initrd"].start
    assert sizes == {65536, 2 * 65536}


@pytest.mark.parametrize("size", ["", "x", "0", "2048", "4097", "12288", "2097152"])
def test_what_is_no_size_of_a_page_is_refused(tmp_path, size):
    """Linux has pages of 4 KiB to 256 KiB; powers of two, all of them."""
    info = riscv64_machine.FILES["proc/kcore.vmcoreinfo"]
    assert "PAGESIZE=4096\n" in info
    text = info.replace("PAGESIZE=4096", f"PAGESIZE={size}")
    machine = riscv64_machine.machine(tmp_path, **{"proc/kcore.vmcoreinfo": text})
    with pytest.raises(FdtMachineError, match=f"PAGESIZE={size} is no size of a page"):
        make_plan(machine, riscv64_machine.riscv(), crash=True)
