# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""load and plan on x86_64, where the running kernel places everything itself.
tests/system/test_file_load.py and test_x86_64.py load for real.
"""

import json

import pytest


@pytest.fixture
def root(cli):
    arch = cli.folder / "root/proc/sys/kernel/arch"
    arch.parent.mkdir(parents=True)
    arch.write_text("x86_64\n")
    (cli.folder / "bzImage").write_bytes(bytes(0x202) + b"HdrS" + bytes(100))
    return "root"


WORDS = ("bzImage", "--root", "root", "--initrd", "initrd", "--cmdline", "ro quiet")


@pytest.mark.parametrize("command", [("plan",), ("load", "--dry-run")], ids=" ".join)
def test_the_plan_says_that_the_running_kernel_places_it(cli, root, command):
    assert cli.good(*command, *WORDS).decode().splitlines() == [
        "x86_64, kexec, by kexec_file_load(2): the running kernel places it",
        "kernel   bzImage",
        "initrd   initrd",
        "cmdline  ro quiet",
    ]


def test_the_plan_for_programs_names_the_call(cli, root):
    assert json.loads(cli.good("plan", "--json", *WORDS)) == {
        "arch": "x86_64",
        "crash": False,
        "call": "kexec_file_load",
        "kernel": "bzImage",
        "initrd": "initrd",
        "cmdline": "ro quiet",
    }


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--svg", "-"), "has nothing to draw"),
        (("--verify",), "cannot be combined with x86_64"),
        (("--dtb", "x.dtb"), "cannot be combined with x86_64"),
        (("--rng-seed", "none"), "cannot be combined with x86_64"),
    ],
    ids=str,
)
def test_options_about_a_placed_kernel_are_refused(cli, root, option, said):
    assert said in cli.bad(2, "plan", *WORDS, *option)


def test_there_are_no_segments_to_write(cli, root):
    said = cli.bad(2, "load", *WORDS, "--dry-run", "--output-dir", "out")
    assert "no segments to write" in said
    assert not (cli.folder / "out").exists()
