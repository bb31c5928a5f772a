# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Writes what kexec-tools does to kexec_rows.json, and the page.

python tests/kexec_tools/record.py [--page]
--page: the page alone, from what was recorded before.
"""

import json
import sys
import tempfile
from pathlib import Path

import real
from kexec_rows import RECORD, page_parts, run_all, with_parts
from kexec_world import build_kernel

PAGE = real.ROOT / "docs" / "kexec-options.md"


def main():
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top)
        kernel = build_kernel(folder)

        def seen(name, program):
            own = folder / name
            own.mkdir()
            return run_all(program, own, kernel)

        if "--page" not in sys.argv:
            theirs = {v: seen(v, real.program(v)) for v in real.VERSIONS}
            lines = []
            for version, rows in theirs.items():
                inner = ",\n".join(
                    f"{json.dumps(r)}: {json.dumps(rows[r])}" for r in rows
                )
                lines.append(f"{json.dumps(version)}: {{\n{inner}\n}}")
            RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        ours = seen("ours", [str(Path(sys.executable).with_name("pyfdtx-kexec"))])
    PAGE.write_text(with_parts(PAGE.read_text(), page_parts(ours)))


if __name__ == "__main__":
    main()
