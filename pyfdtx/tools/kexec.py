# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kexec(8): the command line, exit statuses and streams of kexec-tools' command, for
those who call it by that name.

What is different on purpose: docs/kexec-tools.md.
"""

from __future__ import annotations

import os
import sys

from ..cli.trouble import because, complain, out_text, speak_as, status_of
from ..kexec.facts.state import LOADED
from .kexec_options import DIED, FAILED, PROGRAM, Bad, Wish, options_of, parse

__all__ = ["INTERFACE", "main"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .kexec_options import Option

# Of kexec-tools: whose command line this is; scripts ask for it
INTERFACE = "2.0.32"
# Where kexec-tools takes options about a kernel when none is to be loaded, too
ANYWHERE = ("arm64", "riscv64")
USAGE = "usage: kexec [OPTION]... [KERNEL]"


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say; the result is the exit status.

    Args:
        argv: without the program's name; None: the process's own.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    speak_as(PROGRAM)
    return status_of(lambda: _run(args), FAILED)


def version() -> str:
    from .. import __version__

    return f"kexec-tools {INTERFACE} (pyfdtx {__version__})"


def usage(options: tuple[Option, ...]) -> str:
    """What -h shows."""
    lines = [version(), USAGE, "Start another kernel, at once or on a panic.", ""]
    for option in options:
        if option.effect == "works":
            words = [f"--{name}" for name in option.names]
            words += [f"-{option.letter}"] if option.letter else []
            head = ", ".join(words) + (f" {option.takes}" if option.takes else "")
            lines.append(f"  {head:<34} {option.text}")
    for title, effect in (
        ("Accepted, without effect", ("none", "said")),
        ("Refused", ("refused",)),
    ):
        names = [f"--{n}" for o in options if o.effect in effect for n in o.names]
        if names:
            lines += ["", f"{title}: {' '.join(names)}"]
    return "\n".join(lines) + "\n"


def _wrong(options: tuple[Option, ...], why: str, status: int) -> int:
    if why:
        complain(why)
    out_text(usage(options))
    return status


def _run(args: list[str]) -> int:
    arch = _arch(os.uname().machine)
    options = options_of(arch)
    wish = Wish()
    operands: list[str] = []
    about_kernels = False
    try:
        for option, value in parse(args, options, operands):
            if option.name == "help":
                out_text(usage(options))
                return 0
            if option.name == "version":
                out_text(version() + "\n")
                return 0
            if option.name == "print-ckr-size":
                from .kexec_actions import crash_size

                out_text(f"{crash_size()}\n")
                return 0
            wish.take(option, value)
            about_kernels = about_kernels or option.group == "kernel"
        about_kernels = about_kernels and arch not in ANYWHERE
        if about_kernels and (wish.status or not wish.load):
            raise Bad("an option about a kernel, but none is to be loaded")
    except Bad as e:
        return _wrong(options, str(e), DIED)
    for option in wish.idle:
        if option.effect == "refused":
            complain(f"--{option.name}: {option.text}")
            return option.status
    if wish.status:
        return loaded(crash=wish.crash or not wish.plain)

    from .kexec_actions import act

    wish.kernel = operands[0] if operands else None
    try:
        return act(wish)
    except Bad as e:
        return _wrong(options, str(e), FAILED)


def _arch(machine: str) -> str:
    """Machine.arch, of what `uname -m` says; Machine finds it by more."""
    names = {"aarch64": "arm64"}
    return "arm" if machine.startswith("arm") else names.get(machine, machine)


def loaded(*, crash: bool) -> int:
    """The exit status of -S."""
    for name in LOADED[crash]:
        try:
            fd = os.open(f"/{name}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                return int(os.read(fd, 2).strip() == b"1")
            finally:
                os.close(fd)
        except FileNotFoundError:
            continue
        except OSError as e:
            complain(f"/{name}: {because(e)}")
            break
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
