# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Files with more in them than one tree, and files that are something else."""

import gzip
import struct

import pytest

from pyfdtx import Fdt, pure


def tree(model, *props):
    return pure.flatten(("", [("model", model.encode() + b"\0"), *props], []))


def table(*trees):
    """Android's dt_table, as source.android.com describes it: 8 words of header, 8 an
    entry, big-endian."""
    start = 32 + 32 * len(trees)
    entries, data = b"", b""
    for number, blob in enumerate(trees):
        entries += struct.pack(">8I", len(blob), start + len(data), number, 0, *[0] * 4)
        data += blob
    total = start + len(data)
    head = struct.pack(">8I", 0xD7B7AB1E, total, 32, 32, len(trees), 32, 2048, 0)
    return head + entries + data


ONE, TWO = tree("one"), tree("two", ("x", b"\1" * 100))
FILES = {
    "joined": ONE + TWO,
    "joined, with padding": ONE + bytes(4096 - len(ONE)) + TWO + bytes(77),
    "table": table(ONE, TWO),
}


@pytest.mark.parametrize("name", FILES)
def test_trees_of_a_file_are_listed_and_taken_by_index(cli, name):
    data = FILES[name]
    (cli.folder / "f").write_bytes(data)
    lines = cli.good("show", "--list", "f").decode().splitlines()
    rows = [line.split("\t") for line in lines]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("0", str(len(ONE)), "one"),
        ("1", str(len(TWO)), "two"),
    ]
    for row, blob in zip(rows, (ONE, TWO)):
        at = int(row[1], 16)
        assert data[at : at + len(blob)] == blob
    assert cli.good("get", "f", "/", "model", "--index", "1") == b"two\n"
    assert b'model = "one"' in cli.good("show", "f", "--index", "0")
    said = cli.bad(1, "show", "f", "--index", "2")
    assert "no device tree of index 2" in said


def test_a_table_is_named_with_the_way_out(cli):
    (cli.folder / "f").write_bytes(FILES["table"])
    assert "dtbo.img); --index N" in cli.bad(1, "show", "f")


@pytest.mark.parametrize("cut", [8, 31, 32, 60, 95])
def test_a_table_that_is_cut_off(cli, cut):
    (cli.folder / "f").write_bytes(FILES["table"][:cut])
    assert "table" in cli.bad(1, "show", "--list", "f")


def test_entries_that_point_outside(cli):
    data = bytearray(FILES["table"])
    data[36:40] = b"\xff\xff\xff\xf0"
    (cli.folder / "f").write_bytes(data)
    assert "entry 0 of the table points outside" in cli.bad(1, "show", "--list", "f")


# -- tails ----------------------------------------------------------------------


def test_a_tail_is_noted_where_it_is_left_out(cli):
    (cli.folder / "f").write_bytes(ONE + b"payload")
    status, out, err = cli.run("show", "f")
    assert status == 0
    assert b'model = "one"' in out
    assert b"note: f: 7 bytes behind the tree are left out" in err
    status, _, err = cli.run("set", "f", "/", "x", "-t", "u32", "1", "-o", "g")
    assert (status, err.count(b"\n")) == (0, 1)
    assert (cli.folder / "g").read_bytes() == Fdt(
        (cli.folder / "g").read_bytes()
    ).to_bytes()


@pytest.mark.parametrize(
    "change",
    [
        ("set", "f", "/", "model", "-t", "string", "o"),
        ("delete", "f", "/", "model"),
        ("append", "f", "/", "empty", "-t", "empty"),
    ],
)
def test_a_tail_stays_where_it_is_in_place(cli, change):
    padded = Fdt(ONE).to_bytes(size=512)
    (cli.folder / "f").write_bytes(padded + b"payload")
    cli.good(change[0], "-i", *change[1:])
    data = (cli.folder / "f").read_bytes()
    assert data[512:] == b"payload"
    assert int.from_bytes(data[4:8], "big") == 512
    fdt = Fdt(data)
    assert fdt.to_bytes(size=512) == data[:512]
    assert fdt.root.get("model") != b"one\0" or "empty" in fdt.root


