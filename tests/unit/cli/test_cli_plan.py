# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""plan, load --dry-run, status, elfcorehdr, capture: on captured machines."""

import json
import os
import re
import shutil
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pyfdtx import Fdt
from pyfdtx.kexec import Machine, core_header_of, make_plan, read_image
from pyfdtx.kexec.arch.arm64.start import trampoline

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
CAPTURES = sorted(p.parent for p in EXAMPLES.glob("arm64-*/RECIPE.txt"))
DT = EXAMPLES / "arm64-dt"
PIECES = ["dtb", "elfcorehdr", "initrd", "kernel", "trampoline"]
NO_SEEDS = ("--kaslr-seed", "none", "--rng-seed", "none")


@pytest.fixture
def image(cli):
    """A header of Linux Documentation/arch/arm64/booting.rst that asks for 20
    MiB, anywhere."""
    head = struct.pack("<2I6Q4sI", 0, 0, 0, 20 << 20, 10, 0, 0, 0, b"ARM\x64", 0)
    path = cli.folder / "Image"
    path.write_bytes(head + bytes(5000))
    (cli.folder / "initrd").write_bytes(b"070701" * 12_000)
    return path


def segments(text):
    return {s["name"]: s for s in json.loads(text)["segments"]}


def test_a_dry_run_writes_every_segment_and_where_it_belongs(cli, image):
    cli.good(
        *("load", "--crash", "Image", "--initrd", "initrd", "--root", DT),
        *("--dry-run", "--output-dir", "out", "--append", "maxcpus=1"),
    )
    out = cli.folder / "out"
    assert sorted(os.listdir(out)) == sorted([*PIECES, "plan.json"])
    facts = segments((out / "plan.json").read_text())
    assert sorted(facts) == PIECES
    for name, fact in facts.items():
        assert (out / name).stat().st_size == fact["bytes"]
    assert (out / "kernel").read_bytes() == image.read_bytes()
    assert (out / "initrd").read_bytes() == b"070701" * 12_000
    assert (out / "elfcorehdr").read_bytes() == core_header_of(Machine(DT))
    kernel, dtb = facts["kernel"]["start"], facts["dtb"]["start"]
    assert (out / "trampoline").read_bytes() == trampoline(kernel, dtb)
    chosen = Fdt((out / "dtb").read_bytes())["/chosen"]
    # the capture's own command line, without crashkernel=256M
    line = "console=ttyAMA0 panic=-1 quiet maxcpus=1"
    assert chosen.get_string("bootargs") == line
    assert chosen.get_u64("linux,initrd-start") == facts["initrd"]["start"]


def test_load_and_plan_agree_with_the_library(cli, image):
    words = ("--crash", "Image", "--root", DT, *NO_SEEDS)
    text = cli.good("plan", "--json", *words)
    cli.good("load", "--dry-run", "--output-dir", "out", *words)
    assert text == (cli.folder / "out/plan.json").read_bytes()
    plan = make_plan(Machine(DT), read_image(image), kaslr_seed=None, rng_seed=None)
    got = segments(text)
    assert json.loads(text)["entry"] == plan.entry
    for s in plan.segments:
        assert got[s.name]["start"] == s.start
        assert (cli.folder / "out" / s.name).read_bytes() == bytes(s.data)


def borders(text):
    """[(address, whether segments may lie there)], and the rows between."""
    found = re.findall(r"(?m)^ *(0x\w+) \+([-=])", text)
    return [(int(a, 16), kind == "=") for a, kind in found]


