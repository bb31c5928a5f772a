# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The wheels in a folder, `make wheels` or `make test-wheels-quick` made them:

    pytest tests/packaging/test_wheels.py --wheels DIR

Tags, what the shared objects ask of their systems, metadata, and that the same sources
in another folder give the same bytes. Run they are by packaging/wheels/run.py.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "packaging/wheels"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "libfdt"))
import shared_objects
import vendor
import wheels as builder

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

# What each platform's object is: file format and machine. e_machine: elf(5), the
# processors' supplements; Machine: "PE Format"; cputype: mach/machine.h
MACHINES = {
    "manylinux_x86_64": ("ELF", ("EM_X86_64", 64, "little")),
    "manylinux_aarch64": ("ELF", ("EM_AARCH64", 64, "little")),
    "manylinux_armv7l": ("ELF", ("EM_ARM", 32, "little")),
    "manylinux_i686": ("ELF", ("EM_386", 32, "little")),
    "manylinux_ppc64le": ("ELF", ("EM_PPC64", 64, "little")),
    "manylinux_s390x": ("ELF", ("EM_S390", 64, "big")),
    "manylinux_riscv64": ("ELF", ("EM_RISCV", 64, "little")),
    "musllinux_x86_64": ("ELF", ("EM_X86_64", 64, "little")),
    "musllinux_aarch64": ("ELF", ("EM_AARCH64", 64, "little")),
    "macos_x86_64": ("Mach-O", 0x0100_0007),
    "macos_arm64": ("Mach-O", 0x0100_000C),
    "windows_x86_64": ("PE", 0x8664),
    "windows_arm64": ("PE", 0xAA64),
}
GLIBC = {"libc.so.6", "libdl.so.2"}
UCRT = "api-ms-win-crt-"
# Of the C library, on any system. musl has no versions of symbols, so nobody else
# would notice one that is too new: all of these are in musl 1.1.
C_FUNCTIONS = {
    "calloc", "dlsym", "free", "malloc", "memchr", "memcmp", "memcpy", "memmove",
    "memset", "realloc", "snprintf", "strchr", "strcmp", "strcpy", "strcspn", "strlen",
    "strncmp", "strnlen", "strrchr", "strspn", "strtoul", "syscall",
    "__errno_location", "__stack_chk_fail", "__cxa_finalize", "abort", "fprintf",
    "fputs", "fwrite", "printf", "stderr", "vfprintf", "_DYNAMIC",
    "_GLOBAL_OFFSET_TABLE_", "__gmon_start__", "_ITM_deregisterTMCloneTable",
    "_ITM_registerTMCloneTable",
}  # fmt: skip


@pytest.fixture(scope="session")
def folder(request):
    return request.config.getoption("--wheels").resolve()


def paths(folder):
    """{name of the target: its wheel}"""
    found = {}
    for name, target in builder.TARGETS.items():
        ending = f"-cp39-abi3-{'.'.join(target.platforms)}.whl"
        matches = [p for p in folder.glob("pyfdtx-*.whl") if p.name.endswith(ending)]
        assert len(matches) <= 1, matches
        found.update(dict.fromkeys([name], matches[0]) if matches else {})
    return found


def pytest_generate_tests(metafunc):
    if "wheel" in metafunc.fixturenames:
        here = paths(metafunc.config.getoption("--wheels").resolve())
        metafunc.parametrize("wheel", here.items(), ids=list(here), indirect=True)


@pytest.fixture
def wheel(request):
    """(name, path, files) of each wheel that is there."""
    name, path = request.param
    return name, path, builder.read_wheel(path)


def part(files, ending):
    (data,) = [data for name, data in files.items() if name.endswith(ending)]
    return data


def core(files):
    (name,) = [n for n in files if n.endswith((".so", ".pyd", ".dylib"))]
    return name, shared_objects.asks(files[name])


