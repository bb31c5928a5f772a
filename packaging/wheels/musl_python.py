# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A CPython for musl, built from Debian's sources with Debian's musl-gcc, to run the
wheel for musl on a machine with glibc. It has what tests need: no pip, no SSL."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

SUITE, SOURCE = "trixie", "python3.13"
KERNEL_HEADERS = ("linux", "asm-generic", "x86_64-linux-gnu/asm")
COMPILER = """\
#!/bin/sh
# configure would take this machine's libraries for a multiarch answer
[ "$1" = --print-multiarch ] && exit 0
exec musl-gcc "$@" -idirafter {headers}
"""


def quietly(*command: str | Path, **options: object) -> None:
    done = subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        **options,  # type: ignore[call-overload]
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"musl_python.py: {command[0]}: {done.stdout[-3000:]}")


def apt_for_sources(to: Path, mirror: str) -> dict[str, str]:
    """An environment in which apt-get knows Debian's sources."""
    apt = to / "apt"
    for name in ("state/lists/partial", "cache/archives/partial", "etc"):
        (apt / name).mkdir(parents=True)
    (apt / "status").touch()
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (apt / "list").write_text(f"deb-src [signed-by={keys}] {mirror} {SUITE} main\n")
    (apt / "conf").write_text(
        f'Dir "{apt}"; Dir::State "{apt}/state"; Dir::State::status "{apt}/status";\n'
        f'Dir::Cache "{apt}/cache"; Dir::Etc "{apt}/etc"; Dir::Etc::sourceparts "-";\n'
        f'Dir::Etc::sourcelist "{apt}/list"; Acquire::Languages "none";\n'
        'APT::Sandbox::User "root"; Acquire::Check-Valid-Until "false";\n'
    )
    return {**os.environ, "APT_CONFIG": str(apt / "conf")}


def unpacked(package: str, to: Path, env: dict[str, str]) -> Path:
    """Upstream's sources of a Debian package."""
    get = ["apt-get", "-q", "--download-only", "source", package]
    done = subprocess.run(get, env=env, cwd=to, capture_output=True, text=True)
    found = list(to.glob(f"{package}_*.orig.tar.?z"))
    if len(found) != 1:  # Debian's own part is not needed
        raise SystemExit(f"musl_python.py: no sources of {package}: {done.stderr}")
    folder = to / package
    with tarfile.open(found[0]) as tar:
        tar.extractall(folder)
    (inside,) = folder.iterdir()
    return inside


def built(cache: Path, mirror: str) -> Path:
    """Its interpreter, to be run where it was built."""
    home = cache / "musl-python"
    done = home / "done"
    if done.exists():
        return Path(done.read_text())
    if shutil.which("musl-gcc") is None:
        raise SystemExit("musl_python.py: no musl-gcc (Debian: musl-tools)")
    shutil.rmtree(home, ignore_errors=True)
    headers = home / "kernel-headers"
    headers.mkdir(parents=True)
    for name in KERNEL_HEADERS:
        (headers / Path(name).name).symlink_to(Path("/usr/include") / name)
    compiler = home / "cc"
    compiler.write_text(COMPILER.format(headers=headers))
    compiler.chmod(0o755)
    apt = apt_for_sources(home, mirror)
    quietly("apt-get", "-q", "update", env=apt)
    folder = unpacked(SOURCE, home, apt)
    zlib = unpacked("zlib", home, apt)
    env = {
        **os.environ, "CC": str(compiler), "OPT": "-O1",
        "PKG_CONFIG_LIBDIR": "/nonexistent",
    }  # fmt: skip
    quietly(
        "./configure", "--disable-ipv6", "--without-ensurepip",
        "--disable-test-modules", cwd=folder, env=env,
    )  # fmt: skip
    # -k: modules whose libraries are missing are left out
    subprocess.run(
        ["make", "-s", "-k", "-j2"], cwd=folder, env=env, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    python = folder / "python"
    # configure would look for a libz: the module with zlib inside, in home/lib
    (home / "lib").mkdir()
    quietly(
        compiler, "-O1", "-shared", "-fPIC", "-DHAVE_UNISTD_H",
        "-DPy_BUILD_CORE_MODULE", "-I.", "-IInclude", "-IInclude/internal",
        f"-I{zlib}", "Modules/zlibmodule.c",
        *(p for p in zlib.glob("*.c") if not p.name.startswith("gz")),
        "-o", home / "lib/zlib.so", cwd=folder,
    )  # fmt: skip
    path = {**os.environ, "PYTHONPATH": str(home / "lib")}
    quietly(python, "-c", "import select, struct, hashlib, zlib", env=path)
    done.write_text(str(python))
    return python
