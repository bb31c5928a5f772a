# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""load and plan on x86_64, where the running kernel places everything itself.
tests/system/test_file_load.py and test_x86_64.py load for real.
"""

import pytest


@pytest.fixture
def root(cli):
    arch = cli.folder / "root/proc/sys/kernel/arch"
    arch.parent.mkdir(parents=True)
    arch.write_text("x86_64\n")
    (cli.folder / "bzImage").write_bytes(bytes(0x202) + b"HdrS" + bytes(100))
    return "root"


def test_there_is_nothing_to_plan_and_the_way_out_is_said(cli, root):
    said = cli.bad(1, "plan", "--crash", "bzImage", "--root", root)
    assert "nothing to plan: the running kernel places the next one by itself" in said
    assert "pyfdtx load" in said


@pytest.mark.parametrize(
    "option", [("--dry-run",), ("--output-dir", "out", "--dry-run")], ids=" ".join
)
def test_options_about_a_plan_do_not_go_with_it(cli, root, option):
    said = cli.bad(2, "load", "--crash", "bzImage", "--root", root, *option)
    assert "does not go with x86_64: the running kernel makes" in said
