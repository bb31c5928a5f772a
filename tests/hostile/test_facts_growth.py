# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What is made of a machine's files grows no faster than they do: four times as long a
file takes four times as long, not sixteen."""

import shutil
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from growth import LIMIT, ratio

from pyfdtx import pure
from pyfdtx.errors import FdtBadContent, FdtMachineError, FdtNoRoom
from pyfdtx.files.reading import LIMITS
from pyfdtx.kexec.arch.ppc64.firmware import kept
from pyfdtx.kexec.check.checker import check_tree
from pyfdtx.kexec.facts.iomem import parse
from pyfdtx.kexec.facts.machine import Machine
from pyfdtx.kexec.facts.ranges import Ranges
from pyfdtx.kexec.facts.vmcoreinfo import Vmcoreinfo
from pyfdtx.kexec.image.kernel import parse_image
from pyfdtx.kexec.place import job
from pyfdtx.kexec.place.plan import make_plan
from pyfdtx.tree.fdt import Fdt

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MIB = 1 << 20


def iomem(n, step=4096, size=2048):
    rows = (f"{i * step:x}-{i * step + size - 1:x} : System RAM\n" for i in range(n))
    return "".join(rows)


def fresh(text):
    """A machine that has read its iomem already."""
    machine = Machine("/nowhere", arch="x86_64")
    machine._facts["iomem"] = parse(text, "iomem")
    return machine


def with_loads(n):
    """As many pieces of mapped memory as of memory, none of which is in memory."""
    machine = fresh(iomem(n))
    _ = machine.ram
    machine._facts["kcore_loads"] = tuple(
        load((i << 12, (i << 12) + 2048, 16)) for i in range(n)
    )
    return machine


def load(row):
    from pyfdtx.kexec.facts.kcore import Load

    return Load(row)


def mapping(machine):
    with pytest.raises(FdtMachineError, match="does not tell where"):
        _ = machine.mapping


def core(n):
    """ELF64 of ppc64le, elf(5): a core header of n PT_LOADs in the first 64 KiB."""
    head = struct.pack(
        *("<16s2HI3QI6H", b"\x7fELF\2\1\1", 4, 21, 1, 0, 64, 0, 0, 64),
        *(56, n, 0, 0, 0),
    )
    return head + struct.pack("<2I6Q", 1, 7, 1 << 40, 0, 0, 16, 16, 0) * n


def tree_of(n):
    reserved = [(i << 20, 4096) for i in range(1, n)]
    chosen = ("chosen", [("bootargs", b"elfcorehdr=0x10000\0")], [])
    return pure.flatten(("", [], [chosen]), reserved)


WAYS = {
    "iomem": (lambda n: lambda: iomem(n), lambda text: parse(text, "iomem"), 2000),
    "ram": (lambda n: lambda: fresh(iomem(n)), lambda m: m.ram, 2000),
    "free_ram": (lambda n: lambda: fresh(iomem(n)), lambda m: m.free_ram, 2000),
    "mapping": (lambda n: lambda: with_loads(n), mapping, 1000),
    "covers": (
        lambda n: lambda: Ranges((2 * i, 1) for i in range(n)),
        lambda ranges: [ranges.covers((i, 1)) for i in range(0, len(ranges) * 2, 2)],
        2000,
    ),
    "vmcoreinfo": (
        lambda n: lambda: "".join(f"SYMBOL(s{i})=1\n" for i in range(n)),
        lambda text: Vmcoreinfo(text, "note").symbol("s1"),
        2000,
    ),
    "check": (
        lambda n: lambda: (tree_of(n), core(n)),
        lambda both: check_tree(both[0], arch="ppc64le", elfcorehdr=(1 << 16, both[1])),
        1000,
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_cost_is_linear(way):
    make, act, n = WAYS[way]
    assert ratio(act, make, n) < LIMIT


def test_a_plan_tries_few_holes(monkeypatch, tmp_path):
    """Each has room for the kernel, none for the initrd above it."""
    root = tmp_path / "root"
    shutil.copytree(EXAMPLES / "arm64-dt", root)
    holes = iomem(2000, step=1 << 36, size=64 * MIB)
    (root / "proc/iomem").write_text(holes)
    (root / "sys/kernel/kexec_crash_size").unlink(missing_ok=True)
    head = struct.pack("<2I6Q4sI", 0, 0, 0, 20 * MIB, 10, 0, 0, 0, b"ARM\x64", 0)
    tries = []
    real = job.Job._around

    def counted(self, *args):
        tries.append(args)
        return real(self, *args)

    monkeypatch.setattr(job.Job, "_around", counted)
    with pytest.raises(FdtNoRoom):
        make_plan(
            Machine(root),
            parse_image(head + bytes(100)),
            crash=False,
            initrd=bytes(65 * MIB),
        )
    assert 1 <= len(tries) <= 2 * job.MAX_TRIES


def test_crash_regions_are_counted(tmp_path):
    root = tmp_path / "root"
    shutil.copytree(EXAMPLES / "arm64-dt", root)
    rows = [f"{i << 12:x}-{(i << 12) + 2047:x} : Crash kernel" for i in range(17)]
    text = "0-ffffffff : System RAM\n" + "".join(f"  {row}\n" for row in rows)
    (root / "proc/iomem").write_text(text)
    with pytest.raises(FdtMachineError, match="has 17 crash regions"):
        _ = Machine(root).crash_ranges


@pytest.mark.parametrize("count", [1024, 1025])
def test_tables_of_firmware_are_counted(count):
    one = [("linux,tce-base", bytes(7) + b"\1"), ("linux,tce-size", b"\0\0\0\1")]
    nodes = [(f"pci@{i}", one, []) for i in range(count)]
    fdt = Fdt(pure.flatten(("", [], nodes), []))
    if count == 1024:
        assert len(kept(fdt)) == count
        return
    with pytest.raises(FdtBadContent, match="more than a machine has"):
        kept(fdt)


def test_the_table_of_limits_fits_what_kernels_show():
    """Of the captured machines each file has a hundredth of its limit or less."""
    from pyfdtx.kexec.facts.machine import KINDS

    for name, kind in KINDS.items():
        for root in EXAMPLES.iterdir():
            if (root / name).is_file():
                assert (root / name).stat().st_size * 100 < LIMITS[kind], root / name
