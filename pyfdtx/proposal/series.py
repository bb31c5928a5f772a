# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Write patch series for a dtc tree, as git format-patch does."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from . import fixes, helpers
from .checkout import Checkout, git
from .errors import ProposalError
from .stage import Stage, data

__all__ = ["TOPICS", "Series", "export"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

OP = "proposal export"
# In the order in which they are meant to be sent
TOPICS = {
    "fixes": fixes.fixes,
    "search": fixes.search,
    "reg": helpers.reg,
    "reg-read": helpers.reg_read,
}
PUBLIC = {"reg": helpers.WRITES, "reg-read": helpers.READS}
# git am takes it, nobody can take it for a person
AUTHOR, EMAIL = "Name of the Sender", "sender@example.invalid"


class Series:
    """What was written for one topic.

    Attributes:
        topic: "fixes", "search", "reg" or "reg-read".
        subjects: of the patches, in order; empty if the tree needs none.
        files: the files, the cover letter first.
    """

    def __init__(self, topic: str, subjects: list[str], files: list[Path]):
        self.topic = topic
        self.subjects = subjects
        self.files = files


def export(
    dtc: str | os.PathLike[str],
    output: str | os.PathLike[str],
    topics: Sequence[str] = tuple(TOPICS),
) -> list[Series]:
    """Write a patch series per topic to the folder output/TOPIC.

    Each series applies by itself, with git am, to the tree as it is; "reg-read"
    goes on top of "reg", unless the tree has that. To stack others, apply one,
    commit, and export the next for the result.

    Args:
        dtc: top folder of a dtc tree, v1.6.1 or later; only read.
        output: a folder that does not exist, or is empty; not inside dtc.
        topics: of TOPICS.
    Returns: one Series per topic, in the order given. A topic of which the
        tree has everything has no patches and no folder.
    Raises:
        ProposalError: the tree is dirty, does not match, or has files of the
            series already; git is missing; output cannot be written. Nothing
            is then left in output.
    """
    checkout, target = Checkout(dtc, OP), Path(output)
    checkout.need_clean()
    _need_empty(target, checkout.path)
    stages = {topic: _prepare(checkout, topic) for topic in topics}
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pyfdtx-proposal-") as scratch:
        made = []
        for topic, stage in stages.items():
            texts = _format(stage, topic, Path(scratch) / topic)
            made.append((topic, stage, texts))
    return [_write(target, *one) for one in made]


def _need_empty(target: Path, tree: Path) -> None:
    inside = target.resolve()
    if tree.resolve() in (inside, *inside.parents):
        raise ProposalError(
            OP, str(target), "lies in the dtc tree, which is never written to"
        )
    if target.is_dir() and any(target.iterdir()):
        raise ProposalError(OP, str(target), "is not empty; name a new folder")
    if target.exists() and not target.is_dir():
        raise ProposalError(OP, str(target), "is not a folder")


def _prepare(checkout: Checkout, topic: str) -> Stage:
    below = None
    if topic in PUBLIC:
        if _there(checkout, PUBLIC[topic]):
            return Stage(checkout)
        if topic == "reg-read" and not _there(checkout, helpers.WRITES):
            below = _prepare(checkout, "reg")
    stage = Stage(checkout, below)
    TOPICS[topic](stage)
    checkout.need_free(stage.created)
    return stage


def _there(checkout: Checkout, names: Sequence[str]) -> bool:
    """Whether a tree has these helpers; half of them is an error."""
    there = [name for name in names if checkout.declares(name)]
    if there and len(there) < len(names):
        raise ProposalError(
            OP,
            str(checkout.path / "libfdt/libfdt.h"),
            f"has {', '.join(there)} already but not the rest; "
            "pyfdtx proposal verify compares them",
        )
    return bool(there)


def _format(stage: Stage, topic: str, repo: Path) -> dict[str, str]:
    """File name to text, made in a repository with the touched files alone."""
    if not stage.patches:
        return {}
    repo.mkdir()
    identity = {
        "GIT_AUTHOR_NAME": AUTHOR,
        "GIT_AUTHOR_EMAIL": EMAIL,
        "GIT_COMMITTER_NAME": AUTHOR,
        "GIT_COMMITTER_EMAIL": EMAIL,
        # Nothing of the person's own configuration gets into the patches
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        identity["GIT_AUTHOR_DATE"] = f"@{epoch} +0000"
        identity["GIT_COMMITTER_DATE"] = f"@{epoch} +0000"

    def run(*words: str) -> str:
        return git(repo, *words, env=identity)

    def commit(files: dict[str, str], message: str) -> None:
        for name, text in files.items():
            path = repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
            if (stage.checkout.path / name).is_file():
                path.chmod((stage.checkout.path / name).stat().st_mode & 0o777 | 0o600)
        run("add", "--force", "--", *files)
        run("commit", "--quiet", "--no-verify", "-m", message)

    run("init", "--quiet", "--initial-branch=series")
    commit(stage.base, "base")
    for patch in stage.patches:
        commit(patch.files, f"{patch.subject}\n\n{patch.message}")
    run(
        "format-patch", "--quiet", "--cover-letter", "--full-index", "--no-renames",
        f"-{len(stage.patches)}", "-o", "patches",
    )  # fmt: skip
    texts = {
        path.name: path.read_text("utf-8", "surrogateescape")
        for path in sorted((repo / "patches").iterdir())
    }
    cover = next(iter(texts))
    texts[cover] = _cover(texts[cover], topic, stage.checkout.name)
    return texts


def _cover(text: str, topic: str, base: str) -> str:
    subject, _, words = data("messages", f"cover-{topic}.txt").partition("\n\n")
    text = text.replace("*** SUBJECT HERE ***", subject)
    blurb = (
        f"{data('messages', 'sender.txt')}\n{words}\n"
        f"The series was made for dtc {base}.\n"
    )
    return text.replace("*** BLURB HERE ***\n", blurb)


def _write(target: Path, topic: str, stage: Stage, texts: dict[str, str]) -> Series:
    files = [target / topic / name for name in texts]
    if texts:
        (target / topic).mkdir()
    for path in files:
        path.write_bytes(texts[path.name].encode("utf-8", "surrogateescape"))
    return Series(topic, [patch.subject for patch in stage.patches], files)
