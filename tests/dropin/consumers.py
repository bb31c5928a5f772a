# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Consumers' own test-suites, with upstream's module and with the drop-in.

    python tests/dropin/consumers.py [--dtc DIR] [--uboot DIR] [--lopper DIR]
                                     [--kerf DIR] [NAME...]

What the package index has is fetched from there, at the versions below, into
.cache/consumers; nothing of it is part of this repository. Of the others a
checkout is to be given. Every suite runs unmodified in two venvs that differ
in libfdt alone; each test must end alike in both. The results are left in
build/dropin/consumers/results.json. Run by `make test-consumers`.
"""

import argparse
import collections
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "consumers"
BUILD = ROOT / "build" / "dropin" / "consumers"
RECORD = Path(__file__).with_name("record.py")

PYLIBFDT = "pylibfdt==1.7.2.post2"
# docs/migration.md names these
VERSIONS = {"dtschema": "2026.9", "dtoc": "0.1.0", "binary-manager": "0.2.1"}
# What the tests need beyond what the consumers require
TOOLS = ["pytest", "concurrencytest", "click", "pyudev", "humanfriendly",
         "configparser", "pyaml", "anytree", "packaging"]  # fmt: skip

PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"]
# What needs the sources of Linux, and lopper's slowest: two thirds of the time
LOPPER_NOT = ("sdt_from_linux", "benchmark", "libmetal_zynqmp", "sdt_roundtrip",
              "glob_access")  # fmt: skip


class Missing(Exception):
    """Why a suite cannot be run here."""


class Suite:
    """A consumer's tests: where they run, and how.

    Attributes:
        needs: programs that the tests call.
        path: folders in front of sys.path.
        environment: more variables.
    """

    def __init__(self, folder, command, needs=(), path=(), environment=None):
        self.folder = folder
        self.command = command
        self.needs = needs
        self.path = path
        self.environment = environment or {}


def run(command, **more):
    return subprocess.run([str(c) for c in command], check=True, **more)


def pip(python, *args, **more):
    head = [python, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    return run([*head, *args], **more)


def sdist(name):
    """Folder with a consumer's sources, as the index has them."""
    version = VERSIONS[name]
    stem = f"{name.replace('-', '_')}-{version}"
    archive = CACHE / f"{stem}.tar.gz"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        pip(sys.executable, "download", "--no-deps", "--no-binary", name,
            "--dest", CACHE, f"{name}=={version}")  # fmt: skip
    folder = BUILD / "sources" / stem
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extraction_filter = tarfile.data_filter
        tar.extractall(BUILD / "sources")
    return folder


def installed(venv, package):
    (folder,) = venv.glob(f"lib/python*/site-packages/{package}")
    return folder


def dtschema(options, venv):
    return [Suite(sdist("dtschema"), [*PYTEST, "test/test-dt-validate.py"], ["dtc"])]


def dtoc(options, venv):
    program = installed(venv, "dtoc") / "main.py"
    # Half of its tests read drivers of U-Boot
    more = {"UBOOT_SRC": str(options.uboot)} if options.uboot else {}
    return [Suite(BUILD, [program, "-P", "1", "-t"], ["dtc"], environment=more)]


def binman(options, venv):
    program = installed(venv, "binman") / "main.py"
    return [Suite(BUILD, [program, "test", "-P", "1"], ["dtc"])]


def checkout(options, name, sign):
    folder = getattr(options, name)
    if folder is None:
        raise Missing(f"the package index has no tests of it: --{name} DIR")
    if not (folder / sign).exists():
        raise Missing(f"{folder} has no {sign}")
    return folder


def dtc(options, venv):
    """Upstream's own tests, which read trees that other tests make."""
    folder = BUILD / "sources" / "dtc"
    source = checkout(options, "dtc", "tests/pylibfdt_tests.py")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".git"))
    tests, quiet = folder / "tests", {"stdout": subprocess.DEVNULL}
    without = ["NO_PYTHON=1", "NO_YAML=1", "NO_VALGRIND=1"]
    run(["make", "--silent", "-C", folder, *without, "tests/dumptrees"],
        stderr=subprocess.DEVNULL, **quiet)  # fmt: skip
    run(["./dumptrees", "."], cwd=tests, **quiet)
    for name in ("test_props", "aliases"):
        run(["dtc", "-q", "-O", "dtb", "-o", f"{name}.dtb", f"{name}.dts"], cwd=tests)
    return [Suite(tests, ["./pylibfdt_tests.py"], ["dtc", "make", "cc"])]


def uboot(options, venv):
    folder = checkout(options, "uboot", "tools/dtoc/dtoc")
    return [
        Suite(folder, [f"./tools/dtoc/{name}", "-P", "1", "-t"], ["dtc"], ["tools"])
        for name in ("dtoc", "test_fdt")
    ]


