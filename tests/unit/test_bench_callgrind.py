# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Reading what callgrind wrote: valgrind's manual, "Callgrind Format
Specification", whose example this is, with a name and a recursion added."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import callgrind

DUMP = """\
# callgrind format
version: 1
creator: callgrind-3.19.0
desc: I1 cache:
desc: Trigger: Client Request: A|49|native
positions: line
events: Ir
summary: 820

fl=file1.c
fn=main
16 20
cfn=func1
calls=1 50
16 400
cfi=file2.c
cfn=func2
calls=3 20
17 400

fn=func1
51 100
cfi=file2.c
cfn=func2
calls=2 20
51 300

fl=file2.c
fn=func2
20 700
fn=func2'2
+1 7
totals: 827
"""


def test_the_cost_of_calls_is_not_counted_twice():
    dump = callgrind.read(DUMP.splitlines())
    assert dump.name == "A|49|native"
    assert dump.total == 827
    assert dump.functions == {"main": 20, "func1": 100, "func2": 707}
