# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""get, set and append: types, refusals, and what fdtget and fdtput users know."""

import json
import shutil
import subprocess
import sys

import pytest

from pyfdtx import Fdt
from pyfdtx.cli import command_of
from pyfdtx.cli.get import plain

UART = "/soc/uart@1000"


def tool(name):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is missing (Debian: device-tree-compiler)")
    return path


def after(cli, command, *args):
    """The tree that set or append writes."""
    cli.good(command, "-o", "out.dtb", *args)
    return Fdt((cli.folder / "out.dtb").read_bytes())


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("/chosen", "bootargs"), "console=ttyAMA0 quiet\n"),
        (("/", "compatible"), "v,board\nv,soc\n"),
        ((UART, "reg"), "0x1000 0x200\n"),
        ((UART, "mac"), "00 11 22 33 44 55\n"),
        ((UART, "flag"), ""),
        # by alias, by label, without the unit address
        (("serial0", "mac"), "00 11 22 33 44 55\n"),
        (("&uart", "mac"), "00 11 22 33 44 55\n"),
        (("/soc/uart", "mac"), "00 11 22 33 44 55\n"),
        # typed
        ((UART, "reg", "-t", "reg"), "0x1000,0x200\n"),
        (("/memory", "reg", "-t", "reg"), "0x40000000,0x10000000\n"),
        (("/memory", "reg", "-t", "u64"), "0x40000000 0x10000000\n"),
        (("/memory", "reg", "-t", "cells"), "0x0 0x40000000 0x0 0x10000000\n"),
        ((UART, "half", "-t", "u16"), "0x1234 0xfffe 0x1\n"),
        ((UART, "half", "-t", "hx"), "1234 fffe 1\n"),
        ((UART, "half", "-t", "hu"), "4660 65534 1\n"),
        ((UART, "half", "-t", "hi"), "4660 -2 1\n"),
        ((UART, "half", "-t", "u8"), "0x12 0x34 0xff 0xfe 0x0 0x1\n"),
        ((UART, "half", "-t", "bytes"), "12 34 ff fe 00 01\n"),
        ((UART, "flag", "-t", "empty"), ""),
        # defaults
        ((UART, "none", "-d", "-"), "-\n"),
        (("/none", "none", "-d", "no such node"), "no such node\n"),
        ((UART, "flag", "-d", "-"), ""),
        # a node
        (("-p", "/chosen"), "bootargs\nkaslr-seed\n"),
        (("-l", "/soc"), "uart@1000\n"),
        (
            ("/soc",),
            "#address-cells = <0x1>;\n#size-cells = <0x1>;\nuart@1000 { ... };\n",
        ),
    ],
)
def test_get_prints(cli, args, text):
    assert cli.good("get", "boot.dtb", *args).decode() == text


def test_get_raw_gives_the_bytes(cli):
    got = cli.good("get", "boot.dtb", UART, "half", "-t", "raw")
    assert got == bytes.fromhex("1234fffe0001")


def test_get_json_has_the_value_and_its_bytes(cli):
    got = json.loads(cli.good("get", "--json", "boot.dtb", "serial0", "mac"))
    assert got == {
        "path": UART,
        "name": "mac",
        "type": "bytes",
        "value": "001122334455",
        "raw": "001122334455",
    }
    node = json.loads(cli.good("get", "--json", "boot.dtb", "/soc"))
    assert node["subnodes"] == ["uart@1000"]
    assert [p["value"] for p in node["properties"]] == [[1], [1]]


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (("/nowhere", "x"), "'nowhere'"),
        (("nowhere", "x"), "no alias 'nowhere'"),
        (("&nowhere", "x"), "no label 'nowhere'"),
        (("/chosen", "nothing"), "/chosen:nothing"),
        (("/chosen", "kaslr-seed", "-t", "string"), ""),
        ((UART, "mac", "-t", "string"), "does not end with a NUL"),
        ((UART, "mac", "-t", "u32"), "6 bytes, no multiple of 4"),
        ((UART, "mac", "-t", "reg"), "whole number of entries"),
        ((UART, "mac", "-t", "empty"), "6 bytes"),
    ],
)
def test_get_says_what_is_wrong(cli, args, hint):
    if "kaslr-seed" in args:  # eight NULs are eight empty strings
        assert cli.good("get", "boot.dtb", *args) == b"\n" * 8
        return
    line = cli.bad(1, "get", "boot.dtb", *args)
    assert line.startswith("boot.dtb: ")
    assert hint in line


