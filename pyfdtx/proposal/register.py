# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A test program in all the lists of dtc's tests folder that have to name it."""

from __future__ import annotations

from . import places
from .stage import data

__all__ = ["program"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .stage import Stage

OURS = "// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)\n"
# The licence of dtc's test programs. All of ours have one author, who may choose
THEIRS = "// SPDX-License-Identifier: LGPL-2.1-or-later\n"
COPYRIGHT = " * Copyright (C) 2026 The pyfdtx authors\n"


def adapted(name: str) -> str:
    """A program of ours under the licence of dtc's tests, with a copyright line."""
    text = data("programs", f"{name}.c")
    if not text.startswith(OURS):
        raise ValueError(f"{name}.c does not begin with the line on its licence")
    head, end, rest = text[len(OURS) :].partition(" */\n")
    return THEIRS + head + COPYRIGHT + end + rest


def program(stage: Stage, name: str, behind: str) -> None:
    """Add a program that runs behind another one."""
    stage.create(f"tests/{name}.c", adapted(name))
    stage.edit(
        "tests/Makefile.tests",
        places.make_list,
        "LIB_TESTS_L",
        "appendprop_addrrange",
        [name],
    )
    if stage.checkout.has("tests/meson.build"):
        stage.edit("tests/meson.build", places.meson_list, "tests", [name])
    stage.edit("tests/run_tests.sh", places.run_after, behind, [name])
    stage.edit("tests/.gitignore", places.ignore, [name])
