# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The command lines of kexec_rows.txt, what kexec-tools does with them
(kexec_rows.json, from tests/kexec_tools/), and how that is compared and shown."""

import gzip
import json
import re
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kexec_world

from pyfdtx.tools.kexec_options import OPTIONS

HERE = Path(__file__).resolve().parent
RECORD = HERE / "kexec_rows.json"
SIGSEGV, SIGFPE = 139, 136
PLACED = "x86_64 is loaded by kexec_file_load(2) alone"
SAYS_WHY = "says why"
BOTH = "unloads, then loads; kexec-tools unloads both"
LOOKS = "leaves it to the running kernel to look at the file"
# Where ours does what neither of the two does, and why
DIFFERENT = {
    "nothing: -lsd K": "says what it does",
    "kernel: -S --append=x": SAYS_WHY,
    "kernel: -e --append=x": SAYS_WHY,
    "nothing: -u --append=x": SAYS_WHY,
    "nothing: -u --real-mode": SAYS_WHY,
    "no kexec: -l K": PLACED,
    "no kexec: K": PLACED,
    "both: -s -c -l K": PLACED,
    "only segments: -s -a -l K": PLACED,
    "only segments: -a -l K": PLACED,
    "not root: -c -l K": PLACED,
    "invalid: -a -l K": PLACED,
    "not supported: -a -l K": PLACED,
    "nothing: -l TEXT": LOOKS,
    "nothing: -s -l TEXT": LOOKS,
    "nothing: -s -l GZ": "gives the running kernel what is inside",
    "both: -s -p -u -l K": BOTH,
    "both: -s -u -p K": BOTH,
}


def rows():
    """(machine, command line) each."""
    found = []
    for line in (HERE / "kexec_rows.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            world, _, command = line.partition(":")
            found.append((world, command.strip()))
    return found


def make_files(folder):
    """What the words of the command lines stand for: their paths."""
    kernel = kexec_world.bzimage()
    (folder / "kernel").write_bytes(kernel)
    (folder / "kernel.gz").write_bytes(gzip.compress(kernel, mtime=0))
    (folder / "initrd").write_bytes(b"070701" + bytes(250))
    (folder / "text").write_text("root:x:0:0:root:/root:/bin/sh\n" * 20)
    names = {"K": "kernel", "GZ": "kernel.gz", "I": "initrd", "TEXT": "text"}
    return {
        **{word: str(folder / name) for word, name in names.items()},
        "NONE": str(folder / "none"),
        "DIR": str(folder),
    }


def words(command, files):
    """The arguments of a command line."""
    found = []
    for word in shlex.split(command):
        head, is_option, value = word.partition("=")
        if is_option and value in files:
            word = f"{head}={files[value]}"
        found.append(files.get(word, word))
    return found


def seen(outcome):
    """What callers see of it: status, streams that were written to, what is loaded,
    and the system calls without addresses."""
    streams = ("o" if outcome.out else "") + ("e" if outcome.err else "")
    calls = [re.sub(r" entry=\w+", "", call) for call in outcome.calls]
    return [outcome.status, streams, outcome.loaded, calls]


def run_all(program, folder, kernel, chosen=None):
    """{"machine: command line": what is seen}, of a program's first words."""
    files_in = folder / "files"
    files_in.mkdir()
    files = make_files(files_in)

    def one(numbered):
        number, (world, command) = numbered
        own = folder / f"row{number}"
        own.mkdir()
        args = words(command, files)
        outcome = kexec_world.run(program, args, world, own, kernel)
        return f"{world}: {command}".strip(), seen(outcome)

    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(one, enumerate(chosen or rows())))


def recorded():
    """{version: {"machine: command line": what is seen}}."""
    return json.loads(RECORD.read_text())


def _cell(found):
    status, streams, loaded, _calls = found
    names = {SIGSEGV: "SIGSEGV", SIGFPE: "SIGFPE"}
    words = [names.get(status, str(status))]
    words += ["out"] if "o" in streams else []
    words += ["err"] if "e" in streams else []
    if loaded:
        words.append(loaded.replace(" ", "/"))
    return " ".join(words)


def table(ours):
    """The rows, in Markdown, beside what ours does."""
    theirs = recorded()
    versions = list(theirs)
    lines = [
        f"| machine | `kexec` | {' | '.join(versions)} | pyfdtx |",
        "|---" * (3 + len(versions)) + "|",
    ]
    for world, command in rows():
        row = f"{world}: {command}".strip()
        mine = ours[row]
        alike = [v for v in versions if theirs[v][row][:3] == mine[:3]]
        said = "same" if len(alike) == len(versions) else ", ".join(alike)
        if not said:
            said = f"{_cell(mine)}: {DIFFERENT[row]}"
        cells = " | ".join(_cell(theirs[v][row]) for v in versions)
        lines.append(f"| {world} | `{command or ' '}` | {cells} | {said} |")
    return "\n".join(lines) + "\n"


def options_of_the_page(effects):
    """The options of these effects, in Markdown."""
    lines = ["| option | architectures | |", "|---|---|---|"]
    for option in OPTIONS:
        if option.effect in effects:
            words = [f"`--{name}`" for name in option.names]
            words += [f"`-{option.letter}`"] if option.letter else []
            takes = f" {option.takes}" if option.takes else ""
            arches = " ".join(option.arches)
            lines.append(f"| {' '.join(words)}{takes} | {arches} | {option.text} |")
    return "\n".join(lines) + "\n"


def page_parts(ours):
    """{name: text}: what stands in docs/kexec-options.md between comments."""
    return {
        "options": options_of_the_page(("works",)),
        "idle": options_of_the_page(("none", "said")),
        "refused": options_of_the_page(("refused",)),
        "rows": table(ours),
    }


def parts_of(page):
    """The same, as a page has it."""
    return dict(re.findall(r"(?s)<!-- (\w+) -->\n(.*?)<!-- end -->", page))


def with_parts(page, parts):
    """The page with these parts instead."""
    for name, text in parts.items():
        head = f"<!-- {name} -->\n"
        before, _, rest = page.partition(head)
        page = before + head + text + rest[rest.index("<!-- end -->") :]
    return page