def test_there_are_wheels_and_every_target_is_in_the_table(folder):
    assert set(MACHINES) == set(builder.TARGETS)
    assert paths(folder)
    others = {p.name for p in folder.glob("pyfdtx-*.whl")}
    assert others == {p.name for p in paths(folder).values()}


def test_tags_say_what_the_object_is(wheel):
    name, _, files = wheel
    tags = Parser().parsestr(part(files, ".dist-info/WHEEL").decode()).get_all("Tag")
    assert tags == [f"cp39-abi3-{p}" for p in builder.TARGETS[name].platforms]
    inside, object_ = core(files)
    windows = name.startswith("windows")
    assert inside == ("pyfdtx/_core.pyd" if windows else "pyfdtx/_core.abi3.so")
    assert (object_.kind, object_.machine) == MACHINES[name]


def test_it_is_stripped_and_knows_nothing_of_this_machine(wheel):
    name, _, files = wheel
    inside, object_ = core(files)
    # Apple's processors run signed code alone; the linker signs
    signed = {"signature"} if name == "macos_arm64" else set()
    assert object_.has - {"signature"} == set()
    assert signed <= object_.has
    for place in (str(ROOT), os.path.expanduser("~/"), "/tmp/", "zig-cache"):
        assert place.encode() not in files[inside], place


def test_it_asks_for_the_c_library_and_the_stable_abi_alone(wheel):
    name, _, files = wheel
    _, object_ = core(files)
    ours = {
        n.removeprefix("_") if object_.kind == "Mach-O" else n for n in object_.imports
    }
    python = {n for n in ours if n.startswith(("Py", "_Py"))}
    assert python
    if object_.kind == "PE":
        system = {n for n in object_.needs if not n.startswith(UCRT)}
        assert {n.lower() for n in system} == {"python3.dll", "kernel32.dll"}
        assert object_.needs["python3.dll"] == python
        return
    if object_.kind == "Mach-O":
        assert set(object_.needs) == {"/usr/lib/libSystem.B.dylib"}
        assert object_.minimum == (11, 0)
        return
    needed = set(object_.needs)
    if name.startswith("manylinux"):
        assert needed - GLIBC == set()
    else:
        arch = name.partition("_")[2]
        assert needed == {f"libc.musl-{arch}.so.1"}
    assert ours - python - C_FUNCTIONS == set()


def test_pythons_symbols_are_in_the_oldest_pythons_stable_abi(wheel):
    """By a table of another project; abi3audit, below, has it, too."""
    from abi3info import DATAS, FUNCTIONS

    _, object_ = core(wheel[2])
    table = {
        symbol.name: facts.added
        for known in (FUNCTIONS, DATAS)
        for symbol, facts in known.items()
    }
    strip = "_" if object_.kind == "Mach-O" else ""
    for name in object_.imports:
        name = name.removeprefix(strip)
        if name.startswith(("Py", "_Py")):
            assert (table[name].major, table[name].minor) <= (3, 9), name


