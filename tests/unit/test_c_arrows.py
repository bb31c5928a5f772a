# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Calls among the C files go one way: down from room to room, and in no circles
among files; docs/architecture.md says which room has which duty."""

import re
from pathlib import Path

import pytest

CSRC = Path(__file__).resolve().parents[2] / "csrc"
# The lowest floor first. python/dropin and the rest of python call each other not
FLOORS = ["fdt_reg.c", "blob", "edit", "kexec", "python"]
DEFINED = re.compile(
    r"^(?!static\b|typedef\b)[a-z][\w \t*]*?\b((?:fdt|core)\w+)\([^;{}]*\)\s*\{", re.M
)
# Neither a comment nor a text, a struct or a member of one is a call
NO_CALL = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|\bstruct \w+|(?:->|\.)\w+", re.S
)


def sources():
    return {
        path.relative_to(CSRC).as_posix(): NO_CALL.sub(" ", path.read_text())
        for path in sorted(CSRC.rglob("*.c"))
    }


def arrows(files):
    """{file: files whose functions it names}."""
    home = {f: name for name, text in files.items() for f in DEFINED.findall(text)}
    words = {name: set(re.findall(r"\w+", text)) for name, text in files.items()}
    return {name: {home[w] for w in words[name] & set(home)} - {name} for name in files}


def reached(start, to):
    seen, left = set(), set(to[start])
    while left:
        found = left.pop()
        seen.add(found)
        left |= to[found] - seen
    return seen


def circles(to):
    return sorted(name for name in to if name in reached(name, to))


def floor(name):
    return FLOORS.index(name.split("/")[0])


def test_the_functions_are_found():
    to = arrows(sources())
    assert len(to) > 40
    assert "python/props.c" in to["python/node.c"]
    assert "edit/plan.c" in to["edit/ops.c"]


def test_no_file_is_part_of_a_circle():
    assert circles(arrows(sources())) == []


@pytest.mark.parametrize("name", sources())
def test_a_file_calls_its_own_floor_and_those_below(name):
    assert [o for o in arrows(sources())[name] if floor(o) > floor(name)] == []


def test_a_planted_circle_is_seen():
    files = sources()
    files["python/objects.c"] += "\nint x(void)\n{\n\treturn core_add_node(0);\n}\n"
    assert {"python/objects.c", "python/node.c"} <= set(circles(arrows(files)))
