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
    """The packages of one architecture and one Debian release.

    A source whose index cannot be had is left out, with a word on stderr, as
    long as the others have the packages that are asked for.

    Args:
        cache: a directory of ours; created. Unpacked packages stay there.
        architecture: Debian's name of it, "arm64".
        suite: "trixie", from where the host has its own release; None: that one.
    """

    def __init__(
        self, cache: Path, architecture: str, suite: str | None = None
    ) -> None:
        name = f"debian-{architecture}" + (f"-{suite}" if suite else "")
        self._home = cache.resolve() / name
        self._what = f"{architecture}" + (f" in {suite}" if suite else "")
        self.architecture = architecture
        self._suite = suite
        self._updated = False
        self._trouble: GuestError | None = None  # of sources, not yet said

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
        raise GuestError(f"apt knows no package {package} for {self._what}")

    def kernel(self, meta: str) -> str:
        """The kernel package behind a meta-package, "linux-image-cloud-arm64"."""
        for package in self.depends(meta):
            if package.startswith("linux-image-"):
                return package
        raise GuestError(f"{meta} depends on no linux-image package")

    def kernel_image(self, meta: str) -> Path:
        """The kernel itself, of the package behind a meta-package."""
        package = self.kernel(meta)
        places = ["boot/vmlinu*"]
        for other in self.depends(package):
            # from Linux 7 on in a package of its own
            if other.startswith("linux-binary-"):
                package, places = other, ["usr/lib/modules/*/vmlinu*", *places]
        top = self.unpack(package)
        for place in places:
            for found in sorted(top.glob(place)):
                return found
        raise GuestError(f"{package} has no kernel at {' or '.join(places)}")

    def depends(self, package: str) -> list[str]:
        """What a package depends on."""
        lines = self._apt("apt-cache", "depends", package).splitlines()
        rows = [line.strip().partition(": ") for line in lines]
        return [name for word, _, name in rows if word in ("Depends", "PreDepends")]

    def with_libraries(self, package: str) -> dict[str, Path]:
        """A package and the libraries that it depends on, unpacked, by their names."""
        todo, found = [package], {}
        while todo:
            name = todo.pop()
            if name not in found:
                found[name] = self.unpack(name)
                depends = self.depends(name)
                todo += [d for d in depends if d.startswith(("lib", "zlib"))]
        return found

    def _apt(self, *command: str, cwd: Path | None = None) -> str:
        if not self._updated:
            self._configure()
            self._updated = True
            try:
                _run("apt-get", "--quiet", "update", env=self._env)
            except GuestError as e:
                self._trouble = e
        try:
            said = _run(*command, env=self._env, cwd=cwd)
        except GuestError as e:
            if self._trouble is None:
                raise
            raise GuestError(f"{e}\nbefore that, {self._trouble}") from None
        if self._trouble is not None:
            print(f"left out: {self._trouble}", file=sys.stderr, flush=True)
            self._trouble = None
        return said

    def _configure(self) -> None:
        need("apt-get", "dpkg-deb")
        state, lists = self._home / "apt", self._home / "apt" / "sources.list"
        for name in ("lists/partial", "cache/archives/partial", "parts"):
            (state / name).mkdir(parents=True, exist_ok=True)
        (state / "status").touch()
        lists.write_text("".join(line + "\n" for line in _sources(self._suite)))
        settings = {
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "5",
            "Dir::State": str(state),
            "Dir::State::status": str(state / "status"),
            "Dir::Cache": str(state / "cache"),
            "Dir::Etc::sourcelist": str(lists),
            "Dir::Etc::sourceparts": str(state / "parts"),
        }
        config = state / "apt.conf"
        config.write_text("".join(f'{k} "{v}";\n' for k, v in settings.items()))
        self._env = {**os.environ, "APT_CONFIG": str(config), "LC_ALL": "C"}


def first_with(
    package: str, cache: Path, architecture: str, suites: tuple[str, ...]
) -> Archive:
    """The first release of several that has a package today.

    Raises GuestError with the reason for each if none has.
    """
    reasons = []
    for suite in suites:
        archive = Archive(cache, architecture, suite)
        try:
            archive.version(package)
        except GuestError as e:
            reasons.append(f"{suite}: {e}")
        else:
            for reason in reasons:
                print(f"{package} comes from {suite}; {reason}", file=sys.stderr)
            return archive
    raise GuestError("\n".join(reasons))


def _sources(suite: str | None) -> list[str]:
    """The host's own Debian sources, main only, as sources.list lines; or the
    main one of them for another release."""
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
        if origin != "Debian" or component != "main":
            continue
        if suite is None:
            lines.add(f"deb [signed-by={keyring}] {uri} {release} main")
        elif "-" not in release:
            lines.add(f"deb [signed-by={keyring}] {uri} {suite} main")
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
