# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Options that every kind of test knows."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run, on every machine: what `make test` says does
# not depend on luck or load. `make test-search` looks for new ones.
PATIENT = {"deadline": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("steady", derandomize=True, **PATIENT)
settings.register_profile("search", max_examples=5000, **PATIENT)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

CORPUS_TESTS = Path(__file__).parent / "corpus"
WHEEL_TESTS = Path(__file__).parent / "packaging" / "test_wheels.py"


def pytest_addoption(parser):
    parser.addoption(
        "--corpus",
        type=Path,
        metavar="DIR",
        help="run tests/corpus over every .dtb below DIR (tests/corpus/fetch.py)",
    )

    parser.addoption(
        "--wheels",
        type=Path,
        metavar="DIR",
        help="judge the wheels in DIR (tests/packaging/test_wheels.py)",
    )


def pytest_ignore_collect(collection_path, config):
    # Without a corpus there is nothing that these tests could be run over
    if config.getoption("--corpus") is None and collection_path == CORPUS_TESTS:
        return True
    if config.getoption("--wheels") is None and collection_path == WHEEL_TESTS:
        return True
    return None


def required(report, where, why):
    """PYFDTX_REQUIRE_ALL=1 turns a skip into a failure."""
    expected = hasattr(report, "wasxfail")
    if report.skipped and not expected and os.environ.get("PYFDTX_REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = f"{where}: skipped, but PYFDTX_REQUIRE_ALL=1: {why}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    return required(report, item.nodeid, call.excinfo and call.excinfo.value)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    return required(report, collector.nodeid, report.longrepr)