@pytest.mark.parametrize(
    "args",
    [
        ("/", "-t", "u32"),
        ("/", "-d", "x"),
        ("/", "compatible", "-l"),
        ("/", "compatible", "-p"),
        ("/", "compatible", "--json", "-t", "s"),
        ("/", "compatible", "-t", "u128"),
        ("/", "compatible", "-t", ""),
    ],
)
def test_get_refuses_options_that_do_not_go_together(cli, args):
    cli.bad(2, "get", "boot.dtb", *args)


@pytest.mark.parametrize(
    ("values", "value"),
    [
        # encodings by hand: big-endian, texts with their NUL
        (("-t", "string", "a", "b c"), b"a\0b c\0"),
        (("-t", "s", ""), b"\0"),
        (("-t", "string", "ü"), "ü\0".encode()),
        (("-t", "u8", "0", "255"), b"\0\xff"),
        (("-t", "u16", "0x1234", "1"), b"\x12\x34\0\1"),
        (("-t", "u32", "0xdeadbeef"), b"\xde\xad\xbe\xef"),
        (("-t", "cells", "1 2", "3"), b"\0\0\0\1\0\0\0\2\0\0\0\3"),
        (("-t", "u64", "0x100000000"), b"\0\0\0\1\0\0\0\0"),
        (("-t", "x", "10", "0xff"), b"\0\0\0\x10\0\0\0\xff"),
        (("-t", "u", "10"), b"\0\0\0\x0a"),
        (("-t", "i", "-1"), b"\xff\xff\xff\xff"),
        (("-t", "bx", "a", "0b"), b"\x0a\x0b"),
        (("-t", "hhi", "-128"), b"\x80"),
        (("-t", "hu", "65535"), b"\xff\xff"),
        (("-t", "lx", "ff"), b"\0\0\0\xff"),
        (("-t", "bytes", "0011", "22 33", "44:55", "0x66"),
         bytes.fromhex("00112233445566")),
        (("-t", "empty"), b""),
        (("-t", "reg", "0x1000,4K", "1G,512"),
         bytes.fromhex("00001000 00001000 40000000 00000200")),
        # text that is nothing but text needs no type
        (("okay",), b"okay\0"),
        (("arm,pl011", "arm,primecell"), b"arm,pl011\0arm,primecell\0"),
        (("--", "-v", "--x=y"), None),
    ],
)  # fmt: skip
def test_set_writes(cli, values, value):
    if value is None:
        values, value = ("-t", "string", *values), b"-v\0--x=y\0"
    fdt = after(cli, "set", "boot.dtb", UART, "new", *values)
    assert fdt[UART]["new"] == value
    # nothing else changed
    del fdt[UART]["new"]
    (cli.folder / "back.dtb").write_bytes(fdt.to_bytes())
    cli.good("diff", "boot.dtb", "back.dtb")


