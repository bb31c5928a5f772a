# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""A dtc tree, read and never written: a git checkout, or an unpacked release."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from .errors import ProposalError

__all__ = ["Checkout", "git"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# What every dtc tree has that the series can be made for
NEEDED = (
    "Documentation/manual.txt",
    "fdtget.c",
    "fdtput.c",
    "libfdt/libfdt.h",
    "libfdt/fdt.c",
    "libfdt/fdt_addresses.c",
    "libfdt/fdt_overlay.c",
    "libfdt/fdt_rw.c",
    "libfdt/fdt_wip.c",
    "libfdt/version.lds",
    "pylibfdt/libfdt.i",
    "tests/.gitignore",
    "tests/Makefile.tests",
    "tests/pylibfdt_tests.py",
    "tests/run_tests.sh",
    "tests/tests.h",
)

# Variables by which git, called from a hook, would leave the folder
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def git(folder: Path, *words: str, env: dict[str, str] | None = None) -> str:
    """Run git, give its output; ProposalError with what git said."""
    around = {k: v for k, v in os.environ.items() if k not in ELSEWHERE}
    # No refresh of the index: the tree is not ours
    around["GIT_OPTIONAL_LOCKS"] = "0"
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            check=False,
            env={**around, **(env or {})},
        )
    except FileNotFoundError:
        raise ProposalError(
            "git", cause="git is not installed (Debian: apt-get install git)"
        ) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ProposalError(f"git {words[0]}", str(folder), said[-1] if said else "")
    return done.stdout.decode(errors="surrogateescape")


class Checkout:
    """Files of a dtc tree.

    Attributes:
        path: its top folder.
        name: "v1.8.1-3-gabcdef" of a git checkout, else the folder's name.
        under_git: whether the top folder is that of a git checkout.

    Raises:
        ProposalError: not a folder, not a dtc tree.
    """

    def __init__(self, path: str | os.PathLike[str], op: str):
        self.path = Path(path)
        self.op = op
        if not self.path.is_dir():
            raise ProposalError(op, str(path), "is not a folder")
        for name in NEEDED:
            if not (self.path / name).is_file():
                raise ProposalError(
                    op,
                    str(path),
                    f"is not a tree of dtc from v1.6.1 on: {name} is missing; give "
                    "the top folder of a checkout or of an unpacked release",
                )
        self.under_git = (self.path / ".git").exists()
        if self.under_git:
            self.name = git(self.path, "describe", "--tags", "--always").strip()
        else:
            self.name = self.path.resolve().name

    def read(self, name: str) -> str:
        try:
            return (self.path / name).read_bytes().decode("utf-8", "surrogateescape")
        except OSError as e:
            raise ProposalError(
                self.op, str(self.path / name), e.strerror or str(e)
            ) from None

    def has(self, name: str) -> bool:
        return (self.path / name).is_file()

    def need_clean(self) -> None:
        """Refuse a checkout with changes that no commit holds."""
        if not self.under_git:
            return
        changed = git(
            self.path, "status", "--porcelain", "--untracked-files=no", "-z"
        ).split("\0")
        changed = [entry[3:] for entry in changed if entry[2:3] == " "]
        if changed:
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            raise ProposalError(
                self.op,
                str(self.path),
                f"is dirty: {changed[0]}{more} differs from the last commit; "
                "commit or stash the changes",
            )

    def need_free(self, names: Iterable[str]) -> None:
        """Refuse a tree that has files which a patch would create."""
        for name in names:
            if os.path.lexists(self.path / name):
                raise ProposalError(
                    self.op, str(self.path / name), "exists, but the series creates it"
                )

    def declares(self, name: str) -> bool:
        """Whether libfdt.h has a prototype or a macro of that name."""
        pattern = rf"^[^\s*/][^\n]*\b{name}\("
        return re.search(pattern, self.read("libfdt/libfdt.h"), re.M) is not None
