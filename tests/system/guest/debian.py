# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Debian packages of another architecture, unpacked, never installed.

apt runs with a state of its own inside the cache, so the host's dpkg learns of
no foreign architecture (which would break its `apt-get update` where a mirror
lacks it). Signatures are checked as for the host.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import GuestError, need

# Newer Debian releases call it .pgp
KEYRINGS = [
    Path(f"/usr/share/keyrings/debian-archive-keyring.{suffix}")
    for suffix in ("pgp", "gpg")
]


class Archive:
    """The packages of one architecture of the Debian release of this host.

    Args:
        cache: a directory of ours; created. Unpacked packages stay there.
        architecture: Debian's name of it, "arm64".
    """

    def __init__(self, cache: Path, architecture: str) -> None:
        self._home = cache.resolve() / f"debian-{architecture}"
        self.architecture = architecture
        self._updated = False

    def unpack(self, package: str) -> Path:
        """Directory with the files of the package's current version."""
        version = self.version(package)
        target = self._home / "unpacked" / f"{package}_{version}"
        if target.is_dir():
            return target
        debs = self._home / "debs" / package
        shutil.rmtree(debs, ignore_errors=True)
        debs.mkdir(parents=True)
        self._apt("apt-get", "--quiet", "download", package, cwd=debs)
        partial = target.with_name(target.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        (deb,) = debs.glob("*.deb")
        _run("dpkg-deb", "--extract", str(deb), str(partial))
        partial.rename(target)
        shutil.rmtree(debs)
        return target

    def version(self, package: str) -> str:
        """The version that unpack() gives."""
        shown = self._apt("apt-cache", "show", "--no-all-versions", package)
        for line in shown.splitlines():
            if line.startswith("Version: "):
                return line.split(": ", 1)[1]
        raise GuestError(f"apt knows no package {package} for {self.architecture}")

    def kernel(self, meta: str) -> str:
        """The kernel package behind a meta-package, "linux-image-cloud-arm64"."""
        for package in self.depends(meta):
            if package.startswith("linux-image-"):
                return package
        raise GuestError(f"{meta} depends on no linux-image package")

    def depends(self, package: str) -> list[str]:
        """What a package depends on."""
        lines = self._apt("apt-cache", "depends", package).splitlines()
        rows = [line.strip().partition(": ") for line in lines]
        return [name for word, _, name in rows if word in ("Depends", "PreDepends")]

    def _apt(self, *command: str, cwd: Path | None = None) -> str:
        if not self._updated:
            self._configure()
            self._updated = True
            try:
                _run("apt-get", "--quiet", "update", env=self._env)
            except GuestError as e:
                # One source of several, perhaps; what is then missing says so
                print(e, file=sys.stderr, flush=True)
        return _run(*command, env=self._env, cwd=cwd)

    def _configure(self) -> None:
        need("apt-get", "dpkg-deb")
        state, lists = self._home / "apt", self._home / "apt" / "sources.list"
        for name in ("lists/partial", "cache/archives/partial", "parts"):
            (state / name).mkdir(parents=True, exist_ok=True)
        (state / "status").touch()
        lists.write_text("".join(line + "\n" for line in _sources()))
        settings = {
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Dir::State": str(state),
            "Dir::State::status": str(state / "status"),
            "Dir::Cache": str(state / "cache"),
            "Dir::Etc::sourcelist": str(lists),
            "Dir::Etc::sourceparts": str(state / "parts"),
        }
        config = state / "apt.conf"
        config.write_text("".join(f'{k} "{v}";\n' for k, v in settings.items()))
        self._env = {**os.environ, "APT_CONFIG": str(config), "LC_ALL": "C"}


def _sources() -> list[str]:
    """The host's own Debian sources, main only, as sources.list lines."""
    keyring = next((k for k in KEYRINGS if k.exists()), None)
    if keyring is None:
        raise GuestError(
            f"{KEYRINGS[-1]} is missing: this needs a Debian host "
            "(apt-get install debian-archive-keyring)"
        )
    shown = _run(
        "apt-get",
        "indextargets",
        "--format",
        "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)",
        "Created-By: Packages",
    )
    lines = set()
    for line in shown.splitlines():
        origin, uri, release, component = line.split("|")
        if origin == "Debian" and component == "main":
            lines.add(f"deb [signed-by={keyring}] {uri} {release} main")
    if not lines:
        raise GuestError("apt knows no Debian source yet: run apt-get update once")
    return sorted(lines)


def _run(
    *command: str, env: dict[str, str] | None = None, cwd: Path | None = None
) -> str:
    done = subprocess.run(
        command,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GuestError(
            f"{' '.join(command)} failed ({done.returncode}):\n{done.stderr.strip()}"
        )
    return done.stdout
