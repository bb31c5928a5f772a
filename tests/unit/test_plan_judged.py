# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Plans judge themselves: the checker looks at every tree that is made, with all that
is known of image and places. And it agrees with the planner, for every machine that
is here, every form of image, and every option.
"""

import itertools
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import arm_machine
import ppc64_machine
import riscv64_machine
from test_plan import arm64

from pyfdtx import Fdt
from pyfdtx.errors import FdtLoadError
from pyfdtx.kexec import check_tree, load, make_plan
from pyfdtx.kexec.check.checker import Finding
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.facts.version import banner_in, version_of
from pyfdtx.kexec.image.kernel import first_start, parse_image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CAPTURES = {p.parent.name: p.parent for p in sorted(EXAMPLES.glob("*/RECIPE.txt"))}
MADE = {
    "arm made": arm_machine.machine_with,
    "ppc64 made": ppc64_machine.machine,
    "riscv64 made": riscv64_machine.machine,
}
MIB = 1 << 20
pytestmark = pytest.mark.filterwarnings("error::pyfdtx.errors.FdtWarning")
IMAGES = {
    "arm64": [
        arm64(),
        arm64(text_offset=0x80000),
        arm64(20 * MIB + 1, text_offset=4096, flags=0b1110),
        arm64(text_offset=3 * MIB),
    ],
    "arm": [arm_machine.zimage(), arm_machine.zimage(text_offset=0x8000)],
    "riscv64": [riscv64_machine.riscv(), riscv64_machine.riscv(20 * MIB + 1)],
    "ppc64le": [parse_image(ppc64_machine.vmlinux(), "vmlinux")],
}
# cpio(5), "newc": its magic
CPIO = b"070701"
INITRDS = (None, CPIO, CPIO + bytes(5_000_001))
OPTIONS = (
    {},
    {"cmdline": "quiet"},
    {"cmdline": ""},
    {"append": "maxcpus=1"},
    {"kaslr_seed": None, "rng_seed": None},
)


def serious(findings):
    return [str(f) for f in findings if f.severity != "note"]


@pytest.fixture
def machine_named(tmp_path):
    def make(name):
        return Machine(CAPTURES[name]) if name in CAPTURES else MADE[name](tmp_path)

    return make


@pytest.mark.parametrize("name", [*CAPTURES, *MADE])
def test_the_checker_agrees_with_the_planner(machine_named, name):
    """Also without the image's place, where it asks for the lowest one."""
    machine = machine_named(name)
    count = 0
    for image, crash, initrd, options in itertools.product(
        IMAGES[machine.arch], (True, False), INITRDS, OPTIONS
    ):
        plan = make_plan(machine, image, crash=crash, initrd=initrd, **options)
        assert serious(plan.findings) == []
        known = {"machine": machine, "image": image}
        if crash:
            header = plan["elfcorehdr"]
            known["elfcorehdr"] = (header.start, header.data)
        assert serious(check_tree(plan["dtb"].data, **known)) == []
        count += 1
    assert count == len(IMAGES[machine.arch]) * 2 * len(INITRDS) * len(OPTIONS)


def test_the_machines_are_here_and_each_architecture_is_among_them():
    names = {Machine(root).arch for root in CAPTURES.values()}
    assert names | {"riscv64"} == set(IMAGES)


@pytest.mark.parametrize("offset", [0, 1, 4095, 4096, 2 * MIB - 1, 2 * MIB, 5 * MIB])
def test_the_first_start_is_the_first_one_offset_behind_a_boundary(offset):
    """Searched for, byte by byte of a coarse grid and around it."""
    boundary = 2 * MIB
    for low in (0, 1, offset, offset + 1, 2 * MIB, 2 * MIB + offset, 7 * MIB - 1):
        got = first_start(low, boundary, offset)
        assert got >= low
        assert (got - offset) % boundary == 0
        assert got - boundary < low


# What a plan is refused for. Sources: docs/check.md, under each rule


def board(memory):
    """A board's file: it says which board it is, and maybe what memory it has."""
    fdt = Fdt.empty()
    fdt.root.set_u32("#address-cells", 2)
    fdt.root.set_u32("#size-cells", 2)
    fdt.root.set_string("compatible", "acme,board")
    fdt.add_node("/chosen")
    if memory is not None:
        node = fdt.add_node(f"/memory@{memory[0]:x}")
        node.set_string("device_type", "memory")
        node.set_reg("reg", [memory])
    return fdt.to_bytes()


