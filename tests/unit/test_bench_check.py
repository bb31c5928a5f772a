# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The judgement on instruction counts: a regression fails, luck does not."""

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import check

LIMITS = {"j1 tree": 0.1, "elfcore": 2.0}


def found(j1, elfcore):
    return [check.Found("j1 tree", j1, 1000), check.Found("elfcore", elfcore, 1000)]


def test_counts_are_paired_with_their_reference():
    counts = {
        "j1|a": 10, "j1:reference|a": 100, "j1|b": 30, "j1:reference|b": 60,
    }  # fmt: skip
    assert check.pairs(counts) == [("j1 a", 10, 100), ("j1 b", 30, 60)]
    assert [f.ratio for f in check.pairs(counts)] == [0.1, 0.5]


def test_a_task_without_its_reference_is_an_error():
    with pytest.raises(KeyError):
        check.pairs({"j1|a": 10})


@pytest.mark.parametrize(
    ("j1", "elfcore", "named"),
    [
        (100, 2000, []),
        (50, 100, []),
        (110, 2200, []),
        (111, 2000, ["j1 tree"]),
        (100, 2201, ["elfcore"]),
        (200, 4000, ["j1 tree", "elfcore"]),
    ],
)
def test_more_than_the_room_is_a_regression(j1, elfcore, named):
    wrong = check.judge(found(j1, elfcore), LIMITS, 0.1)
    assert [line.split(":")[0] for line in wrong] == named


def test_what_has_no_limit_or_is_not_counted_is_said():
    wrong = check.judge([check.Found("new", 1, 1)], LIMITS, 0.1)
    assert "new: has no limit" in wrong[0]
    assert [line.split(":")[0] for line in wrong[1:]] == ["j1 tree", "elfcore"]


ROOM = {"same": 0.15, "other": 0.3, "python": 0.25}


@pytest.mark.parametrize(
    ("kind", "used", "room"),
    [
        ("gcc-x86_64", "gcc-x86_64", 0.15),
        ("clang-x86_64", "clang-x86_64", 0.15),
        ("gcc-aarch64", "gcc-x86_64", 0.3),
        ("clang-aarch64", "clang-x86_64", 0.3),
        ("icc-x86_64", "gcc-x86_64", 0.3),
    ],
)
def test_another_compiler_or_machine_has_more_room(kind, used, room):
    kinds = {"gcc-x86_64": {"a": 1.0}, "clang-x86_64": {"a": 2.0}}
    assert check.nearest(kinds, kind, ROOM) == (kinds[used], room, used)


def test_the_committed_limits_are_whole():
    limits = json.loads(check.LIMITS.read_text())
    tasks = {key.split()[0] for key in limits["c"]["gcc-x86_64"]}
    assert {"j1", "validate", "elfcore"} <= tasks
    assert "second_kernel_dtb in Python" in limits["python"]
    for kind in limits["c"].values():
        assert set(kind) == set(limits["c"]["gcc-x86_64"])
    assert 0 < limits["room"]["same"] <= limits["room"]["other"] < 0.5


def test_a_start_is_counted_against_an_interpreter_that_does_nothing(monkeypatch):
    """-v and -S promise START at most; here a count for each command is made up."""
    asked = []

    def run(command, folder, may_fail):
        asked.append(command[1:])
        return [check.callgrind.Dump("", 1000 * len(asked), {})]

    monkeypatch.setattr(check.callgrind, "run", run)
    found = check.count_starts()
    assert asked == [["-c", "pass"], ["-v"], ["-S"]]
    assert [f.ratio for f in found] == [2.0, 3.0]
    assert [
        w.split(":")[0]
        for w in check.judge(
            found, dict.fromkeys((f.task for f in found), check.START), 0
        )
    ] == ["pyfdtx-kexec -S"]
