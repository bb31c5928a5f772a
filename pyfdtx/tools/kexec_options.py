# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The options of kexec(8), how getopt_long(3) finds them, and what they ask for.

One row for each option, for the parser, for -h, for the manual page and for
docs/kexec-tools.md.
"""

from __future__ import annotations

__all__ = [
    *("DIED", "FAILED", "OPTIONS", "PROGRAM", "ULONG_MAX"),
    *("Bad", "Option", "Wish", "number", "options_of", "parse"),
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    Effect = Literal["works", "none", "said", "refused"]
    Group = Literal["action", "machine", "kernel"]

PROGRAM = "kexec"
# Exit statuses: kexec-tools' return values modulo 256
DIED, FAILED = 1, 255
ULONG_MAX = (1 << 64) - 1


class Option:
    """One option.

    names: long ones, the first is the one that others mean too. letter: "" if none.
    takes: name of its argument; "": none.
    effect: "works"; "none": accepted, and -d says that it does nothing; "said": the
        same, and it is always said; "refused".
    group: "kernel": wrong usage unless a kernel is loaded.
    arches: as Machine.arch; empty: all.
    status: exit status of a refusal.
    text: what it does; of the others: why not.
    """

    __slots__ = (
        *("arches", "effect", "group", "letter", "names"),
        *("status", "takes", "text"),
    )

    def __init__(
        self,
        names: str,
        text: str,
        *,
        takes: str = "",
        effect: Effect = "works",
        group: Group = "action",
        arches: tuple[str, ...] = (),
        status: int = 1,
    ):
        words = names.split()
        self.letter = words.pop()[1] if len(words[-1]) == 2 else ""
        self.names = tuple(word[2:] for word in words)
        self.takes = takes
        self.effect = effect
        self.group = group
        self.arches = arches
        self.status = status
        self.text = text

    @property
    def name(self) -> str:
        return self.names[0]

    def __repr__(self) -> str:
        return f"Option(--{self.name})"


X86, ARM, PPC = ("x86_64",), ("arm",), ("ppc64le",)
PURGATORY = "concerns kexec-tools' purgatory, which is not used"
BOOT_PARAMETERS = (
    "concerns the boot parameters, which the running kernel makes by itself"
)
NO_CONTEXT = "jumping back into this kernel is not known here"
XEN = "Xen's live update is not known here"

OPTIONS = (
    Option("--help -h", "show this text"),
    Option("--version -v", "show the version"),
    Option("--force -f", "load, and start at once: shutdown(8) is not called"),
    Option("--no-checks -i", "do not verify what is loaded before it is started"),
    Option("--no-ifdown -x", "leave network interfaces up before starting"),
    Option("--no-sync -y", "do not sync file systems before starting"),
    Option("--load -l", "load a kernel"),
    Option("--load-panic -p", "load a kernel that starts on a panic"),
    Option(
        "--unload -u", "forget the loaded kernel; with -p in front, that of a panic"
    ),
    Option("--exec -e", "start the loaded kernel, at once"),
    Option("--status -S", "exit status 1 if a panic kernel (-l: a kernel) is loaded"),
    Option("--kexec-file-syscall -s", "load by kexec_file_load(2) alone"),
    Option("--kexec-syscall -c", "load by kexec_load(2) alone"),
    Option(
        "--kexec-syscall-auto -a",
        "by kexec_file_load(2), or else by kexec_load(2) (default)",
    ),
    Option("--type -t", "the kernel must be of this type", takes="TYPE"),
    Option("--mem-min", "place nothing below this address", takes="ADDR"),
    Option("--mem-max", "place nothing above this address", takes="ADDR"),
    Option("--entry", "jump there instead of to the kernel; 0: no", takes="ADDR"),
    Option("--print-ckr-size", "print the size of the crash region in bytes"),
    Option(
        "--hotplug",
        "the kernel must keep the core header up to date (it does so where it can)",
    ),
    Option("--debug -d", "tell what is done"),
    Option(
        "--reuseinitrd",
        "this kernel does not keep its initrd",
        effect="refused",
    ),
    Option("--load-preserve-context", NO_CONTEXT, effect="refused"),
    Option("--load-jump-back-helper", NO_CONTEXT, effect="refused"),
    Option("--load-live-update", XEN, effect="refused"),
    Option("--exec-live-update", XEN, effect="refused"),
    Option(
        "--append --command-line",
        "the whole command line of the kernel (default: an empty one)",
        takes="TEXT",
        group="kernel",
    ),
    Option(
        "--reuse-cmdline",
        "this kernel's command line, and --append behind it",
        group="kernel",
    ),
    Option("--initrd --ramdisk", "its initrd", takes="FILE", group="kernel"),
    Option(
        "--dtb",
        "the device tree to start from (kexec_load(2))",
        takes="FILE",
        group="kernel",
        arches=("arm64", "arm", "riscv64"),
    ),
    Option(
        "--dtb --devicetreeblob",
        "the device tree to start from (kexec_load(2))",
        takes="FILE",
        group="kernel",
        arches=PPC,
    ),
    Option(
        "--dtb",
        "there is no device tree",
        takes="FILE",
        group="kernel",
        effect="said",
        arches=X86,
    ),
    Option(
        "--serial",
        PURGATORY,
        takes="PORT",
        group="machine",
        effect="none",
        arches=("arm64", *X86),
    ),
    Option(
        "--image-size",
        "the image tells",
        takes="SIZE",
        group="machine",
        effect="none",
        arches=ARM,
    ),
    Option(
        "--page-offset",
        "/proc/kallsyms tells",
        takes="ADDR",
        group="kernel",
        effect="none",
        arches=ARM,
    ),
    Option(
        "--atags", "a device tree is used", group="kernel", effect="none", arches=ARM
    ),
    Option(
        "--dt-no-old-root",
        "root= is never taken over",
        group="machine",
        effect="none",
        arches=(*ARM, *PPC),
    ),
    Option(
        "--args-linux", "is the only way", group="kernel", effect="none", arches=PPC
    ),
    Option(
        "--elf64-core-headers",
        "is the only way",
        group="machine",
        effect="none",
        arches=(*PPC, *X86),
    ),
    Option(
        "--elf32-core-headers",
        "the running kernel makes them",
        group="machine",
        effect="none",
        arches=X86,
    ),
    Option("--reset-vga", PURGATORY, group="machine", effect="none", arches=X86),
    Option("--console-vga", PURGATORY, group="machine", effect="none", arches=X86),
    Option("--console-serial", PURGATORY, group="machine", effect="none", arches=X86),
    Option(
        "--serial-baud",
        PURGATORY,
        takes="RATE",
        group="machine",
        effect="none",
        arches=X86,
    ),
    Option("--noefi", BOOT_PARAMETERS, group="machine", effect="none", arches=X86),
    Option(
        "--reuse-video-type",
        BOOT_PARAMETERS,
        group="machine",
        effect="none",
        arches=X86,
    ),
    Option(
        "--pass-memmap-cmdline",
        "the running kernel passes the memory map",
        group="machine",
        effect="none",
        arches=X86,
    ),
    Option(
        "--args-linux",
        "concerns ELF kernels",
        group="kernel",
        effect="said",
        arches=X86,
    ),
    Option(
        "--args-elf", "concerns ELF kernels", group="kernel", effect="said", arches=X86
    ),
    Option(
        "--args-none", "concerns ELF kernels", group="kernel", effect="said", arches=X86
    ),
    Option(
        "--module",
        "concerns multiboot kernels",
        takes="TEXT",
        group="kernel",
        effect="said",
        arches=X86,
    ),
    Option(
        "--real-mode",
        "kexec_file_load(2) starts kernels in 64-bit mode alone",
        group="kernel",
        effect="refused",
        arches=X86,
        status=255,
    ),
    Option(
        "--entry-32bit",
        "kexec_file_load(2) starts kernels in 64-bit mode alone",
        group="kernel",
        effect="refused",
        arches=X86,
        status=255,
    ),
)


class Bad(Exception):
    """The command line is wrong."""


def options_of(arch: str) -> tuple[Option, ...]:
    """The options of kexec(8) on an architecture."""
    return tuple(o for o in OPTIONS if not o.arches or arch in o.arches)


def _long(word: str, options: tuple[Option, ...]) -> Option:
    """The option of a name, or of the start of one."""
    near = []
    for option in options:
        for name in option.names:
            if name == word:
                return option
            if name.startswith(word):
                near.append((name, option))
    if not near:
        raise Bad(f"there is no option '--{word}'")
    if len({id(option) for _, option in near}) > 1:
        names = ", ".join(f"--{name}" for name, _ in near)
        raise Bad(f"'--{word}' may be one of {names}")
    return near[0][1]


def parse(
    args: list[str], options: tuple[Option, ...], operands: list[str]
) -> Iterator[tuple[Option, str]]:
    """Each option with its argument, in their order, as getopt_long(3) finds them:
    options and operands mixed, names cut short, letters bundled.

    Args:
        operands: gets what is none, until the end is reached.
    Raises:
        Bad: when the wrong one is reached.
    """
    letters = {o.letter: o for o in options if o.letter}
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if word == "--":
            operands += rest
            return
        if word.startswith("--"):
            name, given, value = word[2:].partition("=")
            option = _long(name, options)
            if given and not option.takes:
                raise Bad(f"'--{option.name}' takes no argument")
            if option.takes and not given:
                if not rest:
                    raise Bad(f"'--{option.name}' needs an argument")
                value = rest.pop(0)
            yield option, value
        elif word.startswith("-") and len(word) > 1:
            at = 1
            while at < len(word):
                letter, at = word[at], at + 1
                if letter == "?":
                    raise Bad("")
                if letter not in letters:
                    raise Bad(f"there is no option '-{letter}'")
                option, value = letters[letter], ""
                if option.takes:
                    value, at = word[at:], len(word)
                    if not value:
                        if not rest:
                            raise Bad(f"'-{letter}' needs an argument")
                        value = rest.pop(0)
                yield option, value
        else:
            operands.append(word)


def number(option: Option, text: str) -> int:
    """As strtoul(3) reads it, base 0: nothing is 0, what is too large the largest.

    Raises:
        Bad: something stands behind the number.
    """
    digits = text.lstrip(" \t\n\v\f\r")
    sign = -1 if digits.startswith("-") else 1
    digits = digits[1:] if digits[:1] in ("+", "-") else digits
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[:1] == "0" else 10
    try:
        if not digits.isalnum() or not digits.isascii():
            raise ValueError
        value = int(digits, base)
    except ValueError:
        if text:
            raise Bad(f"'--{option.name}={text}' is no number") from None
        return 0
    return min(value, ULONG_MAX) if sign > 0 else -value & ULONG_MAX


class Wish:
    """What the options ask for, in the order in which they stand.

    load, unload, execute, shutdown: what is to be done, in this order but for the
        first two. crash: about the panic kernel. plain: -l was said.
    by_file, by_segments: the system calls that may be used.
    low, high: the lowest and the highest address for segments.
    idle: options that were given and do nothing.
    """

    def __init__(self) -> None:
        self.load = self.shutdown = True
        self.unload = self.execute = self.crash = self.plain = False
        self.by_file = self.by_segments = True
        self.checks = self.ifdown = self.sync = True
        self.status = self.debug = self.hotplug = False
        self.reuse_cmdline = False
        self.type: str | None = None
        self.cmdline: str | None = None
        self.initrd: str | None = None
        self.dtb: str | None = None
        self.low, self.high, self.entry = 0, ULONG_MAX, 0
        self.idle: list[Option] = []
        self.kernel: str | None = None

    def _do(self, *, load: bool, execute: bool) -> None:
        self.load, self.execute, self.shutdown = load, execute, False

    def take(self, option: Option, value: str) -> None:
        """One more option.

        Raises:
            Bad: its argument is no number.
        """
        name = option.name
        if option.effect != "works":
            self.idle.append(option)
        elif name == "load":
            self._do(load=True, execute=False)
            self.plain = True
        elif name == "load-panic":
            self._do(load=True, execute=False)
            self.crash = True
        elif name == "unload":
            self.unload, self.load, self.shutdown = True, False, False
        elif name == "exec":
            self._do(load=False, execute=True)
        elif name == "force":
            self._do(load=True, execute=True)
        elif name.startswith("kexec-"):
            self.by_file = name != "kexec-syscall"
            self.by_segments = name != "kexec-file-syscall"
        elif name.startswith("no-"):
            setattr(self, name[3:], False)
        elif name in ("status", "debug", "hotplug"):
            setattr(self, name, True)
        elif name == "reuse-cmdline":
            self.reuse_cmdline = True
        elif name == "append":
            self.cmdline = value
        elif name in ("type", "initrd", "dtb"):
            setattr(self, name, value)
        elif name in ("mem-min", "mem-max", "entry"):
            place = {"mem-min": "low", "mem-max": "high"}.get(name, name)
            setattr(self, place, number(option, value))