# RAM of the captured machine: 0x40000000, 1 GiB
BOARDS = [
    ("no memory", None, True, "memory-missing"),
    ("no memory", None, False, "memory-missing"),
    ("memory of size 0", (0x4000_0000, 0), True, "memory-missing"),
    ("memory elsewhere", (0x8000_0000, 1 << 30), True, "usable-not-in-memory"),
    ("memory elsewhere", (0x8000_0000, 1 << 30), False, "segment-not-in-memory"),
    ("less memory", (0x4000_0000, 64 << 20), True, "usable-not-in-memory"),
]


@pytest.mark.parametrize(("what", "memory", "crash", "rule"), BOARDS)
def test_the_file_of_a_board_is_judged(what, memory, crash, rule):
    """Field reports: a --dtb that leaves memory to its boot loader was loaded, and the
    kernel hung before it printed a word."""
    machine = Machine(EXAMPLES / "arm64-dt")
    plan = make_plan(machine, arm64(), crash=crash, dtb=board(memory))
    errors = [f for f in plan.findings if f.severity == "error"]
    assert rule in {f.rule for f in errors}, what
    more = f" \\(and {len(errors) - 1} more\\)" if len(errors) > 1 else ""
    with pytest.raises(FdtLoadError, match=rf"{errors[0].rule}.*{more}; force=True"):
        load(plan, machine)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_load_says_how_many_errors_there_are(count):
    plan = make_plan(Machine(EXAMPLES / "arm64-dt"), arm64(), crash=True)
    error = Finding("made-up", "error", "/", "", "", "says so", *[""] * 4)
    plan.findings = (error,) * count
    with pytest.raises(FdtLoadError) as e:
        load(plan)
    assert str(e.value).count("says so") == 1
    assert (f"(and {count - 1} more)" in str(e.value)) == (count > 1)


def test_an_initrd_in_memory_that_the_tree_does_not_have():
    """The tree ends where the initrd starts."""
    machine = Machine(EXAMPLES / "arm64-dt")
    first = make_plan(machine, arm64(), crash=False, initrd=CPIO)
    room = first["initrd"].start - 0x4000_0000
    tree = board((0x4000_0000, room))
    plan = make_plan(machine, arm64(), crash=False, initrd=CPIO, dtb=tree)
    assert plan["initrd"].start == first["initrd"].start
    assert "initrd-not-in-memory" in {f.rule for f in plan.findings}


def test_a_tree_that_lost_what_uefi_said():
    machine = Machine(EXAMPLES / "arm64-uefi-acpi")
    plan = make_plan(machine, arm64(), dtb=board((0x4000_0000, 1 << 30)))
    assert "uefi-lost" in {f.rule for f in plan.findings}


def test_a_plain_kexec_needs_no_fact_about_crash_kernels(tmp_path):
    """The file contradicts /proc/iomem, which matters to a crash kernel alone."""
    shutil.copytree(EXAMPLES / "arm64-dt", tmp_path / "root")
    (tmp_path / "root/sys/kernel/kexec_crash_size").write_text("1\n")
    machine = Machine(tmp_path / "root")
    assert serious(make_plan(machine, arm64(), crash=False).findings) == []


def test_a_machine_without_a_tree_can_be_given_one(tmp_path):
    shutil.copytree(EXAMPLES / "arm64-dt", tmp_path / "root")
    tree = (tmp_path / "root/sys/firmware/fdt").read_bytes()
    shutil.rmtree(tmp_path / "root/sys/firmware")
    plan = make_plan(Machine(tmp_path / "root"), arm64(), crash=False, dtb=tree)
    assert serious(plan.findings) == []


# Versions


@pytest.mark.parametrize(
    ("data", "release"),
    [
        (b"", None),
        (b"Linux version %s (%s)\0", None),
        (b"Linux version ", None),
        (b"x\0Linux version 6.1.0-26-arm64 (a@b) (gcc) #1\0", "6.1.0-26-arm64"),
        (b"Linux version %s\0Linux version 7.3.0-rc1 (x)\n", "7.3.0-rc1"),
        (b"Linux version 6.1\x80\xff (x)", None),
        (b"Linux version 6 (x)", None),
        (b"Linux version " + b"6.1" + b"x" * 100 + b" (x)", "6.1" + "x" * 61),
    ],
)
def test_the_banner_of_a_plain_image(data, release):
    """init/version-timestamp.c linux_banner[]; fs/proc/version.c has its form."""
    assert banner_in(data) == release


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("6.12", (6, 12)),
        ("v6.12-rc1", (6, 12)),
        ("6.1.0-26-arm64", (6, 1)),
        ("7.3+", (7, 3)),
        ("6", None),
        ("6.", None),
        (".1", None),
        ("", None),
        ("6.x", None),
        ("-6.1", None),
        ("\u0666.1", None),
        ("6.123456", None),
    ],
)
def test_versions(text, version):
    assert version_of(text) == version
