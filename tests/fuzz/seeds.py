# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""`python seeds.py DIRECTORY`: what the fuzzer starts from."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))
import blobs
import cases
import overlays

LARGEST = 4096

directory = Path(sys.argv[1])
blobs.write_samples(directory)
for case in (*cases.ACCEPTED, *cases.REFUSED, *overlays.ATTACKS):
    if len(case.blob) <= LARGEST:
        kind = type(case).__name__.lower()
        name = "".join(c if c.isalnum() else "-" for c in case.name)
        (directory / f"{kind}-{name}").write_bytes(case.blob)
