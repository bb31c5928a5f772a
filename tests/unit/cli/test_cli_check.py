# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""`pyfdtx check` as people run it; the rules are tested in test_check_rules.py."""

import doctest
import json
import shutil
from pathlib import Path

import pytest

from pyfdtx.kexec import Crash, Machine, core_header_of, second_kernel_dtb
from pyfdtx.kexec.check.checker import RULES, Finding, check_tree, rules_table

ROOT = Path(__file__).resolve().parents[3]
MACHINE = ROOT / "examples/arm64-dt"
MIB = 1 << 20


@pytest.fixture
def crash(cli):
    """crash.dtb and core.bin for the captured machine, as a loader makes them."""
    machine = Machine(MACHINE)
    core = core_header_of(machine)
    main = machine.crash_main
    header = (main.stop - len(core), len(core))
    crash = Crash(elfcorehdr=header, usable=machine.crash_ranges)
    blob = second_kernel_dtb(machine.fdt, crash=crash, cmdline="maxcpus=1")
    (cli.folder / "crash.dtb").write_bytes(blob)
    (cli.folder / "core.bin").write_bytes(core)
    return header[0]


def broken(cli, **edits):
    """crash.dtb with other properties in /chosen, as bad.dtb."""
    words = [str(cli.folder / "crash.dtb"), "/chosen"]
    for name, value in edits.items():
        cli.good("set", *words, name, "-t", "bytes", value, "-o", "bad.dtb")
        words[0] = "bad.dtb"


def test_a_good_tree_is_one_line_and_status_0(cli, crash):
    out = cli.good(
        "check", "crash.dtb", "--root", MACHINE, "--kernel", "6.1.192",
        "--elfcorehdr", f"core.bin@{crash:#x}", "--load-address", "0x70000000",
    )  # fmt: skip
    assert out == b"crash.dtb: nothing found\n"


def test_a_machine_whose_files_hide_its_architecture_is_told_by_arch(cli, crash):
    copy = cli.folder / "machine"
    shutil.copytree(MACHINE, copy)
    for name in ("proc/sys/kernel/arch", "proc/cpuinfo"):
        (copy / name).unlink(missing_ok=True)
    args = ("check", "crash.dtb", "--root", "machine")
    assert cli.bad(1, *args).endswith("kernel/arch: is missing; say which: --arch")
    assert cli.good(*args, "--arch", "arm64") == b"crash.dtb: nothing found\n"
    assert "the machine is arm64" in cli.bad(
        2, "check", "crash.dtb", "--root", MACHINE, "--arch", "arm"
    )


def test_the_tree_may_come_from_stdin(cli, crash):
    blob = (cli.folder / "crash.dtb").read_bytes()
    assert cli.good("check", "-", stdin=blob) == b"stdin: nothing found\n"


def test_an_error_is_drawn_with_all_its_words_and_status_1(cli, crash):
    broken(cli, bootargs="61")
    status, out, err = cli.run("check", "bad.dtb")
    assert (status, err) == (1, b"")
    (found,) = check_tree((cli.folder / "bad.dtb").read_bytes())
    lines = out.decode().splitlines()
    assert lines[0] == "bad.dtb: 1 error, 0 warnings, 0 notes"
    assert lines[2] == "error  cmdline-no-nul"
    assert max(map(len, lines)) <= 80
    flat = " ".join(out.decode().split())
    for text in (found.where, found.why, found.effect, found.way_out, found.source):
        assert text in flat


def test_warnings_and_notes_leave_status_0(cli):
    out = cli.good("check", MACHINE / "sys/firmware/fdt").decode()
    assert "kaslr-seed-zero" in out
    assert "0 errors, 1 warning, 2 notes" in out


def test_json_has_every_field_of_every_finding(cli, crash):
    broken(cli, bootargs="61")
    status, out, err = cli.run("check", "--json", "bad.dtb")
    assert (status, err) == (1, b"")
    whole = json.loads(out)
    assert [whole[k] for k in ("errors", "warnings", "notes")] == [1, 0, 0]
    found = check_tree((cli.folder / "bad.dtb").read_bytes())
    assert [Finding(**row) for row in whole["findings"]] == found
    assert json.loads(cli.good("check", "--json", "crash.dtb"))["findings"] == []


