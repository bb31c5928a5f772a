# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""plan, load --dry-run and check on a machine of 32-bit arm."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from arm_machine import machine_with, zimage

from pyfdtx import Fdt
from pyfdtx.kexec.elfcore import core_header_of


@pytest.fixture
def machine(cli):
    (cli.folder / "zImage").write_bytes(zimage().data)
    (cli.folder / "initrd").write_bytes(b"070701" * 12_000)
    return machine_with(cli.folder / "root")


PLAN = ("--crash", "zImage", "--initrd", "initrd", "--root", "root")


def test_what_load_writes_is_what_check_takes(cli, machine):
    cli.good("load", "--dry-run", "--output-dir", "out", *PLAN)
    out = cli.folder / "out"
    facts = json.loads((out / "plan.json").read_text())
    places = {s["name"]: s["start"] for s in facts["segments"]}
    assert sorted(places) == ["dtb", "elfcorehdr", "initrd", "kernel"]
    assert facts["entry"] == places["kernel"]
    assert (out / "elfcorehdr").read_bytes() == core_header_of(machine)
    arguments = (
        *("--root", "root", "--image", "zImage", "--kernel", "6.1"),
        *("--load-address", f"{places['dtb']:#x}"),
        *("--elfcorehdr", f"out/elfcorehdr@{places['elfcorehdr']:#x}"),
    )
    cli.good("check", "out/dtb", *arguments)
    # told where the zImage lies, too: its room counts from the start of memory
    at = f"{places['kernel']:#x}"
    cli.good("check", "out/dtb", *arguments, "--image-address", at)

    # The header's place is the opposite of arm64's
    fdt = Fdt((out / "dtb").read_bytes())
    region = [machine.crash_main]
    fdt["/chosen"].set_reg("linux,usable-memory-range", region, parent="/")
    line = fdt["/chosen"].get_string("bootargs").partition(" mem=")[0]
    fdt["/chosen"]["bootargs"] = line.encode() + b"\0"
    (out / "dtb").write_bytes(fdt.to_bytes())
    status, said, _ = cli.run("check", "out/dtb", *arguments)
    assert status == 1
    assert b"elfcorehdr-inside-usable" in said


def test_the_plan_is_drawn(cli, machine):
    text = cli.good("plan", *PLAN).decode()
    for piece in ("kernel", "initrd", "dtb", "elfcorehdr"):
        assert piece in text
    assert "trampoline" not in text
