# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""vmcore-dmesg(8), for those who call it by that name: `pyfdtx dmesg` has more."""

from __future__ import annotations

import sys

from ..cli.dmesg import show
from ..cli.trouble import out_text, speak_as, status_of

__all__ = ["main"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "vmcore-dmesg"
USAGE = """\
usage: vmcore-dmesg CORE

Writes the log of the kernel that died: CORE is /proc/vmcore or a copy of it.
Exit status: 0 good, 1 wrong usage, 2 the log or a part of it cannot be read.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write a core's log to stdout; the result is the exit status."""
    args = list(sys.argv[1:] if argv is None else argv)
    speak_as(PROGRAM)
    return status_of(lambda: _run(args), 2)


def _run(args: list[str]) -> int:
    if args in (["-h"], ["--help"]):
        out_text(USAGE)
        return 0
    if args in (["-V"], ["--version"]):
        from .. import __version__

        out_text(f"{PROGRAM} (pyfdtx) {__version__}\n")
        return 0
    if len(args) != 1:
        out_text(USAGE)
        return 1
    return 0 if show(args[0]) else 2


if __name__ == "__main__":
    sys.exit(main())
