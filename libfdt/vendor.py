# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Obtain upstream's libfdt sources as pinned in upstream.toml.

`python libfdt/vendor.py` leaves verified sources in libfdt/src/.  The sdist
comes from a copy beside this file when there is one, else from
`pip download`.  Every failure is a VendorError that names the way out.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
SRC = HERE / "src"

WAY_OUT = (
    "Ways out: make the Python package index reachable for pip; or put {sdist} "
    "(sha256 {sha256}) into {here}; or install libfdt's development files "
    "(Debian: libfdt-dev) and set PYFDTX_LIBFDT=system."
)


class VendorError(Exception):
    """The pinned sources cannot be had, or are not what the pin says."""


def pin() -> dict[str, Any]:
    """The parsed upstream.toml."""
    with (HERE / "upstream.toml").open("rb") as f:
        return tomllib.load(f)


def sources() -> list[str]:
    """Names of upstream's C files, sorted, as found in libfdt/src/."""
    return sorted(name for name in pin()["files"] if name.endswith(".c"))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def way_out() -> str:
    up = pin()["upstream"]
    return WAY_OUT.format(sdist=up["sdist"], sha256=up["sha256"], here=HERE)


def vendored() -> bool:
    """Whether libfdt/src/ holds every pinned file, each with its hash."""
    files = pin()["files"]
    present = [name for name in files if (SRC / name).is_file()]
    if not present:
        return False
    for name, want in files.items():
        path = SRC / name
        if not path.is_file() or digest(path.read_bytes()) != want:
            raise VendorError(
                f"libfdt/src/{name} is missing or differs from the pin in "
                f"libfdt/upstream.toml. Way out: delete {SRC} and build again; "
                "upstream's sources are never edited in place."
            )
    return True


def download(folder: Path) -> Path:
    """Fetch the pinned sdist with pip into folder; returns the file."""
    up = pin()["upstream"]
    wanted = folder / "requirements.txt"
    wanted.write_text(
        f"{up['package']}=={up['version']} --hash=sha256:{up['sha256']}\n"
    )
    print(
        f"libfdt: fetching {up['package']} {up['version']} with pip",
        file=sys.stderr,
        flush=True,
    )
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
        "--no-binary", up["package"], "--require-hashes",
        "--dest", str(folder), "-r", str(wanted),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = folder / str(up["sdist"])
    if done.returncode or not found.is_file():
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-6:])
        raise VendorError(
            f"pip could not fetch {up['package']} {up['version']} with the pinned "
            f"hash. {way_out()}\npip said:\n{tail}"
        )
    return found


def unpack(sdist: Path) -> None:
    """Check the sdist and each file against the pin, then fill libfdt/src/."""
    up, files = pin()["upstream"], pin()["files"]
    if digest(sdist.read_bytes()) != up["sha256"]:
        raise VendorError(
            f"{sdist.name}: SHA-256 is not {up['sha256']} as pinned in "
            f"libfdt/upstream.toml. {way_out()}"
        )
    contents: dict[str, bytes] = {}
    with tarfile.open(sdist) as tar:
        for name, want in files.items():
            member = tar.extractfile(f"{up['prefix']}/{name}")
            data = member.read() if member else b""
            if digest(data) != want:
                raise VendorError(
                    f"{sdist.name}: {name} differs from its pinned hash. Way out: "
                    "libfdt/upstream.toml is inconsistent, restore it from the "
                    "repository."
                )
            contents[name] = data
    SRC.mkdir(exist_ok=True)
    for name, data in contents.items():
        (SRC / name).write_bytes(data)


def vendor() -> None:
    """Leave libfdt/src/ complete and verified, or raise VendorError."""
    if vendored():
        return
    beside = HERE / str(pin()["upstream"]["sdist"])
    if beside.is_file():
        unpack(beside)
        return
    with tempfile.TemporaryDirectory(prefix="pyfdtx-vendor-") as folder:
        unpack(download(Path(folder)))


if __name__ == "__main__":
    try:
        vendor()
    except VendorError as e:
        sys.exit(f"libfdt/vendor.py: {e}")
