# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A clone, an sdist and a wheel each install into a fresh venv and work;
what can go wrong with upstream's sources stops with the way out.

Not part of `make test`, for it needs the package index: `make test-packaging`.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Runs outside the checkout; the tree is made by the installed package alone.
TRY = """
import pathlib, pyfdtx, pyfdtx._core
from pyfdtx import Fdt
fdt = Fdt.empty()
fdt.root.set_u32("#address-cells", 2)
fdt.root.set_u32("#size-cells", 1)
fdt.add_node("/chosen").set_reg("linux,elfcorehdr", [(0x1000, 0x400)])
fdt = Fdt(fdt.to_bytes())
value = fdt["/chosen"]["linux,elfcorehdr"]
assert value == bytes.fromhex("0000000000001000" "00000400"), value
print(pathlib.Path(pyfdtx._core.__file__).name, pyfdtx.__version__)
"""


def run(*command, cwd, env=None, ok=True):
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=500,
    )
    assert (done.returncode == 0) is ok, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The tracked and untracked files of the checkout, without its builds."""
    to = tmp_path_factory.mktemp("clone") / "pyfdtx"
    listed = run(
        "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT
    )
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    assert not (to / "libfdt" / "src").exists()
    return to


@pytest.fixture(scope="module")
def built(clone, tmp_path_factory):
    """(sdist, wheel) made from the clone, through the build backend."""
    to = tmp_path_factory.mktemp("dist")
    hooks = "from setuptools import build_meta as b; b.build_sdist({0!r})"
    run(sys.executable, "-c", hooks.format(str(to)), cwd=clone)
    (sdist,) = to.glob("*.tar.gz")
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", to, sdist, cwd=to)
    (wheel,) = to.glob("*.whl")
    return sdist, wheel


@pytest.fixture
def fresh(tmp_path):
    """pip and python of an empty venv, run outside the checkout."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"

    def install(what, env=None, ok=True):
        return run(python, "-m", "pip", "install", what, cwd=tmp_path, env=env, ok=ok)

    def use():
        out = run(python, "-c", TRY, cwd=tmp_path)
        assert "abi3" in out
        run(tmp_path / "venv" / "bin" / "pyfdtx", "--version", cwd=tmp_path)
        return python

    return install, use


def test_a_clone_installs_by_itself(clone, fresh):
    install, use = fresh
    install(clone)
    use()


def test_the_sdist_installs(built, fresh):
    install, use = fresh
    install(built[0])
    use()


def test_the_wheel_installs(built, fresh):
    install, use = fresh
    install(built[1])
    use()


def test_sdist_and_wheel_carry_upstreams_sources_unchanged(built):
    sys.path.insert(0, str(ROOT / "libfdt"))
    import vendor

    sdist, wheel = built
    with tarfile.open(sdist) as tar, zipfile.ZipFile(wheel) as zipped:
        for name, want in vendor.pin()["files"].items():
            (member,) = (m for m in tar if m.name.endswith(f"/libfdt/src/{name}"))
            assert vendor.digest(tar.extractfile(member).read()) == want, name
            carried = zipped.read(f"pyfdtx/csrc/libfdt/{name}")
            assert vendor.digest(carried) == want, name


def test_the_sdist_carries_every_page_that_another_one_links_to(built):
    with tarfile.open(built[0]) as tar:
        names = {member.name.partition("/")[2] for member in tar}
    pages = {"README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"}
    assert pages <= names
    for page in pages:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / page).read_text()):
            path = link.rstrip("/")
            assert path in names or any(n.startswith(f"{path}/") for n in names), (
                f"{page} links to {link}"
            )


def test_one_wheel_serves_every_cpython_from_3_9(built):
    assert built[1].name.startswith("pyfdtx-")
    assert "-cp39-abi3-" in built[1].name


def test_no_command_of_the_wheel_shadows_one_of_the_system(built):
    """pip may install beside kexec-tools: names begin with ours, whatever they do."""
    with zipfile.ZipFile(built[1]) as zipped:
        (name,) = (n for n in zipped.namelist() if n.endswith("/entry_points.txt"))
        text = zipped.read(name).decode()
    commands = re.findall(r"(?m)^(\S+) = ", text)
    assert {"pyfdtx", "pyfdtx-kexec", "pyfdtx-vmcore-dmesg"} <= set(commands)
    assert all(re.fullmatch(r"pyfdtx(-[a-z-]+)?", command) for command in commands)


@pytest.fixture
def bare(clone, tmp_path):
    """A clone whose upstream sources are still missing."""
    to = tmp_path / "bare"
    shutil.copytree(clone, to, ignore=shutil.ignore_patterns("src", "build", "*.whl"))
    return to


def vendor_fails(place, env=None):
    return run(sys.executable, "libfdt/vendor.py", cwd=place, env=env, ok=False)


def test_without_network_the_message_names_the_ways_out(bare):
    out = vendor_fails(bare, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""})
    assert "PYFDTX_LIBFDT=system" in out
    assert "libfdt-dev" in out
    assert "pip said" in out
    assert not (bare / "libfdt" / "src").exists()


def test_an_sdist_with_another_hash_is_refused(bare):
    (bare / "libfdt" / "pylibfdt-1.7.2.post2.tar.gz").write_bytes(b"not the one")
    out = vendor_fails(bare)
    assert "SHA-256 is not" in out
    assert "PYFDTX_LIBFDT=system" in out


def test_a_wrong_pin_is_refused_by_pip_before_anything_runs(bare):
    pin = bare / "libfdt" / "upstream.toml"
    text = pin.read_text()
    good = text.split('sha256 = "')[1][:64]
    pin.write_text(text.replace(good, "0" * 64))
    out = vendor_fails(bare)
    assert "pinned hash" in out
    assert "DO NOT MATCH THE HASHES" in out.upper() or "HASH" in out.upper()
    assert "PYFDTX_LIBFDT=system" in out


def test_an_edited_source_file_is_refused(bare):
    run(sys.executable, "libfdt/vendor.py", cwd=bare)
    with (bare / "libfdt" / "src" / "fdt.c").open("a") as f:
        f.write("/* edited */\n")
    out = vendor_fails(bare)
    assert "fdt.c" in out
    assert "delete" in out


def test_a_system_libfdt_that_is_missing_is_named(bare, fresh):
    install, _ = fresh
    hidden = {"PKG_CONFIG_LIBDIR": "/nonexistent", "CC": "false"}
    out = install(bare, {"PYFDTX_LIBFDT": "system", **hidden}, ok=False)
    assert "neither pkg-config nor the compiler finds libfdt" in out
    assert "libfdt-dev" in out


def system_libfdt_is_here():
    program = "#include <libfdt.h>\nint main(void) { return !fdt_strerror(0); }\n"
    cc = ["cc", "-x", "c", "-", "-o", os.devnull, "-lfdt"]
    return subprocess.run(cc, input=program, text=True, capture_output=True)


def test_a_system_libfdt_is_used(bare, fresh):
    if system_libfdt_is_here().returncode:
        pytest.skip("libfdt's development files are missing (Debian: libfdt-dev)")
    install, use = fresh
    install(bare, {"PYFDTX_LIBFDT": "system"})
    python = use()
    where = "import pyfdtx._core; print(pyfdtx._core.__file__)"
    ext = run(python, "-c", where, cwd=bare.parent).strip()
    assert "libfdt.so" in run("ldd", ext, cwd=bare.parent)
    assert not (bare / "libfdt" / "src").exists()
