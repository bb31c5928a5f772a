# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""One run of QEMU, from power-on to power-off."""

from __future__ import annotations

import re
import socket
import subprocess
import tempfile
import time
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


def run_until_at(
    program: str,
    args: tuple[str, ...],
    places: range,
    timeout: float,
    *,
    log: Path,
) -> None:
    """Run a guest until its first CPU stands at one of some addresses.

    Raises:
        GuestError: it ended, or did not get there in time.
    """
    need(program)
    with tempfile.TemporaryDirectory() as folder, log.open("wb") as said:
        monitor = Path(folder) / "monitor"
        more = ("-monitor", f"unix:{monitor},server=on,wait=off")
        guest = subprocess.Popen(
            (program, *args, *COMMON, *more),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        end = time.monotonic() + timeout
        pc = None
        try:
            while pc not in places:
                if guest.poll() is not None or time.monotonic() > end:
                    console = log.read_text(errors="replace")
                    where = "nowhere" if pc is None else f"at {pc:#x}"
                    raise GuestError(
                        f"{program}: is {where}, not in {places}{end_of(console)}"
                    )
                time.sleep(0.2)
                if monitor.exists():
                    pc = _pc(monitor)
        finally:
            guest.kill()
            guest.wait()


def _pc(monitor: Path) -> int | None:
    """Where QEMU's first CPU is, from its monitor."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(30)
        try:
            line.connect(str(monitor))
            line.sendall(b"info registers\n")
            text = b""
            while b"PSTATE" not in text:
                part = line.recv(1 << 16)
                if not part:
                    return None
                text += part
        except OSError:
            return None
    found = re.search(rb"PC=([0-9a-f]+)", text)
    return int(found[1], 16) if found else None


def watch(
    program: str,
    args: tuple[str, ...],
    timeout: float,
    *,
    log: Path,
    until: str,
    silence: float,
) -> str:
    """The console log of a guest that may not end by itself.

    Args:
        until: QEMU is stopped when the guest has written this.
        silence: and when it has written nothing for so many seconds from its
            start on.
        the others: as run().
    Raises:
        GuestError: as run(); what `until` and `silence` end is no trouble.
    """
    need(program)
    started, trouble = time.monotonic(), ""
    with (
        log.open("wb") as said,
        subprocess.Popen(
            (program, *args, *COMMON),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            while process.poll() is None:
                passed = time.monotonic() - started
                if until in _text(log) or (passed > silence and not _text(log)):
                    break
                if passed > timeout:
                    trouble = f"not done after {timeout:g} seconds"
                    break
                time.sleep(0.1)
            if process.returncode:
                trouble = f"exit code {process.returncode}"
        finally:
            process.kill()
    if trouble:
        raise GuestError(f"{program}: {trouble}{end_of(_text(log))}")
    return _text(log)


def _text(log: Path) -> str:
    return log.read_bytes().decode(errors="replace").replace("\r", "")


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
