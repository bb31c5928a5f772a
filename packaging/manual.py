# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Manual pages in mdoc(7), from the texts that the commands show for --help.

No text stands here: who changes what a command says changes its page.
"""

from __future__ import annotations

import os
import re
import time
from argparse import SUPPRESS, Action
from collections.abc import Iterator
from textwrap import dedent

from pyfdtx import __version__
from pyfdtx.cli import COMMANDS, GROUPS, HELP, command_of
from pyfdtx.tools import kexec, kexec_options, vmcore_dmesg

EXAMPLES = re.compile(r"^examples?:\n", re.MULTILINE)
EXIT = re.compile(r"^Exit status: ", re.MULTILINE)


def text(words: str) -> str:
    """Running text, safe for roff; a hyphen stays one that can be copied."""
    words = words.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"^(?=[.'])", r"\\&", words, flags=re.MULTILINE)


def running(words: str) -> str:
    """Text that is filled: each sentence starts a line, as roff wants it."""
    return text(re.sub(r"(?<=[a-z)0-9][.:!?]) +(?=[A-Z\"])", "\n", words))


def macro(words: str) -> str:
    """Text as an argument of a macro; a word that is a macro's name stays text."""
    shown = text(words).replace('"', r"\(dq")
    return f'"{shown}"' if " " in shown else rf"\&{shown}"


def paragraphs(words: str, *, behind: bool = False) -> Iterator[str]:
    """Text of a help page: what is indented stays as it stands, with its heading.

    behind: something stands in front of it.
    """
    first = not behind
    for block in re.split(r"\n\n+", words.strip("\n")):
        if any(row.startswith("  ") for row in block.split("\n")):
            yield f".Bd -literal -offset indent\n{text(block)}\n.Ed"
        else:
            yield ("" if first else ".Pp\n") + running(block)
        first = False


def title(name: str, section: int, what: str) -> Iterator[str]:
    day = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH") or time.time()))
    yield time.strftime(".Dd %B ", day) + f"{day.tm_mday}, {day.tm_year}"
    yield f".Dt {name.upper()} {section}"
    yield f".Os pyfdtx {__version__}"
    yield ".Sh NAME"
    yield f".Nm {name}"
    yield f".Nd {text(what)}"


def argument(action: Action) -> str:
    """The name of an option's argument, or of a positional one."""
    if action.metavar is not None:
        return str(action.metavar)
    if action.choices is not None:
        return "|".join(map(str, action.choices))
    return action.dest.upper()


def synopsis(name: str, actions: list[Action]) -> Iterator[str]:
    yield ".Sh SYNOPSIS"
    yield f".Nm {name}"
    for action in actions:
        option = action.option_strings
        if option:
            takes = "" if action.nargs == 0 else f" Ar {macro(argument(action))}"
            flag = f"Fl {text(option[-1][1:])}{takes}"
            yield f".{flag}" if action.required else f".Op {flag}"
        else:
            shown = f"Ar {macro(argument(action))}"
            dots = " ..." if action.nargs in ("*", "+") else ""
            yield (
                f".Op {shown}{dots}"
                if action.nargs in ("?", "*")
                else f".{shown}{dots}"
            )


def options(actions: list[Action]) -> Iterator[str]:
    yield ".Bl -tag -width Ds"
    for action in actions:
        name = f"Ar {macro(argument(action))}"
        if action.option_strings:
            flags = " , ".join(f"Fl {text(o[1:])}" for o in action.option_strings)
            yield f".It {flags}" + ("" if action.nargs == 0 else f" {name}")
        else:
            yield f".It {name}"
        yield running((action.help or "") % {"default": action.default, "prog": ""})
    yield ".El"


def examples_of(words: str) -> list[str]:
    shown = text(dedent(words.strip("\n")))
    return [".Sh EXAMPLES", ".Bd -literal -offset indent", shown, ".Ed"]


def command(name: str) -> str:
    """The page of one of COMMANDS, in section 1."""
    _, parser = command_of(name)
    actions = [a for a in parser._actions if a.help != SUPPRESS]
    actions.sort(key=lambda action: not action.option_strings)
    about, *examples = EXAMPLES.split(parser.epilog or "")
    lines = [*title(f"pyfdtx-{name}", 1, COMMANDS[name][2])]
    lines += synopsis(f"pyfdtx {name}", actions)
    lines += [".Sh DESCRIPTION", *paragraphs(parser.description or "")]
    lines += options(actions)
    if about.strip():
        lines += paragraphs(about, behind=True)
    lines += [".Sh EXIT STATUS", *paragraphs(EXIT.split(HELP)[1].split("\n")[0])]
    for example in examples:
        lines += examples_of(example)
    lines += [".Sh SEE ALSO", ".Xr pyfdtx 1"]
    return "\n".join(lines) + "\n"


