# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The command line: arguments, files, exit codes, drawing.

Each command's module is imported only when it is called. It has
`arguments(parser)` and `run(args) -> int`, and may have `plain(args)`: the same as
the parser's result for simple arguments, or None, because argparse starts slowly.
"""

from __future__ import annotations

import sys

from .trouble import UsageError, loudness, note, out_text, status_of
from .words import in_options

__all__ = ["COMMANDS", "GROUPS", "HELP", "command_of", "main"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .arguments import Parser

# command: module, exit status when it fails, what it does
COMMANDS = {
    "crash-dtb": ("crash_dtb", 1, "make the crash (kdump) kernel's tree"),
    "kexec-dtb": ("kexec_dtb", 1, "make the tree of a kernel started by kexec"),
    "plan": ("plan", 1, "show where a kernel would be loaded"),
    "load": ("load", 1, "load a kernel for kexec or kdump"),
    "exec": ("exec", 1, "leave this kernel for the loaded one, at once"),
    "unload": ("unload", 1, "forget the loaded kernel"),
    "status": ("status", 1, "say what is reserved and loaded"),
    "dmesg": ("dmesg", 1, "show the log of a kernel that died, from its core"),
    "elfcorehdr": ("elfcorehdr", 1, "make the crash kernel's ELF core header"),
    "doctor": ("doctor", 2, "tell whether kexec and kdump can work here"),
    "estimate": ("estimate", 2, "say how much memory a crash kernel needs"),
    "capture": ("capture", 1, "copy this machine's facts to a directory"),
    "show": ("show", 1, "show a tree as DTS or JSON"),
    "get": ("get", 1, "read a property, or list a node"),
    "set": ("set", 1, "set a property"),
    "append": ("append", 1, "append to a property"),
    "delete": ("delete", 1, "delete a property or a node"),
    "add": ("add", 1, "add a node"),
    "overlay": ("overlay", 1, "apply overlays to a tree, or merge them"),
    "check": ("check", 1, "tell whether the next kernel will accept a tree"),
    "diff": ("difference", 2, "compare two trees by meaning"),
    "proposal": ("proposal", 1, "the C helpers as patches for libfdt's upstream"),
}
# Above these stands what the commands from there on are for
GROUPS = {
    "crash-dtb": "the kernel that boots next:",
    "show": "any device tree:",
    "proposal": "libfdt's upstream:",
}
USAGE = "usage: pyfdtx COMMAND ...   |   pyfdtx help COMMAND   |   pyfdtx -V"
HELP = """\
{usage}

Device trees for the kernel that boots next.

{commands}

options:
  -h, --help     show this text, "pyfdtx COMMAND -h" a command's; "help" does, too
  -V, --version  show the versions of pyfdtx and of the libfdt in it
  -q, --quiet    with any command: errors alone, no notes and no warnings
  -v, --verbose  with any command: also what is read and written

"-" as a file name is stdin or stdout. Output files appear whole or not at all.
Exit status: 0 good, 1 failed, 2 wrong usage (diff: 0 same, 1 different, 2 trouble).

examples:
  pyfdtx show boot.dtb | less
  pyfdtx crash-dtb boot.dtb -o crash.dtb --elfcorehdr 0x7abff000,0x400 \\
      --usable 0x6ac00000,256M --append "maxcpus=1"
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the result is the exit status.

    Args:
        argv: without the program's name; None: the process's own.
    Returns: 0 good, 1 failed, 2 wrong usage; for diff 0 same, 1 different,
        2 anything else. Ends the process by SIGINT or SIGPIPE when it was
        interrupted or when nobody reads its output any more.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    failed = COMMANDS[args[0]][1] if args and args[0] in COMMANDS else 1
    return status_of(lambda: _run(args), failed, in_options)


def _run(args: list[str]) -> int:
    if not args:
        out_text(_help())
        raise UsageError("no command given; the text on stdout names them")
    command, *rest = args
    if command == "help" and rest:
        command, *rest = (rest[0], "-h", *rest[1:])
    if command in ("-h", "--help", "help"):
        out_text(_help())
        return 0
    if command in ("-V", "--version"):
        out_text(_versions())
        return 0
    if command not in COMMANDS:
        from .unknown import unknown_command

        raise UsageError(unknown_command(command, COMMANDS))

    module = _module(command)
    plain = getattr(module, "plain", None)
    parsed = plain(rest) if plain else None
    if parsed is None:
        try:
            parsed = command_of(command)[1].parse(rest)
        except SystemExit as e:  # argparse after --help
            return int(e.code or 0)
    loudness(parsed.loudness)
    _one_line_warnings()
    return int(module.run(parsed))


def _module(name: str) -> Any:
    # As importlib.import_module(), which has more to import
    return __import__(COMMANDS[name][0], globals(), fromlist=["run"], level=1)


def command_of(name: str) -> tuple[Any, Parser]:
    """The module of one of COMMANDS, and the parser of its arguments."""
    from .arguments import Parser

    module = _module(name)
    parser = Parser(prog=f"pyfdtx {name}", description=module.__doc__)
    module.arguments(parser)
    parser.add_loudness()
    return module, parser


def _help() -> str:
    lines = []
    for name, row in COMMANDS.items():
        if name in GROUPS:
            lines += ["", GROUPS[name]]
        lines.append(f"  {name:<14} {row[2]}")
    return HELP.format(usage=USAGE, commands="\n".join(lines[1:]))


def _versions() -> str:
    from .. import __version__, _core

    return f"pyfdtx {__version__}, libfdt {_core.LIBFDT}\n"


def _one_line_warnings() -> None:
    import warnings

    from ..errors import FdtWarning

    def show(message: Warning | str, *_: object) -> None:
        note(f"warning: {in_options(str(message))}")

    warnings.simplefilter("ignore")
    warnings.simplefilter("always", FdtWarning)
    warnings.showwarning = show  # type: ignore[assignment]
