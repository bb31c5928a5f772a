# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Commands and options that pyfdtx has not: the nearest one, or the one that does what
kexec(8), dtc or fdtput do under that name."""

from __future__ import annotations

__all__ = ["unknown_command", "unknown_option"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Options of kexec(8), and what does that here
KEXEC = {
    ("-l", "--load"): "pyfdtx load IMAGE",
    ("-p", "--load-panic"): "pyfdtx load --crash IMAGE",
    ("-e", "--exec", "-f", "--force"): "pyfdtx exec --now",
    ("-u", "--unload"): "pyfdtx unload [--crash]",
    ("-S", "--status"): "pyfdtx status",
    ("-s", "--kexec-file-syscall"): "pyfdtx load --file IMAGE",
    ("-c", "--kexec-syscall"): "pyfdtx load IMAGE, without --file",
    ("-a", "--kexec-syscall-auto"): "pyfdtx load IMAGE, or with --file",
    ("-d", "--debug"): "--verbose",
    ("--command-line",): "--cmdline",
    ("--ramdisk",): "--initrd",
    ("--print-ckr-size",): "pyfdtx status",
}
# Those that nothing does here, and why
NEEDLESS = {
    ("-t", "--type"): "the kind of an image is read from the image",
    ("--mem-min", "--mem-max"): "'pyfdtx plan' shows where all will lie",
    ("-x", "--no-ifdown", "-y", "--no-sync"): "'pyfdtx exec' only syncs the disks",
}
# Where people come with kexec's options
KEXEC_COMMANDS = tuple(f"pyfdtx {name}" for name in ("load", "plan", "exec", "unload"))
# Words for it elsewhere
OTHERS = {
    "apply": "pyfdtx overlay",
    "cat": "pyfdtx show",
    "create": "pyfdtx add",
    "decompile": "pyfdtx show",
    "dtc": "pyfdtx show",
    "dump": "pyfdtx show",
    "fdtdump": "pyfdtx show",
    "fdtget": "pyfdtx get",
    "fdtoverlay": "pyfdtx overlay",
    "fdtput": "pyfdtx set",
    "kdump": "pyfdtx load --crash IMAGE",
    "kexec": "pyfdtx load IMAGE",
    "list": "pyfdtx get -l DTB /",
    "ls": "pyfdtx get -l DTB /",
    "merge": "pyfdtx overlay --merge",
    "mkdir": "pyfdtx add",
    "print": "pyfdtx show",
    "put": "pyfdtx set",
    "reboot": "pyfdtx exec --now",
    "remove": "pyfdtx delete",
    "rm": "pyfdtx delete",
    "validate": "pyfdtx check",
    "verify": "pyfdtx check",
    "version": "pyfdtx --version",
}


def _nearest(name: str, names: Iterable[str]) -> str | None:
    from difflib import get_close_matches

    # As much of it as could be near anything
    near = get_close_matches(name[:80], list(names), n=1)
    return near[0] if near else None


def _of_kexec(option: str) -> str | None:
    for names, here in KEXEC.items():
        if option in names:
            return f"kexec's {option} is '{here}' here"
    for names, why in NEEDLESS.items():
        if option in names:
            return f"kexec's {option} is not needed here: {why}"
    return None


def unknown_command(name: str, commands: Iterable[str]) -> str:
    """What to say about a first word that is no command and no option."""
    commands = list(commands)
    what = "option" if name.startswith("-") else "command"
    said = f"unknown {what} '{name}'"
    of_kexec = _of_kexec(name.partition("=")[0])
    if of_kexec:
        return f"{said}; {of_kexec}"
    if name in OTHERS:
        return f"{said}; here it is '{OTHERS[name]}'"
    options = ("--help", "--version")
    near = _nearest(name, options if what == "option" else commands)
    if near:
        return f"{said}; did you mean '{near}'?"
    return f"{said}; there are {', '.join([*commands, *options])}"


def unknown_option(command: str, name: str, options: Iterable[str]) -> str:
    """What to say about an option that a command has not; command: with "pyfdtx"."""
    said = f"unknown option '{name}'"
    of_kexec = _of_kexec(name) if command in KEXEC_COMMANDS else None
    if of_kexec:
        return f"{said}; {of_kexec}"
    near = _nearest(name, [o for o in options if o.startswith("--")])
    if near and name.startswith("--"):
        return f"{said}; did you mean '{near}'?"
    return f"{said}; what starts with '-' and is no option goes behind '--'"
