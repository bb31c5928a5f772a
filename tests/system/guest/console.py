# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Files out of a guest, over its serial console.

The guest prints gzip + base64 between two marker lines; gzip's checksum tells
when the kernel's own messages got in between.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import re

from . import GuestError

# For the init script: `send NAME <FILE`.
SEND = """\
send() {
	echo "@@@ begin $1"
	gzip -9 | base64
	echo "@@@ end $1"
}
"""

_EXPORT = re.compile(r"^@@@ begin (.+)\n((?:.*\n)*?)@@@ end \1$", re.MULTILINE)


def received(console: str) -> dict[str, bytes]:
    """All files that the guest sent, by the name it gave them.

    Raises GuestError if one did not arrive whole.
    """
    lines = console.replace("\r", "")
    begun = re.findall(r"^@@@ begin (.+)$", lines, re.MULTILINE)
    files: dict[str, bytes] = {}
    for found in _EXPORT.finditer(lines):
        try:
            packed = base64.b64decode(found[2].replace("\n", ""), validate=True)
            if not packed:  # gzip.decompress() would give an empty file
                raise EOFError("nothing between the markers")
            files[found[1]] = gzip.decompress(packed)
        except (binascii.Error, OSError, EOFError) as e:
            raise GuestError(f"{found[1]} arrived damaged: {e}\n{found[0]}") from None
    lost = [name for name in begun if name not in files]
    if lost:
        raise GuestError(f"did not arrive whole: {', '.join(lost)}")
    return files
