# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The rules of pyfdtx.kexec.check.checker, a module per subject.

Each module puts its rules into RULES when it is imported.
"""

from __future__ import annotations

from ..facts import Facts
from ..rule import RULES, SEVERITIES, Found, Rule
from . import blob, chosen, core, crash, efi, image, machine, reserve, root, seeds

__all__ = [
    "RULES",
    "SEVERITIES",
    "Facts",
    "Found",
    "Rule",
    "blob",
    "chosen",
    "core",
    "crash",
    "efi",
    "image",
    "machine",
    "reserve",
    "root",
    "seeds",
]
