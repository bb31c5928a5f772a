# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Every command over trees with marked seeds: no seed on stdout or stderr, none in a
file that others can read, and nothing that tells of memory in one."""

import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from pyfdtx import pure
from pyfdtx.cli import COMMANDS

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
# Printable, so that they could be taken for text; each word is unlike the others
SEEDS = {
    "kaslr-seed": b"Kq7vXw2Z",
    "rng-seed": b"Rn4gTy8uPb3mWd6sHj9kLc5xVf2zQa7e",
    "vendor,boot-seed": b"Vb6nUj3h\0",
    "odd-seed": b"\xc3\x91\xe7",
}
NO_SEEDS = ("--kaslr-seed", "none", "--rng-seed", "none")


def forms(value):
    """All ways in which a value is written here or could be."""
    yield value.rstrip(b"\0")
    yield value.hex().encode()
    yield value.hex(" ").encode()
    for at in range(0, len(value) - 3, 4):
        (word,) = struct.unpack_from(">I", value, at)
        yield f"{word:#x}".encode()
        yield str(word).encode()
    if len(value) == 8:
        yield str(int.from_bytes(value, "big")).encode()


MARKS = {form for value in SEEDS.values() for form in forms(value)}


def marks(data):
    return sorted(mark for mark in MARKS if mark.lower() in data.lower())


def with_seeds(blob):
    """Seeds in /chosen, twice by the same name, and in a node of its own."""
    (name, props, children) = pure.unflatten(blob)
    _, chosen, _ = next(c for c in children if c[0] == "chosen")
    chosen[:] = [p for p in chosen if p[0] not in SEEDS]
    chosen += [(n, bytes(len(v))) for n, v in SEEDS.items()]
    chosen += SEEDS.items()
    children.append(("secure-chosen", list(SEEDS.items()), []))
    return pure.flatten((name, props, children), [])


@pytest.fixture
def machine(cli, boot):
    """boot.dtb, one without seeds, one with others, a machine, an image."""
    folder = cli.folder
    shutil.copytree(EXAMPLES / "arm64-dt", folder / "machine")
    fdt = folder / "machine/sys/firmware/fdt"
    (folder / "other.dtb").write_bytes(fdt.read_bytes())
    fdt.write_bytes(with_seeds(fdt.read_bytes()))
    (folder / "boot.dtb").write_bytes(fdt.read_bytes())
    seeds = ("__overlay__", list(SEEDS.items()), [])
    target = ("fragment@0", [("target-path", b"/\0")], [seeds])
    overlay = pure.flatten(("", [], [target]), [])
    (folder / "overlay.dtb").write_bytes(overlay)
    head = struct.pack("<2I6Q4sI", 0, 0, 0, 20 << 20, 10, 0, 0, 0, b"ARM\x64", 0)
    (folder / "Image").write_bytes(head + bytes(5000))
    return cli


ROOT = ("--root", "machine")
PLACES = ("--elfcorehdr", "0x4ffff000,0x400", "--usable", "0x40000000,256M")
# Each command with all that it can write or print; another command must come here
WAYS = {
    "crash-dtb": [("boot.dtb", "-o", "new", *PLACES)],
    "kexec-dtb": [("boot.dtb", "-o", "new"), ("boot.dtb", "-o", "new", *NO_SEEDS)],
    "plan": [
        ("--crash", "Image", *ROOT),
        ("--crash", "Image", *ROOT, "--json"),
        ("--crash", "Image", *ROOT, "--svg", "new"),
    ],
    "load": [("--crash", "Image", *ROOT, "--dry-run", "--output-dir", "new")],
    "exec": [()],
    "unload": [("--help",)],
    "status": [ROOT, (*ROOT, "--json")],
    "doctor": [(*ROOT, "Image"), (*ROOT, "--json")],
    "estimate": [("Image", *ROOT), ("Image", *ROOT, "--json")],
    "elfcorehdr": [("-o", "new", *ROOT)],
    "capture": [("new", *ROOT), ("machine", *ROOT)],
    "show": [
        ("boot.dtb",),
        ("boot.dtb", "--json"),
        ("boot.dtb", "/chosen"),
        ("boot.dtb", "/secure-chosen"),
    ],
    "get": [
        ("boot.dtb", "/chosen"),
        ("boot.dtb", "/chosen", "--json"),
        ("boot.dtb", "/chosen", "-p"),
        ("boot.dtb", "/secure-chosen"),
        ("boot.dtb", "/chosen", "bootargs"),
        ("boot.dtb", "/chosen", "no-such-seed"),
    ],
    "set": [
        ("boot.dtb", "/", "x", "-t", "empty", "-o", "new"),
        ("boot.dtb", "/", "x", "-t", "empty", "-i"),
        ("boot.dtb", "/nowhere", "x", "-t", "empty", "-i"),
    ],
    "append": [
        ("boot.dtb", "/", "x", "-t", "u32", "1", "-o", "new"),
        ("boot.dtb", "/chosen", "odd-seed", "-t", "u32", "1", "-o", "new"),
        ("boot.dtb", "/chosen", "kaslr-seed", "-t", "string", "x", "-o", "new"),
    ],
    "delete": [
        ("boot.dtb", "/chosen", "bootargs", "-o", "new"),
        ("boot.dtb", "/chosen", "bootargs", "-i"),
    ],
    "add": [("boot.dtb", "/x", "-o", "new"), ("boot.dtb", "/chosen", "-o", "new")],
    "overlay": [
        ("boot.dtb", "overlay.dtb", "-o", "new"),
        ("other.dtb", "overlay.dtb", "-o", "new"),
        ("overlay.dtb", "overlay.dtb", "--merge", "-o", "new"),
    ],
    "check": [
        ("boot.dtb",),
        ("boot.dtb", "--json", *ROOT),
        ("boot.dtb", "--arch", "arm"),
        ("boot.dtb", "--arch", "ppc64le"),
    ],
    "diff": [
        (*pair, *form)
        for pair in (("boot.dtb", "other.dtb"), ("other.dtb", "boot.dtb"))
        for form in ((), ("--json",))
    ],
    "dmesg": [("boot.dtb",), ("machine/proc/kcore.vmcoreinfo", "--json")],
    "proposal": [("verify", "--dtc", "machine")],
}
EDITORS = {"set", "append", "delete", "add", "overlay"}
RUNS = [(command, way) for command, ways in WAYS.items() for way in ways]


def test_every_command_is_here():
    assert set(WAYS) == set(COMMANDS)


def test_the_test_sees_seeds(machine):
    for form in ("show", "diff"):
        both = ("boot.dtb",) if form == "show" else ("other.dtb", "boot.dtb")
        for json_too in ((), ("--json",)):
            _, out, _ = machine.run(form, *both, *json_too, "--show-secrets")
            assert len(marks(out)) >= len(SEEDS)
    for form in ((), ("--json",)):
        out = machine.good("get", "boot.dtb", "/secure-chosen", "--show-secrets", *form)
        assert len(marks(out)) >= len(SEEDS)


@pytest.mark.parametrize(("command", "way"), RUNS, ids=str)
def test_no_command_shows_a_seed(machine, command, way):
    before = {p: p.stat().st_ino for p in machine.folder.rglob("*")}
    _, out, err = machine.run(command, *way)
    assert marks(out) == []
    assert marks(err) == []
    for path in machine.folder.rglob("*"):
        if before.get(path) == path.stat().st_ino:
            continue
        if command not in EDITORS or marks(path.read_bytes()):
            assert not path.stat().st_mode & 0o077, path


def test_a_property_asked_for_by_name_is_shown(machine):
    seed = SEEDS["rng-seed"]
    where = ("boot.dtb", "/secure-chosen", "rng-seed")
    assert machine.good("get", *where, "-t", "raw") == seed
    assert f"{seed.hex()}" in machine.good("get", *where, "--json").decode()


def test_what_is_hidden_says_how_long_it_is(machine):
    shown = machine.good("show", "boot.dtb").decode()
    assert shown.count("\t// rng-seed: 32 secret bytes, not shown\n") == 2
    rows = json.loads(machine.good("show", "boot.dtb", "--json"))["nodes"]
    (node,) = [n for n in rows if n["path"] == "/secure-chosen"]
    hidden = {"name": "rng-seed", "type": "secret", "value": None, "raw": None}
    assert {**hidden, "size": 32} in node["properties"]


def test_a_seed_that_is_used_up_is_shown(machine):
    """Linux writes zeros over a seed: that is a fact, and no secret."""
    assert "\tkaslr-seed = <0x0 0x0>;" in machine.good("show", "boot.dtb").decode()


@pytest.mark.parametrize("bits", [0o600, 0o640, 0o644, 0o666])
def test_a_tree_with_seeds_closes_the_file_that_it_replaces(machine, bits):
    for name in ("boot.dtb", "out"):
        (machine.folder / name).write_bytes((machine.folder / "boot.dtb").read_bytes())
        (machine.folder / name).chmod(bits)
    machine.good("set", "boot.dtb", "/", "x", "-t", "empty", "-o", "out")
    machine.good("set", "boot.dtb", "/", "x", "-t", "empty", "-i")
    for name in ("boot.dtb", "out"):
        assert (machine.folder / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("bits", [0o400, 0o600, 0o604, 0o644])
def test_a_copy_of_what_others_cannot_read_they_cannot_read_either(machine, bits):
    (machine.folder / "other.dtb").chmod(bits)
    machine.good("set", "other.dtb", "/", "x", "-t", "empty", "-o", "out")
    others = (machine.folder / "out").stat().st_mode & 0o077
    assert bool(others) == bool(bits & 0o044)


def test_the_demo_shows_no_seed_and_leaves_none_for_others(machine):
    demo = (EXAMPLES / "demo.py").read_text()
    (machine.folder / "demo.py").write_text(demo)
    (machine.folder / "machine/RECIPE.txt").touch()
    done = subprocess.run(
        [sys.executable, "demo.py", "machine", "made"],
        cwd=machine.folder,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert b"secret bytes, not shown" in done.stdout
    assert marks(done.stdout) == []
    made = machine.folder / "made"
    for path in [made, *made.iterdir()]:
        assert not path.stat().st_mode & 0o077
