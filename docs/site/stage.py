# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The pages that Sphinx reads: those of the repository, in the same folders, and what
is made here from the package: commands, rules, the API, the C helpers.

    python docs/site/stage.py FOLDER
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import creference

import pyfdtx
import pyfdtx.kexec
from pyfdtx.cli import COMMANDS, GROUPS, _help
from pyfdtx.cli.arguments import Parser
from pyfdtx.kexec.check.checker import RULES

ROOT = Path(__file__).resolve().parents[2]
# Pages that stand outside of docs/, and pictures
PAGES = (
    *("*.md", "benchmarks/*.md", "examples/*.md", "packaging/*.md", "tests/*/*.md"),
    *("docs/*.md", "docs/*.svg", "benchmarks/results/*.svg"),
)
LINK = re.compile(r"(?<!!)\[([^\]\[]*(?:\[[^\]]*\][^\]\[]*)?)\]\(([^)\s]+)\)")


def main(folder: str) -> None:
    out = Path(folder)
    shutil.rmtree(out, ignore_errors=True)
    for pattern in PAGES:
        for path in sorted(ROOT.glob(pattern)):
            where = out / path.relative_to(ROOT)
            where.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".md":
                where.write_text(_page(path, path.read_text()))
            else:
                shutil.copy(path, where)
    made = {
        "index.md": _start(out),
        "commands.md": _commands(),
        "rules.md": _rules(),
        "c.rst": C_PAGE + creference.page((ROOT / "csrc/fdt_reg.h").read_text()),
        **{f"api/{name}.md": text for name, text in _api().items()},
    }
    for name, text in made.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text(text)


def _start(out: Path) -> str:
    """The start page; pages that it does not list stand at the end."""
    text = (Path(__file__).parent / "index.md").read_text()
    listed = set(re.findall(r"^(?:.* <)?([\w/-]+)>?$", text, re.M))
    pages = sorted(out.rglob("*.md"))
    names = [p.relative_to(out).with_suffix("").as_posix() for p in pages]
    return text.replace("OTHERS\n", "".join(f"{n}\n" for n in names if n not in listed))


def _page(path: Path, text: str) -> str:
    """A page of the repository. Of its links those to files that are no pages become
    the file's name; one that leads nowhere stops the build."""

    def link(match: re.Match[str]) -> str:
        words, target = match[1], match[2].partition("#")[0]
        if target.endswith(".md"):  # with the page's title instead of its file's name
            return f"[]({match[2]})" if target.endswith(words) else match[0]
        if re.match(r"[a-z]+:", target) or not target:
            return match[0]
        if not (path.parent / target).exists():
            raise SystemExit(f"{path}: link to {target}, which is not there")
        return words

    lines = []
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        lines.append(line if fenced else LINK.sub(link, line))
    text = "\n".join(lines) + "\n"
    if path.name == "check.md":
        head, _, rest = text.partition("<!-- rules -->")
        text = head + "They have [a page of their own](../rules.md), with a search.\n"
        text += rest.partition("<!-- /rules -->")[2]
    text = text.replace("```python\n>>>", "```pycon\n>>>")
    # doctest wants a blank line at the end, readers do not
    return re.sub(r"(?s)(```pycon\n.*?)\n\n```", r"\1\n```", text)


def _commands() -> str:
    from importlib import import_module

    out = ["# Commands", "", "```text", _help().rstrip(), "```", ""]
    for name, row in COMMANDS.items():
        if name in GROUPS:
            out += [f"## {GROUPS[name].rstrip(':').capitalize()}", ""]
        module = import_module(f"pyfdtx.cli.{row[0]}")
        parser = Parser(prog=f"pyfdtx {name}", description=module.__doc__)
        module.arguments(parser)
        parser.add_loudness()
        out += [f"### {name}", "", "```text", parser.format_help().rstrip(), "```", ""]
    return "\n".join(out)


def _rules() -> str:
    """A section for each rule; static/rules.js puts a field above them."""
    out = [RULES_HEAD]
    for r in RULES:
        rows = [
            ("the kernel", r.effect),
            ("way out", r.way_out),
            ("holds for", ", ".join(r.arches)),
            ("source", r.source),
        ]
        if r.versions != "all":
            rows.insert(3, ("versions", f"Linux {r.versions}"))
        head = f'<span class="{r.severity}">{r.severity}</span>'
        out += [f"## `{r.id}`", "", f"{head} {_text(r.about)}", ""]
        out += [f"* {name}: {_text(value)}" for name, value in rows]
        out.append("")
    return "\n".join(out)


