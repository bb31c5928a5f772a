# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""An Fdt against dtc, fdtget, fdtput, fdtoverlay and pylibfdt."""

import random
import shutil
import subprocess

import pytest

from pyfdtx import Fdt, FdtNotFound

PACKAGE = "Debian: device-tree-compiler"

BASE = """/dts-v1/;
/memreserve/ 0x48000000 0x1000;
/ {
    #address-cells = <2>;
    #size-cells = <2>;
    compatible = "vnd,board", "vnd,soc";
    aliases { serial0 = &u0; };
    memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x8000000>; };
    soc: soc {
        #address-cells = <1>;
        #size-cells = <1>;
        ranges;
        u0: uart@1000 { reg = <0x1000 0x100>; clocks = <&clk 1>; status = "disabled"; };
        u1: uart@2000 { reg = <0x2000 0x100>; odd = [01 02 03]; };
        clk: clock { #clock-cells = <1>; };
    };
    chosen { bootargs = "quiet"; };
};
"""

OVERLAYS = {
    "by label": "&u0 { status = \"okay\"; extra = <&clk 5>; };",
    "new nodes and labels": """
        &soc { n: new@3000 { reg = <0x3000 0x10>; clocks = <&clk 2>, <&own 1>;
               own: own { #clock-cells = <1>; }; }; };""",
    "by path": "&{/chosen} { bootargs = \"debug\"; sub { x = <1>; }; };",
    "several fragments": """
        &u0 { status = "okay"; link = <&u1 &far>; };
        &u1 { far: far { back = <&u0>; }; };""",
    "phandle meets phandle": "&clk { again = <&clk>; };",
}  # fmt: skip


def tool(name):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed ({PACKAGE})")
    return found


def run(name, *args, data=None):
    done = subprocess.run(
        [tool(name), *map(str, args)], input=data, capture_output=True, check=False
    )
    assert done.returncode == 0, f"{name}: {done.stderr.decode()}"
    return done.stdout


def compiled(source, *options):
    return run(
        "dtc", "-q", "-I", "dts", "-O", "dtb", *options, "-", data=source.encode()
    )


def decompiled(blob):
    return run("dtc", "-q", "-I", "dtb", "-O", "dts", "-", data=blob)


def contents(fdt):
    return [(n.path, list(n.items())) for n in fdt], list(fdt.memreserve)


def without_order(fdt):
    return {n.path: dict(n) for n in fdt}, list(fdt.memreserve)


def test_what_dtc_wrote_comes_out_as_it_was():
    blob = compiled(BASE, "-@")
    fdt = Fdt(blob)
    assert decompiled(fdt.to_bytes()) == decompiled(blob)
    # dtc 1.4 and later write our canonical form, but for padding at the end
    assert fdt.to_bytes() == blob[: fdt.totalsize]
    assert fdt["&u0"] is fdt["serial0"] is fdt["/soc/uart@1000"]
    assert fdt["/soc/uart@2000"].reg() == [(0x2000, 0x100)]
    assert fdt.memreserve[0] == (0x4800_0000, 0x1000)


@pytest.mark.parametrize("version", [16, 17])
@pytest.mark.parametrize("slack", [0, 4, 400])
def test_versions_and_slack_of_dtc(version, slack):
    blob = compiled(BASE, "-V", version, "-S" if slack else "-p", 4000 + slack)
    assert contents(Fdt(blob)) == contents(Fdt(compiled(BASE)))


def test_fdtget_reads_the_same(tmp_path):
    fdt = Fdt(compiled(BASE, "-@"))
    path = tmp_path / "t.dtb"
    path.write_bytes(fdt.to_bytes())
    seen = 0
    for node in fdt:
        assert run("fdtget", "-p", path, node.path).decode().split() == list(node)
        names = [child.name for child in node.children()]
        assert run("fdtget", "-l", path, node.path).decode().split() == names
        for name, value in node.items():
            out = run("fdtget", "-t", "bx", path, node.path, name).split()
            assert bytes(int(b, 16) for b in out) == value, (node.path, name)
            seen += 1
    assert seen > 20


