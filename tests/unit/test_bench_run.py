# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The benchmarks' corpora, the agreement that comes before timing, rounds.

The implementations used here are small functions, right or wrong on purpose;
none of the packages that are compared is needed.
"""

import struct
import sys
from pathlib import Path

import pytest

from pyfdtx._native import validate

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import cases
import memory
import percall
import timing
from compare import decode
from impls import BYTES, INPUT, TREE, in_python

SMALL = memory.synthetic(2)


def quiet(message):
    pass


def corpus(n):
    return cases.Corpus(
        "A", "made here", [f"{i}.dtb" for i in range(n)],
        [memory.synthetic(i) for i in range(n)],
    )  # fmt: skip


def variant(key, one, promise=BYTES, slow=False):
    return in_python(key, key, "", promise, one, slow)


def job(blob):
    return percall.second_kernel_dtb(blob, cases.CRASH)


@pytest.mark.parametrize("nodes", [0, 1, 1000])
def test_the_synthetic_tree_is_sound_and_has_its_nodes(nodes):
    blob = memory.synthetic(nodes)
    validate(bytearray(blob))
    found = [path for path, name, _ in decode(blob).items if not name]
    assert len(found) == nodes + 2  # and the root, and /chosen


def test_the_job_writes_what_it_says():
    tree = decode(job(SMALL))
    assert tree.reserved == [cases.CRASH.initrd, cases.CRASH.elfcorehdr]
    chosen = {n: v for p, n, v in tree.items if p == "/chosen" and n}
    # Linux drivers/of/kexec.c writes u64 for the initrd, end exclusive, and
    # (address, size) with the root's cells, here 2 and 2, for the rest
    assert chosen == {
        "linux,initrd-start": struct.pack(">Q", 0x6C6B0000),
        "linux,initrd-end": struct.pack(">Q", 0x6C6B0000 + 0x214000),
        "linux,elfcorehdr": struct.pack(">QQ", 0x7ABFF000, 0x400),
        "linux,usable-memory-range": struct.pack(
            ">QQQQ", 0x6AC00000, 0x10000000, 0x50000000, 0x8000000
        ),
        "bootargs": cases.CRASH.cmdline.encode() + b"\0",
        "kaslr-seed": struct.pack(">Q", 0x0123456789ABCDEF),
        "rng-seed": bytes(range(128)),
        "linux,booted-from-kexec": b"",
    }


def test_a_running_kernels_tree_differs_in_everything_the_job_writes():
    running, done = decode(cases.as_running(SMALL)), decode(job(SMALL))
    assert running.reserved == [
        cases.FIRMWARE,
        cases.BEFORE.initrd,
        cases.BEFORE.elfcorehdr,
    ]
    for name in cases.CRASH.properties((2, 2)):
        old, new = running.value("/chosen", name), done.value("/chosen", name)
        assert old is not None, name
        assert old != new or not new, name


def test_the_job_takes_the_old_reservations_away_and_no_other():
    tree = decode(job(cases.as_running(SMALL)))
    new = [cases.CRASH.initrd, cases.CRASH.elfcorehdr]
    assert tree.reserved == [cases.FIRMWARE, *new]


def test_trees_without_root_cells_and_what_is_no_tree_are_left_out(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "good.dtb").write_bytes(SMALL)
    at = SMALL.index(b"#size-cells\0")
    lacking = SMALL[:at] + b"x" + SMALL[at + 1 :]
    (tmp_path / "lacking.dtb").write_bytes(lacking)
    (tmp_path / "no-tree.dtb").write_bytes(b"not a tree at all, but 40 bytes or more..")
    (tmp_path / "short.dtb").write_bytes(b"short")
    names, blobs, left_out = cases.read(tmp_path)
    assert (names, blobs) == (["deep/good.dtb"], [SMALL])
    assert left_out["lacking.dtb"] == "the root has no #size-cells"
    assert set(left_out) == {"lacking.dtb", "no-tree.dtb", "short.dtb"}


def test_implementations_that_agree_pass():
    variants = [
        variant("a", job),
        variant("b", job, TREE),
        variant("copy", lambda blob: blob, INPUT),
    ]
    assert timing.agree(corpus(3), variants, quiet) == "a"


def test_the_reference_is_who_promises_bytes_wherever_it_stands():
    variants = [variant("tree", job, TREE), variant("bytes", job)]
    assert timing.agree(corpus(1), variants, quiet) == "bytes"


def wrong_on(number, change):
    """The job, but with `change` applied to the tree of `number` devices."""

    def one(blob):
        out = job(blob)
        return change(out) if blob == memory.synthetic(number) else out

    return one


def flip_seed(blob):
    return blob.replace(struct.pack(">Q", 0x0123456789ABCDEF), bytes(8))


@pytest.mark.parametrize("promise", [BYTES, TREE])
def test_one_wrong_value_in_one_tree_ends_the_run(promise):
    variants = [
        variant("right", job),
        variant("wrong", wrong_on(2, flip_seed), promise),
    ]
    with pytest.raises(timing.Disagreement, match=r"corpus A, 2\.dtb: wrong differs"):
        timing.agree(corpus(4), variants, quiet)


def test_dirty_padding_ends_the_run_for_who_promises_bytes_only():
    def dirty(blob):
        # "disabled\0" of /device@...:status has three bytes of padding
        return blob.replace(b"disabled\0\0\0\0", b"disabled\0\0\0\1", 1)

    wrong = wrong_on(1, dirty)
    tree = [variant("right", job), variant("dirty", wrong, TREE)]
    assert timing.agree(corpus(2), tree, quiet) == "right"
    same = [variant("right", job), variant("dirty", wrong, BYTES)]
    with pytest.raises(timing.Disagreement, match="dirty differs from right"):
        timing.agree(corpus(2), same, quiet)


def test_a_copy_that_is_none_ends_the_run():
    variants = [variant("right", job), variant("copy", lambda b: b[:-1], INPUT)]
    with pytest.raises(timing.Disagreement, match="copy differs from the input"):
        timing.agree(corpus(1), variants, quiet)


def test_an_implementation_that_fails_ends_the_run():
    def broken(blob):
        raise KeyError("oops")

    variants = [variant("right", job), variant("broken", broken)]
    with pytest.raises(timing.Disagreement, match=r"0\.dtb: broken fails: KeyError"):
        timing.agree(corpus(1), variants, quiet)


def test_every_implementation_runs_on_every_tree_once_per_round():
    seen = {"fast": [], "slow": []}

    def note(key):
        return lambda blob: seen[key].append(len(blob)) or blob

    many = corpus(timing.PART + 1)
    variants = [variant("fast", note("fast")), variant("slow", note("slow"), slow=True)]
    rounds = timing.SELDOM + 1
    whole, part = timing.measure(many, variants, rounds, quiet)
    assert {key: len(times) for key, times in whole.items()} == {"fast": rounds}
    assert {key: len(times) for key, times in part.items()} == {"fast": 2, "slow": 2}
    assert all(
        time >= 0 for times in (*whole.values(), *part.values()) for time in times
    )
    # The part is trees 0 and PART: once to warm up, twice measured
    assert len(seen["slow"]) == 2 * 3
    assert len(seen["fast"]) == 2 * 3 + len(many.blobs) * rounds
