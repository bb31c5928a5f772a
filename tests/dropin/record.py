# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Run somebody's tests and write down what became of each.

    python record.py OUT -m pytest ARGS...
    python record.py OUT PROGRAM ARGS...

The tests and their runner stay as they are: pytest tells a plugin, unittest's
TestCase.run() is watched from outside. OUT gets JSON: the outcome of each
test, and which module `import libfdt` gave.
"""

import collections
import json
import os
import runpy
import sys
import unittest
from pathlib import Path

outcomes = {}


def note(name, outcome):
    """A name may come again; the worst counts."""
    order = ("passed", "skipped", "failed", "error")
    outcomes[name] = max(outcomes.get(name, "passed"), outcome, key=order.index)


class Plugin:
    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.failed:
            note(report.nodeid, "error")
        elif report.when == "call" or report.skipped:
            note(report.nodeid, report.outcome)


def watch_unittest():
    run = unittest.TestCase.run

    def watched(case, result=None):
        if result is None:
            result = case.defaultTestResult()
        parts = ("errors", "failures", "skipped")
        before = collections.Counter({p: len(getattr(result, p)) for p in parts})
        done = run(case, result)
        more = [p for p in parts if len(getattr(result, p)) > before[p]]
        words = {"errors": "error", "failures": "failed", "skipped": "skipped"}
        note(case.id(), words[more[0]] if more else "passed")
        return done

    unittest.TestCase.run = watched


def main():
    out, program, *args = sys.argv[1:]
    status = 0
    try:
        if program == "-m":
            import pytest

            status = pytest.main(args[1:], plugins=[Plugin()])
        else:
            watch_unittest()
            sys.argv = [program, *args]
            sys.path[0] = os.path.dirname(os.path.realpath(program))
            runpy.run_path(program, run_name="__main__")
    except SystemExit as e:
        status = e.code
    finally:
        import libfdt

        Path(out).write_text(
            json.dumps({"libfdt": libfdt.__name__, "outcomes": outcomes}, indent=1)
        )
    sys.exit(status)


if __name__ == "__main__":
    main()
