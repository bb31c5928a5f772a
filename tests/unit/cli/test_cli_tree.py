# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""overlay, delete and add: what fdtoverlay and fdtput do, with our manners."""

import pytest

from pyfdtx import Fdt, pure

UNRESOLVED = b"\xff\xff\xff\xff"


def overlay(name, label="uart"):
    """Sets a property `name` in the node of a label."""
    return pure.flatten(
        (
            "",
            [],
            [
                (
                    "fragment@0",
                    [("target", UNRESOLVED)],
                    [("__overlay__", [(name, b"")], [("new", [], [])])],
                ),
                ("__fixups__", [(label, b"/fragment@0:target:0\0")], []),
                ("__symbols__", [("new", b"/fragment@0/__overlay__/new\0")], []),
            ],
        )
    )


@pytest.fixture
def files(cli):
    for name, blob in (
        ("a.dtbo", overlay("a")),
        ("b.dtbo", overlay("b", "new")),
        ("bad.dtbo", overlay("c", "none")),
    ):
        (cli.folder / name).write_bytes(blob)
    return cli


def made(cli, name="out.dtb"):
    return Fdt((cli.folder / name).read_bytes())


# -- overlay ------------------------------------------------------------------


def test_overlays_are_applied_in_order(files):
    files.good("overlay", "boot.dtb", "a.dtbo", "b.dtbo", "-o", "out.dtb")
    fdt = made(files)
    assert "a" in fdt["/soc/uart@1000"]
    assert "b" in fdt["/soc/uart@1000/new"]
    # the second needs what the first makes
    said = files.bad(1, "overlay", "boot.dtb", "b.dtbo", "a.dtbo", "-o", "x.dtb")
    assert said.startswith("b.dtbo: ")
    assert "'new' (fragment@0)" in said


def test_overlays_are_applied_all_or_none(files, boot):
    before = files.names()
    said = files.bad(1, "overlay", "boot.dtb", "a.dtbo", "bad.dtbo", "-o", "out.dtb")
    assert said.startswith("bad.dtbo: ")
    assert "'none'" in said
    said = files.bad(1, "overlay", "-i", "boot.dtb", "a.dtbo", "bad.dtbo")
    assert files.names() == before
    assert (files.folder / "boot.dtb").read_bytes() == boot


def test_overlays_in_place_and_through_pipes(files, boot):
    files.good("overlay", "-i", "boot.dtb", "a.dtbo")
    assert "a" in made(files, "boot.dtb")["/soc/uart@1000"]
    out = files.good("overlay", "-", "a.dtbo", "-o", "-", stdin=boot)
    assert "a" in Fdt(out)["/soc/uart@1000"]
    out = files.good("overlay", "boot.dtb", "-", "-o", "-", stdin=overlay("z"))
    assert "z" in Fdt(out)["/soc/uart@1000"]


def test_merged_overlays_do_what_they_do_one_by_one(files):
    files.good("overlay", "--merge", "a.dtbo", "b.dtbo", "-o", "both.dtbo")
    files.good("overlay", "boot.dtb", "both.dtbo", "-o", "one.dtb")
    files.good("overlay", "boot.dtb", "a.dtbo", "b.dtbo", "-o", "two.dtb")
    one, two = made(files, "one.dtb"), made(files, "two.dtb")
    assert without_phandles(one) == without_phandles(two)


def without_phandles(fdt):
    """Which of the two nodes gets the first free number is the only difference."""
    return {n.path: {k: v for k, v in n.items() if k != "phandle"} for n in fdt}


@pytest.mark.parametrize(
    ("status", "args", "says"),
    [
        (1, ("a.dtbo", "b.dtbo", "-o", "o"), "is an overlay itself; --merge"),
        (1, ("--merge", "boot.dtb", "a.dtbo", "-o", "o"), "is no overlay"),
        (1, ("a.dtbo", "boot.dtb", "--merge", "-o", "o"), "are the two swapped"),
        (2, ("-", "-", "-o", "o"), "only one of the trees can come from stdin"),
        (2, ("boot.dtb", "-o", "o"), "OVERLAY"),
        (2, ("boot.dtb", "a.dtbo"), "-o/--output"),
        (2, ("-i", "-", "a.dtbo"), "cannot change stdin"),
        (1, ("boot.dtb", "missing.dtbo", "-o", "o"), "missing.dtbo: No such file"),
    ],
)
def test_what_cannot_be_applied(files, status, args, says):
    before = files.names()
    stdin = {"stdin": (files.folder / "boot.dtb").read_bytes()} if "-" in args else {}
    assert says in files.bad(status, "overlay", *args, **stdin)
    assert files.names() == before


# -- delete -------------------------------------------------------------------


def test_a_property_is_deleted(cli):
    cli.good("delete", "boot.dtb", "/chosen", "bootargs", "-o", "out.dtb")
    assert list(made(cli)["/chosen"]) == ["kaslr-seed"]


@pytest.mark.parametrize("path", ["/soc/uart@1000", "serial0", "&uart", "/soc"])
def test_a_node_is_deleted_with_all_below(cli, path):
    cli.good("delete", "-i", "boot.dtb", path)
    assert "/soc/uart@1000" not in made(cli, "boot.dtb")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("/none",), "/none"),
        (("/chosen", "none"), "/chosen:none"),
        (("/",), "root"),
    ],
)
def test_what_cannot_be_deleted(cli, boot, args, says):
    said = cli.bad(1, "delete", "-i", "boot.dtb", *args)
    assert said.startswith("boot.dtb: ")
    assert says in said
    assert (cli.folder / "boot.dtb").read_bytes() == boot


# -- add ----------------------------------------------------------------------


def test_a_bare_node_is_added(cli):
    cli.good("add", "boot.dtb", "/soc/new@5", "-o", "out.dtb")
    assert list(made(cli)["/soc/new@5"]) == []
    cli.good("add", "-p", "boot.dtb", "/a/b/c", "-o", "out.dtb")
    assert "/a/b/c" in made(cli)


@pytest.mark.parametrize(
    ("status", "args", "says"),
    [
        (1, ("/chosen",), "exists already"),
        (1, ("/a/b",), "/a"),
        (1, ("/a b",), "cannot spell the node name 'a b'"),
        (1, ("/soc/ä",), "cannot spell the node name"),
    ],
)
def test_what_cannot_be_added(cli, boot, status, args, says):
    assert says in cli.bad(status, "add", "-i", "boot.dtb", *args)
    assert (cli.folder / "boot.dtb").read_bytes() == boot


@pytest.mark.parametrize(
    "args",
    [
        ("set", "/chosen", "boot args", "x y"),
        ("set", "/chosen", "a/b", "x y"),
        ("set", "-p", "/new node", "x", "y z"),
        ("append", "/chosen", "a~", "x y"),
    ],
)
def test_a_name_that_show_would_refuse_is_not_made(cli, boot, args):
    command, *rest = args
    assert "letters, digits" in cli.bad(1, command, "-i", "boot.dtb", *rest)
    assert (cli.folder / "boot.dtb").read_bytes() == boot
