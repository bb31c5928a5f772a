# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The drop-in on other interpreters and machines, held against upstream.

    python tests/dropin/elsewhere.py [--python PROGRAM]... [PLACE...]

Upstream's module answers the calls of same_calls.py here; the drop-in has to
give the same answers, exceptions, types and bytes in every place. Places:

    python3.9 ... python3.14   those on PATH, with the extension that pip built,
                               which is one for all (abi3); --python adds more
    s390x                      big-endian, 64 bits: Debian's Python, qemu-user
    armhf                      little-endian, 32 bits: likewise

The last two are cross-compiled; Debian's packages are downloaded with apt below
build/dropin, with a state of their own: nothing is installed. A short sweep of
lying blobs runs in each place, too. A place that cannot be had is named; with
PYFDTX_REQUIRE_ALL=1 it is a failure. Run by `make test-dropin-elsewhere`.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "dropin" / "elsewhere"
UPSTREAM = ROOT / "build" / "dropin" / "pylibfdt" / "bin" / "python"
VERSIONS = tuple(f"python3.{minor}" for minor in range(9, 15))
# Debian 12's Python and what it loads
PYTHON = "python3.11"
PACKAGES = (
    "libc6", "libgcc-s1", "zlib1g", "libexpat1", f"{PYTHON}-minimal",
    f"lib{PYTHON}-minimal", f"lib{PYTHON}-stdlib", f"lib{PYTHON}-dev",
)  # fmt: skip
# place: compiler, emulator, byte order, bits of a pointer
MACHINES = {
    "s390x": ("s390x-linux-gnu-gcc", "qemu-s390x-static", "big", 64),
    "armhf": ("arm-linux-gnueabihf-gcc", "qemu-arm-static", "little", 32),
}
# One case of so many; each is a hundred calls and more
SWEEP = {"s390x": 600, "armhf": 600}
SWEEP_HERE = 800


class Missing(Exception):
    """Why a place cannot be had here."""


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, **more)


def system(machine):
    """Debian's packages for a machine, unpacked into the folder returned."""
    top = BUILD / machine
    root = top / "root"
    if (root / "usr/bin" / PYTHON).exists():
        return root
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise Missing("no apt-get and dpkg-deb here")
    state, debs = top / "state", top / "debs"
    for folder in (state / "lists/partial", top / "cache/archives/partial", debs):
        folder.mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    options = [
        "-qq", "-o", f"APT::Architecture={machine}",
        "-o", f"APT::Architectures::={machine}",
        "-o", f"Dir::State={state}", "-o", f"Dir::State::status={state / 'status'}",
        "-o", f"Dir::Cache={top / 'cache'}", "-o", "APT::Sandbox::User=root",
    ]  # fmt: skip
    try:
        # One list of several may be out of order; then the others have to do
        subprocess.run(["apt-get", *options, "update"], stderr=subprocess.DEVNULL)
        run("apt-get", *options, "download", *PACKAGES, cwd=debs)
    except subprocess.CalledProcessError:
        raise Missing(f"apt-get could not fetch Debian's {machine} Python") from None
    for deb in sorted(debs.glob("*.deb")):
        run("dpkg-deb", "-x", deb, root)
    return root


def package(site):
    """The Python half in a folder for PYTHONPATH; the extension is to follow."""
    shutil.rmtree(site, ignore_errors=True)
    without = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "pyfdtx", site / "pyfdtx", ignore=without)
    return site / "pyfdtx"


def emulated(machine):
    """Command that runs a machine's Python, and its folder for PYTHONPATH."""
    compiler, emulator, order, bits = MACHINES[machine]
    for tool in (compiler, emulator):
        if not shutil.which(tool):
            raise Missing(f"no {tool} here")
    root = system(machine)
    site = BUILD / machine / "site"
    home = package(site)
    include = root / "usr/include"
    source = [*(ROOT / "csrc").rglob("*.c"), *(ROOT / "libfdt/src").glob("*.c")]
    emitted = home.parent / "_ext.c"
    run(sys.executable, ROOT / "csrc/build.py", emitted, cwd=ROOT)
    run(
        compiler, "-shared", "-fPIC", "-O2", "-fwrapv", "-fno-strict-aliasing",
        "-fvisibility=hidden", "-DPy_LIMITED_API=0x03090000",
        f"-I{include / PYTHON}", f"-I{include}", f"-I{ROOT / 'csrc'}",
        f"-I{ROOT / 'libfdt/src'}",
        *sorted(source), emitted, "-o", home / "_core.abi3.so",
    )  # fmt: skip
    command = [emulator, "-L", str(root), str(root / "usr/bin" / PYTHON)]
    check = (
        f"import sys, struct; assert sys.byteorder == {order!r}; "
        f"assert struct.calcsize('P') * 8 == {bits}"
    )
    run(*command, "-c", check)
    return command, site


def local(program):
    """The same for an interpreter of this machine."""
    try:
        found = run(program, "-c", "import sys; print(*sys.version_info[:2])",
                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        raise Missing(f"no {program} here that runs") from None
    if tuple(map(int, found.stdout.split())) < (3, 9):
        raise Missing(f"{program} is older than 3.9")
    home = package(BUILD / "local")
    (extension,) = (ROOT / ".venv").glob("lib/python*/site-packages/pyfdtx/_core.*so")
    if ".abi3." not in extension.name:
        raise Missing(f"{extension.name} is for one interpreter alone")
    shutil.copy(extension, home)
    return [program], BUILD / "local"


def answers(command, module, site=None):
    around = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    around.update({"PYTHONPATH": str(site)} if site else {})
    done = subprocess.run(
        [*map(str, command), str(HERE / "answers.py"), module],
        env=around, cwd="/", stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return done.stdout.splitlines(), done.returncode


def sweep(place, command, site):
    """Lines that the sweep over lying blobs ends with."""
    step = SWEEP.get(place, SWEEP_HERE)
    done = subprocess.run(
        [*map(str, command), str(HERE / "hostile_sweep.py"), "7", str(step)],
        env={**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/", stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    last = done.stdout.splitlines()[-1:] or ["nothing"]
    if done.returncode or not last[0].startswith("done: "):
        raise SystemExit(f"{place}: the sweep ended with {last[0]}")
    return int(last[0].split()[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", default=[], metavar="PROGRAM")
    parser.add_argument("places", nargs="*", metavar="PLACE")
    options = parser.parse_args()
    want, status = answers([UPSTREAM], "libfdt")
    if status or len(want) < 500:
        raise SystemExit("upstream's module does not answer: make test-dropin first")
    places = options.places or [*VERSIONS, *options.python, *MACHINES]
    bad = False
    for place in places:
        try:
            command, site = emulated(place) if place in MACHINES else local(place)
        except Missing as e:
            print(f"{place}: not run: {e}", flush=True)
            bad |= (
                os.environ.get("PYFDTX_REQUIRE_ALL") == "1" or place in options.places
            )
            continue
        got, status = answers(command, "pyfdtx.libfdt", site)
        for ours, theirs in zip(got, want):
            if ours != theirs:
                bad = True
                print(f"{place}: {ours}\n  upstream: {theirs}")
        if status or len(got) != len(want):
            bad = True
            print(f"{place}: ended after {len(got)} of {len(want)} calls")
            continue
        blobs = sweep(place, command, site)
        print(f"{place}: {len(got)} calls as upstream, {blobs} lying blobs", flush=True)
    sys.exit(bad)


if __name__ == "__main__":
    main()