def _text(text: str) -> str:
    return re.sub(r"([*_<>\[\]`])", r"\\\1", text)


def _auto(kind: str, name: str, *options: str) -> str:
    lines = ["```{eval-rst}", f".. auto{kind}:: {name}"]
    return "\n".join([*lines, *(f"   :{option}" for option in options), "```", ""])


def _object(module: str, name: str) -> str:
    found = getattr(sys.modules[module], name)
    if isinstance(found, type):
        inherited = "inherited-members: object, tuple, Mapping, MutableMapping"
        return _auto("class", f"{module}.{name}", "members:", inherited)
    return _auto("function", f"{module}.{name}")


def _api() -> dict[str, str]:
    trees = ("Fdt", "Node", "FdtView", "NodeView", "MemRange", "to_dict")
    errors = [n for n in pyfdtx.__all__ if n.startswith("Fdt") and n not in trees]
    others = [n for n in pyfdtx.__all__ if n not in (*trees, *errors)]
    parts = {
        "trees": ("Trees", TREES, [_object("pyfdtx", n) for n in trees]),
        "kexec": (
            "kexec and kdump",
            KEXEC,
            [_object("pyfdtx.kexec", n) for n in _kexec_names()],
        ),
        "errors": (
            "Errors",
            ERRORS,
            [_auto("exception", f"pyfdtx.{n}") for n in errors],
        ),
        "more": ("Install and compile", MORE, [_object("pyfdtx", n) for n in others]),
    }
    parts["trees"][2].insert(2, _auto("class", "pyfdtx.tree.edit.Edit", "members:"))
    for part, names in RETURNED.items():
        parts[part][2].extend(_auto("class", f"pyfdtx.{n}", "members:") for n in names)
    return {
        name: f"# {title}\n\n{intro}\n\n" + "\n".join(objects)
        for name, (title, intro, objects) in parts.items()
    }


def _kexec_names() -> list[str]:
    """MemRange is of codec, and shown with trees."""
    return [n for n in pyfdtx.kexec.__all__ if n != "MemRange"]


# What functions of the API return and take, and nobody makes by its name
RETURNED = {
    "trees": [
        "tree.memreserve.MemReserve",
        "tree.addresses.BusRange",
        "tree.addresses.PciReg",
    ],
    "kexec": [
        "kexec.check.checker.Finding",
        "kexec.image.kernel.KernelImage",
        "kexec.image.kernel.Footprint",
        "kexec.image.initrd.InitrdFile",
        "kexec.facts.iomem.Resource",
        "kexec.facts.vmcoreinfo.Vmcoreinfo",
        "kexec.facts.kcore.Load",
    ],
}

TREES = """Reading and changing device trees. [Trees](../docs/trees.md) says what holds
of them all; [device trees from a shell and from Python](../docs/devicetree.md) shows
it."""
KEXEC = """The second kernel: what the machine has, its tree, core header, places,
loading. [The library](../docs/kexec.md) shows it on a captured machine."""
ERRORS = """Every error is an `FdtError`: it names the operation, the node, the
property, the value, the cause and the way out."""
MORE = """For programs that compile the C helpers in, and for those that import
`libfdt`."""
RULES_HEAD = """# Rules of the checker

What `pyfdtx check` looks for. [Will the next kernel take this tree?](docs/check.md)
says how it is used.

<div id="rules-search"></div>
"""
C_PAGE = """The C helpers
=============

``fdt_reg.h``: arrays of (address, size) for libfdt. They need libfdt's public
functions alone, and compile as one more file of a program:

.. code-block:: sh

   cc -I$(python -c "import pyfdtx; print(pyfdtx.get_include())") program.c \\
       $(python -c "import pyfdtx; print(pyfdtx.get_source())") -lfdt

:doc:`docs/proposal` says why they are proposed to libfdt; the text below is the
header's own.

"""

if __name__ == "__main__":
    main(sys.argv[1])
