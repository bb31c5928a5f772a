# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""FdtView and to_dict() against fdtget and pylibfdt, on the captured machines."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pyfdtx import FdtView, pure, to_dict

TREES = sorted((Path(__file__).parents[2] / "examples").glob("*/sys/firmware/fdt"))


@pytest.fixture(params=TREES, ids=lambda path: path.parents[2].name)
def dtb(request):
    return request.param


def fdtget(*args):
    tool = shutil.which("fdtget")
    if tool is None:
        pytest.skip("fdtget is not installed (Debian: device-tree-compiler)")
    done = subprocess.run([tool, *map(str, args)], capture_output=True, text=True)
    assert done.returncode == 0, (args, done.stderr)
    return done.stdout.split()


def test_fdtget_reads_the_same_nodes_and_values(dtb, tmp_path):
    # It takes FDT_NOP, which kernels leave behind, for an error
    squeezed = tmp_path / "squeezed.dtb"
    squeezed.write_bytes(pure.canonicalise(dtb.read_bytes(), squeeze=True))
    view = FdtView(dtb.read_bytes())
    tree = to_dict(dtb.read_bytes())
    todo = ["/"]
    while todo:
        path = todo.pop()
        node, props = view[path], tree.pop(path)
        names = fdtget("-l", squeezed, path)
        assert [child.name for child in node.children()] == names
        todo += [f"{path.rstrip('/')}/{name}" for name in names]
        assert list(props) == list(node) == fdtget("-p", squeezed, path)
        for name in props:
            said = fdtget("-t", "bx", squeezed, path, name)
            raw = bytes(int(byte, 16) for byte in said)
            assert props[name] == node[name] == view.getprop(path, name) == raw
    assert tree == {}, "nodes that fdtget does not know"


def test_pylibfdt_reads_the_same_nodes_and_values(dtb):
    libfdt = pytest.importorskip("libfdt", reason="no pylibfdt: make peers")
    blob = dtb.read_bytes()
    theirs, tree, view = libfdt.FdtRo(blob), to_dict(blob), FdtView(blob)
    found = []
    for path, props in tree.items():
        offset = theirs.path_offset(path)
        found.append(offset)
        node = view[path]
        assert node.name == theirs.get_name(offset)
        assert (node.phandle or 0) == theirs.get_phandle(offset)
        at = theirs.first_property_offset(offset, libfdt.QUIET_NOTFOUND)
        for name, value in props.items():
            prop = theirs.get_property_by_offset(at)
            assert (prop.name, bytes(prop)) == (name, value)
            at = theirs.next_property_offset(at, libfdt.QUIET_NOTFOUND)
        assert at == -libfdt.NOTFOUND
    offset, depth, order = 0, 0, []
    while offset >= 0 and depth >= 0:
        order.append(offset)
        offset, depth = theirs.next_node(offset, depth, [libfdt.NOTFOUND])
    assert found == order
