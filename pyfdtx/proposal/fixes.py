# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The topics "fixes" and "search": small patches to what libfdt has."""

from __future__ import annotations

import re

from . import places, register
from .stage import data, fragment

__all__ = ["FDT", "FIXES", "Fix", "faster", "fixes", "search", "searches_slowly"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .stage import Stage

RW, WIP, FDT = "libfdt/fdt_rw.c", "libfdt/fdt_wip.c", "libfdt/fdt.c"
OVERLAY = "libfdt/fdt_overlay.c"


class Fix:
    """One defect.

    Attributes:
        key: name of the commit message, and with _ for - of the test program.
        title: what is wrong, for people.
        where: the file of libfdt.
        wrong: whether a text of that file has the defect.
        edit: makes the text right.
        doc: makes the text of libfdt.h right, if it has to change.
        sanitizer: "undefined" if only UBSan sees the defect, else "".
        needs: a function of libfdt.h without which there is no defect.
    """

    def __init__(
        self,
        key: str,
        title: str,
        where: str,
        wrong: Callable[[str], bool],
        edit: Callable[[str], str],
        *,
        doc: Callable[[str], str] | None = None,
        sanitizer: str = "",
        needs: str = "",
    ):
        self.key = key
        self.title = title
        self.where = where
        self.wrong = wrong
        self.edit = edit
        self.doc = doc
        self.sanitizer = sanitizer
        self.needs = needs
        self.program = key.replace("-", "_")

    def source(self) -> str:
        return data("programs", f"{self.program}.c")


def _has(text: str, function: str, pattern: str) -> bool:
    return re.search(pattern, places.function(text, function), re.M) is not None


# ---- the length of a name that is rolled back ----

DELETES_NAME = r"fdt_del_last_string_\(fdt, name\)"


def _rollback_wrong(text: str) -> bool:
    return _has(text, "fdt_add_property_", r"\bint namelen\b") and _has(
        text, "fdt_add_property_", DELETES_NAME
    )


def _rollback(text: str) -> str:
    text = places.within(
        text,
        "fdt_del_last_string_",
        lambda f: places.once(
            places.once(f, r"const char \*s\)", "int slen)"),
            r"strlen\(s\) \+ 1",
            "slen + 1",
        ),
    )
    return places.within(
        text,
        "fdt_add_property_",
        lambda f: places.once(f, DELETES_NAME, "fdt_del_last_string_(fdt, namelen)"),
    )


# ---- memcpy() from NULL ----

COPIES = r"^(\t+)(memcpy\(prop->data(?: \+ oldlen)?, val, len\);)"
COPIES_ALWAYS = rf"(?<!if \(len\)\n){COPIES}"


def _empty_wrong(text: str) -> bool:
    return _has(text, "fdt_appendprop", COPIES_ALWAYS)


def _empty(text: str) -> str:
    def guard(found: re.Match[str]) -> str:
        return f"{found[1]}if (len)\n{found[1]}\t{found[2]}"

    def edit(function: str) -> str:
        pattern = re.compile(COPIES_ALWAYS, re.MULTILINE)
        if len(pattern.findall(function)) != 2:
            raise places.NoPlace("two calls of memcpy() in fdt_appendprop()")
        return pattern.sub(guard, function)

    return places.within(text, "fdt_appendprop", edit)


# ---- lengths that are negative, or too large to be added to ----

DOC_BADVALUE = " *\t-FDT_ERR_BADVALUE, len is negative\n"
TAKES_LEN = (
    "fdt_setprop_namelen",
    "fdt_setprop",
    "fdt_setprop_placeholder_namelen",
    "fdt_setprop_placeholder",
    "fdt_appendprop",
)


def _placeholder(text: str) -> str:
    """The function that every setter goes through."""
    longer = "fdt_setprop_placeholder_namelen"
    return longer if places.has_function(text, longer) else "fdt_setprop_placeholder"


def _length_wrong(text: str) -> bool:
    return not _has(text, _placeholder(text), r"\blen < 0|check_prop_len")


def _length(text: str) -> str:
    text = places.insert_before(
        text, r"^static int fdt_resize_property_\(", fragment("check_prop_len") + "\n"
    )
    text = places.within(
        text,
        _placeholder(text),
        lambda f: places.once(
            f,
            r"^\tFDT_RW_PROBE\(fdt\);\n",
            "\\g<0>\n\terr = fdt_check_prop_len_(0, len);\n"
            "\tif (err)\n\t\treturn err;\n",
        ),
    )
    return places.within(
        text,
        "fdt_appendprop",
        lambda f: places.once(
            f,
            r"^(\tprop = fdt_get_property_w\(.*\n)(\tif \(prop\) \{\n)",
            r"\1\terr = fdt_check_prop_len_(prop ? oldlen : 0, len);"
            "\n\tif (err)\n\t\treturn err;\n\n"
            r"\2",
        ),
    )


def _length_doc(header: str) -> str:
    for name in TAKES_LEN:
        if re.search(rf"^ \* {name} - ", header, re.M):
            header = places.in_doc(
                header,
                name,
                lambda doc: places.insert_before(
                    doc, r"^ \*\t-FDT_ERR_BADOFFSET, nodeoffset", DOC_BADVALUE
                ),
            )
    return header


# ---- index + length beyond 32 bits ----

SUM = r"\(unsigned\)proplen < \(len \+ idx\)"


def _partial_wrong(text: str) -> bool:
    return _has(text, "fdt_setprop_inplace_namelen_partial", SUM)


def _partial(text: str) -> str:
    return places.within(
        text,
        "fdt_setprop_inplace_namelen_partial",
        lambda f: places.once(
            f, SUM, "(uint64_t)idx + (unsigned int)len > (unsigned int)proplen"
        ),
    )


# ---- a reservation in front of the first ----

TOO_LARGE = r"if \(n >= (num|fdt_num_mem_rsv\(fdt\))\)"


def _negative_wrong(text: str) -> bool:
    return _has(text, "fdt_del_mem_rsv", TOO_LARGE)


def _negative(text: str) -> str:
    return places.within(
        text,
        "fdt_del_mem_rsv",
        lambda f: places.once(f, TOO_LARGE, r"if (n < 0 || n >= \1)"),
    )


# ---- local fixups that point outside their property ----

# In dtc from v1.7.1 on there is a second one
FOLLOW_FIXUPS = (
    "overlay_update_local_node_references",
    "overlay_update_node_conflicting_references",
)
# The loop over the offsets, up to its first statement
EACH_FIXUP = r"^\t\tfor \(i = 0; i < fixup_len; i\+\+\) \{\n(?:\t\t\t[\w *]+;\n)+\n"
NO_FIT = (
    "\t\t\tif (!overlay_fixup_fits(tree_len,\n"
    "\t\t\t\t\t\tfdt32_ld_(fixup_val + i)))\n"
    "\t\t\t\treturn -FDT_ERR_BADOVERLAY;\n\n"
)


def _fixups_wrong(text: str) -> bool:
    return not places.has_function(text, "overlay_fixup_fits")


def _fixups(text: str) -> str:
    found = [name for name in FOLLOW_FIXUPS if places.has_function(text, name)]
    for name in found or FOLLOW_FIXUPS[:1]:
        text = places.within(
            text, name, lambda f: places.once(f, EACH_FIXUP, rf"\g<0>{NO_FIT}")
        )
    return places.before_doc(
        text, FOLLOW_FIXUPS[0], fragment("overlay_fixup_fits") + "\n"
    )


# ---- overlays that are nested too deeply ----

PROBES = r"^\tFDT_RO_PROBE\(fdto\);\n"


def _depth_wrong(text: str) -> bool:
    return not _has(text, "fdt_overlay_apply", "overlay_check_depth")


def _depth(text: str) -> str:
    text = places.within(
        text,
        "fdt_overlay_apply",
        lambda f: places.once(
            f,
            PROBES,
            "\\g<0>\n\tret = overlay_check_depth(fdto);\n\tif (ret)\n\t\treturn ret;\n",
        ),
    )
    return places.insert_before(
        text, r"^int fdt_overlay_apply\(", fragment("overlay_check_depth") + "\n"
    )


FIXES = (
    Fix(
        "overlay-fixup-bounds",
        "fdt_overlay_apply() follows local fixups out of their property",
        OVERLAY,
        _fixups_wrong,
        _fixups,
    ),
    Fix(
        "overlay-depth",
        "fdt_overlay_apply() recurses as deeply as the overlay says",
        OVERLAY,
        _depth_wrong,
        _depth,
    ),
    Fix(
        "setprop-rollback",
        "fdt_setprop_namelen() without space takes strlen(name) + 1 bytes off the "
        "strings block, not namelen + 1",
        RW,
        _rollback_wrong,
        _rollback,
        needs="fdt_setprop_namelen",
    ),
    Fix(
        "appendprop-empty",
        "fdt_appendprop() of nothing calls memcpy() with NULL",
        RW,
        _empty_wrong,
        _empty,
        sanitizer="undefined",
    ),
    Fix(
        "prop-bad-len",
        "negative lengths of properties are accepted, large ones overflow",
        RW,
        _length_wrong,
        _length,
        doc=_length_doc,
    ),
    Fix(
        "partial-index",
        "fdt_setprop_inplace_namelen_partial() wraps index + length",
        WIP,
        _partial_wrong,
        _partial,
    ),
    Fix(
        "del-mem-rsv-index",
        "fdt_del_mem_rsv() takes a negative index",
        RW,
        _negative_wrong,
        _negative,
    ),
)


def fixes(stage: Stage) -> None:
    """A patch for each defect that the tree has."""
    for fix in FIXES:
        wrong = False

        def look(text: str, fix: Fix = fix) -> str:
            nonlocal wrong
            wrong = fix.wrong(text)
            return fix.edit(text) if wrong else text

        if fix.needs and not stage.checkout.declares(fix.needs):
            continue
        stage.edit(fix.where, look)
        if wrong:
            if fix.doc:
                stage.edit("libfdt/libfdt.h", fix.doc)
            register.program(stage, fix.program, "rw_oom")
            stage.patch(fix.key)


# ---- the search of the strings block ----


def _searcher(text: str) -> str:
    longer = "fdt_find_string_len_"
    return longer if places.has_function(text, longer) else "fdt_find_string_"


def searches_slowly(text: str) -> bool:
    """Whether fdt.c compares the name at every byte of the strings block."""
    return "memchr" not in places.body(text, _searcher(text))


def faster(text: str) -> str:
    """fdt.c with the search by memchr()."""
    name = _searcher(text)
    # A counted name need not have a first byte
    first = r"slen ? *s : '\\0'" if name.endswith("_len_") else "*s"
    return places.within(
        text,
        name,
        lambda f: places.once(
            f,
            r"^\tfor \(p = strtab; p <= last; p\+\+\)\n"
            r"(\t\tif [^\n]*\n\t\t\treturn p;\n)",
            "\t/* memchr() is much faster than a memcmp() at every byte */\n"
            "\tfor (p = strtab; p <= last; p++) {\n"
            f"\t\tp = memchr(p, {first}, last - p + 1);\n"
            "\t\tif (!p)\n"
            "\t\t\tbreak;\n"
            r"\1"
            "\t}\n",
        ),
    )


def search(stage: Stage) -> None:
    """One patch: the same search, faster; none if the tree has it."""
    try:
        slow = searches_slowly(stage[FDT])
    except places.NoPlace:
        slow = True  # faster() says what is missing
    if not slow:
        return

    stage.edit(FDT, faster)
    register.program(stage, "find_string", "rw_oom")
    stage.patch("find-string")