@pytest.mark.parametrize(
    ("bits", "name"), [(8, "u8"), (16, "u16"), (32, "u32"), (64, "u64")]
)
def test_set_takes_every_width_up_to_its_last_number(cli, bits, name):
    last = (1 << bits) - 1
    fdt = after(cli, "set", "boot.dtb", "/", "n", "-t", name, last, hex(last), 0)
    assert fdt.root["n"] == b"\xff" * (bits // 4) + bytes(bits // 8)
    line = cli.bad(2, "set", "boot.dtb", "/", "n", "-t", name, last + 1, "-o", "x")
    assert f"{last + 1} does not fit into {bits} bits" in line


@pytest.mark.parametrize(("code", "bits"), [("bi", 8), ("hi", 16), ("i", 32)])
def test_set_takes_signed_numbers_down_to_the_least(cli, code, bits):
    least = -(1 << bits - 1)
    fdt = after(cli, "set", "boot.dtb", "/", "n", "-t", code, "--", least)
    assert fdt.root["n"] == b"\x80" + bytes(bits // 8 - 1)
    assert f"does not fit into {bits} bits" in cli.bad(
        2, "set", "boot.dtb", "/", "n", "-t", code, "-o", "x", "--", least - 1
    )


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        # what could be a number, bytes or a range is not guessed at
        (("1",), "-t"),
        (("0x10",), "-t"),
        (("dead",), "-t"),
        (("00:11",), "-t"),
        (("0x1000,4K",), "-t"),
        (("",), "-t"),
        (("okay", "1"), "'1'"),
        ((), "-t empty"),
        (("-t", "u32"), "no value"),
        (("-t", "empty", "x"), "takes no value"),
        (("-t", "u32", "x"), "'x' is not a number"),
        (("-t", "u32", "010"), "'010' is not a number"),
        (("-t", "u32", "1_0"), "not a number"),
        (("-t", "u32", "1K"), "not a number"),
        (("-t", "u32", "--", "-1"), "not a number"),
        (("-t", "u", "--", "-1"), "not a number"),
        (("-t", "u32", "9" * 5000), "not a number"),
        (("-t", "bytes", "0"), "pairs of hex"),
        (("-t", "bytes", "zz"), "pairs of hex"),
        (("-t", "reg", "1"), "ADDR,SIZE"),
        (("-t", "reg", "0xffffffffffffffff,2"), "64-bit"),
        (("-t", "raw", "x"), "for reading"),
        (("-t", "float", "1"), "unknown type"),
    ],
)
def test_set_refuses_values(cli, values, hint):
    line = cli.bad(2, "set", "boot.dtb", "/", "new", "-o", "out.dtb", *values)
    assert hint in line
    assert cli.names() == ["boot.dtb"]


def test_set_replaces_a_value_and_keeps_its_place(cli):
    fdt = after(cli, "set", "boot.dtb", "/chosen", "bootargs", "console=tty0")
    assert list(fdt["/chosen"].items()) == [
        ("bootargs", b"console=tty0\0"),
        ("kaslr-seed", bytes(8)),
    ]


def test_a_reg_must_fit_the_cells_of_the_parent(cli):
    line = cli.bad(
        1, "set", "boot.dtb", UART, "reg", "-t", "reg", "4G,4K", "-o", "out.dtb"
    )
    assert line.startswith(f"boot.dtb: set_reg {UART}:reg: ")
    fdt = after(cli, "set", "boot.dtb", UART, "reg", "-t", "reg", "0xfffff000,4K")
    assert fdt[UART]["reg"] == bytes.fromhex("fffff00000001000")


def test_a_missing_node_is_made_only_when_asked(cli):
    args = ("set", "boot.dtb", "/a/b@1/c", "x", "-t", "empty")
    assert "'a'" in cli.bad(1, *args, "-o", "out.dtb")
    assert after(cli, *args, "-p")["/a/b@1/c"]["x"] == b""
    # one that is there is used
    assert len(after(cli, "set", "boot.dtb", "&uart", "x", "-t", "empty", "-p")) == len(
        Fdt((cli.folder / "boot.dtb").read_bytes())
    )


@pytest.mark.parametrize(
    ("path", "name", "values", "value"),
    [
        ("/", "compatible", ("v,more",), b"v,board\0v,soc\0v,more\0"),
        ("/soc", "#size-cells", ("-t", "u32", "2"), b"\0\0\0\1\0\0\0\2"),
        (UART, "mac", ("-t", "bytes", "66"), bytes.fromhex("00112233445566")),
        (UART, "mac", ("-t", "hx", "66"), bytes.fromhex("0011223344550066")),
        (UART, "flag", ("-t", "u8", "1"), b"\1"),
        (UART, "new", ("text",), b"text\0"),
        (UART, "new", ("-t", "empty"), b""),
        (UART, "mac", ("-t", "empty"), bytes.fromhex("001122334455")),
        (UART, "reg", ("-t", "reg", "0x2000,16"),
         bytes.fromhex("00001000 00000200 00002000 00000010")),
    ],
)  # fmt: skip
def test_append_adds_behind(cli, path, name, values, value):
    fdt = after(cli, "append", "boot.dtb", path, name, *values)
    assert fdt[path][name] == value


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("mac", ("text",)),
        ("mac", ("-t", "u32", "1")),
        ("mac", ("-t", "u64", "1")),
        ("mac", ("-t", "reg", "1,1")),
    ],
)
def test_append_refuses_what_does_not_go_with_the_old_value(cli, name, values):
    line = cli.bad(1, "append", "boot.dtb", UART, name, *values, "-o", "out.dtb")
    assert f"{UART}:{name}" in line
    assert cli.names() == ["boot.dtb"]


