# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""`python generate.py DIRECTORY`: manual pages into DIRECTORY/man, completion for
shells into DIRECTORY/completion, from the parsers of the pyfdtx that Python finds."""

from __future__ import annotations

import sys
from pathlib import Path

import completion
import manual


def main(directory: str) -> None:
    made = {
        "man": manual.pages(),
        "completion": {
            "pyfdtx": completion.bash(),
            "_pyfdtx": completion.zsh(),
            "pyfdtx.fish": completion.fish(),
        },
    }
    for folder, files in made.items():
        (Path(directory) / folder).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (Path(directory) / folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