def test_the_options_reach_the_rules(cli, crash):
    def rules(*words):
        _, out, err = cli.run("check", "--json", "crash.dtb", *words)
        assert err == b""
        return [row["rule"] for row in json.loads(out)["findings"]]

    assert rules("--load-address", "0x70000004") == ["dtb-misaligned"]
    assert rules("--elfcorehdr", "core.bin@0x70000000") == ["core-address"]
    assert "elfcorehdr-inside-usable" in rules("--arch", "arm")
    assert rules("--root", ROOT / "examples/arm64-high-low") != []
    (cli.folder / "Image").write_bytes(
        # riscv's header: magics at 48 and 56, image_size at 16
        bytes(16)
        + MIB.to_bytes(8, "little")
        + bytes(24)
        + b"RISCV\0\0\0RSC\5"
        + bytes(4)
    )
    assert rules("--image", "Image") == ["image-arch"]


def test_the_kernel_decides_how_many_ranges_are_read(cli, crash):
    ranges = "".join(
        f"{start:016x}{MIB:016x}" for start in (0x6B000000, 0x6C000000, 0x6D000000)
    )
    name = "linux,usable-memory-range"
    broken(cli, **{name: ranges, "linux,elfcorehdr": f"{0x6B000000:016x}{4096:016x}"})
    for version, status in (("7.2", 1), ("7.3", 0)):
        got, out, _ = cli.run("check", "bad.dtb", "--kernel", version)
        assert got == status, out.decode()
        assert (b"usable-too-many" in out) == bool(status)


def test_rules_prints_the_table(cli):
    assert cli.good("check", "--rules").decode() == rules_table()
    assert rules_table().count("\n") == len(RULES) + 2


def test_wrong_usage_is_status_2(cli, crash):
    assert "no DTB" in cli.bad(2, "check")
    assert "FILE@ADDR" in cli.bad(2, "check", "crash.dtb", "--elfcorehdr", "core.bin")
    assert "not a number" in cli.bad(2, "check", "crash.dtb", "--elfcorehdr", "c@x")
    assert "not a version" in cli.bad(2, "check", "crash.dtb", "--kernel", "new")
    assert "invalid choice" in cli.bad(2, "check", "crash.dtb", "--arch", "mips")
    line = cli.bad(2, "check", "crash.dtb", "--arch", "arm", "--root", MACHINE)
    assert "the machine is arm64" in line
    assert "64-bit" in cli.bad(2, "check", "crash.dtb", "--load-address", hex(1 << 64))


def test_what_cannot_be_judged_is_one_line_and_status_1(cli, crash):
    (cli.folder / "text").write_text("no tree")
    assert cli.bad(1, "check", "text").startswith("text: ")
    assert (
        cli.bad(1, "check", "missing.dtb") == "missing.dtb: No such file or directory"
    )
    line = cli.bad(1, "check", "crash.dtb", "--elfcorehdr", "missing@0x1000")
    assert line == "missing: No such file or directory"
    assert "text" in cli.bad(1, "check", "crash.dtb", "--image", "text")
    line = cli.bad(1, "check", "crash.dtb", "--root", cli.folder)
    assert "has no machine's files, no proc and no sys" in line


def test_a_machine_that_hides_its_addresses_says_what_to_do(cli, crash):
    shutil.copytree(MACHINE, cli.folder / "m")
    iomem = cli.folder / "m/proc/iomem"
    iomem.write_text("00000000-00000000 : System RAM\n")
    assert "run as root" in cli.bad(1, "check", "crash.dtb", "--root", "m")


def test_nothing_of_the_tree_moves_the_cursor(cli):
    from pyfdtx import pure

    evil = ("", [], [("chosen", [], []), ("a\x1b[2J", [], []), ("a\x1b[2J", [], [])])
    (cli.folder / "evil.dtb").write_bytes(pure.flatten(evil))
    _, out, _ = cli.run("check", "evil.dtb")
    assert b"duplicate-node" in out
    assert b"\x1b" not in out


def test_the_examples_of_the_page_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    options = doctest.NORMALIZE_WHITESPACE
    page = str(ROOT / "docs/check.md")
    result = doctest.testfile(page, module_relative=False, optionflags=options)
    assert result.failed == 0
    assert result.attempted >= 4
