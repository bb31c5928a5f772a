# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""`fuzz_python.py TARGET [options of libFuzzer] [directories of inputs]`: hunt with
atheris. `fuzz_python.py --replay TARGET FILE...`: inputs once more, without it."""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path
from typing import NoReturn

# Address space: what the interpreter, its libraries and the largest kernel image
# that is allowed take; and seconds for one input
MEMORY = 3 << 30
SECONDS = 20


def limit_memory() -> None:
    """Whoever takes more gets a MemoryError, which no target expects."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def too_long(*_: object) -> NoReturn:
    raise SystemExit(f"longer than {SECONDS} seconds")


def replay(name: str, files: list[str]) -> None:
    from python_input import Input
    from python_targets import TARGETS

    limit_memory()
    signal.signal(signal.SIGALRM, too_long)
    for file in files:
        print(file, flush=True)
        signal.alarm(SECONDS)
        TARGETS[name](Input(Path(file).read_bytes()))
        signal.alarm(0)
    print(f"{len(files)} inputs")


def hunt(name: str, options: list[str]) -> None:
    import atheris

    # Coverage of the package alone
    with atheris.instrument_imports(include=["pyfdtx"], enable_loader_override=False):
        from python_input import Input
        from python_targets import TARGETS
    target = TARGETS[name]
    limit_memory()
    atheris.Setup(
        [sys.argv[0], f"-timeout={SECONDS}", *options],
        lambda data: target(Input(data)),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1] == "--replay":
        replay(sys.argv[2], sys.argv[3:])
    else:
        hunt(sys.argv[1], sys.argv[2:])
