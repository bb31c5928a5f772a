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
import frame
import memory
import percall
import run as runner
import timing
from compare import decode
from crash_job import BEFORE, CRASH, FIRMWARE
from frame import Case, Disagreement, Missing, Row
from impls import BYTES, INPUT, TREE, in_python
from jobs import j1

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
    return percall.second_kernel_dtb(blob, CRASH)


@pytest.mark.parametrize("nodes", [0, 1, 1000])
def test_the_synthetic_tree_is_sound_and_has_its_nodes(nodes):
    blob = memory.synthetic(nodes)
    validate(bytearray(blob))
    found = [path for path, name, _ in decode(blob).items if not name]
    assert len(found) == nodes + 2  # and the root, and /chosen


def test_the_job_writes_what_it_says():
    tree = decode(job(SMALL))
    assert tree.reserved == [CRASH.initrd, CRASH.elfcorehdr]
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
        "bootargs": CRASH.cmdline.encode() + b"\0",
        "kaslr-seed": struct.pack(">Q", 0x0123456789ABCDEF),
        "rng-seed": bytes(range(128)),
        "linux,booted-from-kexec": b"",
    }


def test_a_running_kernels_tree_differs_in_everything_the_job_writes():
    running, done = decode(cases.as_running(SMALL)), decode(job(SMALL))
    assert running.reserved == [
        FIRMWARE,
        BEFORE.initrd,
        BEFORE.elfcorehdr,
    ]
    for name in CRASH.properties((2, 2)):
        old, new = running.value("/chosen", name), done.value("/chosen", name)
        assert old is not None, name
        assert old != new or not new, name


def test_the_job_takes_the_old_reservations_away_and_no_other():
    tree = decode(job(cases.as_running(SMALL)))
    new = [CRASH.initrd, CRASH.elfcorehdr]
    assert tree.reserved == [FIRMWARE, *new]


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
    assert j1.agree(corpus(3), variants, quiet) == "a"


def test_the_reference_is_who_promises_bytes_wherever_it_stands():
    variants = [variant("tree", job, TREE), variant("bytes", job)]
    assert j1.agree(corpus(1), variants, quiet) == "bytes"


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
    with pytest.raises(Disagreement, match=r"corpus A, 2\.dtb: wrong differs"):
        j1.agree(corpus(4), variants, quiet)


def test_dirty_padding_ends_the_run_for_who_promises_bytes_only():
    def dirty(blob):
        # "disabled\0" of /device@...:status has three bytes of padding
        return blob.replace(b"disabled\0\0\0\0", b"disabled\0\0\0\1", 1)

    wrong = wrong_on(1, dirty)
    tree = [variant("right", job), variant("dirty", wrong, TREE)]
    assert j1.agree(corpus(2), tree, quiet) == "right"
    same = [variant("right", job), variant("dirty", wrong, BYTES)]
    with pytest.raises(Disagreement, match="dirty differs from right"):
        j1.agree(corpus(2), same, quiet)


def test_a_copy_that_is_none_ends_the_run():
    variants = [variant("right", job), variant("copy", lambda b: b[:-1], INPUT)]
    with pytest.raises(Disagreement, match="copy differs from the input"):
        j1.agree(corpus(1), variants, quiet)


def test_an_implementation_that_fails_ends_the_run():
    def broken(blob):
        raise KeyError("oops")

    variants = [variant("right", job), variant("broken", broken)]
    with pytest.raises(Disagreement, match=r"0\.dtb: broken fails: KeyError"):
        j1.agree(corpus(1), variants, quiet)


def test_every_row_runs_once_per_round_that_is_its_turn():
    seen = []
    rows = [
        Row("fast", "", "", lambda: seen.append("fast")),
        Row("slow", "", "", lambda: seen.append("slow"), every=3),
        Row("fresh", "", "", lambda: seen.append("run"), None,
            lambda: seen.append("before")),
    ]  # fmt: skip
    cases_ = [
        Case("one", "", "g", 1, "fast", rows),
        Case("two", "", "g", 1, "fast", rows),
    ]
    times = timing.measure(cases_, 5, "thread", quiet)
    for key in ("one", "two"):
        assert [t is not None for t in times[key]["slow"]] == [1, 0, 0, 1, 0]
        assert all(t >= 0 for t in times[key]["fast"])
        assert len(times[key]["fresh"]) == 5
    # Two cases, five rounds and a warm-up, which the slow one is spared
    assert seen.count("fast") == 2 * 6
    assert seen.count("slow") == 2 * 2
    assert seen.count("run") == seen.count("before") == 2 * 6
    assert all(a == "before" for a, b in zip(seen, seen[1:]) if b == "run")