def lopper(options, venv):
    folder = checkout(options, "lopper", "tests/conftest.py")
    without = [f"--ignore=tests/test_{name}.py" for name in LOPPER_NOT]
    return [Suite(folder, [*PYTEST, *without, "tests"], ["dtc", "cpp"], ["."])]


def kerf(options, venv):
    folder = checkout(options, "kerf", "tests/test_kerf.py")
    return [Suite(folder, [*PYTEST, "tests"], ["dtc"], ["src"])]


CONSUMERS = {f.__name__: f for f in (dtschema, dtoc, binman, dtc, uboot, lopper, kerf)}
OF_INDEX = ("dtschema", "dtoc", "binman")
DISTRIBUTION = {"binman": "binary-manager"}


def venvs():
    """Two venvs with the same packages of the same versions, but for libfdt."""
    theirs, ours = BUILD / "pylibfdt", BUILD / "pyfdtx"
    wanted = [PYLIBFDT, *(f"{n}=={v}" for n, v in VERSIONS.items()), *TOOLS]
    stamp = theirs / ".installed"
    if not stamp.exists() or stamp.read_text() != repr(wanted):
        for venv in (theirs, ours):
            shutil.rmtree(venv, ignore_errors=True)
            run([sys.executable, "-m", "venv", venv])
        pip(theirs / "bin" / "python", "install", *wanted)
        frozen = pip(theirs / "bin" / "python", "freeze", stdout=subprocess.PIPE)
        lines = frozen.stdout.decode().split()
        others = [line for line in lines if not line.startswith("pylibfdt==")]
        pip(ours / "bin" / "python", "install", "--no-deps", *others, "cffi>=1.17",
            "pycparser")  # fmt: skip
        stamp.write_text(repr(wanted))
    (wheel,) = (ROOT / "build" / "wheel").glob("pyfdtx-*.whl")
    pip(ours / "bin" / "python", "install", "--no-deps", "--force-reinstall",
        wheel, ROOT / "libfdt" / "dropin")  # fmt: skip
    return theirs, ours


def outcomes(suite, venv, module):
    """What became of each test of a suite in a venv."""
    for program in suite.needs:
        if not shutil.which(program):
            raise Missing(f"no {program} here")
    out = venv / "outcomes.json"
    out.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": ":".join(str(suite.folder / p) for p in suite.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        **suite.environment,
    }
    log = venv / "log"
    with log.open("wb") as stream:
        subprocess.run(
            [str(c) for c in (venv / "bin" / "python", RECORD, out, *suite.command)],
            cwd=suite.folder, env=environment, stdout=stream,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    if not out.exists():
        tail = log.read_text(errors="replace")[-2000:]
        raise SystemExit(f"consumers: {suite.command} ended early: {tail}")
    found = json.loads(out.read_text())
    assert found["libfdt"] == module, f"{venv.name} took {found['libfdt']}"
    return found["outcomes"]


def judge(name, suites):
    """Results of a consumer's suites with both modules; whether they agree."""
    counts = collections.Counter()
    agree = True
    for theirs, ours in suites:
        counts.update(theirs.values())
        for test in sorted(theirs.keys() | ours.keys()):
            pair = theirs.get(test, "absent"), ours.get(test, "absent")
            if pair[0] != pair[1]:
                agree = False
                print(f"  {test}: {pair[0]} with pylibfdt, {pair[1]} with pyfdtx")
    if not counts["passed"]:
        agree = False
        print(f"  {name}: no test passed with pylibfdt, so nothing is shown")
    return dict(sorted(counts.items())), agree


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("dtc", "uboot", "lopper", "kerf"):
        parser.add_argument(f"--{name}", type=lambda p: Path(p).resolve(),
                            help=f"a checkout of {name}")  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help=f"only these of {', '.join(CONSUMERS)}")  # fmt: skip
    options = parser.parse_args()
    try:
        theirs, ours = venvs()
    except subprocess.CalledProcessError as e:
        raise SystemExit(f"consumers: cannot install: {' '.join(e.cmd)}") from None
    results, bad = {}, False
    for name in options.names or CONSUMERS:
        try:
            pairs = [
                (outcomes(a, theirs, "libfdt"), outcomes(b, ours, "pyfdtx.libfdt"))
                for a, b in zip(
                    CONSUMERS[name](options, theirs), CONSUMERS[name](options, ours)
                )
            ]
        except Missing as e:
            print(f"{name}: not run: {e}")
            bad |= name in OF_INDEX or name in options.names
            continue
        counts, agree = judge(name, pairs)
        bad |= not agree
        version = VERSIONS.get(DISTRIBUTION.get(name, name), "a checkout")
        told = ", ".join(f"{count} {word}" for word, count in counts.items())
        verdict = "the same with both" if agree else "NOT the same"
        print(f"{name} ({version}): {told}; {verdict}", flush=True)
        results[name] = {"version": version, "same": agree, **counts}
    (BUILD / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    sys.exit(bad)


if __name__ == "__main__":
    main()