@pytest.mark.parametrize("root", CAPTURES, ids=lambda p: p.name)
@pytest.mark.parametrize("crash", [True, False], ids=["crash", "plain"])
def test_the_map_shows_all_memory_once_and_every_segment(cli, image, root, crash):
    words = (*["--crash"] * crash, "Image", "--initrd", "initrd", "--root", root)
    text = cli.good("plan", *words).decode("ascii")
    facts = segments(cli.good("plan", "--json", *words))
    assert len({len(line) for line in text.splitlines()[1:] if "..." not in line}) == 1
    addresses = [a for a, _ in borders(text)]
    assert addresses == sorted(addresses)
    ram = Machine(root).ram
    assert (addresses[0], addresses[-1]) == (ram[0].start, ram[-1].stop)
    inside = {a for a, double in borders(text) if double}
    for name, fact in facts.items():
        assert fact["start"] in inside
        assert re.search(rf"(?m)^ +# {name} ", text)


def test_the_drawing_is_well_formed_and_names_every_segment(cli, image):
    cli.good("plan", "--crash", "Image", "--root", DT, "--svg", "map.svg")
    drawing = ET.parse(cli.folder / "map.svg").getroot()
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    texts = [t.text for t in drawing.iter() if t.tag.endswith("}text")]
    for name in set(PIECES) - {"initrd"}:
        assert any(t.startswith(f"{name}, ") for t in texts)
    height = float(drawing.get("height"))
    for box in drawing.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(box.get("y", 0)) + float(box.get("height")) <= height


def test_another_machines_capture_is_not_loaded_here(cli, image):
    line = cli.bad(2, "load", "Image", "--root", DT)
    assert "only --dry-run" in line


def test_what_does_not_fit_is_one_line_with_the_way_out(cli, image):
    (cli.folder / "big").write_bytes(bytes(256 << 20))
    line = cli.bad(1, "plan", "--crash", "Image", "--initrd", "big", "--root", DT)
    assert line.startswith("plan initrd: does not fit into the crash region")
    assert "bytes are missing" in line


def test_files_that_are_not_there_or_not_what_they_should_be(cli, image):
    words = ("--root", DT)
    assert "No such file" in cli.bad(1, "plan", "none", *words)
    assert "device tree blob" in cli.bad(1, "plan", "boot.dtb", *words)
    line = cli.bad(1, "plan", "Image", "--initrd", "none", *words)
    assert line == "none: No such file or directory"
    line = cli.bad(1, "plan", "Image", "--dtb", "initrd", *words)
    assert line.startswith("initrd: ")
    assert "FDT_ERR_BADMAGIC" in line or "FDT_ERR_TRUNCATED" in line
    assert "stdin" in cli.bad(2, "plan", "-", *words)


def test_the_command_line_is_given_once(cli, image):
    words = ("plan", "Image", "--root", DT, "--cmdline", "a", "--reuse-cmdline")
    assert "not allowed with" in cli.bad(2, *words)


def test_elfcorehdr_writes_the_librarys_bytes(cli):
    cli.good("elfcorehdr", "-o", "core", "--root", DT, "--style", "kexec-tools")
    want = core_header_of(Machine(DT), style="kexec-tools")
    assert (cli.folder / "core").read_bytes() == want
    cli.good("elfcorehdr", "-o", "core", "--root", DT, "--exclude", "0x40000000,1M")
    want = core_header_of(Machine(DT), exclude=[(0x40000000, 1 << 20)])
    assert (cli.folder / "core").read_bytes() == want


def test_status_of_a_capture(cli, tmp_path):
    text = cli.good("status", "--root", EXAMPLES / "arm64-high-low").decode()
    assert "crash memory: 256 MiB at 0x12b600000, 64 MiB at 0xf8000000" in text
    shutil.copytree(DT, tmp_path / "loaded")
    (tmp_path / "loaded/sys/kernel/kexec_crash_loaded").write_text("1\n")
    root = ("--root", tmp_path / "loaded")
    assert "crash kernel: loaded\n" in cli.good("status", *root).decode()
    facts = json.loads(cli.good("status", "--json", *root))
    assert (facts["kexec_loaded"], facts["crash_loaded"]) == (None, True)