def test_the_judges_find_nothing(folder, tmp_path):
    """auditwheel, abi3audit and twine, as strict as they can be."""
    here = paths(folder)
    files = [str(p) for p in here.values()]
    env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}

    def judge(*command):
        done = subprocess.run(
            command,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    judge(BIN / "abi3audit", "--strict", *files)
    judge(sys.executable, "-m", "twine", "check", "--strict", *files)
    for name, path in here.items():
        if "linux" in name:
            said = " ".join(judge(BIN / "auditwheel", "show", path).split())
            assert "is consistent with the following platform tag" in said
            judged = said.split('platform tag: "')[1].split('"')[0]
            ours = builder.TARGETS[name].platforms[0]
            assert version_of(judged) <= version_of(ours), judged


def version_of(tag):
    return [int(word) for word in tag.split("_")[1:3]]


def test_metadata_is_complete(wheel):
    _, path, files = wheel
    about = Parser().parsestr(part(files, ".dist-info/METADATA").decode())
    assert about["Name"] == "pyfdtx"
    assert about["Version"] == path.name.split("-")[1]
    assert about["Requires-Python"] == ">=3.9"
    assert about["License-Expression"] == "GPL-2.0-or-later OR BSD-2-Clause"
    assert len(about.get_all("License-File")) == 2
    addresses = dict(u.split(", ") for u in about.get_all("Project-URL"))
    assert {"Homepage", "Source", "Documentation", "Changelog", "Issues"} <= set(
        addresses
    )
    assert "Programming Language :: Python :: 3.9" in about.get_all("Classifier")
    assert len(about.get_payload()) > 1000
    bom = json.loads(part(files, ".dist-info/sboms/pyfdtx.cdx.json"))
    assert bom["metadata"]["component"]["version"] == about["Version"]


def test_the_record_is_right(wheel):
    """pip checks the hashes; RECORD names every file, once."""
    _, path, files = wheel
    rows = part(files, ".dist-info/RECORD").decode().splitlines()
    assert sorted(row.rsplit(",", 2)[0] for row in rows) == sorted(files)
    for row in rows:
        name, digest, size = row.rsplit(",", 2)
        if digest:
            assert (name, digest, int(size)) == builder.record_row(name, files[name])
    with zipfile.ZipFile(path) as zipped:
        assert zipped.testzip() is None
        assert {entry.date_time for entry in zipped.infolist()} == {
            zipped.infolist()[0].date_time
        }


def test_wheels_of_one_version_differ_in_the_object_alone(folder):
    payloads = []
    for path in paths(folder).values():
        files = builder.read_wheel(path)
        object_, _ = core(files)
        left_out = (".dist-info/WHEEL", ".dist-info/RECORD")
        payloads.append(
            {
                n: d
                for n, d in files.items()
                if n != object_ and not n.endswith(left_out)
            }
        )
    assert all(payload == payloads[0] for payload in payloads)


@pytest.mark.parametrize("kind", ["linux", "macos", "windows"])
def test_another_folder_gives_the_same_bytes(folder, tmp_path, kind):
    """One target of each linker, if there is any."""
    here = {name: path for name, path in paths(folder).items() if kind in name}
    assert here or kind != "linux"
    for name in list(here)[:1]:
        build_again(name, here[name], tmp_path)


def build_again(name, path, tmp_path):
    base = tmp_path / path.name.replace(
        path.name.split("-abi3-")[1], "linux_x86_64.whl"
    )
    shutil.copy2(path, base)
    there = tmp_path / "another" / "place"
    for part_ in ("csrc", "libfdt", "packaging"):
        shutil.copytree(ROOT / part_, there / part_, symlinks=True)
    with zipfile.ZipFile(path) as zipped:
        when = zipped.infolist()[0].date_time
    env = {**os.environ, "SOURCE_DATE_EPOCH": str(builder.epoch())}
    cache = os.environ.get("ZIG_GLOBAL_CACHE_DIR", str(ROOT / ".cache/zig"))
    env.update(ZIG_GLOBAL_CACHE_DIR=cache, ZIG_LOCAL_CACHE_DIR=str(tmp_path / "zig"))
    made = tmp_path / "made"
    script = there / "packaging/wheels/wheels.py"
    done = subprocess.run(
        [sys.executable, str(script), str(base), str(made), name],
        env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    (again,) = made.glob("*.whl")
    assert again.name == path.name
    with zipfile.ZipFile(again) as zipped:
        assert zipped.infolist()[0].date_time == when
    assert again.read_bytes() == path.read_bytes()


def test_the_pin_of_upstream_is_in_every_sbom(wheel):
    up = vendor.pin()["upstream"]
    bom = json.loads(part(wheel[2], ".dist-info/sboms/pyfdtx.cdx.json"))
    (libfdt,) = [c for c in bom["components"] if c["name"] == "libfdt"]
    assert libfdt["version"] == up["version"]
