# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Completion for bash, zsh and fish, from the parsers of the commands."""

from __future__ import annotations

import re
from argparse import SUPPRESS, Action
from pathlib import Path
from typing import NamedTuple

from manual import argument

from pyfdtx.cli import COMMANDS, command_of

# What an argument is, by the name that --help gives it
FILES = {"A", "B", "BASE", "BOOT", "CORE", "DTB", "FILE", "IMAGE", "OUT", "OVERLAY"}
FOLDERS = {"DIR"}
NODES, PROPERTIES = {"PATH"}, {"PROP"}
GLOBAL = {
    "-h": "show help",
    "--help": "show help",
    "-V": "show the versions",
    "--version": "show the versions",
}


class Argument(NamedTuple):
    """flags: none for a positional one. takes: None if nothing. many: may be repeated.
    kind: file, folder, node, property, words, or "" for what nobody can guess."""

    flags: list[str]
    takes: str | None
    kind: str
    words: list[str]
    many: bool
    optional: bool
    help: str


def _kind(action: Action, command: str) -> str:
    name = str(action.metavar)
    if action.choices is not None:
        return "words"
    if name in FOLDERS or (name == "PATH" and command == "proposal"):
        return "folder"
    if name in FILES:
        return "file"
    if not action.option_strings:
        if name in NODES:
            return "node"
        if name in PROPERTIES:
            return "property"
    return ""


def arguments(command: str) -> list[Argument]:
    _, parser = command_of(command)
    return [
        Argument(
            flags=list(action.option_strings),
            takes=None if action.nargs == 0 else argument(action),
            kind=_kind(action, command) if action.nargs != 0 else "",
            words=[str(word) for word in action.choices or ()],
            many=action.nargs in ("*", "+"),
            optional=action.nargs in ("?", "*"),
            help=re.sub(r"\s+", " ", action.help or ""),
        )
        for action in parser._actions
        if action.help != SUPPRESS
    ]


def template(shell: str) -> str:
    home = Path(__file__).resolve().parent / "completion"
    return (home / f"{shell}.in").read_text(encoding="utf-8")


# bash


def _bash_kind(it: Argument) -> str:
    return f"words {' '.join(it.words)}" if it.kind == "words" else it.kind or "none"


def bash() -> str:
    cases = []
    for command in COMMANDS:
        found = arguments(command)
        flags = " ".join(flag for it in found for flag in it.flags)
        takes = "".join(
            f" [{flag}]='{_bash_kind(it)}'"
            for it in found
            if it.takes is not None
            for flag in it.flags
        )
        places = "".join(
            f" '{_bash_kind(it)}{'+' if it.many else ''}'"
            for it in found
            if not it.flags
        )
        cases.append(
            f"\t{command})\n\t\toptions='{flags}'\n\t\ttakes=({takes[1:]})\n"
            f"\t\tpositional=({places[1:]})\n\t\t;;"
        )
    names = " ".join(COMMANDS)
    made = template("bash").replace("@NAMES@", names)
    made = made.replace("@CASES@", "\n".join(cases))
    return made.replace("@COMMANDS@", f"{names} help {' '.join(GLOBAL)}")


# zsh


def _zsh_text(words: str) -> str:
    return re.sub(r"([\\:\[\]])", r"\\\1", words).replace("'", "'\\''")


ZSH_ACTIONS = {
    "file": "_files",
    "folder": "_files -/",
    "node": "_pyfdtx_nodes",
    "property": "_pyfdtx_properties",
}


def _zsh_action(it: Argument) -> str:
    if it.kind == "words":
        return f"({' '.join(it.words)})"
    return ZSH_ACTIONS.get(it.kind, " ")


def _zsh_spec(it: Argument) -> str:
    if not it.flags:
        where = "*" if it.many else ":" if it.optional else ""
        return f"'{where}:{_zsh_text(it.takes or '')}:{_zsh_action(it)}'"
    said = f"[{_zsh_text(it.help)}]"
    if it.takes is not None:
        said += f":{_zsh_text(it.takes)}:{_zsh_action(it)}"
    if len(it.flags) == 1:
        return f"'{it.flags[0]}{said}'"
    return f"'({' '.join(it.flags)})'{{{','.join(it.flags)}}}'{said}'"


def zsh() -> str:
    commands = "\n".join(
        f"\t\t'{name}:{_zsh_text(row[2])}'" for name, row in COMMANDS.items()
    )
    cases = "\n".join(
        f"\t\t{name}) _arguments -s \\\n\t\t\t"
        + " \\\n\t\t\t".join(_zsh_spec(it) for it in arguments(name))
        + " ;;"
        for name in COMMANDS
    )
    made = template("zsh").replace("@COMMANDS@", commands)
    return made.replace("@CASES@", cases)


# fish


def _fish_text(words: str) -> str:
    return "'" + words.replace("\\", "\\\\").replace("'", "\\'") + "'"


FISH_KINDS = {
    "file": "-F",
    "folder": "-a '(__fish_complete_directories)'",
    "node": "-a '(__pyfdtx_nodes)'",
    "property": "-a '(__pyfdtx_properties)'",
}
MANY = 99


def fish() -> str:
    lines = []
    for name, row in COMMANDS.items():
        lines.append(
            "complete -c pyfdtx -n __fish_use_subcommand "
            f"-a {name} -d {_fish_text(row[2])}"
        )
        lines.append(f"complete -c pyfdtx -n '__pyfdtx_command help' -a {name}")
        place, found = 0, arguments(name)
        takers = " ".join(f for it in found if it.takes is not None for f in it.flags)
        for it in found:
            words = _fish_text(" ".join(it.words))
            kind = f"-a {words}" if it.words else FISH_KINDS.get(it.kind, "")
            when = f"__pyfdtx_command {name}"
            if it.flags:
                flags = " ".join(
                    f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
                    for flag in it.flags
                )
                takes = f" -x {kind}".replace("-x -F", "-r -F").rstrip()
                takes = "" if it.takes is None else takes
                said = _fish_text(it.help)
                lines.append(f"complete -c pyfdtx -n '{when}' {flags}{takes} -d {said}")
            else:
                last = MANY if it.many else place
                if kind:
                    when = f"{when}; and __pyfdtx_place {place} {last} {takers}"
                    lines.append(f"complete -c pyfdtx -n '{when}' {kind}")
                place += 1
    return template("fish") + "\n".join(lines) + "\n"