def test_a_row_may_tell_its_own_time():
    case = Case("c", "", "g", 1, "r", [Row("r", "", "", lambda: 4711)])
    assert timing.measure([case], 2, "own", quiet) == {"c": {"r": [4711, 4711]}}


def answering(*answers):
    rows = [
        Row(f"r{i}", "", "", quiet, answer=lambda a=a: a) for i, a in enumerate(answers)
    ]
    return [Case("case", "the case", "g", 1, "r0", rows)]


@pytest.mark.parametrize(
    "answer", [b"abc", [1, 2], {"/": {"a": b"x"}}, [{"/": {"a": b"x"}}]]
)
def test_equal_answers_agree(answer):
    frame.agree(answering(answer, answer, answer), quiet)


@pytest.mark.parametrize(
    ("want", "got", "named"),
    [
        (b"abc", b"abd", "byte 2"),
        (b"abc", b"abcd", "3 against 4 bytes"),
        ([1, 2], [1], "1 results instead of 2"),
        ([1, 2], [1, 3], "result 1: wanted 2, got 3"),
        ([{"/": {"a": b"x"}}], [{"/": {"a": b"y"}}], "result 0: '/': 'a': byte 0"),
        ({"/": {"a": b"x"}}, {"/": {}}, "'/': 'a' is lacking"),
        ({"/": {}}, {"/": {"a": b"x"}}, "'/': 'a' is too much"),
        ({"/": b""}, {"/": None}, "'/': wanted bytes, got NoneType"),
    ],
)
def test_a_difference_ends_the_run_and_is_named(want, got, named):
    with pytest.raises(Disagreement, match=r"the case: r1 differs from r0") as e:
        frame.agree(answering(want, got), quiet)
    assert named in str(e.value)


def test_an_answer_that_fails_ends_the_run():
    def broken():
        raise KeyError("oops")

    one = answering(1)[0]
    case = one._replace(rows=[*one.rows, Row("bad", "", "", quiet, answer=broken)])
    with pytest.raises(Disagreement, match="bad fails: KeyError"):
        frame.agree([case], quiet)


def test_what_is_not_there_is_reported_and_the_rest_measured():
    def lacking():
        raise Missing("no such thing")

    def not_installed():
        raise ImportError("No module named 'x'")

    missing = {}
    row = Row("a", "", "", quiet)
    made = [("a", lambda: row), ("b", lacking), ("c", not_installed)]
    assert frame.collect(made, missing) == [row]
    assert missing == {"b": "no such thing", "c": "No module named 'x'"}


def test_without_its_base_a_case_is_over_its_first_row():
    rows = [Row("a", "", "", quiet), Row("b", "", "", quiet)]
    assert runner.base(Case("c", "", "g", 1, "b", rows)) == "b"
    assert runner.base(Case("c", "", "g", 1, "z", rows)) == "a"


def test_rounds_are_stored_in_one_line():
    text = runner.compact({"rounds": {"a": [1, None, 22], "b": []}, "x": "[1]"})
    assert '"a": [1, null, 22]' in text
    assert runner.json.loads(text) == {
        "rounds": {"a": [1, None, 22], "b": []},
        "x": "[1]",
    }


def test_counts_outlive_a_new_run_with_the_commit_they_saw(tmp_path):
    place = tmp_path / "j1.json"
    old = {
        "schema": runner.SCHEMA,
        "counted": {"commit": "abc"},
        "cases": [
            {"key": "A", "instructions": {"x": 1}, "profile": [["f", 1, 2]]},
            {"key": "gone", "instructions": {"x": 2}},
        ],
    }
    place.write_text(runner.json.dumps(old))
    new = {
        "cases": [{"key": "A", "instructions": {}}, {"key": "B", "instructions": {}}]
    }
    runner.keep_counts(new, place)
    assert new == {
        "counted": {"commit": "abc"},
        "cases": [old["cases"][0], {"key": "B", "instructions": {}}],
    }
    place.write_text('{"schema": 1}')
    runner.keep_counts(new, place)
    runner.keep_counts(new, tmp_path / "none.json")
    assert new["counted"] == {"commit": "abc"}


def test_progress_is_shown_on_a_terminal_only(monkeypatch, capsys):
    runner.progress("half-way")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    runner.progress("half-way")
    assert "half-way" in capsys.readouterr().err


def test_without_a_corpus_the_captured_machines_stand_in(tmp_path):
    empty, target = tmp_path / "none", tmp_path / "trees"
    found = cases.stand_in(empty, target)
    names, blobs, _ = cases.read(found)
    assert found == target
    assert len(names) >= 2
    assert "arm64-dt.dtb" in names
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "x.dtb").write_bytes(blobs[0])
    assert cases.stand_in(tmp_path / "own", target) == tmp_path / "own"