def overview() -> str:
    """pyfdtx(1): all commands."""
    about, rest = HELP.split("{commands}")
    _, what, *_ = [part.strip() for part in about.split("\n\n")]
    switches, rest = rest.split("options:\n")[1].split("\n\n", 1)
    rest, status = EXIT.split(rest)
    status, examples = EXAMPLES.split(status)
    lines = [*title("pyfdtx", 1, what.rstrip(".").lower())]
    lines += [".Sh SYNOPSIS", ".Nm pyfdtx", ".Ar COMMAND", ".Op Ar ARGUMENT ..."]
    lines += [".Sh DESCRIPTION"]
    started = False
    for name, row in COMMANDS.items():
        if name in GROUPS:
            head = GROUPS[name].rstrip(":")
            lines += [".El"] if started else []
            lines += [f".Ss {text(head)}", ".Bl -tag -width Ds"]
            started = True
        lines += [f".It Xr pyfdtx\\-{text(name)} 1", text(row[2])]
    lines += [".El", ".Ss options", ".Bl -tag -width Ds"]
    for flags, said in re.findall(r"^  (-\S, --\S+) +(.*)", switches, re.MULTILINE):
        shown = " , ".join(f"Fl {text(flag[1:])}" for flag in flags.split(", "))
        lines += [f".It {shown}", text(said)]
    lines += [".El", *paragraphs(rest, behind=True)]
    lines += [".Sh EXIT STATUS", *paragraphs(status)]
    lines += examples_of(examples)
    return "\n".join(lines) + "\n"


def vmcore_dmesg_page(name: str) -> str:
    about, *examples = vmcore_dmesg.USAGE.split("\n\n", 1)[1].split("Exit status: ")
    lines = [*title(name, 8, "show the log of a kernel that died")]
    lines += [".Sh SYNOPSIS", f".Nm {name}", ".Ar CORE"]
    lines += [".Sh DESCRIPTION", *paragraphs(about)]
    lines += [".Sh EXIT STATUS", *paragraphs(examples[0])]
    lines += [".Sh SEE ALSO", ".Xr pyfdtx\\-dmesg 1"]
    return "\n".join(lines) + "\n"


# Titles of kexec(8)'s options, by what becomes of them
EFFECTS = {
    "works": "Options",
    "none": "Options without effect, which -d names",
    "said": "Options without effect, which are named",
    "refused": "Options that are refused",
}


def kexec_page(name: str) -> str:
    lines = [*title(name, 8, "start another kernel, at once or on a panic")]
    lines += [".Sh SYNOPSIS", f".Nm {name}", ".Op Ar OPTION ...", ".Op Ar KERNEL"]
    lines += [".Sh DESCRIPTION", *paragraphs(kexec.__doc__ or "")]
    for effect, head in EFFECTS.items():
        lines += [f".Ss {text(head)}", ".Bl -tag -width Ds"]
        for option in kexec_options.OPTIONS:
            if option.effect == effect:
                flags = [f"-{long}" for long in option.names]
                flags += [option.letter] if option.letter else []
                shown = " , ".join(f"Fl {flag}" for flag in map(text, flags))
                takes = f" Ar {option.takes}" if option.takes else ""
                lines.append(f".It {shown}{takes}")
                where = f" ({', '.join(option.arches)})" if option.arches else ""
                lines.append(running(option.text + where))
        lines.append(".El")
    lines += [".Sh SEE ALSO", ".Xr pyfdtx\\-load 1 ,", ".Xr kexec_load 2"]
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """File name: text."""
    found = {"pyfdtx.1": overview()}
    found.update((f"pyfdtx-{name}.1", command(name)) for name in COMMANDS)
    for name in ("vmcore-dmesg", "pyfdtx-vmcore-dmesg"):
        found[f"{name}.8"] = vmcore_dmesg_page(name)
    for name in ("kexec", "pyfdtx-kexec"):
        found[f"{name}.8"] = kexec_page(name)
    return found
