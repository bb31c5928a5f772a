# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The drop-in under upstream's name, and upstream's module beside it."""

import sys

__all__ = ["install_as_libfdt", "other_libfdt"]


def other_libfdt() -> "str | None":
    """File of upstream's module where Python would find one, else None.

    Looks for what pylibfdt installs, libfdt.py and its extension, in every
    folder of sys.path, without importing anything.
    """
    # As importlib.util does, without the time that loading it takes
    for finder in sys.meta_path:
        spec = finder.find_spec("_libfdt", None)
        if spec and spec.origin and spec.origin.endswith((".so", ".pyd")):
            return spec.origin
    return None


def install_as_libfdt() -> None:
    """Let `import libfdt` give pyfdtx.libfdt, in this process.

    To be called before anybody imports libfdt; calling it again does nothing.
    An installed pylibfdt stays as it is and is not used.

    Raises:
        ImportError: another libfdt has been imported already, so that two
            kinds of trees and exceptions would be about.
    """
    import pyfdtx.libfdt as ours

    there = sys.modules.get("libfdt")
    if there is None:
        sys.modules["libfdt"] = ours
    elif there is not ours:
        raise ImportError(
            "install_as_libfdt: another libfdt has been imported already, from "
            f"{getattr(there, '__file__', None) or 'an unknown place'}. Way out: "
            "call pyfdtx.install_as_libfdt() before the first `import libfdt`.",
            name="libfdt",
        )
