# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Where things lie on ppc64le, and the core header with the copy of the first
64 KiB.

Rules: Linux kernel/kexec_core.c sanity_check_segment_list(), arch/powerpc/kexec/
elf_64.c, file_load_64.c, arch/powerpc/kernel/head_64.S. sound() holds a plan
against them, with arithmetic of its own; the core header is read by pyelftools.
"""

import io
import struct
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

sys.path.insert(0, str(Path(__file__).parent))
from ppc64_machine import (
    CRASH,
    GIB,
    KERNEL_END,
    KIB,
    MIB,
    RTAS,
    head,
    machine,
    tree,
    vmlinux,
    write,
)

from pyfdtx import Fdt
from pyfdtx.cli import main
from pyfdtx.errors import FdtImageError, FdtNoRoom
from pyfdtx.kexec.arch.ppc64.trampoline import trampoline
from pyfdtx.kexec.facts.capture import capture
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.place.plan import make_plan

PAGE = 64 * KIB
IMAGE = vmlinux()
INITRD = bytes(range(256)) * 5000
TAKEN = [(0x2FFF_0000, PAGE)]  # RTAS, a whole page


def plan_for(m, image=IMAGE, **more):
    arguments = {"cmdline": "console=hvc0", "rng_seed": None, **more}
    return make_plan(m, parse_image(image, "vmlinux"), **arguments)


def sound(plan, reach, area, taken=TAKEN):
    spans = sorted((s.start, s.start + s.size, s.name) for s in plan.segments)
    for start, stop, name in spans:
        assert start % PAGE == stop % PAGE == 0, name
        assert any(a <= start < stop <= a + n for a, n in area), name
        for first, size in taken:
            assert stop <= first or first + size <= start, f"{name} on firmware"
        if name not in ("initrd", "elfcorehdr"):
            # read, or run, before the MMU is on
            assert stop <= reach, name
    for before, behind in zip(spans, spans[1:]):
        assert before[1] <= behind[0], f"{before[2]} and {behind[2]} overlap"
    assert all(len(s.data) <= s.size for s in plan.segments)
    dtb, kernel = plan["dtb"], plan["kernel"]
    fdt = Fdt(dtb.data)
    assert (dtb.start, len(dtb.data)) in list(fdt.memreserve)
    assert plan.entry == plan["trampoline"].start
    backup = plan["backup"].start if plan.crash else None
    assert plan["trampoline"].data == trampoline(
        bytes(kernel.data[:0x100]), kernel.start, dtb.start, backup=backup
    )
    if "initrd" in plan:
        where = plan["initrd"].start
        assert fdt["/chosen"].get_u64("linux,initrd-start") == where
        assert (where, len(plan["initrd"].data)) in list(fdt.memreserve)
    return fdt


def test_a_crash_kernel_lies_in_its_region_around_rtas(tmp_path):
    plan = plan_for(machine(tmp_path), initrd=INITRD)
    fdt = sound(plan, 2 * GIB, [CRASH])
    header = plan["elfcorehdr"]
    assert plan["kernel"].start == CRASH[0]
    assert header.start == sum(CRASH) - PAGE
    assert plan["backup"].size == 64 * KIB
    assert list(fdt.memreserve)[:3] == [
        (64 * KIB, CRASH[0] - 64 * KIB),
        (plan["backup"].start, 64 * KIB),
        (header.start, len(header.data)),
    ]
    assert f"elfcorehdr={header.start:#x} " in fdt["/chosen"].get_string("bootargs")


def test_a_crash_kernel_is_told_to_run_where_it_lies(tmp_path):
    """head_64.S __run_at_load: 1 at 0x5c; "run0" means move to 0."""
    m = machine(tmp_path)
    crash = bytes(plan_for(m)["kernel"].data)
    plain = bytes(plan_for(m, crash=False)["kernel"].data)
    assert crash[0x5C:0x60] == b"\1\0\0\0"
    assert plain[0x5C:0x60] == struct.pack("<I", 0x7275_6E30)
    assert crash[:0x5C] + crash[0x60:] == plain[:0x5C] + plain[0x60:]


def test_the_dump_is_all_memory_but_the_region_with_the_copy_and_rtas(tmp_path):
    """arch/powerpc/kexec/file_load_64.c get_crash_memory_ranges(): the first 64 KiB
    are read from their copy; RTAS is the dead kernel's, though in the region."""
    plan = plan_for(machine(tmp_path))
    elf = ELFFile(io.BytesIO(bytes(plan["elfcorehdr"].data)))
    assert (elf["e_machine"], elf["e_type"]) == ("EM_PPC64", "ET_CORE")
    assert elf.little_endian
    loads = [
        (s["p_paddr"], s["p_memsz"], s["p_offset"])
        for s in elf.iter_segments("PT_LOAD")
    ]
    backup = plan["backup"].start
    assert loads == [
        (0, 64 * KIB, backup),
        (64 * KIB, CRASH[0] - 64 * KIB, 64 * KIB),
        (RTAS[0], 64 * KIB, RTAS[0]),
        (GIB, GIB, GIB),
    ]
    for s in elf.iter_segments("PT_LOAD"):
        # Linux arch/powerpc/Kconfig PAGE_OFFSET
        assert s["p_vaddr"] == s["p_paddr"] | 0xC000_0000_0000_0000
    notes = [(s["p_offset"], s["p_filesz"]) for s in elf.iter_segments("PT_NOTE")]
    # VMCOREINFO's size is hexadecimal, crash_notes_size is decimal
    assert notes == [
        (0x7F06_0000, 432),
        (0x7F16_0000, 432),
        (0x6F6_0000, 0x11000),
    ]


