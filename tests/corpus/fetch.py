# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Fetch the device trees of Debian's kernel packages: the corpus.

    python tests/corpus/fetch.py [--armhf] [--update] [DIRECTORY]

Copies the .dtb files of the kernel package that a meta-package depends on to
DIRECTORY/arm64 (and DIRECTORY/armhf); DIRECTORY is .cache/dtbs by default.
What is there already is left alone unless --update is given.

Needs a Debian machine or container; nothing of its own packages changes.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
sys.path.insert(0, str(ROOT / "tests" / "system"))
from guest import GuestError  # noqa: E402
from guest.debian import Archive  # noqa: E402

META_PACKAGES = {"arm64": "linux-image-arm64", "armhf": "linux-image-armmp"}


def fetch(arch: str, target: Path) -> None:
    """Replace target by the trees of the newest package."""
    archive = Archive(CACHE, arch)
    print(f"corpus: asking apt for {META_PACKAGES[arch]}", flush=True)
    name = archive.kernel(META_PACKAGES[arch])
    print(f"corpus: unpacking {name}", flush=True)
    package = archive.unpack(name)
    # usr/lib/linux-image-VERSION/[VENDOR/]NAME.dtb
    (top,) = package.glob("usr/lib/linux-image-*")
    trees = sorted(top.rglob("*.dtb"))
    if not trees:
        raise GuestError(f"{name} carries no .dtb file")
    new = target.with_name(target.name + ".partial")
    shutil.rmtree(new, ignore_errors=True)
    for tree in trees:
        place = new / tree.relative_to(top)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tree, place)
    source = f"{name} {archive.version(name)} {len(trees)} trees\n"
    (new / "SOURCE").write_text(source)
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)
    shutil.rmtree(package)  # hundreds of megabytes of modules


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "directory", nargs="?", type=Path, default=CACHE / "dtbs", metavar="DIRECTORY"
    )
    parser.add_argument("--armhf", action="store_true", help="32-bit trees as well")
    parser.add_argument("--update", action="store_true", help="even if there already")
    args = parser.parse_args()
    try:
        for arch in ["arm64", "armhf"] if args.armhf else ["arm64"]:
            target = args.directory / arch
            if args.update or not (target / "SOURCE").exists():
                fetch(arch, target)
            print(f"corpus: {target}: {(target / 'SOURCE').read_text().strip()}")
    except (GuestError, OSError) as e:
        print(
            f"corpus: {e}\ncorpus: or put any .dtb files below {args.directory} and "
            f"run pytest tests/corpus --corpus {args.directory}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
