# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A guest with Debian's Python and pyfdtx, its extensions cross-built."""

from __future__ import annotations

import marshal
import os
import runpy
import shutil
import struct
import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

from . import GuestError, need
from .debian import Archive
from .initramfs import Initramfs

ROOT = Path(__file__).resolve().parents[3]
# By Debian's name of the architecture
COMPILERS = {
    "amd64": "x86_64-linux-gnu-gcc",
    "arm64": "aarch64-linux-gnu-gcc",
    "armhf": "arm-linux-gnueabihf-gcc",
    "ppc64el": "powerpc64le-linux-gnu-gcc",
    "riscv64": "riscv64-linux-gnu-gcc",
}
# What Python and _cffi_backend are linked with, beside libc6
LIBRARIES = ("libc6", "zlib1g", "libexpat1", "libffi8")
MORE_LIBRARIES = {"armhf": ("libgcc-s1",)}
# Of the standard library, what only costs time to unpack
LEFT_OUT = {
    *("test", "idlelib", "lib2to3", "pydoc_data", "ensurepip", "tkinter"),
    *("distutils", "unittest", "asyncio", "turtledemo", "venv", "xml", "sqlite3"),
    *("__pycache__", "doc", "man", "locale", "gconv"),
}
# PEP 552: a flag word, then 8 bytes of a hash that nobody looks at
UNCHECKED = 1
HOME = "usr/lib/python3/dist-packages/pyfdtx"


def python_of(archive: Archive) -> str:
    """ "python3.11": what Debian's python3 is."""
    for package in archive.depends("python3-minimal"):
        if package.startswith("python3.") and package.endswith("-minimal"):
            return package.removesuffix("-minimal")
    raise GuestError("python3-minimal depends on no python3.N-minimal")


def extension(archive: Archive, python: str, work: Path) -> bytes:
    """pyfdtx's shared object, compiled for the guest from the host's sources."""
    compiler = COMPILERS[archive.architecture]
    need(compiler)
    headers = archive.unpack(f"lib{python}-dev") / "usr/include"
    build, emitted, built = ROOT / "csrc" / "build.py", work / "_ext.c", work / "_core"
    _run(sys.executable, str(build), str(emitted))
    facts = runpy.run_path(str(build), run_name="facts")
    made = facts["extension"]()
    made.sources.remove(facts["GENERATED"])
    include = [*(ROOT / n for n in made.include_dirs), headers / python, headers]
    _run(
        compiler,
        *made.extra_compile_args,
        *("-fPIC", "-shared", "-o", str(built)),
        *(f"-I{place}" for place in include),
        *(str(ROOT / source) for source in made.sources),
        str(emitted),
    )
    return built.read_bytes()


def _run(*command: str) -> None:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise GuestError(f"{command[0]} failed:\n{done.stderr}")


def _merged(path: Path) -> str:
    """/lib, /bin, ... are links into /usr."""
    text = path.as_posix()
    return text if text.split("/")[0] in ("usr", "etc") else f"usr/{text}"


def add_files(ramfs: Initramfs, top: Path) -> None:
    """Everything of an unpacked package, where a merged /usr has it."""
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(
            f for f in set(folders) - LEFT_OUT if not f.startswith("config-3.")
        )
        inside = Path(folder).relative_to(top)
        for name in sorted(files) + [
            f for f in folders if (Path(folder) / f).is_symlink()
        ]:
            path = Path(folder) / name
            if path.is_symlink():
                ramfs.symlink(_merged(inside / name), os.readlink(path))
            else:
                ramfs.file(_merged(inside / name), path.read_bytes())


def compile_library(ramfs: Initramfs, python: str) -> None:
    """The standard library as byte code, where this Python is of the guest's
    version: a guest under emulation needs seconds to compile what it imports."""
    if python != f"python{sys.version_info[0]}.{sys.version_info[1]}":
        return
    for path, data in ramfs.files(f"usr/lib/{python}/"):
        if path.endswith(".py"):
            try:
                code = compile(data, f"/{path}", "exec", dont_inherit=True)
            except SyntaxError:  # a test's, or a template
                continue
            head = MAGIC_NUMBER + struct.pack("<I2I", UNCHECKED, 0, 0)
            ramfs.remove(path)
            ramfs.file(f"{path}c", head + marshal.dumps(code))


def root_file_system(archive: Archive, work: Path) -> Initramfs:
    """busybox, Python and pyfdtx (python3 -m pyfdtx); no /init yet.

    Args:
        work: a directory of ours for what is built.
    """
    import pyfdtx

    python = python_of(archive)
    ramfs = Initramfs()
    for name in ("bin", "sbin", "lib"):
        ramfs.directory(f"usr/{name}")
        ramfs.symlink(name, f"usr/{name}")
    # Where the loader of a 64-bit libc is, if not in lib
    libc = archive.unpack("libc6")
    own = any((libc / name).is_dir() for name in ("lib64", "usr/lib64"))
    ramfs.symlink("lib64", "usr/lib64" if own else "usr/lib")
    busybox = archive.unpack("busybox-static")
    found = next(p for p in busybox.rglob("busybox") if p.parent.name == "bin")
    ramfs.file("usr/bin/busybox", found.read_bytes())
    packages = (
        *(*LIBRARIES, *MORE_LIBRARIES.get(archive.architecture, ())),
        *(f"{python}-minimal", f"lib{python}-minimal"),
        *(f"lib{python}-stdlib", "python3-cffi-backend"),
    )
    for package in packages:
        add_files(ramfs, archive.unpack(package))
    ramfs.symlink("usr/bin/python3", python)
    compile_library(ramfs, python)

    ours = work / "pyfdtx"
    shutil.copytree(
        Path(pyfdtx.__file__).parent,
        ours,
        ignore=shutil.ignore_patterns("__pycache__", "*.so", "csrc"),
    )
    for path in sorted(ours.rglob("*")):
        if path.is_file():
            name = f"{HOME}/{path.relative_to(ours).as_posix()}"
            ramfs.file(name, path.read_bytes())
    ramfs.file(f"{HOME}/_core.abi3.so", extension(archive, python, work))
    return ramfs


def add_kexec_tools(archive: Archive, ramfs: Initramfs) -> None:
    """kexec-tools, and Xen's libraries, which it is linked with."""
    todo, done = ["kexec-tools"], set()
    while todo:
        package = todo.pop()
        if package not in done:
            done.add(package)
            add_files(ramfs, archive.unpack(package))
            todo += [d for d in archive.depends(package) if d.startswith("libxen")]