def test_a_tree_that_outgrows_its_place_is_refused_in_place(cli):
    before = ONE + b"payload"
    (cli.folder / "f").write_bytes(before)
    said = cli.bad(1, "set", "-i", "f", "/", "model", "a longer one")
    assert "7 bytes stand behind the tree" in said
    assert (cli.folder / "f").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (("--pad", "4096"), len(ONE) + 12 + 4096 + 2),
        (("--size", "8K"), 8192),
        (("--align", "4096"), 4096),
        (("--pad", "1", "--size", "10", "--align", "1000"), 1000),
    ],
)
def test_room_is_made_on_request(cli, options, size):
    (cli.folder / "f").write_bytes(ONE)
    cli.good("set", "f", "/", "x", "-t", "empty", "-o", "g", *options)
    data = (cli.folder / "g").read_bytes()
    assert len(data) == int.from_bytes(data[4:8], "big") == size
    pure.check(data)


def test_room_that_is_none(cli):
    (cli.folder / "f").write_bytes(ONE)
    args = ("set", "f", "/", "x", "-t", "empty", "-o", "g")
    assert "ends at" in cli.bad(1, *args, "--size", "2G")
    assert "align" in cli.bad(1, *args, "--align", "0")


# -- something else -------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (gzip.compress(ONE), "is compressed with gzip; unpack it first: gunzip -c f |"),
        (b"\xfd7zXZ\0" + bytes(60), "compressed with xz"),
        (b"\x28\xb5\x2f\xfd" + bytes(60), "compressed with zstd"),
        (b"\x27\x05\x19\x56" + bytes(60), "a U-Boot image"),
        (b"\x7fELF" + bytes(60), "an ELF file"),
        (b"/dts-v1/;\n/ { };\n", "device tree source; compile it: dtc -I dts -O dtb"),
        (b"\n// x\n/dts-v1/;\n", "device tree source"),
        (b"\xed\xfe\x0d\xd0" + bytes(60), "bytes of each word swapped"),
    ],
)
@pytest.mark.parametrize("command", ["show", "get", "check"])
def test_what_a_file_is_instead_and_what_helps(cli, data, says, command):
    (cli.folder / "f").write_bytes(data)
    args = ("f", "/") if command == "get" else ("f",)
    assert says in cli.bad(1, command, *args)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_old_version_is_named_with_what_dtc_does(cli, version):
    data = bytearray(ONE)
    data[20:24] = data[24:28] = version.to_bytes(4, "big")
    (cli.folder / "f").write_bytes(data)
    said = cli.bad(1, "show", "f")
    assert f"format version {version}; dtc writes it anew" in said
    assert "-V 17" in said


# -- parts of a tree ------------------------------------------------------------


def test_a_subtree_is_shown_alone(cli):
    out = cli.good("show", "boot.dtb", "/soc").decode()
    assert out.startswith("soc {\n\t#address-cells = <0x1>;\n")
    assert out.endswith("\t};\n};\n")
    assert "chosen" not in out
    by_label = cli.good("show", "boot.dtb", "&uart").decode()
    assert by_label == cli.good("show", "boot.dtb", "serial0").decode()
    assert by_label.startswith("uart: uart@1000 {\n")
    assert "/none" in cli.bad(1, "show", "boot.dtb", "/none")


def test_labels_can_be_left_out(cli):
    assert b"uart: uart@1000 {" in cli.good("show", "boot.dtb")
    assert b"\tuart@1000 {" in cli.good("show", "--no-labels", "boot.dtb")


def test_a_root_with_a_name_is_noted(cli, boot):
    at = boot.index(b"\0\0\0\1\0\0\0\0\0\0\0\3")
    named = bytearray(boot[: at + 4] + b"root" + boot[at + 4 :])
    for field in (4, 12, 36):
        old = int.from_bytes(named[field : field + 4], "big")
        named[field : field + 4] = (old + 4).to_bytes(4, "big")
    (cli.folder / "f").write_bytes(named)
    for command in (("show", "f"), ("check", "f"), ("get", "f", "/chosen", "bootargs")):
        _, out, err = cli.run(*command)
        assert b"the root's name is left out" in err
        assert out
    status, out, _ = cli.run("diff", "f", "boot.dtb")
    assert (status, out) == (0, b"")
