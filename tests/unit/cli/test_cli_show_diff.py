# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""show and diff as commands; what they know is tested with pyfdtx.text."""

import json
from pathlib import Path

import pytest

from pyfdtx import Fdt, pure
from pyfdtx.text import dts

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
CAPTURED = sorted(EXAMPLES.glob("*/sys/firmware/fdt"))


def test_show_prints_dts(cli, boot):
    assert cli.good("show", "boot.dtb").decode() == dts.render(boot)


def test_show_shows_a_seed_that_is_used_up(cli, boot):
    assert "kaslr-seed = <0x0 0x0>;" in cli.good("show", "boot.dtb").decode()


def test_show_json_says_everything(cli, boot):
    whole = json.loads(cli.good("show", "--json", "boot.dtb"))
    assert whole["boot_cpuid_phys"] == 0
    assert whole["memreserve"] == [{"start": 0x48000000, "size": 0x1000}]
    # rebuild the tree from the raw values alone
    built = []
    for row in whole["nodes"]:
        props = [(p["name"], bytes.fromhex(p["raw"])) for p in row["properties"]]
        path = row["path"]
        node = (path.rsplit("/", 1)[1], props, [])
        built.append((path, node))
        if path != "/":
            parent = path.rsplit("/", 1)[0] or "/"
            next(n for p, n in reversed(built[:-1]) if p == parent)[2].append(node)
    assert built[0][1] == pure.unflatten(boot)


def test_show_json_has_typed_values(cli):
    whole = json.loads(cli.good("show", "--json", "boot.dtb"))
    (uart,) = [n for n in whole["nodes"] if n["path"] == "/soc/uart@1000"]
    typed = {p["name"]: (p["type"], p["value"]) for p in uart["properties"]}
    assert typed == {
        "reg": ("cells", [0x1000, 0x200]),
        "mac": ("bytes", "001122334455"),
        "flag": ("empty", None),
        "half": ("bytes", "1234fffe0001"),
    }


def test_what_dts_cannot_spell_json_can(cli):
    bad = ("", [], [("a b", [("\udc80\x1b", b"x\0")], [])])
    (cli.folder / "bad.dtb").write_bytes(pure.flatten(bad))
    line = cli.bad(1, "show", "bad.dtb")
    assert line.startswith("bad.dtb: dts /: DTS cannot spell the node name 'a b'")
    assert line.endswith("(--json shows this tree)")
    whole = json.loads(cli.good("show", "--json", "bad.dtb"))
    assert whole["nodes"][1]["path"] == "/a b"
    assert whole["nodes"][1]["properties"][0]["name"] == "\udc80\x1b"
    # and no other command lets the escape through to a terminal
    for args in (("get", "bad.dtb", "/a b"), ("get", "-p", "bad.dtb", "/a b")):
        assert cli.good(*args).startswith(rb"\x80\x1b")
    status, out, _ = cli.run("diff", "bad.dtb", "boot.dtb")
    assert status == 1
    assert b"\x1b" not in out


def test_diff_is_silent_and_0_when_trees_mean_the_same(cli, boot):
    (cli.folder / "same.dtb").write_bytes(boot + bytes(100))
    assert cli.good("diff", "boot.dtb", "same.dtb") == b""
    same = json.loads(cli.good("diff", "--json", "boot.dtb", "same.dtb"))
    assert same == {"same": True, "changes": []}


def test_diff_draws_what_differs_and_is_1(cli, boot):
    fdt = Fdt(boot)
    fdt["/chosen"]["bootargs"] = b"quiet\0"
    fdt["/soc/uart@1000"].delete()
    reserved = [(0x1000, 0x10), (0x48000000, 0x1000)]
    changed = pure.flatten(pure.unflatten(fdt.to_bytes()), reserved, boot_cpuid=2)
    (cli.folder / "b.dtb").write_bytes(changed)
    status, out, err = cli.run("diff", "boot.dtb", "b.dtb")
    assert (status, err) == (1, b"")
    assert out.decode().splitlines() == [
        "--- boot.dtb",
        "+++ b.dtb",
        "- boot CPU 0x0",
        "+ boot CPU 0x2",
        "+ /memreserve/ 0x1000 0x10;",
        "  /chosen",
        '-     bootargs = "console=ttyAMA0 quiet";',
        '+     bootargs = "quiet";',
        "- /soc/uart@1000 { }",
        "-     reg = <0x1000 0x200>;",
        "-     mac = [00 11 22 33 44 55];",
        "-     flag;",
        "-     half = [12 34 ff fe 00 01];",
    ]


def test_diff_json_has_both_sides(cli, boot):
    cli.good("set", "boot.dtb", "/chosen", "bootargs", "quiet", "-o", "b.dtb")
    status, out, err = cli.run("diff", "--json", "boot.dtb", "b.dtb")
    assert (status, err) == (1, b"")
    got = json.loads(out)
    assert got["same"] is False
    (change,) = got["changes"]
    assert (change["kind"], change["what"]) == ("changed", "property")
    assert (change["path"], change["name"]) == ("/chosen", "bootargs")
    assert change["old"]["value"] == ["console=ttyAMA0 quiet"]
    assert bytes.fromhex(change["new"]["raw"]) == b"quiet\0"


@pytest.mark.parametrize("path", CAPTURED, ids=lambda p: p.parents[2].name)
def test_captured_machines_are_shown(cli, path):
    whole = json.loads(cli.good("show", "--json", path))
    assert len(whole["nodes"]) == len(Fdt(path.read_bytes()))
    assert cli.good("show", path).startswith(b"/dts-v1/;\n")
    line = cli.good("get", path, "/chosen", "bootargs").decode()
    assert line == (path.parents[2] / "proc/cmdline").read_text()
