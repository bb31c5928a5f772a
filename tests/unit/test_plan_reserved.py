# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Placement keeps off what trees reserve and what hardware goes on writing to; crash
trees switch off pools whose memory is gone.

Sources: Linux drivers/of/of_reserved_mem.c, kernel/dma/contiguous.c
rmem_cma_setup(), drivers/irqchip/irq-gic-v3-its.c; field reports (optee_os 2128, u-root
2874 and 2901) and real boards under QEMU.
"""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import arm_machine
import ppc64_machine
import riscv64_machine
from test_plan import arm64
from test_plan_judged import CPIO, serious

from pyfdtx import Fdt, pure
from pyfdtx.codec.reg import MemRange
from pyfdtx.kexec import Crash, check_tree, make_plan, second_kernel_dtb
from pyfdtx.kexec.dtb import native as ways
from pyfdtx.kexec.facts.capture import capture
from pyfdtx.kexec.facts.kmsg import lpi_lines, lpi_tables, read_kmsg
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.image.kernel import parse_image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PAGE, MIB = 4096, 1 << 20
NO_SEEDS = {"kaslr_seed": None, "rng_seed": None}
pytestmark = pytest.mark.filterwarnings("error::pyfdtx.errors.FdtWarning")

MACHINES = {
    "arm64": (lambda root: shutil.copytree(EXAMPLES / "arm64-dt", root), arm64()),
    "arm": (arm_machine.machine_with, arm_machine.zimage()),
    "riscv64": (riscv64_machine.machine, riscv64_machine.riscv()),
    "ppc64le": (
        ppc64_machine.machine,
        parse_image(ppc64_machine.vmlinux(), "vmlinux"),
    ),
}


@pytest.fixture
def machine_of(tmp_path):
    def make(name):
        MACHINES[name][0](tmp_path / "root")
        return Machine(tmp_path / "root"), MACHINES[name][1]

    return make


def reserving(fdt, nodes=(), header=()):
    """The tree with regions (start, size, no-map or not), and header entries."""
    if nodes and "/reserved-memory" not in fdt:
        home = fdt.add_node("/reserved-memory")
        home.set_u32("#address-cells", fdt.root.get_u32("#address-cells"))
        home.set_u32("#size-cells", fdt.root.get_u32("#size-cells"))
        home.set_empty("ranges")
    for start, size, no_map in nodes:
        node = fdt["/reserved-memory"].add(f"fw@{start:x}")
        node.set_reg("reg", [(start, size)])
        if no_map:
            node.set_empty("no-map")
    for entry in header:
        fdt.memreserve.append(*entry)
    return fdt


def own_tree(machine):
    return machine.live_fdt if machine.arch == "ppc64le" else machine.fdt


def overlapping(plan, where):
    start, size = where
    return [
        s.name
        for s in plan.segments
        if s.start < start + size and start < s.start + s.size
    ]


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
@pytest.mark.parametrize("no_map", [True, False], ids=["no-map", "mapped"])
@pytest.mark.parametrize("name", MACHINES)
def test_each_segment_moves_off_what_lies_where_it_would(
    machine_of, name, crash, no_map
):
    """One after the other a region is put under each segment of the plan before, a
    byte in the middle of it; the plan with all of them has none on a region."""
    machine, image = machine_of(name)
    fdt = Fdt(own_tree(machine))
    plan = make_plan(machine, image, crash=crash, initrd=CPIO, dtb=fdt.to_bytes())
    regions = []
    for segment in ("initrd", "dtb", "kernel"):
        s = plan[segment]
        if name == "arm" and segment == "kernel" and crash:
            continue  # lies where its memory starts, or nowhere
        # ppc64's kernel, in a region of few MiB below RTAS, has no other place
        if name == "ppc64le" and segment == "kernel":
            continue
        regions.append((s.start + s.size // 2, 1, no_map))
        fdt = reserving(Fdt(own_tree(machine)), regions)
        plan = make_plan(machine, image, crash=crash, initrd=CPIO, dtb=fdt.to_bytes())
        for start, _, _ in regions:
            assert overlapping(plan, (start // PAGE * PAGE, PAGE)) == []
        assert serious(plan.findings) == []


@pytest.mark.parametrize("name", ["arm64", "arm", "riscv64"])
@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
def test_header_reservations_are_kept_off_too(machine_of, name, crash):
    machine, image = machine_of(name)
    first = make_plan(machine, image, crash=crash, initrd=CPIO)
    where = (first["initrd"].start, PAGE)
    fdt = reserving(Fdt(machine.fdt), header=[where])
    plan = make_plan(machine, image, crash=crash, initrd=CPIO, dtb=fdt.to_bytes())
    assert overlapping(plan, where) == []
    # what the reservation costs a crash kernel is said
    said = {f.rule for f in plan.findings if f.severity != "note"}
    assert said == ({"memreserve-in-usable"} if crash else set())


@pytest.mark.parametrize("name", ["arm64", "arm", "riscv64", "ppc64le"])
def test_a_plain_kexec_keeps_off_what_the_running_tree_reserves(machine_of, name):
    """The tree that is handed over does not; 32-bit arm's /proc/iomem shows none."""
    machine, image = machine_of(name)
    blob = own_tree(machine)
    first = make_plan(machine, image, crash=False, initrd=CPIO, dtb=blob)
    region = (first["initrd"].start, PAGE)
    running = reserving(Fdt(blob), [(*region, False)]).to_bytes()
    if name == "ppc64le":
        root = Path(machine.root) / "sys/firmware"
        root.mkdir(parents=True)
        (root / "fdt").write_bytes(running)
    else:
        (Path(machine.root) / "sys/firmware/fdt").write_bytes(running)
    plan = make_plan(Machine(machine.root), image, crash=False, initrd=CPIO, dtb=blob)
    assert overlapping(plan, region) == []