# not bi and hi: fdtget prints them without their sign, we do not
@pytest.mark.parametrize("kind", ["x", "u", "i", "bx", "hhu", "bu", "hx", "hu", "lx"])
def test_get_prints_numbers_as_fdtget_does(cli, kind):
    fdtget = tool("fdtget")
    cli.good(
        "set", "-i", "boot.dtb", "/", "n", "-t", "bytes", "80 00 7f ff 01 00 fe 0c"
    )
    theirs = subprocess.check_output(
        [fdtget, "-t", kind, "boot.dtb", "/", "n"], cwd=cli.folder
    )
    assert cli.good("get", "boot.dtb", "/", "n", "-t", kind) == theirs


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("s", ("hello world", "there")),
        ("x", ("10", "ffffffff", "0x20")),
        ("u", ("10", "4294967295")),
        ("i", ("-1", "7")),
        ("bx", ("1", "ff")),
        ("hhx", ("1", "ff")),
        ("bi", ("-1",)),
    ],
)
def test_set_writes_as_fdtput_does(cli, kind, values):
    fdtput = tool("fdtput")
    shutil.copy(cli.folder / "boot.dtb", cli.folder / "theirs.dtb")
    subprocess.run(
        [fdtput, "-t", kind, "--", "theirs.dtb", "/chosen", "new", *values],
        cwd=cli.folder, check=True,
    )  # fmt: skip
    cli.good("set", "-i", "boot.dtb", "/chosen", "new", "-t", kind, "--", *values)
    assert cli.good("diff", "boot.dtb", "theirs.dtb") == b""


ODD = [
    "",
    "/",
    "//",
    " ",
    "a b",
    "\u00fc",
    "\udcff",
    "&",
    "&&",
    "@",
    "/chosen/",
    "..",
    "x" * 5000,
]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
@pytest.mark.parametrize("command", ["get", "set", "append"])
def test_odd_names_are_taken_or_refused_in_one_line(cli, command, odd):
    value = () if command == "get" else ("-t", "empty", "-p", "-o", "/dev/null")
    for path, name in (("/", odd), (odd, "x"), (f"/{odd}", "x")):
        status, _, err = cli.run(command, "boot.dtb", path, name, *value)
        assert status in (0, 1)
        assert err.count(b"\n") == status, (path, name, err)
        assert b"internal error" not in err, (path, name)


@pytest.mark.parametrize(
    "args",
    [
        ["a.dtb", "/"],
        ["a.dtb", "/", "model"],
        ["-t", "x", "a.dtb", "/soc", "reg"],
        ["-t", "string", "", "", ""],
    ],
)
def test_plain_arguments_are_what_argparse_makes_of_them(args):
    wanted = vars(command_of("get")[1].parse(args))
    found = {name: getattr(plain(args), name) for name in wanted}
    for answer in wanted, found:
        kind = answer.pop("type")
        answer["type"] = kind and (kind.text, kind.kind, kind.width, kind.base)
    assert found == wanted


@pytest.mark.parametrize(
    "line",
    [
        *("", "a", "a b c d", "- /", "-l a /", "a / -q", "-- a b", "a / --json"),
        *("-t u32", "-t u32 a", "-t nonsense a / p", "-t u32 a / p q", "-h"),
    ],
)
def test_what_is_not_plain_is_left_to_argparse(line):
    assert plain(line.split()) is None


def test_a_plain_get_starts_without_argparse(tmp_path):
    (tmp_path / "a.dtb").write_bytes(Fdt.empty().to_bytes())
    code = (
        "import sys; before = set(sys.modules); from pyfdtx.cli import main; "
        "main(['get', 'a.dtb', '/']); "
        "print(*{'argparse', 're', 'contextlib', 'shutil'} & {*sys.modules} - before)"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("\n", "")
