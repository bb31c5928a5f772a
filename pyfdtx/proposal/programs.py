# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Our C test programs, turned into programs of dtc's tests folder.

What they share moves from tests.h and testutils.c to reg_testutils.[ch];
verdicts and start-up become dtc's.
"""

from __future__ import annotations

import re

from . import pieces
from .ours import programs

__all__ = ["HEADER", "UTILS", "adapted", "names"]

HEADER, UTILS = "reg_testutils.h", "reg_testutils.c"
SHARED = ("tests.h", "testutils.c")

VERDICTS = """\
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <libfdt.h>

#include "tests.h"

/* Signed, for loops over int */
#undef ARRAY_SIZE
#define ARRAY_SIZE(a)	((int)(sizeof(a) / sizeof((a)[0])))

/* As in tests.h, and says what was being tried, see context() */
#undef FAIL
#define FAIL(fmt, ...)						\\
	do {							\\
		printf("FAIL\\t%s: " fmt "\\n", tried(), ##__VA_ARGS__); \\
		exit(RC_FAIL);					\\
	} while (0)
#define BUG(fmt, ...)	TEST_BUG(fmt, ##__VA_ARGS__)"""

TRIED = """\
const char *tried(void)
{
	return doing;
}"""

MAIN = re.compile(r"^int main\(void\)\n\{\n((?:\t[^\n;]+;\n)*?\n)?", re.MULTILINE)


def names() -> list[str]:
    """The programs, sorted, without ".c"."""
    return sorted(n[:-2] for n in programs() if n.endswith(".c") and n not in SHARED)


def adapted() -> dict[str, str]:
    """Name in dtc's tests folder to text."""
    ours = programs()
    result = {HEADER: _header(ours["tests.h"]), UTILS: _utils(ours["testutils.c"])}
    for name in names():
        result[f"{name}.c"] = _program(ours[f"{name}.c"])
    return result


def _header(text: str) -> str:
    text = text.replace("TESTS_H", "REG_TESTUTILS_H")
    # Ours: headers and verdicts, up to the constants that tests use
    head, rest = text.split("#include <stddef.h>", 1)
    rest = rest[rest.index("#define MISSING") :]
    kept = [VERDICTS]
    for piece in pieces.split(rest):
        if pieces.title(piece) == "xmalloc":
            continue
        if pieces.title(piece) == "context":
            piece = _without(piece, "finish") + "\nconst char *tried(void);"
        kept.append(piece)
    return head + "\n\n".join(kept) + "\n"


def _without(piece: str, name: str) -> str:
    """A piece without the prototype of a function."""
    return re.sub(rf"\n[a-z][^\n;]*\b{name}\([^;]*;", "", piece)


def _utils(text: str) -> str:
    kept = []
    for piece in pieces.split(text):
        name = pieces.title(piece)
        if name == "xmalloc":
            continue
        kept.append(TRIED if name == "finish" else piece)
    return "\n\n".join(kept).replace('"tests.h"', f'"{HEADER}"') + "\n"


def _program(text: str) -> str:
    text = text.replace('"tests.h"', f'"{HEADER}"')

    def start(found: re.Match[str]) -> str:
        return (
            "int main(int argc, char *argv[])\n{\n"
            f"{found[1] or ''}\ttest_init(argc, argv);\n"
        )

    text, count = MAIN.subn(start, text)
    if count != 1:
        raise ValueError("a test program without main(void)")
    return text