def test_what_was_reserved_for_the_last_boot_only_is_no_obstacle(machine_of):
    """Its initrd's place is free, as in the tree that is handed over."""
    machine, image = machine_of("arm64")
    first = make_plan(machine, image, crash=False, initrd=CPIO)
    old = (first["initrd"].start, 16 * MIB)
    fdt = reserving(Fdt(machine.fdt), header=[old])
    fdt["/chosen"].set_u64("linux,initrd-start", old[0])
    fdt["/chosen"].set_u64("linux,initrd-end", sum(old))
    plan = make_plan(machine, image, crash=False, initrd=CPIO, dtb=fdt.to_bytes())
    assert plan["initrd"].start == old[0]


@pytest.mark.parametrize(
    "entry", [((1 << 64) - 1, 1), (1 << 63, (1 << 63) - 1)], ids=str
)
def test_a_reservation_at_the_end_of_all_addresses(machine_of, entry):
    machine, image = machine_of("arm64")
    fdt = reserving(Fdt(machine.fdt), header=[entry])
    assert make_plan(machine, image, crash=False, dtb=fdt.to_bytes()).segments


def test_the_reports_case(machine_of):
    """/memreserve/ and two regions in the way of a plain kexec; without the cure the
    kernel lay on the first and the initrd on the no-map one."""
    machine, image = machine_of("arm64")
    fdt = Fdt(machine.fdt)
    in_the_way = [(0x4100_0000, MIB, True), (0x4040_0000, 4 * MIB, False)]
    reserving(fdt, in_the_way, [(0x4000_0000, 0x1_0000)])
    initrd = CPIO + bytes(3 * MIB)
    plan = make_plan(machine, image, crash=False, initrd=initrd, dtb=fdt.to_bytes())
    for start, size, _ in in_the_way:
        assert overlapping(plan, (start, size)) == []
    assert overlapping(plan, (0x4000_0000, 0x1_0000)) == []
    assert serious(plan.findings) == []


# Pools

POOL = MemRange(0x4800_0000, 16 * MIB)
REGION = MemRange(0x6AC0_0000, 256 * MIB)


def with_pool(where=POOL, **props):
    """A board's tree with a pool; props: other properties, _ for -; None: not there."""
    fdt = Fdt.empty()
    fdt.root.set_u32("#address-cells", 2)
    fdt.root.set_u32("#size-cells", 2)
    home = fdt.add_node("/reserved-memory")
    home.set_u32("#address-cells", 2)
    home.set_u32("#size-cells", 2)
    home.set_empty("ranges")
    other = home.add("other@47000000")
    other.set_reg("reg", [(0x4700_0000, MIB)])
    pool = home.add(f"pool@{where.start:x}")
    own = {"compatible": b"shared-dma-pool\0", "reusable": b""}
    for name, value in {**own, **props}.items():
        if value is not None:
            pool[name.replace("_", "-")] = value
    pool.set_reg("reg", [where])
    home.add("behind@49000000").set_reg("reg", [(0x4900_0000, MIB)])
    return fdt


