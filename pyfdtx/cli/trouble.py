# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What a command says when it fails, and the way out to stdout and stderr."""

from __future__ import annotations

import os
import sys

from ..errors import FdtError
from ..files import write_all

__all__ = [
    "Killed",
    "Trouble",
    "UsageError",
    "because",
    "clean",
    "complain",
    "detail",
    "die_of",
    "loudness",
    "note",
    "out",
    "out_text",
    "quiet",
    "speak_as",
    "status_of",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Characters of a message; an argument that is in it may have megabytes
LINE = 2000
# -q, neither, -v; the command that runs sets it before it does anything
QUIET, NORMAL, VERBOSE = -1, 0, 1
_loudness = NORMAL
_program = "pyfdtx"


class Trouble(Exception):
    """A failure of the outside world; the text is for the user."""


class UsageError(Exception):
    """The arguments make no sense."""


class Killed(BaseException):
    """A signal that ends the process, after tidying up."""

    def __init__(self, signal: str):
        super().__init__(signal)
        self.signal = signal


def because(e: OSError) -> str:
    return e.strerror or str(e)


def clean(text: str) -> str:
    """The text without anything that moves a terminal's cursor or colours."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(c: str) -> str:
    if "\udc80" <= c <= "\udcff":  # a byte that was not text
        return f"\\x{ord(c) - 0xDC00:02x}"
    return c.encode("unicode_escape").decode("ascii")


def speak_as(program: str) -> None:
    """What stands in front of each line on stderr from now on."""
    global _program
    _program = program


def complain(text: str) -> None:
    """One line on stderr."""
    if sys.stderr is None:
        return
    text = clean(text)
    if len(text) > LINE:
        text = f"{text[: LINE // 2]} ... {text[-LINE // 2 :]}"
    # contextlib.suppress() would cost as much as the rest of a start
    try:
        sys.stderr.write(f"{_program}: {text}\n")
        sys.stderr.flush()
    except OSError:  # nobody is left to tell
        pass


def loudness(level: int) -> None:
    """What note() and detail() say from now on."""
    global _loudness
    _loudness = level


def quiet() -> bool:
    """Whether -q was given."""
    return _loudness == QUIET


def note(text: str) -> None:
    """One line on stderr about something that is no error; not with -q."""
    if _loudness > QUIET:
        complain(text)


def detail(text: str) -> None:
    """One line on stderr about what is done, with -v."""
    if _loudness >= VERBOSE:
        complain(text)


def out(data: bytes) -> None:
    """All of data to stdout.

    Raises:
        BrokenPipeError: nobody reads any more.
        Trouble: stdout is closed or cannot be written.
    """
    if sys.stdout is None:
        raise Trouble("stdout: closed")
    try:
        write_all(1, data)
    except BrokenPipeError:
        raise
    except OSError as e:
        raise Trouble(f"stdout: {because(e)}") from None


def out_text(text: str) -> None:
    """Text to stdout; what is not ASCII becomes a backslash escape."""
    out(text.encode("ascii", "backslashreplace"))


def die_of(name: str) -> None:
    """End the process by the signal, so that shells see it."""
    import signal

    number = getattr(signal, name, None)
    if number is None:  # no such signal on Windows
        raise SystemExit(1)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def status_of(
    run: Callable[[], int],
    failed: int,
    words: Callable[[str], str] = str,
) -> int:
    """What run() returns; failed, and one line on stderr, if it raises.

    Args:
        words: makes of an error's text what the line says.
    Returns: 2 for wrong usage. Ends the process by SIGINT or SIGPIPE when it was
        interrupted or when nobody reads its output any more.
    """
    try:
        return run()
    except UsageError as e:
        complain(str(e))
        return 2
    except (Trouble, FdtError) as e:
        complain(words(str(e)))
    except BrokenPipeError:
        die_of("SIGPIPE")
    except KeyboardInterrupt:
        die_of("SIGINT")
    except Killed as e:
        die_of(e.signal)
    except MemoryError:
        complain("out of memory")
    except Exception as e:
        if os.environ.get("PYFDTX_TRACEBACK"):
            raise
        complain(
            f"internal error, please report it: {type(e).__name__}: {e} "
            "(PYFDTX_TRACEBACK=1 shows where)"
        )
    return failed
