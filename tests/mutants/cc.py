#!/usr/bin/env python3
# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The compiler, with a note of each command and of the files that it reads.

CC_LOG: where the notes go, a line of JSON each. CC_REAL: the compiler.
"""

import json
import os
import shlex
import sys

real, words = shlex.split(os.environ["CC_REAL"]), sys.argv[1:]
with open(os.environ["CC_LOG"], "a") as log:
    log.write(json.dumps({"cwd": os.getcwd(), "words": words}) + "\n")
if "-c" in words:
    words += ["-MMD", "-MF", words[words.index("-o") + 1] + ".d"]
os.execvp(real[0], [*real, *words])
