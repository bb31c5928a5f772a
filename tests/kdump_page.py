# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""docs/kdump.md in pieces: what a person types, and the files that they write."""

import re
from pathlib import Path

KDUMP = (Path(__file__).resolve().parents[1] / "docs/kdump.md").read_text()
FENCED = re.compile(r"(?:^`(/[^`]+)`[^`]*?\n\n)?^```(\w+)\n(.*?)^```$", re.M | re.S)


def files():
    """{path: text} of the blocks that a path in front introduces."""
    return {path: text for path, _, text in FENCED.findall(KDUMP) if path}


def commands():
    """What is typed, line by line, in order."""
    blocks = [text for path, _, text in FENCED.findall(KDUMP) if not path]
    return "".join(blocks).replace("\\\n", " ").splitlines()