def crash_tree(fdt, **more):
    crash = Crash(elfcorehdr=(0x7AB0_0000, 0x1000), usable=[REGION])
    return second_kernel_dtb(fdt.to_bytes(), crash=crash, **NO_SEEDS, **more)


def status(blob, name=f"pool@{POOL.start:x}"):
    value = Fdt(blob)[f"/reserved-memory/{name}"].get("status")
    return value if value is None else value.split(b"\0")[0].decode()


@pytest.mark.parametrize("arch", ["arm64", "riscv"])
@pytest.mark.parametrize("old", [None, b"okay\0", b"ok\0", b"okay\0\0\0"])
def test_a_pool_that_is_gone_is_switched_off(arch, old):
    """Found with 16 of Debian's armhf trees (AM57xx, DRA7): the crash kernel oopses
    in cma_init_reserved_areas() before it prints a word."""
    fdt = with_pool(status=old)
    blob = crash_tree(fdt, arch=arch)
    assert status(blob) == "disabled"
    assert status(blob, "other@47000000") is None
    assert "cma-lost" not in {f.rule for f in check_tree(blob)}
    # A plain kexec's kernel has that memory
    assert status(second_kernel_dtb(fdt.to_bytes(), **NO_SEEDS)) != "disabled"


@pytest.mark.parametrize(
    ("where", "props"),
    [
        (MemRange(REGION.start, MIB), {}),
        (MemRange(REGION.stop - MIB, MIB), {}),
        (POOL, {"reusable": None}),
        (POOL, {"no_map": b""}),
        (POOL, {"compatible": b"x,shared-dma-pool\0"}),
        (POOL, {"compatible": None}),
        (POOL, {"status": b"reserved\0"}),
    ],
)
def test_other_nodes_stay_as_they_are(where, props):
    """In usable memory; or not what rmem_cma_setup() takes for a pool."""
    fdt = with_pool(where, **props)
    old = fdt[f"/reserved-memory/pool@{where.start:x}"].get_string(
        "status", default=None
    )
    assert status(crash_tree(fdt), f"pool@{where.start:x}") == old


def test_a_pool_half_in_usable_memory_is_gone():
    for start in (REGION.start - MIB, REGION.stop - MIB):
        where = MemRange(start, 2 * MIB)
        fdt = with_pool(where)
        assert status(crash_tree(fdt), f"pool@{start:x}") == "disabled"


@pytest.mark.parametrize("spoil", ["#address-cells", "#size-cells", "ranges"])
def test_regions_that_linux_ignores_are_left_alone(spoil):
    """__reserved_mem_check_root()."""
    fdt = with_pool()
    if spoil == "ranges":
        del fdt["/reserved-memory"]["ranges"]
    else:
        fdt["/reserved-memory"].set_u32(spoil, 1)
    assert status(crash_tree(fdt)) is None


TWINS = [
    {},
    {"status": b"okay\0"},
    {"status": b"okay\0\0\0\0\0\0\0\0\0\0\0\0"},
    {"status": b"ok\0"},
    {"status": b""},
    {"status": b"disabled\0"},
    {"compatible": b"a\0shared-dma-pool\0b\0"},
    {"no_map": b""},
    {"reusable": None},
    {"xstatus": b"okay\0"},
]


@pytest.mark.parametrize("props", TWINS, ids=str)
@pytest.mark.parametrize("way", [ways.run_engine, ways.run_libfdt])
def test_the_ways_write_the_same_bytes(monkeypatch, props, way):
    """The engine, libfdt, and plain Python: docs/second-kernel.md, step 2."""
    monkeypatch.setattr(ways, "_way", way)
    for where in (POOL, MemRange(REGION.start, MIB)):
        fdt = with_pool(where, **props)
        crash = ((0x7AB0_0000, 0x1000), (REGION,))
        want = pure.second_kernel_dtb(fdt.to_bytes(), crash=crash, **NO_SEEDS)
        assert crash_tree(fdt) == want


def test_several_pieces_one_of_which_is_gone():
    fdt = with_pool()
    pool = fdt[f"/reserved-memory/pool@{POOL.start:x}"]
    pool.set_reg("reg", [(REGION.start, MIB), POOL])
    crash = ((0x7AB0_0000, 0x1000), (REGION,))
    want = pure.second_kernel_dtb(fdt.to_bytes(), crash=crash, **NO_SEEDS)
    assert crash_tree(fdt) == want
    assert status(want) == "disabled"


