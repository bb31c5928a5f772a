# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The topics "reg" and "reg-read": fdt_reg.[ch] moved into fdt_addresses.c, patch
by patch, each with its test and, in dtc's own tools, its user."""

from __future__ import annotations

import re

from . import pieces, places, register, tools
from .ours import csrc
from .stage import fragment

__all__ = ["HELPERS", "READS", "WRITES", "reg", "reg_read"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .stage import Stage

# patch: what it makes public
WRITE_PATCHES = {
    "reg-set": ("fdt_setprop_reg_array", "fdt_setprop_reg"),
    "reg-append": ("fdt_appendprop_reg_array", "fdt_appendprop_reg"),
}
READ_PATCHES = {
    "reg-get": ("fdt_getprop_reg_count", "fdt_getprop_reg"),
    "reg-len": ("fdt_reg_len", "fdt_prop_len"),
}
PATCHES = {**WRITE_PATCHES, **READ_PATCHES}
WRITES = tuple(name for names in WRITE_PATCHES.values() for name in names)
READS = tuple(name for names in READ_PATCHES.values() for name in names)
HELPERS = (*WRITES, *READS)
ADDRRANGE = "fdt_appendprop_addrrange"
SOURCE, HEADER, LDS = "libfdt/fdt_addresses.c", "libfdt/libfdt.h", "libfdt/version.lds"
SWIG, PYTHON_TESTS = "pylibfdt/libfdt.i", "tests/pylibfdt_tests.py"


def _uses(piece: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", piece) is not None


def _schedule(all_pieces: dict[str, str]) -> dict[str, str]:
    """Name of a piece to the key of the first patch that needs it."""
    when: dict[str, str] = {}

    def need(name: str, key: str) -> None:
        if name in when:
            return
        when[name] = key
        for other in all_pieces:
            if other != name and _uses(all_pieces[name], other):
                need(other, key)

    for key, public in PATCHES.items():
        for name in public:
            need(name, key)
    return when


def _pieces(text: str) -> dict[str, str]:
    found = {pieces.title(piece): piece for piece in pieces.split(text)}
    found.pop("", None)
    return found


def _declared(text: str) -> dict[str, str]:
    return {name: piece for name, piece in _pieces(text).items() if "/**" in piece}


def _of(key: str, file: str, found: dict[str, str]) -> list[str]:
    when = _schedule(found)
    left = set(found) - set(when)
    if left:
        raise ValueError(f"{file}: no patch has {', '.join(sorted(left))}")
    return [piece for name, piece in found.items() if when[name] == key]


def _functions(stage: Stage, key: str, header_behind: str) -> None:
    """What a patch makes public, with all that it needs and that is not there."""
    source = _of(key, "fdt_reg.c", _pieces(csrc("fdt_reg.c")))
    header = _of(key, "fdt_reg.h", _declared(csrc("fdt_reg.h")))
    stage.edit(SOURCE, places.append, source)
    stage.edit(HEADER, places.prototype, header_behind, header)
    stage.edit(LDS, places.export_symbols, PATCHES[key])


def reg(stage: Stage) -> None:
    """Part 1: set and append, and addrrange on top of that."""
    _functions(stage, "reg-set", ADDRRANGE)
    register.program(stage, "setprop_reg", "appendprop_addrrange")
    stage.patch("reg-set")

    _functions(stage, "reg-append", "fdt_setprop_reg")
    register.program(stage, "appendprop_reg", "setprop_reg")
    stage.patch("reg-append")

    stage.edit(SOURCE, _addrrange)
    stage.edit(HEADER, _addrrange_doc)
    register.program(stage, "addrrange_cells", "appendprop_addrrange")
    stage.patch("reg-addrrange")

    stage.edit(
        SWIG,
        places.insert_before,
        r"^%include <libfdt\.h>$",
        fragment("array", ".i") + "\n",
    )
    stage.edit(SWIG, _methods, "write", "delprop")
    stage.edit(PYTHON_TESTS, _python_test, "write")
    stage.patch("reg-python")


def reg_read(stage: Stage) -> None:
    """Part 2, on top of part 1: read, and lengths."""
    _functions(stage, "reg-get", "fdt_appendprop_reg")
    register.program(stage, "getprop_reg", "appendprop_reg")
    stage.patch("reg-get")

    tools.fdtget(stage)
    stage.patch("reg-fdtget")

    _functions(stage, "reg-len", "fdt_getprop_reg")
    for name in ("prop_len", "reg_len"):
        register.program(stage, name, "getprop_reg")
    tools.fdtput_sizes(stage)
    stage.patch("reg-len")

    tools.fdtput(stage)
    stage.patch("reg-fdtput")

    stage.edit(SWIG, _methods, "read", "get_phandle")
    stage.edit(PYTHON_TESTS, _python_test, "read")
    stage.patch("reg-python-read")


def _addrrange(text: str) -> str:
    """fdt_addresses.c with fdt_appendprop_addrrange() as a wrapper."""
    assumes = "/* This function assumes that [address|size]_cells is 1 or 2 */\n"
    old = places.function(text, ADDRRANGE)
    head = old[: old.index("\n{\n")]
    call = "\treturn fdt_appendprop_reg(fdt, parent, nodeoffset, name, addr, size);\n"
    return text.replace(assumes, "").replace(old, f"{head}\n{{\n{call}}}\n")


def _addrrange_doc(header: str) -> str:
    def edit(doc: str) -> str:
        doc = places.once(
            doc,
            r"^ \* Cell sizes are determined by parent's [^\n]*\n",
            r"\g<0> * It does the same as fdt_appendprop_reg()." + "\n",
        )
        doc = places.once(
            doc,
            r"^ \*\t-FDT_ERR_BADNCELLS, [^\n]*\n \*\t\t#address-cells property\n",
            " *\t-FDT_ERR_BADNCELLS, if parent has a badly formatted or invalid\n"
            " *\t\t#address-cells or #size-cells property\n",
        )
        return places.once(
            doc,
            r"^( \*\t-FDT_ERR_BADVALUE, [^\n]*)\n",
            r"\1,\n *\t\tor the range ends behind the last address, or the old"
            "\n *\t\tvalue is not a whole number of entries\n",
        )

    return places.in_doc(header, ADDRRANGE, edit)


def _methods(text: str, what: str, before: str) -> str:
    """Methods of FdtRo or Fdt, in front of the one that stood there."""
    return places.insert_before(
        text,
        rf"^    def {before}\(self, ",
        fragment(f"methods_{what}", ".py.txt") + "\n",
    )


def _python_test(text: str, what: str) -> str:
    return places.insert_before(
        text,
        r"^class PyLibfdtSwTests\(unittest\.TestCase\):$",
        fragment(f"tests_{what}", ".py.txt") + "\n\n",
    )
