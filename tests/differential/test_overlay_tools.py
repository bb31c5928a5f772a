# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Overlays against dtc and libfdt's fdt_overlay_apply(), on random trees.

dtc compiles base and changes in one source, which says what the overlays have to
come to; the same changes as overlays are applied one behind the other, and merged
first. libfdt applies the merged one, too.
"""

import random
import shutil
import subprocess

import pytest

from pyfdtx import Fdt, libfdt

pytestmark = pytest.mark.skipif(
    not shutil.which("dtc"), reason="needs dtc (Debian: device-tree-compiler)"
)


class Source:
    """A base and changes of it, in DTS."""

    def __init__(self, seed, meet):
        """meet: some nodes of the changes are there already."""
        self.meet = meet
        self.random = random.Random(seed)
        self.count = 0
        self.labels = []
        # One node at least, which all changes can be about
        self.labels.append("top")
        inner = self.body(3, refer=False)
        self.base = f"/ {{ top: top {{ {inner} }}; }};"
        self.changes = [self.change() for _ in range(2)]

    def number(self):
        self.count += 1
        return self.count

    def body(self, depth, refer=True):
        out = []
        for _ in range(self.random.randrange(3)):
            name = f"p{self.random.randrange(6)}"
            if refer and self.random.random() < 0.5:
                label = self.random.choice(self.labels)
                out.append(f"ref-{name} = <&{label}>;")
            else:
                out.append(f"{name} = <{self.number()}>;")
        # dtc keeps the last of two, and both forms of a name may be drawn
        out = list({line.split()[0]: line for line in out}.values())
        for n in self.random.sample(range(4), self.random.randrange(4) if depth else 0):
            label = f"l{self.number()}"
            inner = self.body(depth - 1, refer)
            n = n if self.meet else self.count
            self.labels.append(label)
            out.append(f"{label}: n{n}@{n} {{ {inner} }};")
        return " ".join(out)

    def change(self):
        out = []
        for _ in range(1 + self.random.randrange(3)):
            label = self.random.choice(self.labels)
            out.append(f"&{label} {{ {self.body(2)} }};")
        return "\n".join(out)


def compiled(text):
    done = subprocess.run(
        ["dtc", "-@", "-q", "-I", "dts", "-O", "dtb", "-o", "-", "-"],
        input=text.encode(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stderr.decode()}\n{text}"
    return done.stdout


def meaning(data):
    """{path: {name: value}}, references by what they point to, without phandles;
    labels of all."""
    fdt = Fdt(data)
    numbers = {node.phandle: node.path for node in fdt.walk() if node.phandle}
    found = {}
    for node in fdt.walk():
        values = found[node.path] = {}
        for name, value in node.items():
            if name.startswith("ref-"):
                values[name] = numbers[int.from_bytes(value, "big")]
            elif name != "phandle":
                values[name] = value
    return found


@pytest.mark.parametrize("meet", [True, False])
@pytest.mark.parametrize("seed", range(60))
def test_overlays_come_to_what_dtc_makes_of_one_source(seed, meet):
    source = Source(seed, meet)
    head = "/dts-v1/;\n"
    base = compiled(head + source.base)
    overlays = [compiled(f"{head}/plugin/;\n{text}") for text in source.changes]
    wanted = meaning(compiled(head + "\n".join([source.base, *source.changes])))

    stacked = Fdt(base)
    for overlay in overlays:
        stacked.apply_overlay(overlay)
    assert meaning(stacked.to_bytes()) == wanted

    merged = Fdt(overlays[0])
    merged.apply_overlay(overlays[1])
    once = Fdt(base)
    once.apply_overlay(merged)
    assert meaning(once.to_bytes()) == wanted

    if meet:
        # Two fragments that make one node give it two phandles; libfdt keeps the
        # second, and what refers to the first leads nowhere
        return
    # Boot loaders take the merged one, too
    theirs = libfdt.Fdt(bytearray(base))
    theirs.resize(4 * (len(base) + len(merged.to_bytes())))
    spent = libfdt.Fdt(bytearray(merged.to_bytes()))
    assert libfdt.fdt_overlay_apply(theirs._fdt, spent._fdt) == 0
    theirs.pack()
    got = meaning(bytes(theirs.as_bytearray()))
    assert without_symbols(got) == without_symbols(wanted)


def without_symbols(tree):
    """libfdt spells labels of its own way, "//n" for "/n" below the root."""
    return {path: values for path, values in tree.items() if path != "/__symbols__"}