@pytest.mark.parametrize("first", [640, 704, 768])
def test_what_runs_without_mmu_is_in_the_first_piece_of_memory(first, tmp_path):
    """256 MiB, as pHyp gives, and a region that reaches beyond."""
    fdt = tree([(0, first * MIB), (first * MIB, 2 * GIB - first * MIB)])
    plan = plan_for(machine(tmp_path, fdt), initrd=bytes(250 * MIB))
    sound(plan, first * MIB, [CRASH])


def test_a_first_piece_of_memory_that_is_too_small_is_said(tmp_path):
    """The region is large enough, so more crashkernel= would not help."""
    fdt = tree([(0, 520 * MIB), (520 * MIB, GIB)])
    with pytest.raises(FdtNoRoom, match=r"kernel.*41943040 bytes do not fit.*8388608"):
        plan_for(machine(tmp_path, fdt))


def test_a_region_that_is_too_small_is_said_with_the_bytes_that_are_missing(tmp_path):
    """And one larger by exactly that is large enough."""
    fdt = tree()
    fdt["/chosen"].set_u64("linux,crashkernel-size", 32 * MIB)
    with pytest.raises(FdtNoRoom, match="bytes are missing") as refused:
        plan_for(machine(tmp_path / "small", fdt))
    missing = int(str(refused.value).split(" bytes are missing")[0].split()[-1])
    for more, fits in ((missing, True), (missing - PAGE, False)):
        fdt["/chosen"].set_u64("linux,crashkernel-size", 32 * MIB + more)
        m = machine(tmp_path / str(more), fdt)
        if fits:
            sound(plan_for(m), 2 * GIB, [(CRASH[0], 32 * MIB + more)])
        else:
            with pytest.raises(FdtNoRoom):
                plan_for(m)


def test_a_plain_kexec_leaves_kernel_and_firmware_alone(tmp_path):
    """What copies the segments is the running kernel; arch/powerpc/kexec/core.c."""
    fdt = tree()
    fdt["/chosen"].set_u64("linux,htab-base", 0x1000_0000)
    fdt["/chosen"].set_u64("linux,htab-size", 0x100_0000)
    fdt.root["reserved-ranges"] = struct.pack(">2Q", 0x2000_0000, 0x10_0000)
    taken = [(0, KERNEL_END), (0x1000_0000, 0x100_0000), (0x2000_0000, 0x10_0000)]
    plan = plan_for(machine(tmp_path, fdt), crash=False, initrd=bytes(200 * MIB))
    out = sound(plan, 2 * GIB, [(0, 2 * GIB)], TAKEN + taken)
    assert "backup" not in plan
    assert "elfcorehdr" not in plan
    assert "linux,usable-memory" not in out["/memory@0"]
    assert "elfcorehdr=" not in out["/chosen"].get_string("bootargs")


def test_the_tree_is_the_one_of_now_but_the_boot_cpu_is_the_boots(tmp_path):
    """CPUs and memory come and go: /proc/device-tree shows it, the blob of the
    boot does not; only the blob has a header."""
    m = machine(tmp_path)
    old = Fdt.empty()
    old.boot_cpuid_phys = 8
    write(tmp_path, "sys/firmware/fdt", old.to_bytes())
    fdt = Fdt(plan_for(m)["dtb"].data)
    assert fdt.boot_cpuid_phys == 8
    assert "/cpus/PowerPC,POWER9@1" in fdt


def test_a_capture_of_the_machine_makes_the_same_plan(tmp_path):
    m = machine(tmp_path / "there")
    write(tmp_path / "there", "sys/firmware/fdt", tree().to_bytes())
    capture(tmp_path / "here", tmp_path / "there")
    ours, theirs = plan_for(Machine(tmp_path / "here")), plan_for(m)
    assert [(s.name, s.start, bytes(s.data)) for s in ours.segments] == [
        (s.name, s.start, bytes(s.data)) for s in theirs.segments
    ]


def test_a_kernel_that_cannot_be_moved_is_refused(tmp_path):
    fixed = bytearray(head())
    fixed[0x5C:0x60] = bytes(4)
    image = vmlinux([(0, bytes(fixed), MIB)])
    with pytest.raises(FdtImageError, match=r"not relocatable \(CONFIG_RELOCATABLE"):
        plan_for(machine(tmp_path), image)


def test_a_big_endian_kernel_is_refused(tmp_path):
    with pytest.raises(FdtImageError, match=r"kernel of ppc64, but .* is ppc64le"):
        plan_for(machine(tmp_path), vmlinux(order=2))


def test_the_drawing_shows_everything_once(tmp_path, capfd):
    machine(tmp_path)
    (tmp_path / "vmlinux").write_bytes(IMAGE)
    words = ["plan", "--crash", str(tmp_path / "vmlinux"), "--root", str(tmp_path)]
    assert main(words) == 0
    shown = capfd.readouterr().out
    for name in ("kernel", "backup", "trampoline", "dtb", "elfcorehdr"):
        assert shown.count(f"# {name} ") == 1
    starts = [int(w, 16) for w in shown.split() if w.startswith("0x")][1:]
    assert starts == sorted(starts)
