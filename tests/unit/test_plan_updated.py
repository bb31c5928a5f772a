# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Core headers that the kernel writes anew as memory and CPUs come and go.

Linux kernel/crash_core.c crash_handle_hotplug_event(): the new header goes into the
segment that starts like an ELF file, as far as its memsz goes; the crash kernel reads
as much as the property says, and what lies behind it may be taken by others.
"""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from image_files import arm64
from ppc64_machine import machine as ppc64_machine
from ppc64_machine import vmlinux

from pyfdtx import Fdt
from pyfdtx.errors import FdtMachineError
from pyfdtx.kexec import Machine, core_header_of, make_plan, parse_image
from pyfdtx.kexec.place import job

DT = Path(__file__).resolve().parents[2] / "examples" / "arm64-dt"
OLD, NEW = (
    "sys/kernel/crash_elfcorehdr_size",
    "sys/kernel/kexec/crash_elfcorehdr_size",
)
IMAGE = parse_image(arm64(image_size=20 << 20))
SEEDS = {"kaslr_seed": None, "rng_seed": None}


@pytest.fixture
def root(tmp_path):
    shutil.copytree(DT, tmp_path / "root")
    return tmp_path / "root"


def put(root, name, text):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    return Machine(root)


@pytest.mark.parametrize("name", [OLD, NEW])
@pytest.mark.parametrize("room", [16_384, 20_000, 300_000])
def test_segment_property_and_reservation_have_what_it_may_grow_to(root, name, room):
    machine = put(root, name, f"{room}\n")
    plan = make_plan(machine, IMAGE, **SEEDS)
    header = plan["elfcorehdr"]
    assert plan.updated
    assert header.size == -(-room // 4096) * 4096
    whole = core_header_of(machine)
    assert bytes(header.data) == whole + bytes(room - len(whole))
    fdt = Fdt(plan["dtb"].data)
    where = (header.start, room)
    assert [tuple(r) for r in fdt["/chosen"].reg("linux,elfcorehdr")] == [where]
    assert where in [tuple(r) for r in fdt.memreserve]
    assert [f for f in plan.findings if f.severity == "error"] == []


def test_without_the_file_nothing_changes(root):
    plan = make_plan(Machine(root), IMAGE, **SEEDS)
    assert not plan.updated
    assert plan["elfcorehdr"].data == core_header_of(Machine(root))


def test_where_it_cannot_be_kept_it_is_not_asked_for(root):
    machine = put(root, OLD, "65536\n")
    # The kernel would write excluded memory back
    assert not make_plan(machine, IMAGE, exclude=[(0x50000000, 4096)]).updated
    assert not make_plan(machine, IMAGE, crash=False).updated
    # Less than there is now
    assert not make_plan(put(root, OLD, "64\n"), IMAGE).updated
    assert not make_plan(put(root, OLD, "0\n"), IMAGE).updated


def test_ppc64_has_rules_of_its_own(tmp_path):
    machine = ppc64_machine(tmp_path)
    put(tmp_path, OLD, "65536\n")
    assert not make_plan(machine, parse_image(vmlinux(), "vmlinux")).updated


@pytest.mark.parametrize("text", ["x\n", "-1\n", f"{1 << 40}\n"])
def test_a_size_that_is_none_is_refused(root, text):
    with pytest.raises(FdtMachineError, match="crash_elfcorehdr_size"):
        make_plan(put(root, OLD, text), IMAGE)


def test_the_checksum_leaves_it_out(root, monkeypatch):
    """Else the first plugged CPU would stop the crash kernel."""
    sums = []
    real = job.digest_of

    def kept(segments):
        sums.append([s.name for s in segments])
        return real(segments)

    monkeypatch.setattr(job, "digest_of", kept)
    machine = put(root, OLD, "65536\n")
    plan = make_plan(machine, IMAGE, verify=True, **SEEDS)
    (names,) = sums
    assert sorted(names) == ["dtb", "kernel"]
    without = make_plan(put(root, OLD, "0\n"), IMAGE, verify=True, **SEEDS)
    assert sorted(sums[1]) == ["dtb", "elfcorehdr", "kernel"]
    # Each place has its code for as many segments
    assert plan["trampoline"].size == without["trampoline"].size
