# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""crash-dtb and kexec-dtb hand their arguments on, each to its place.

The second opinion is pyfdtx.pure.second_kernel_dtb(), called with the values
that the arguments stand for.
"""

from pathlib import Path

import pytest

from pyfdtx import Fdt, pure
from pyfdtx.codec.reg import MemRange

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
CAPTURED = sorted(EXAMPLES.glob("*/sys/firmware/fdt"))
HEADER, MAIN, LOW = (0x4FFF0000, 0x400), (0x49000000, 112 << 20), (0x1000, 16 << 20)
CRASH = ("--elfcorehdr", "0x4fff0000,1024", "--usable", "0x49000000,112M")
SEEDS = ("--kaslr-seed", "0x1122334455667788", "--rng-seed", "00ff10")
GIVEN = {"kaslr_seed": 0x1122334455667788, "rng_seed": b"\0\xff\x10"}


def both(cli, boot, args, expected, crash=((HEADER), (MAIN,))):
    command = "crash-dtb" if crash else "kexec-dtb"
    more = CRASH if crash else ()
    cli.good(command, "boot.dtb", "-o", "out.dtb", *more, *SEEDS, *args)
    got = (cli.folder / "out.dtb").read_bytes()
    keywords = {**GIVEN, **expected}
    if crash:
        keywords["crash"] = crash
    assert got == pure.second_kernel_dtb(boot, **keywords)
    return Fdt(got)


@pytest.mark.parametrize("crash", [(HEADER, (MAIN,)), None], ids=["crash", "kexec"])
@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((), {}),
        (("--initrd", "none"), {"initrd": None}),
        (("--initrd", "0x4a000000,20M"), {"initrd": (0x4A000000, 20 << 20)}),
        (("--cmdline", "console=tty0"), {"cmdline": "console=tty0"}),
        (("--cmdline", ""), {"cmdline": ""}),
        (("--append", "maxcpus=1 nr=2"), {"append": "maxcpus=1 nr=2"}),
        (("--append=-x",), {"append": "-x"}),
        (("--kaslr-seed", "none"), {"kaslr_seed": None}),
        (("--kaslr-seed", "ff"), {"kaslr_seed": 0xFF}),
        (("--rng-seed", "none"), {"rng_seed": None}),
        (("--rng-seed", "0xAB"), {"rng_seed": b"\xab"}),
        (("--arch", "riscv"), {"arch": "riscv"}),
        (("--root-cells", "2/2"), {"root_cells": "2/2"}),
        (("--old-dtb", "0x48000000,4K"), {"old_dtb": (0x48000000, 0x1000)}),
        (("--load-address", "0x4b000008"), {"load_address": 0x4B000008}),
    ],
)
def test_every_argument_reaches_its_place(cli, boot, args, expected, crash):
    both(cli, boot, args, expected, crash)


def test_an_arm_header_lies_outside_usable_memory(cli, boot):
    cli.good(
        "crash-dtb", "boot.dtb", "-o", "out.dtb", "--arch", "arm", *SEEDS,
        "--elfcorehdr", "0x4ff00000,1K", "--usable", "0x49000000,111M",
    )  # fmt: skip
    crash = ((0x4FF00000, 1024), ((0x49000000, 111 << 20),))
    expected = pure.second_kernel_dtb(boot, arch="arm", crash=crash, **GIVEN)
    assert (cli.folder / "out.dtb").read_bytes() == expected


def test_usable_ranges_keep_their_order(cli, boot):
    fdt = both(cli, boot, ("--usable", "0x1000,16M"), {}, (HEADER, (MAIN, LOW)))
    assert fdt["/chosen"].reg("linux,usable-memory-range") == [
        MemRange(*MAIN),
        MemRange(*LOW),
    ]


def test_more_ranges_than_the_kernel_reads_must_be_asked_for(cli, boot):
    three = ("--usable", "0x1000,16M", "--usable", "0,1K")
    args = ("crash-dtb", "boot.dtb", "-o", "out.dtb", *CRASH, *three)
    assert "--max-usable 2" in cli.bad(2, *args)
    crash = (HEADER, (MAIN, LOW, (0, 1024)))
    both(cli, boot, (*three, "--max-usable", "3"), {"max_usable": 3}, crash)


@pytest.mark.parametrize("command", [("crash-dtb", *CRASH), ("kexec-dtb",)])
def test_the_same_seeds_give_the_same_bytes_and_random_ones_do_not(cli, command):
    name, *more = command
    args = (name, "boot.dtb", "-o", "-", *more)
    assert cli.good(*args, *SEEDS) == cli.good(*args, *SEEDS)
    once, twice = Fdt(cli.good(*args)), Fdt(cli.good(*args))
    for seed, length in (("kaslr-seed", 8), ("rng-seed", 128)):
        assert len(once["/chosen"][seed]) == length
        assert once["/chosen"][seed] != twice["/chosen"][seed]


def test_a_warning_is_one_line_and_the_file_is_written(cli):
    """The reservation of boot.dtb lies in the usable range."""
    status, out, err = cli.run(
        "crash-dtb", "boot.dtb", "-o", "out.dtb",
        "--elfcorehdr", "0x4fff0000,1K", "--usable", "0x48000000,128M",
    )  # fmt: skip
    assert (status, out) == (0, b"")
    assert err.startswith(b"pyfdtx: warning: memreserve-in-usable: /memreserve/ 0x48")
    assert err.count(b"\n") == 1
    assert cli.names() == ["boot.dtb", "out.dtb"]


# What the kernel would not do as it is meant: docs/check.md says of each rule where
# that is to be seen in Linux
REFUSED = [
    ("elfcorehdr-outside-usable", (*CRASH, "--elfcorehdr", "0x40000000,1K")),
    ("cmdline-mem", (*CRASH, "--append", "mem=1M")),
    ("cmdline-too-long", (*CRASH, "--append", "x" * 2048)),
    ("initrd-outside-usable", (*CRASH, "--initrd", "0x41000000,1M")),
    ("dtb-outside-usable", (*CRASH, "--load-address", "0x41000000")),
    ("initrd-not-in-memory", ("--initrd", "0x60000000,1M")),
    ("cmdline-too-long", ("--append", "x" * 2048)),
]


@pytest.mark.parametrize(("rule", "args"), REFUSED, ids=lambda v: str(v)[:40])
def test_what_the_checker_calls_an_error_is_not_written(cli, rule, args):
    command = "crash-dtb" if "--usable" in args else "kexec-dtb"
    line = cli.bad(1, command, "boot.dtb", "-o", "out.dtb", *args)
    assert line.startswith(f"the kernel would not take this: {rule}: ")
    assert line.endswith("; --force does it all the same")
    assert cli.names() == ["boot.dtb"]
    status, _, err = cli.run(command, "boot.dtb", "-o", "out.dtb", *args, "--force")
    assert status == 0
    assert err.decode().startswith(f"pyfdtx: warning: --force overrides {rule}: ")
    assert cli.names() == ["boot.dtb", "out.dtb"]


@pytest.mark.parametrize(
    "text",
    ["", "1", "1,", ",1", "1,1,1", "x,1", "1K1,1", "1.5G,1", "-1,1", "01,1", "1_0,1",
     "1T,1", "0x,1", " 1,1", "1,1 ", "\u0661,1", "0xffffffffffffffff,2", "16E,1"],
)  # fmt: skip
def test_what_is_no_range_is_wrong_usage(cli, text):
    args = ("crash-dtb", "boot.dtb", "-o", "out.dtb", "--elfcorehdr=" + text)
    line = cli.bad(2, *args, "--usable", "0,1M")
    assert line.startswith("argument --elfcorehdr: ")


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("1", 1), ("4096", 4096), ("0x10", 16), ("0X1f", 31), ("0x001", 1),
     ("1k", 1 << 10), ("1K", 1 << 10), ("3m", 3 << 20), ("3M", 3 << 20),
     ("0x2G", 2 << 30), ("2g", 2 << 30)],
)  # fmt: skip
def test_numbers_and_sizes(cli, text, number):
    words = ("--initrd", f"{text},16", "--force")  # most are not in its memory
    status, out, _ = cli.run("kexec-dtb", "boot.dtb", "-o", "-", *words)
    assert status == 0
    chosen = Fdt(out)["/chosen"]
    assert chosen.get_u64("linux,initrd-start") == number
    assert chosen.get_u64("linux,initrd-end") == number + 16


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--kaslr-seed", ("", "0x", "xyz", "-1", "1" * 17, "0x" + "1" * 17, "1 2")),
        ("--rng-seed", ("", "0x", "abc", "zz", "00 11")),
        ("--arch", ("", "x86_64", "aarch64")),
        ("--root-cells", ("1/1", "drop")),
        ("--max-usable", ("x", "-1")),
        ("--load-address", ("x", "1K", "")),
        ("--old-dtb", ("1", "none")),
        ("--initrd", ("None", "keep")),
    ],
)
def test_what_an_option_does_not_take_is_wrong_usage(cli, option, values):
    for value in values:
        line = cli.bad(
            2, "crash-dtb", "boot.dtb", "-o", "out.dtb", *CRASH, f"{option}={value}"
        )
        assert line.startswith(f"argument {option}: "), value
        if "seed" in option and value:
            assert value not in line, "a secret in an error message"
    assert cli.names() == ["boot.dtb"]


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (("--append", "elfcorehdr=1"), "use crash-dtb --elfcorehdr instead"),
        (("--cmdline", "elfcorehdr=1"), "use crash-dtb --elfcorehdr instead"),
        (("--load-address", "4"), "not 8-byte aligned"),
        (("--max-usable", "0"), "between 0x1 and"),
        (("--usable", "0,1K", "--usable", "1K,1K"), "reads --max-usable 2 and"),
        (("--arch", "arm", "--elfcorehdr", "0x49000000,1K"), "above --usable[0] Mem"),
    ],
)
def test_what_the_kernel_would_not_take_is_wrong_usage(cli, args, hint):
    line = cli.bad(2, "crash-dtb", "boot.dtb", "-o", "out.dtb", *CRASH, *args)
    assert line.startswith(args[-2] if args[0] == "--arch" else args[0])
    assert hint in line
    for word in ("crash.", "crash=", "second_kernel_dtb", "max_usable", "load_address"):
        assert word not in line, "no option is called so"
    assert cli.names() == ["boot.dtb"]


@pytest.mark.parametrize(
    "option", ["--usable", "--elfcorehdr", "--initrd", "--old-dtb"]
)
def test_an_empty_range_is_wrong_usage(cli, option):
    args = ("crash-dtb", "boot.dtb", "-o", "out.dtb", *CRASH, option, "0,0")
    assert cli.bad(2, *args).startswith(f"argument {option}: '0,0' is empty")


def test_the_two_ways_of_a_command_line_exclude_each_other(cli):
    args = ("--cmdline", "a", "--append", "b")
    assert "not allowed with" in cli.bad(2, "kexec-dtb", "boot.dtb", "-o", "x", *args)


@pytest.mark.parametrize("path", CAPTURED, ids=lambda p: p.parents[2].name)
def test_a_captured_machine_gets_its_crash_tree(cli, path):
    boot = path.read_bytes()
    (cli.folder / "boot.dtb").write_bytes(boot)
    status, out, err = cli.run(
        "crash-dtb",
        "boot.dtb",
        "-o",
        "out.dtb",
        *CRASH,
        *SEEDS,
        "--append",
        "maxcpus=1",
    )
    assert (status, out, err) == (0, b"", b"")
    # as 'pyfdtx load' takes it over: without crashkernel=
    old = Fdt(boot)["/chosen"].get_string("bootargs").split()
    assert any(word.startswith("crashkernel=") for word in old)
    line = " ".join(w for w in old if not w.startswith("crashkernel="))
    assert (cli.folder / "out.dtb").read_bytes() == pure.second_kernel_dtb(
        boot, crash=(HEADER, (MAIN,)), cmdline=f"{line} maxcpus=1", **GIVEN
    )


def with_line(boot, text):
    fdt = Fdt(boot)
    fdt["/chosen"]["bootargs"] = text.encode() + b"\0"
    return fdt.to_bytes()


def test_a_crash_kernel_loses_the_words_that_starve_it(cli, boot):
    """Field reports: hugepages=, cma=, swiotlb= and log_buf_len= of a large machine in
    256 MiB. Fedora's kdump strips them, too."""
    line = "ro hugepages=64 cma=1G quiet crashkernel=1G swiotlb=65536 mem=4G -- s"
    (cli.folder / "boot.dtb").write_bytes(with_line(boot, line))
    words = ("crash-dtb", "boot.dtb", "-o", "out.dtb", *CRASH, "--append", "nr_cpus=1")
    status, _, err = cli.run(*words)
    assert status == 0
    assert err.decode() == (
        "pyfdtx: words that would starve a crash kernel were not taken over: "
        "hugepages=64 cma=1G swiotlb=65536 mem=4G\n"
    )
    got = Fdt((cli.folder / "out.dtb").read_bytes())["/chosen"].get_string("bootargs")
    assert got == "ro quiet nr_cpus=1 -- s"
    status, _, err = cli.run(*words, "--keep-words")
    got = Fdt((cli.folder / "out.dtb").read_bytes())["/chosen"].get_string("bootargs")
    assert got == "ro hugepages=64 cma=1G quiet swiotlb=65536 nr_cpus=1 -- s"
    # a plain kexec's kernel has all the memory
    cli.good("kexec-dtb", "boot.dtb", "-o", "out.dtb")
    got = Fdt((cli.folder / "out.dtb").read_bytes())["/chosen"].get_string("bootargs")
    assert got == line
