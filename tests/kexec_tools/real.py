# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""kexec-tools' own kexec(8), from Debian's packages, with the libraries that they were
built with; nothing is installed."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
sys.path.insert(0, str(ROOT / "tests" / "unit" / "tools"))
from guest.debian import Archive  # noqa: E402

# Debian's release of each: the one that this is tested on, and the newest
VERSIONS = {"2.0.25": None, "2.0.32": "sid"}
# In a path, a colon would end it
COLON = "%3a"


def program(version):
    """The first words of a command line that runs it.

    Raises GuestError: it cannot be had; ValueError: Debian has another version now.
    """
    archive = Archive(ROOT / ".cache", "amd64", VERSIONS[version])
    found = archive.version("kexec-tools").partition(":")[2].partition("-")[0]
    if found != version:
        raise ValueError(f"Debian has kexec-tools {found} now, not {version}")
    tops = archive.with_libraries("kexec-tools")
    loader = next(tops["libc6"].rglob("ld-linux-x86-64.so.2")).resolve()
    own = sorted({p.parent for top in tops.values() for p in top.rglob("*.so*")})
    links = ROOT / "build" / "kexec-tools" / version
    links.mkdir(parents=True, exist_ok=True)
    for folder in own:
        for library in folder.glob("*.so*"):
            link = links / library.name
            if not link.exists():
                link.symlink_to(library.resolve())
    kexec = next(
        p for p in tops["kexec-tools"].rglob("kexec") if p.parent.name == "sbin"
    )
    return [str(loader), "--library-path", str(links), "--argv0", "kexec", str(kexec)]
