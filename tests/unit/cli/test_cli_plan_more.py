# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""plan and elfcorehdr on the captured machines that are not arm64. What is
expected comes from the recipe of each capture: memory (-m), crashkernel=, CPUs.
"""

import json
import re
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from arm_machine import zimage
from image_files import arm64, fit, riscv
from ppc64_machine import vmlinux

from pyfdtx import Fdt

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
MIB, GIB = 1 << 20, 1 << 30
# name: (first byte of memory: QEMU's hw/arm/virt.c, hw/ppc/spapr.c; page; pieces)
MACHINES = {
    "arm-dt": (GIB, 4096, {"kernel", "initrd", "dtb", "elfcorehdr"}),
    "ppc64le-pseries": (
        0,
        64 << 10,
        {"kernel", "backup", "trampoline", "dtb", "initrd", "elfcorehdr"},
    ),
}
# elf(5): class, place of e_phoff, form of a program header and of its fields
# p_type, p_paddr, p_memsz
ELF = {1: (28, "<I", "<8I", (0, 3, 5)), 2: (32, "<Q", "<2I6Q", (0, 4, 6))}


def loads(core):
    at, word, form, places = ELF[core[4]]
    (start,) = struct.unpack_from(word, core, at)
    (count,) = struct.unpack_from("<H", core, 44 if core[4] == 1 else 56)
    size = struct.calcsize(form)
    rows = [struct.unpack_from(form, core, start + i * size) for i in range(count)]
    rows = [[row[p] for p in places] for row in rows]
    return [r[1:] for r in rows if r[0] == 1], sum(r[0] == 4 for r in rows)


@pytest.fixture(params=MACHINES)
def made(request, cli):
    """(name, what plan.json says, the folder with the segments)"""
    name = request.param
    image = cli.folder / "kernel"
    image.write_bytes(zimage().data if name == "arm-dt" else vmlinux())
    (cli.folder / "initrd").write_bytes(b"070701" * 17_000)
    cli.good(
        *("load", "--crash", "kernel", "--initrd", "initrd", "--dry-run"),
        *("--root", EXAMPLES / name, "--output-dir", "out"),
    )
    drawn = cli.good("plan", "--crash", "kernel", "--root", EXAMPLES / name)
    facts = json.loads((cli.folder / "out/plan.json").read_text())
    return name, facts, cli.folder / "out", drawn


def recipe(name):
    command = (EXAMPLES / name / "RECIPE.txt").read_text().splitlines()[1]
    memory = int(re.search(r" -m (\d+)G", command)[1]) * GIB
    region = int(re.search(r"crashkernel=(\d+)M", command)[1]) * MIB
    return memory, region, int(re.search(r"-smp (\d+)", command)[1])


def test_a_plan_lies_in_the_region_and_the_rest_is_dumped(made):
    name, facts, out, drawn = made
    first, page, pieces = MACHINES[name]
    memory, region, cpus = recipe(name)
    assert name.split("-")[0] == facts["arch"]
    assert {s["name"] for s in facts["segments"]} == pieces
    spans = sorted((s["start"], s["start"] + s["size"]) for s in facts["segments"])
    assert all(number % page == 0 for span in spans for number in span)
    assert all(a[1] <= b[0] for a, b in zip(spans, spans[1:]))
    assert spans[-1][1] - spans[0][0] <= region

    dumped, notes = loads((out / "elfcorehdr").read_bytes())
    # pseries keeps RTAS, a page of 64 KiB inside the region, in the dump
    kept = page if name == "ppc64le-pseries" else 0
    assert sum(size for _, size in dumped) == memory - region + kept
    assert min(start for start, _ in dumped) == first
    assert max(start + size for start, size in dumped) == first + memory
    assert notes == cpus + 1  # VMCOREINFO

    chosen = Fdt((out / "dtb").read_bytes())["/chosen"]
    header = next(s for s in facts["segments"] if s["name"] == "elfcorehdr")
    words = chosen.get_string("bootargs").split()
    assert f"elfcorehdr={header['start']:#x}" in words
    assert not any(w.startswith("crashkernel=") for w in words)
    assert b"memory, dumped" in drawn
    assert b"memory, not dumped" not in drawn


def test_check_has_nothing_against_the_tree(made, cli):
    name, facts, _, _ = made
    at = {s["name"]: s["start"] for s in facts["segments"]}
    said = cli.good(
        *("check", "out/dtb", "--root", EXAMPLES / name, "--image", "kernel"),
        *("--elfcorehdr", f"out/elfcorehdr@{at['elfcorehdr']:#x}"),
        *("--load-address", hex(at["dtb"])),
    )
    assert b"error" not in said
    assert b"warning" not in said


def test_the_configuration_of_a_fit_is_chosen_by_name(cli):
    blob = fit({"k1": arm64(), "k2": riscv()}, initrd=b"070701" + bytes(500))
    (cli.folder / "fit.itb").write_bytes(blob)
    words = ("plan", "--crash", "fit.itb", "--root", EXAMPLES / "arm64-dt")
    assert b"initrd" in cli.good(*words, "--fit-config", "conf-k1")
    line = cli.bad(1, *words, "--fit-config", "conf-k2")
    assert "is a kernel of riscv" in line
    assert "choose one with --fit-config: conf-k1, conf-k2" in cli.bad(1, *words)


def test_several_initrds_become_one(cli):
    (cli.folder / "Image").write_bytes(arm64())
    pieces = b"070701" + bytes(101), b"070702" + bytes(50)
    for name, data in zip("ab", pieces):
        (cli.folder / name).write_bytes(data)
    cli.good(
        *("load", "--crash", "Image", "--initrd", "a", "--initrd", "b", "--dry-run"),
        *("--root", EXAMPLES / "arm64-dt", "--output-dir", "out"),
    )
    written = (cli.folder / "out" / "initrd").read_bytes()
    assert written == pieces[0] + b"\0" + pieces[1]
