# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A kernel's command line: its words by the kernel's own rules, edits of it, and
numbers as they stand there. All edits of command lines are made here."""

from __future__ import annotations

__all__ = [
    "STARVING",
    "Word",
    "joined",
    "lost",
    "memparse",
    "reused",
    "values",
    "with_words",
    "without",
    "words",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DIGITS = "0123456789abcdef"
UNITS = {"k": 10, "m": 20, "g": 30, "t": 40, "p": 50, "e": 60}


def memparse(text: str) -> tuple[int, str]:
    """(number modulo 2**64, what stands behind it).

    Source: Linux lib/cmdline.c memparse(): hexadecimal behind 0x, octal behind
    0, else decimal; one of K, M, G, T, P, E behind it; 0 if there is no digit.
    """
    lower = text.lower()
    base, at = 10, 0
    if lower[:2] == "0x" and lower[2:3] and lower[2] in DIGITS:
        base, at = 16, 2
    elif lower[:1] == "0":
        base = 8
    number = 0
    # 2048 bytes are the longest command line: no harm in going by digit
    while lower[at : at + 1] and lower[at] in DIGITS[:base]:
        number = (number * base + DIGITS.index(lower[at])) % (1 << 64)
        at += 1
    unit = UNITS.get(lower[at : at + 1], 0)
    return (number << unit) % (1 << 64), text[at + bool(unit) :]


class Word:
    """A word of a line, as the kernel finds it.

    start, end: where it stands, quotes included.
    name, value: without quotes; value is None if there is no "=".
    closed: whether its quotes are; else it reaches to the end of the line.
    """

    __slots__ = ("closed", "end", "name", "start", "value")

    def __init__(
        self, start: int, end: int, name: bytes, value: bytes | None, closed: bool
    ):
        self.start = start
        self.end = end
        self.name = name
        self.value = value
        self.closed = closed

    @property
    def text(self) -> str:
        """As the kernel has it: name, or name=value."""
        whole = self.name if self.value is None else self.name + b"=" + self.value
        return whole.decode("utf-8", "surrogateescape")

    def is_called(self, name: str) -> bool:
        """Linux kernel/params.c parameq(): - and _ are one letter."""
        return self.name.replace(b"-", b"_") == name.replace("-", "_").encode()


# isspace() of Linux lib/ctype.c, which is Latin-1
SPACES = b" \t\n\v\f\r\xa0"
QUOTE, EQUALS = ord('"'), ord("=")
# All behind it is for init
END = b"--"


def _word(line: bytes, start: int) -> Word:
    """The one that starts there. Source: Linux lib/cmdline.c next_arg()."""
    at = start
    quoted = in_quote = line[at] == QUOTE
    at += quoted
    first, equals = at, 0
    while at < len(line) and (in_quote or line[at] not in SPACES):
        if line[at] == EQUALS and not equals and at > first:
            equals = at
        elif line[at] == QUOTE:
            in_quote = not in_quote
        at += 1
    whole = line[first:at]
    if quoted and whole.endswith(b'"'):
        whole = whole[:-1]
    if not equals:
        return Word(start, at, whole, None, not in_quote)
    name, value = line[first:equals], whole[equals + 1 - first :]
    if value.startswith(b'"'):
        value = value[1:]
        value = value[:-1] if value.endswith(b'"') else value
    return Word(start, at, name, value, not in_quote)


def words(line: bytes) -> Iterator[Word]:
    """The words for the kernel: those behind -- are for init.
    Source: Linux kernel/params.c parse_args()."""
    at = 0
    while True:
        while at < len(line) and line[at] in SPACES:
            at += 1
        if at == len(line):
            return
        word = _word(line, at)
        if word.name == END and word.value is None:
            return
        yield word
        at = word.end


def _tail(line: bytes) -> int:
    """Where what is for init starts."""
    end = 0
    for word in words(line):
        end = word.end
    while end < len(line) and line[end] in SPACES:
        end += 1
    return end


def joined(line: bytes, text: bytes) -> bytes:
    """The line with words added behind those for the kernel. What text has behind a
    -- of its own goes to init, too."""
    if not line or not text:
        return line or text
    at = _tail(line)
    if at == len(line):
        return line + b" " + text
    cut = _tail(text)
    more, rest = text[:cut].rstrip(SPACES), text[cut:]
    if rest[:2] == END and line[at : at + 2] == END:
        rest = rest[2:].lstrip(SPACES)
    pieces = (more, line[at:], rest)
    return line[:at] + b" ".join(piece for piece in pieces if piece)


def without(line: bytes, is_stale: Callable[[Word], bool]) -> tuple[bytes, list[str]]:
    """The line without some of the kernel's words, and these. A cut takes the white
    space behind a word; what is left at the end goes if something was cut."""
    kept, at, gone = [], 0, []
    for word in words(line):
        if is_stale(word):
            kept.append(line[at : word.start])
            at = word.end
            while at < len(line) and line[at] in SPACES:
                at += 1
            gone.append(word.text)
    whole = b"".join((*kept, line[at:]))
    return (whole.rstrip(SPACES) if gone else whole), gone


def values(line: bytes, name: str) -> list[str]:
    """What stands behind name= , each time the kernel reads it."""
    found = [w.value for w in words(line) if w.is_called(name)]
    return [v.decode("latin-1") for v in found if v is not None]


# True for one boot only
BOOT_ONLY = ("BOOT_IMAGE", "elfcorehdr")
# What a crash kernel would take too much memory for, or would not have. Fedora's and
# SUSE's kdump strip the like (KDUMP_COMMANDLINE_REMOVE)
STARVING = (
    # memory is set aside once more, or cut
    *("crashkernel", "mem", "reserve_mem"),
    # huge pages (mm/hugetlb.c)
    *("hugepages", "hugepagesz", "default_hugepagesz", "hugetlb_cma"),
    # pools for devices (kernel/dma/contiguous.c, kernel/dma/swiotlb.c)
    *("cma", "cma_pernuma", "numa_cma", "swiotlb"),
    # the log's buffer; memory with redzones and owners (mm/slub.c)
    *("log_buf_len", "slub_debug", "slab_debug"),
    # memory handed over from kernel to kernel, which a crash kernel does not have
    # (kernel/liveupdate/kexec_handover.c)
    *("kho", "kho_scratch", "kho_bootmem"),
    # parts of all memory that it does not have (mm/mm_init.c)
    *("kernelcore", "movablecore"),
)
# These go though the others are kept
NEVER_KEPT = ("crashkernel", "mem")


def _text(line: str) -> bytes:
    return line.encode("utf-8", "surrogateescape")


def reused(line: str, *, crash: bool, keep: bool = False) -> tuple[str, list[str]]:
    """The running kernel's line for the next one, and what a crash kernel's line has
    lost but for crashkernel=, which everybody expects.

    Args:
        keep: leave in what only takes memory.
    """
    raw = _text(line)
    names: tuple[str, ...] = ()
    if crash:
        names = NEVER_KEPT if keep else STARVING
    kept, gone = [], []
    for word in words(raw):
        if any(map(word.is_called, names)):
            gone.append(word.text)
        elif not any(map(word.is_called, BOOT_ONLY)):
            kept.append(raw[word.start : word.end])
    rest = raw[_tail(raw) :]
    whole = b" ".join([*kept, rest] if rest else kept)
    shown = [text for text in gone if not text.startswith("crashkernel=")]
    return whole.decode("utf-8", "surrogateescape"), shown


def with_words(line: str, text: str | None) -> str:
    """As joined()."""
    whole = joined(_text(line), _text(text or ""))
    return whole.decode("utf-8", "surrogateescape")


def lost(line: bytes, room: int) -> str:
    """The words that a kernel loses that reads so many bytes, NUL included: the first
    may be cut in two."""
    behind = [w.text for w in words(line) if w.end > room - 1]
    text = " ".join(behind[:4])[:200]
    return text + (" ..." if len(behind) > 4 or len(text) == 200 else "")