# LPI tables. The lines are Linux's own: its_setup_lpi_prop_table(), its_cpu_init_lpis()

LOG = """\
6,61,0,-;GICv3: CPU0: found redistributor 0 region 0:0x00000000080a0000
6,62,0,-;ITS@0x0000000008080000: allocated 8192 Devices @41d50000 (indirect, esz 8)
6,64,0,-;GICv3: using LPI property table @0x0000000041d60000
6,65,0,-;GICv3: CPU0: using allocated LPI pending table @0x0000000041d70000
6,90,0,-;GICv3: CPU1: using reserved LPI pending table @0x0000000041d80000
6,91,0,-;GICv3: CPU1: using reserved LPI pending table @0x0000000041d80000
6,99,5,-;made up: LPI pending table @0xzz
6,99,5,-;made up: LPI pending table @0x0
"""
TABLES = [MemRange(0x41D6_0000 + i * 0x1_0000, 0x1_0000) for i in range(3)]


def with_its(machine, *, uefi=False):
    """The same machine with a GICv3 and its ITS."""
    fdt = Fdt(machine.fdt)
    fdt.add_node("/its@8080000").set_string("compatible", "arm,gic-v3-its")
    if uefi:
        fdt["/chosen"].set_u64("linux,uefi-system-table", 0x7F00_0000)
    (Path(machine.root) / "sys/firmware/fdt").write_bytes(fdt.to_bytes())
    return Machine(machine.root)


def test_the_log_tells_where_the_tables_are():
    assert lpi_tables(LOG) == TABLES
    assert lpi_tables(lpi_lines(LOG)) == TABLES
    assert len(lpi_lines(LOG).splitlines()) == 6


def test_a_plain_kexec_keeps_off_the_tables_and_reserves_them(machine_of):
    machine, image = machine_of("arm64")
    machine = with_its(machine)
    path = Path(machine.root) / "dev/kmsg.lpi"
    path.parent.mkdir()
    path.write_text(lpi_lines(LOG))
    plan = make_plan(machine, image, crash=False, initrd=CPIO + bytes(9 * MIB))
    for table in TABLES:
        assert overlapping(plan, table) == []
        assert table in list(Fdt(plan["dtb"].data).memreserve)
    assert len(plan.notes) == 1
    assert "3 tables of LPIs, from 0x41d60000 on" in plan.notes[0]
    assert serious(plan.findings) == []
    # a crash kernel's memory is elsewhere
    crash = make_plan(machine, image, crash=True)
    assert crash.notes == ()
    assert not set(TABLES) & set(Fdt(crash["dtb"].data).memreserve)
    # and a copy of the machine has the lines
    capture(Path(machine.root).parent / "copy", machine.root)
    copied = Machine(Path(machine.root).parent / "copy")
    assert copied.lpi_tables == tuple(TABLES)


def test_tables_that_are_reserved_already_are_not_reserved_twice(machine_of):
    machine, image = machine_of("arm64")
    machine = with_its(machine)
    fdt = reserving(Fdt(machine.fdt), header=[(0x41D0_0000, MIB)])
    (Path(machine.root) / "sys/firmware/fdt").write_bytes(fdt.to_bytes())
    (Path(machine.root) / "dev").mkdir()
    (Path(machine.root) / "dev/kmsg.lpi").write_text(LOG)
    plan = make_plan(Machine(machine.root), image, crash=False)
    assert list(Fdt(plan["dtb"].data).memreserve).count((0x41D0_0000, MIB)) == 1
    assert not set(TABLES) & set(Fdt(plan["dtb"].data).memreserve)


def test_without_a_log_the_danger_is_said(machine_of):
    machine, image = machine_of("arm64")
    plan = make_plan(with_its(machine), image, crash=False)
    assert len(plan.notes) == 1
    assert "log does not tell" in plan.notes[0]


def test_uefi_hands_the_tables_on_by_itself(machine_of):
    machine, image = machine_of("arm64")
    assert make_plan(with_its(machine, uefi=True), image, crash=False).notes == ()


def test_a_log_is_read_record_by_record(tmp_path):
    """A file stands for /dev/kmsg; the device gives a record for each read."""
    (tmp_path / "log").write_text(LOG * 100)
    assert read_kmsg(str(tmp_path / "log")) == LOG * 100