def test_capture_copies_what_plan_needs(cli, image):
    cli.good("capture", "copy", "--root", DT)
    words = ("plan", "--json", "--crash", "Image", *NO_SEEDS)
    assert cli.good(*words, "--root", "copy") == cli.good(*words, "--root", DT)
    assert "exists already" in cli.bad(1, "capture", "copy", "--root", DT)


@pytest.mark.parametrize(
    "words",
    [
        ("--dtb", "x"),
        ("--verify",),
        ("--kaslr-seed", "none"),
        ("--rng-seed", "00"),
        ("--root-cells", "2/2"),
    ],
    ids=" ".join,
)
def test_by_file_the_kernel_makes_the_tree_and_takes_no_option_for_it(cli, words):
    said = cli.bad(2, "load", "--file", "/nowhere", *words)
    assert said.startswith(f"{words[0]} cannot be combined with --file")


def test_by_file_a_missing_image_is_named(cli):
    """Nothing is loaded: there is no such file."""
    said = cli.bad(1, "load", "--file", "/nowhere", "--cmdline", "x")
    assert said == "kexec_file_load /nowhere: No such file or directory"


def test_exec_wants_to_hear_now(cli):
    assert "say --now, or use 'systemctl kexec'" in cli.bad(2, "exec")


def test_a_huge_initrd_is_not_read_to_say_that_it_does_not_fit(cli, image):
    """More than any memory has; reading it would fail in another way."""
    with (cli.folder / "huge").open("wb") as f:
        f.truncate(1 << 40)
    said = cli.bad(1, "plan", "--crash", "Image", "--initrd", "huge", "--root", DT)
    assert said.startswith(f"plan initrd: {1 << 40} bytes do not fit")


def test_an_initrd_may_come_from_a_pipe(cli, image):
    words = ("--crash", "Image", "--root", DT, *NO_SEEDS, "--json")
    text = cli.good("plan", *words, "--initrd", "/dev/stdin", stdin=b"070701" * 12_000)
    assert text == cli.good("plan", *words, "--initrd", "initrd")


def test_verify_makes_the_trampoline_longer(cli, image):
    words = ("--crash", "Image", "--root", DT, "--json")
    short, long = (
        segments(cli.good("plan", *words, *more))["trampoline"]["bytes"]
        for more in ((), ("--verify",))
    )
    assert short == 40 < long


def board_without_memory():
    """What a board's file is that leaves memory to its boot loader."""
    fdt = Fdt.empty()
    fdt.root.set_u32("#address-cells", 2)
    fdt.root.set_u32("#size-cells", 2)
    fdt.add_node("/chosen")
    return fdt.to_bytes()


@pytest.mark.parametrize("crash", [["--crash"], []], ids=["crash", "plain"])
@pytest.mark.parametrize(
    "command", [("plan",), ("load", "--dry-run", "--output-dir", "out")]
)
def test_a_plan_with_errors_is_refused_unless_forced(cli, image, crash, command):
    """The checker's memory-missing: that kernel hangs before it prints a word."""
    (cli.folder / "board.dtb").write_bytes(board_without_memory())
    words = (*command, *crash, "Image", "--root", DT, "--dtb", "board.dtb")
    line = cli.bad(1, *words)
    assert line.startswith("the kernel would not take this: memory-missing: /: ")
    assert line.endswith("; --force does it all the same")
    assert not (cli.folder / "out").exists()
    status, out, err = cli.run(*words, "--force")
    assert (status, out[:6]) == (0, b"arm64,")
    assert err.startswith(b"pyfdtx: warning: --force overrides memory-missing: ")
    assert (cli.folder / "out").exists() == (command[0] == "load")


def test_findings_are_in_the_plan_for_programs(cli, image):
    text = cli.good("plan", "--json", "Image", "--root", DT, *NO_SEEDS)
    found = {f["rule"]: f for f in json.loads(text)["findings"]}
    assert found["kaslr-seed-missing"]["severity"] == "note"
