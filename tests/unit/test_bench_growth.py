# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Growth is measured in processes of their own, and compared there."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import fresh
from frame import Disagreement
from jobs import growth

from pyfdtx import Fdt


def tree(names):
    fdt = Fdt.empty()
    for name in names:
        fdt.root.add(name).set_u32("reg", int(name[5:], 16))
    return fdt.to_bytes()


def test_a_process_builds_the_tree_that_it_says():
    took, seen = fresh.measure("growth", "nodes", "native", 11)
    assert took > 0
    assert seen == fresh.digest(tree(f"node@{i:x}" for i in range(11)))


def test_the_digest_knows_trees_apart_but_not_orders():
    one, two, three = (f"node@{i:x}" for i in range(3))
    assert fresh.digest(tree([one, two])) == fresh.digest(tree([two, one]))
    assert fresh.digest(tree([one, two])) != fresh.digest(tree([one, three]))


def test_a_tree_that_differs_ends_the_run():
    checked = growth.Checked("bytes", 3)
    assert checked.run("native") > 0
    assert checked.run("at_once") > 0
    checked.digest = "another tree's"
    with pytest.raises(Disagreement, match="3 bytes: native differs"):
        checked.run("native")


def test_a_row_that_fails_is_named():
    with pytest.raises(RuntimeError, match="growth nothing 3"):
        fresh.measure("growth", "nodes", "nothing", 3)
