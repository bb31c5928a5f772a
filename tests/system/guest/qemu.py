# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""One run of QEMU, from power-on to power-off."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from . import GuestError, need

# Pure emulation, serial console on stdout, a reboot (also by panic=-1) ends it.
# The seed makes QEMU's random numbers (kaslr-seed, rng-seed) the same each run.
COMMON = (
    *("-nographic", "-nodefaults", "-serial", "stdio"),
    *("-no-reboot", "-seed", "1"),
)
LOG_LINES = 40


def run(
    program: str, args: tuple[str, ...], timeout: float, *, log: Path | None = None
) -> str:
    """The console log of a guest that powered itself off.

    Args:
        program: "qemu-system-aarch64".
        args: everything but COMMON.
        timeout: seconds.
        log: keep the console log here.
    Raises:
        GuestError: not installed, refused its arguments, or did not end in time;
            with the end of the console log.
    """
    need(program)
    # A file, not a pipe: what a hung guest said is kept.
    with tempfile.TemporaryFile() if log is None else log.open("w+b") as said:
        try:
            code = subprocess.run(
                (program, *args, *COMMON),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
            ).returncode
            trouble = f"exit code {code}" if code else ""
        except subprocess.TimeoutExpired:
            trouble = f"not done after {timeout:g} seconds"
        said.seek(0)
        console = said.read().decode(errors="replace").replace("\r", "")
    if trouble:
        raise GuestError(f"{program}: {trouble}{end_of(console)}")
    return console


def end_of(console: str) -> str:
    """The last lines of a console log, to stand behind an error message."""
    lines = console.splitlines()[-LOG_LINES:]
    return "".join(f"\n  | {line}" for line in lines or ["(the console is empty)"])


def kernel_args(kernel: Path, initrd: Path, cmdline: str) -> tuple[str, ...]:
    """QEMU's own boot loader, or the firmware's when -bios is given too."""
    return (
        *("-kernel", str(kernel), "-initrd", str(initrd)),
        *("-append", cmdline),
    )


def version(program: str) -> str:
    """First line of --version."""
    need(program)
    shown = subprocess.run(
        (program, "--version"), capture_output=True, text=True, check=True
    )
    return shown.stdout.splitlines()[0]
