# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Errors of the library name arguments; here they become names of options."""

from __future__ import annotations

__all__ = ["in_options"]

# In this order
OPTIONS = (
    ("say which: Machine(root, arch=)", "say which: --arch"),
    ("say crash= instead", "use crash-dtb --elfcorehdr instead"),
    ('root_cells="2/2"', "--root-cells 2/2"),
    ('root_cells="keep"', "--root-cells keep"),
    ("crash.elfcorehdr", "--elfcorehdr"),
    ("crash.usable", "--usable"),
    ("max_usable=", "--max-usable "),
    ("set a cmdline without the word", "give a --cmdline without the word"),
)
# Names of arguments, where an error says which one it is about
ARGUMENTS = (
    "append",
    "cmdline",
    "initrd",
    "load_address",
    "max_usable",
    "old_dtb",
)


def in_options(text: str) -> str:
    """An error's or a warning's text for who knows the options alone."""
    for words, option in OPTIONS:
        text = text.replace(words, option)
    for name in ARGUMENTS:
        option = "--" + name.replace("_", "-")
        text = text.replace(f"second_kernel_dtb {name}:", f"{option}:")
    return text.replace("second_kernel_dtb --", "--")
