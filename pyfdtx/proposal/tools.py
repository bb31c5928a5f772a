# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""fdtget and fdtput of dtc as users of the helpers: the option -R."""

from __future__ import annotations

from . import places
from .stage import fragment

__all__ = ["fdtget", "fdtput", "fdtput_sizes"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .stage import Stage

GET, PUT, MANUAL = "fdtget.c", "fdtput.c", "Documentation/manual.txt"
TESTS = "tests/run_tests.sh"
INTTYPES = "#include <inttypes.h>\n"
LONG_OPTION = "\t{\"reg\",              no_argument, NULL, 'R'},\n"


def fdtget(stage: Stage) -> None:
    """fdtget -R shows (address, size) entries."""
    stage.edit(GET, _get)
    stage.edit(MANUAL, places.once, r"-\[t:pld:hV\]", "-[t:pld:RhV]")
    stage.edit(
        MANUAL,
        places.insert_after,
        r"^    -d, --default <arg> ",
        "    -R, --reg           Show (address, size) entries, in the cells that "
        "the parent\n                        of the node says\n",
    )
    stage.edit(TESTS, _tests, "fdtget", _script("fdtget"))


def _get(text: str) -> str:
    text = places.insert_before(text, r"^#include <stdio\.h>$", INTTYPES)
    text = places.insert_after(
        text,
        r"^\tMODE_LIST_SUBNODES,",
        "\tMODE_SHOW_REGS,\t\t/* show (address, size) entries */\n",
    )
    text = places.before_comment(
        text, r"^static int show_data_for_item\(", fragment("fdtget_regs") + "\n"
    )
    text = places.within(
        text,
        "show_data_for_item",
        lambda f: places.insert_before(
            f,
            r"^\tdefault:$",
            "\tcase MODE_SHOW_REGS:\n"
            "\t\terr = show_regs(blob, node, property);\n"
            "\t\tif (err == -FDT_ERR_NOTFOUND && disp->default_val) {\n"
            "\t\t\tputs(disp->default_val);\n"
            "\t\t\terr = 0;\n"
            "\t\t} else if (err) {\n"
            "\t\t\treport_error(property, err);\n"
            "\t\t}\n"
            "\t\tbreak;\n\n",
        ),
    )
    text = places.once(text, r'"t:pld:"', '"t:pld:R"')
    text = places.insert_after(text, r'^\t\{"default", ', LONG_OPTION)
    text = places.insert_after(
        text,
        r'^\t"Default value to display ',
        '\t"Show (address, size) entries",\n',
    )
    return places.once(
        text,
        r"^(\t\t\tdisp\.default_val = optarg;\n\t\t\tbreak;\n)",
        r"\1" + "\n\t\tcase 'R':\n\t\t\tdisp.mode = MODE_SHOW_REGS;\n\t\t\tbreak;\n",
    )


def fdtput_sizes(stage: Stage) -> None:
    """fdtput asks fdt_prop_len() for the room that a property takes."""

    def edit(text: str) -> str:
        old = places.function(text, "realloc_property")
        text = text.replace(old + "\n", "")
        return places.once(
            text,
            r"^\t\t\*blob = realloc_property\(\*blob, node, property, len\);$",
            "\t\t*blob = realloc_fdt(*blob, fdt_prop_len(0, property, len));",
        )

    stage.edit(PUT, edit)


def fdtput(stage: Stage) -> None:
    """fdtput -R writes (address, size) entries."""
    stage.edit(PUT, _put)
    stage.edit(
        MANUAL,
        places.insert_before,
        r"^    -v, --verbose    Display each value",
        "    -R, --reg        Value is (address, size) entries, in the cells that "
        "the\n                     parent of the node says\n",
    )
    stage.edit(TESTS, _tests, "fdtput", _script("fdtput"))


def _put(text: str) -> str:
    if "#include <errno.h>\n" not in text:  # before v1.7.0
        text = places.insert_after(
            text, r"^#include <string\.h>$", "#include <errno.h>\n"
        )
    text = places.insert_after(
        text,
        r"^\tint auto_path;",
        "\tint regs;\t\t/* value is (address, size) entries */\n",
    )
    text = places.before_comment(
        text, r"^static int create_paths\(", fragment("fdtput_regs") + "\n"
    )
    text = places.within(
        text,
        "do_fdtput",
        lambda f: places.once(
            f,
            r"^(\t\tif \()(encode_value\(disp, arg \+ 2,)",
            "\t\tif (disp->regs) {\n"
            "\t\t\tret = store_regs(&blob, *arg, arg[1], arg + 2,\n"
            "\t\t\t\t\t arg_count - 2);\n"
            "\t\t\tbreak;\n"
            "\t\t}\n"
            r"\1\2",
        ),
    )
    text = places.once(text, r'"crdpt:v"', '"crdpRt:v"')
    text = places.insert_before(text, r'^\t\{"type", ', LONG_OPTION)
    text = places.insert_before(
        text,
        r'^\t"Type of data",$',
        '\t"Value is (address, size) entries",\n',
    )
    return places.once(
        text,
        r"^(\t\t\tdisp\.auto_path = 1;\n\t\t\tbreak;\n)",
        r"\1" + "\t\tcase 'R':\n\t\t\tdisp.regs = 1;\n\t\t\tbreak;\n",
    )


def _script(name: str) -> str:
    return fragment(name, ".sh.txt")


def _tests(script: str, tool: str, new: str) -> str:
    """Lines at the end of a tool's tests in run_tests.sh."""
    return places.once(
        script,
        rf"^({tool}_tests \(\) \{{\n(?:.*\n)*?)\}}\n",
        lambda m: f"{m[1]}\n{new}}}\n",
    )