@pytest.mark.parametrize("seed", range(3))
def test_fdtput_writes_the_same(tmp_path, seed):
    """The same edits, byte for byte: order of nodes, properties and strings."""
    rng = random.Random(seed)
    path = tmp_path / "t.dtb"
    fdt = Fdt(compiled(BASE, "-@"))
    path.write_bytes(fdt.to_bytes())
    for i in range(30):
        node = rng.choice(list(fdt))
        act = rng.randrange(6)
        if act == 0:
            # fdtput takes "uart" for existing if there is "uart@1000"
            name = f"new{i}@{i}"
            run("fdtput", "-c", path, node.path.rstrip("/") + "/" + name)
            node.add(name)
        elif act == 1 and list(node):
            name = rng.choice(list(node))
            run("fdtput", "-d", path, node.path, name)
            del node[name]
        elif act == 2 and node.depth > 1:
            run("fdtput", "-r", path, node.path)
            node.delete()
        elif act == 3:
            words = [rng.randrange(1 << 32) for _ in range(rng.randrange(1, 9))]
            run("fdtput", "-t", "x", path, node.path, f"cells{i % 4}",
                *[f"{w:x}" for w in words])  # fmt: skip
            node.set_cells(f"cells{i % 4}", words)
        elif act == 4:
            strings = ["x" * rng.randrange(1, 9) for _ in range(rng.randrange(1, 4))]
            run("fdtput", "-t", "s", path, node.path, f"strings{i % 4}", *strings)
            node.set_stringlist(f"strings{i % 4}", strings)
        else:
            raw = rng.randbytes(rng.randrange(1, 9))
            run("fdtput", "-t", "bx", path, node.path, "raw", *[f"{b:x}" for b in raw])
            node["raw"] = raw
    # fdtput leaves slack and stale padding
    assert Fdt(path.read_bytes()).to_bytes() == fdt.to_bytes()


@pytest.mark.parametrize("case", OVERLAYS)
def test_fdtoverlay_merges_the_same(tmp_path, case):
    base = compiled(BASE, "-@")
    over = compiled("/dts-v1/; /plugin/;" + OVERLAYS[case], "-@")
    for name, data in (("base", base), ("over", over)):
        (tmp_path / name).write_bytes(data)
    out = tmp_path / "out"
    run("fdtoverlay", "-i", tmp_path / "base", "-o", out, tmp_path / "over")
    fdt = Fdt(base)
    fdt.apply_overlay(over)
    assert without_order(fdt) == without_order(Fdt(out.read_bytes()))
    assert contents(fdt) != contents(Fdt(base))


def test_a_base_without_symbols_names_label_and_way_out():
    base = Fdt(compiled(BASE))
    over = compiled("/dts-v1/; /plugin/;" + OVERLAYS["by label"], "-@")
    before = base.to_bytes()
    with pytest.raises(FdtNotFound, match=r"labels 'u0' .*, 'clk' .*dtc -@"):
        base.apply_overlay(over)
    assert base.to_bytes() == before


def test_pylibfdt_reads_the_same():
    try:
        import libfdt
    except ImportError:
        pytest.skip("pylibfdt is not installed")
    fdt = Fdt(compiled(BASE, "-@"))
    other = libfdt.Fdt(fdt.to_bytes())
    for node in fdt:
        at = other.path_offset(node.path)
        found = {}
        offset = other.first_property_offset(at, libfdt.QUIET_NOTFOUND)
        while offset >= 0:
            prop = other.get_property_by_offset(offset)
            found[prop.name] = bytes(prop)
            offset = other.next_property_offset(offset, libfdt.QUIET_NOTFOUND)
        assert found == dict(node)
        assert other.get_name(at) == node.name
        assert other.get_phandle(at) == (node.phandle or 0)
    assert [tuple(other.get_mem_rsv(i)) for i in range(other.num_mem_rsv())] == list(
        fdt.memreserve
    )
