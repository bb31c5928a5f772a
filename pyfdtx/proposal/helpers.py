# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The topic "reg": fdt_reg.[ch] moved into fdt_addresses.c, patch by patch."""

from __future__ import annotations

import re

from . import pieces, places, programs
from .ours import csrc

__all__ = ["HELPERS", "reg"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .stage import Stage

# patch: what it makes public
PATCHES = {
    "reg-len": ("fdt_prop_len", "fdt_reg_len"),
    "reg-set": ("fdt_setprop_reg_array", "fdt_setprop_reg"),
    "reg-append": ("fdt_appendprop_reg_array", "fdt_appendprop_reg"),
    "reg-get": ("fdt_getprop_reg_count", "fdt_getprop_reg"),
}
HELPERS = tuple(name for names in PATCHES.values() for name in names)
BEHIND = "fdt_appendprop_addrrange"
ONE_FILE = "files(t + '.c')"
TWO_FILES = "files(t + '.c', 'reg_testutils.c')"


def _uses(piece: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", piece) is not None


def _schedule(all_pieces: dict[str, str]) -> dict[str, int]:
    """Name of a piece to the number of the first patch that needs it."""
    when: dict[str, int] = {}

    def need(name: str, number: int) -> None:
        if name in when:
            return
        when[name] = number
        for other in all_pieces:
            if other != name and _uses(all_pieces[name], other):
                need(other, number)

    for number, public in enumerate(PATCHES.values()):
        for name in public:
            need(name, number)
    return when


def _pieces(text: str) -> dict[str, str]:
    found = {pieces.title(piece): piece for piece in pieces.split(text)}
    found.pop("", None)
    return found


def _declared(text: str) -> dict[str, str]:
    return {name: piece for name, piece in _pieces(text).items() if "/**" in piece}


def reg(stage: Stage) -> None:
    source, header = _pieces(csrc("fdt_reg.c")), _declared(csrc("fdt_reg.h"))
    in_source, in_header = _schedule(source), _schedule(header)
    for kind, there, when in (
        ("fdt_reg.c", source, in_source),
        ("fdt_reg.h", header, in_header),
    ):
        left = set(there) - set(when)
        if left:
            raise ValueError(f"{kind}: no patch has {', '.join(sorted(left))}")
    base_c, base_h = stage["libfdt/fdt_addresses.c"], stage["libfdt/libfdt.h"]
    for number, (key, public) in enumerate(PATCHES.items()):
        now_c = [source[name] for name in source if in_source[name] <= number]
        now_h = [header[name] for name in header if in_header[name] <= number]
        stage.edit(
            "libfdt/fdt_addresses.c", lambda _, p=now_c: places.append(base_c, p)
        )
        stage.edit(
            "libfdt/libfdt.h", lambda _, p=now_h: places.prototype(base_h, BEHIND, p)
        )
        stage.edit("libfdt/version.lds", places.export_symbols, public)
        stage.patch(key)
    _tests(stage)


def _meson_loop(text: str, names: list[str]) -> str:
    """A second loop like that over the tests, for those of two files."""
    loop = re.search(r"^foreach t: tests\n.*?^endforeach\n", text, re.M | re.DOTALL)
    if loop is None or loop[0].count(ONE_FILE) != 1:
        raise places.NoPlace(f'loop "foreach t: tests" with {ONE_FILE}')
    listed = "".join(f"  '{name}',\n" for name in names)
    ours = loop[0].replace("t: tests", "t: reg_tests").replace(ONE_FILE, TWO_FILES)
    new = f"\nreg_tests = [\n{listed}]\n\n{ours}"
    return text[: loop.end()] + new + text[loop.end() :]


def _tests(stage: Stage) -> None:
    names = programs.names()
    for name, text in programs.adapted().items():
        stage.create(f"tests/{name}", text)
    make = "tests/Makefile.tests"
    words = " ".join(names)
    stage.edit(make, places.make_list, "LIB_TESTS_L", "appendprop_addrrange", names)
    stage.edit(
        make,
        places.insert_before,
        r"^\$\(LIB_TESTS\): %:",
        f"REG_TESTS_L = {words}\n".replace(" reg_nops", " \\\n\treg_nops")
        + "REG_TESTS = $(REG_TESTS_L:%=$(TESTS_PREFIX)%)\n\n"
        + "$(REG_TESTS): %: $(TESTS_PREFIX)reg_testutils.o\n\n",
    )
    stage.edit(make, places.once, r"\btestutils\.d ", "testutils.d reg_testutils.d ")
    if stage.checkout.has("tests/meson.build"):
        stage.edit("tests/meson.build", _meson_loop, names)
    stage.edit("tests/run_tests.sh", places.run_after, "appendprop_addrrange", names)
    stage.edit("tests/.gitignore", places.ignore, names)
    stage.patch("reg-tests")
