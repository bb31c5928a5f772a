# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Notes what a process that a test starts calls: it is put beside the package as
sitecustomize.py, which Python loads at its start. CALLS_INTO: a folder.
"""

import atexit
import os
import sys

INTO = os.environ.get("CALLS_INTO")
if INTO is not None:
    seen = set()

    def called(frame, event, arg):  # type: ignore[no-untyped-def]
        code = frame.f_code
        if "/pyfdtx/" in code.co_filename:
            seen.add((code.co_filename, code.co_name))

    def written() -> None:
        sys.settrace(None)
        with open(f"{INTO}/{os.getpid()}", "w") as f:
            f.writelines(f"{file}\t{name}\n" for file, name in seen)

    atexit.register(written)
    sys.settrace(called)
