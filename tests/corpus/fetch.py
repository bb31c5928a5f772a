# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Fetch the device trees of Debian's kernel packages: the corpus.

    python tests/corpus/fetch.py [--armhf] [--update] [DIRECTORY]

Asks apt for the kernel that a meta-package depends on, with a private state:
no list, lock or setting of the machine changes, and dpkg's architectures stay
as they are. Unpacks the .dtb files of the package to DIRECTORY/arm64 (and
DIRECTORY/armhf); DIRECTORY is .cache/dtbs by default. What is there already
is left alone unless --update is given.

Needs apt-get and dpkg-deb (a Debian machine or container), as any user.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

META_PACKAGES = {"arm64": "linux-image-arm64", "armhf": "linux-image-armmp"}
KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
)
DEFAULT = Path(__file__).resolve().parents[2] / ".cache" / "dtbs"


class FetchError(Exception):
    pass


def run(command: list[str], config: Path | None = None, cwd: Path | None = None) -> str:
    env = {**os.environ, "LC_ALL": "C"}
    if config:
        env["APT_CONFIG"] = str(config)
    try:
        done = subprocess.run(
            command, env=env, cwd=cwd, capture_output=True, text=True, check=True
        )
    except subprocess.CalledProcessError as e:
        said = (e.stderr.strip() or e.stdout.strip()).splitlines()
        errors = [line for line in said if line.startswith("E:")] or said[-1:]
        raise FetchError(f"{' '.join(command)}: {' '.join(errors)}") from None
    return done.stdout


def sources() -> str:
    """The machine's own Debian sources, as one-line entries without an
    architecture."""
    form = "$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(ORIGIN)"
    lines = run(
        ["apt-get", "indextargets", "--no-release-info", "--format", form,
         "Created-By: Packages"]
    ).splitlines()  # fmt: skip
    keyring = next((k for k in KEYRINGS if Path(k).exists()), None)
    option = f"[signed-by={keyring}] " if keyring else ""
    entries = []
    for line in lines:
        uri, release, component, origin = line.split("\t")
        known = origin in ("Debian", "$(ORIGIN)", "")
        if component == "main" and "debian" in uri.lower() and known:
            entries.append(f"deb {option}{uri} {release} main\n")
    if not entries:
        raise FetchError(
            "apt has no Debian source with the component main; add one to "
            "/etc/apt/sources.list"
        )
    return "".join(dict.fromkeys(entries))


def private_apt(base: Path, arch: str) -> Path:
    """An apt.conf whose state, cache and sources live under base."""
    for sub in ("state/lists/partial", "cache/archives/partial", "etc"):
        (base / sub).mkdir(parents=True)
    (base / "state" / "status").touch()
    (base / "etc" / "sources.list").write_text(sources())
    config = base / "apt.conf"
    config.write_text(
        f"""\
Dir::State "{base}/state";
Dir::State::status "{base}/state/status";
Dir::Cache "{base}/cache";
Dir::Etc::sourcelist "{base}/etc/sources.list";
Dir::Etc::sourceparts "{base}/etc/none";
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
"""
    )
    return config


def kernel_package(config: Path, meta: str) -> tuple[str, str]:
    """(name, version) of the newest kernel that the meta-package wants."""
    depends = run(["apt-cache", "depends", meta], config).splitlines()
    names = [d.split()[-1] for d in depends if "Depends: linux-image-" in d]
    if not names:
        raise FetchError(f"{meta} is in none of the machine's Debian sources")
    shown = run(["apt-cache", "show", "--no-all-versions", names[0]], config)
    version = next(
        line.split()[1] for line in shown.splitlines() if line.startswith("Version:")
    )
    return names[0], version


def unpack(deb: Path, target: Path) -> int:
    """Write the .dtb files of a package below target; returns their number."""
    count = 0
    with (
        subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE
        ) as stream,
        tarfile.open(fileobj=stream.stdout, mode="r|") as tar,
    ):
        for member in tar:
            # ./usr/lib/linux-image-VERSION/[VENDOR/]NAME.dtb
            parts = Path(member.name).parts
            if not member.isfile() or not member.name.endswith(".dtb"):
                continue
            content = tar.extractfile(member)
            place = target.joinpath(*parts[parts.index("lib") + 2 :])
            if content is None or target not in place.resolve().parents:
                raise FetchError(f"{deb.name} has a strange entry {member.name}")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.read())
            count += 1
    if stream.returncode:
        raise FetchError(f"dpkg-deb could not read {deb.name}")
    return count


def fetch(arch: str, directory: Path) -> None:
    """Replace directory/arch by the trees of the newest package."""
    target = directory / arch
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=directory) as scratch:
        base = Path(scratch).resolve()
        config = private_apt(base, arch)
        print(f"corpus: asking apt for {META_PACKAGES[arch]}", flush=True)
        try:
            run(["apt-get", "-q", "update"], config)
        except FetchError as e:  # one mirror of several; the next step decides
            print(f"corpus: {e}", flush=True)
        name, version = kernel_package(config, META_PACKAGES[arch])
        print(f"corpus: downloading {name} {version}", flush=True)
        run(["apt-get", "-q", "download", name], config, base)
        (deb,) = base.glob("*.deb")
        new = base / "new"
        count = unpack(deb, new)
        if not count:
            raise FetchError(f"{name} {version} carries no .dtb file")
        digest = hashlib.sha256(deb.read_bytes()).hexdigest()
        (new / "SOURCE").write_text(f"{name} {version} {count} trees sha256 {digest}\n")
        if target.exists():
            target.rename(base / "old")
        new.rename(target)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--armhf", action="store_true", help="32-bit trees as well")
    parser.add_argument("--update", action="store_true", help="even if there already")
    args = parser.parse_args()
    try:
        for arch in ["arm64", "armhf"] if args.armhf else ["arm64"]:
            source = args.directory / arch / "SOURCE"
            if args.update or not source.exists():
                for tool in ("apt-get", "apt-cache", "dpkg-deb"):
                    if not shutil.which(tool):
                        raise FetchError(
                            f"{tool} is missing: the trees come from Debian's kernel "
                            "package; run this on a Debian machine, or put any .dtb "
                            f"files below {args.directory}"
                        )
                fetch(arch, args.directory)
            print(f"corpus: {args.directory / arch}: {source.read_text().strip()}")
    except (FetchError, OSError) as e:
        print(f"corpus: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
