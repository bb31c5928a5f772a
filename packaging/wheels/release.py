# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""All that a release uploads, beside the wheels of wheels.py:

    python packaging/wheels/release.py FOLDER

makes the sdist, the universal wheel of pyfdtx-libfdt, the SBOM, the notes of this
version out of CHANGELOG.md, and SHA256SUMS over everything in FOLDER.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import sbom
from wheels import ROOT, epoch, read_wheel, write_wheel

BACKEND = "from setuptools import build_meta as b; print(b.build_{}({!r}))"
SUMS = "SHA256SUMS"


def copied(to: Path) -> Path:
    """The files that git knows, as they are now, and upstream's: nothing else can get
    into a distribution."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    upstream = [f"libfdt/src/{p.name}" for p in (ROOT / "libfdt/src").iterdir()]
    for name in [*filter(None, listed.split("\0")), *upstream]:
        if (ROOT / name).is_symlink() or (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name, follow_symlinks=False)
    return to


def backend(what: str, source: Path, to: Path) -> Path:
    """The file that setuptools makes of a folder."""
    command = [sys.executable, "-c", BACKEND.format(what, str(to))]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"release.py: {what} of {source}: {done.stderr[-3000:]}")
    return to / done.stdout.split()[-1]


def write_sdist(made: Path, to: Path) -> Path:
    """The same files with nothing of the machine and the hour."""
    packed = io.BytesIO()
    with (
        tarfile.open(made) as source,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for member in sorted(source.getmembers(), key=lambda m: m.name):
            if not member.isfile():
                continue
            entry = tarfile.TarInfo(member.name)
            entry.size, entry.mtime = member.size, epoch()
            entry.mode = 0o755 if member.mode & 0o100 else 0o644
            tar.addfile(entry, source.extractfile(member))
    path = to / made.name
    with path.open("wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=epoch()) as zipped:
        zipped.write(packed.getvalue())
    return path


def notes(version: str) -> str:
    """What CHANGELOG.md says of a version; as long as it has no heading of its own,
    what is unreleased."""
    text = (ROOT / "CHANGELOG.md").read_text()
    for heading in (version, "Unreleased"):
        found = re.search(
            rf"^## \[{re.escape(heading)}\].*?\n(.*?)(?=^## \[|\Z)", text, re.M | re.S
        )
        if found:
            return f"# pyfdtx {version}\n\n{found[1].strip()}\n"
    sys.exit(f"release.py: CHANGELOG.md says nothing of {version}")


def main() -> None:
    to = Path(sys.argv[1]).resolve()
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pyfdtx-release-") as scratch:
        source, made = copied(Path(scratch) / "source"), Path(scratch) / "made"
        made.mkdir()
        sdist = write_sdist(backend("sdist", source, made), to)
        wheel = backend("wheel", source / "libfdt/dropin", made)
        write_wheel(read_wheel(wheel), ["py3-none-any"], to / wheel.name)
    version = sdist.name[len("pyfdtx-") : -len(".tar.gz")]
    (to / f"pyfdtx-{version}.cdx.json").write_bytes(sbom.document(version, epoch()))
    (to / f"NOTES-{version}.md").write_text(notes(version))
    names = sorted(p.name for p in to.iterdir() if p.is_file() and p.name != SUMS)
    sums = [f"{hashlib.sha256((to / n).read_bytes()).hexdigest()}  {n}" for n in names]
    (to / SUMS).write_text("\n".join([*sums, ""]))
    print("\n".join(sums))


if __name__ == "__main__":
    main()
