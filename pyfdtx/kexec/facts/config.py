# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The running kernel's configuration."""

from __future__ import annotations

import zlib

from ...files.reading import LIMITS

__all__ = ["CONFIG_GZ", "config_files", "parse_config"]

CONFIG_GZ = "proc/config.gz"


def config_files(release: str) -> tuple[str, ...]:
    """Where distributions put the configuration of a kernel; the first is the
    kernel's own word (CONFIG_IKCONFIG_PROC)."""
    if "/" in release:  # no kernel's name
        return (CONFIG_GZ,)
    return (
        CONFIG_GZ,
        f"boot/config-{release}",
        f"usr/lib/modules/{release}/config",
        f"lib/modules/{release}/config",
    )


def parse_config(data: bytes, *, packed: bool) -> dict[str, str]:
    """Options by name, "y", "m" or a value; those that are not set are absent.

    packed: whether it is CONFIG_GZ.
    Raises:
        ValueError: it is damaged, or has more than LIMITS says.
    """
    if packed:
        made = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        limit = LIMITS["config"]
        try:
            data = made.decompress(data, limit)
        except zlib.error as e:
            raise ValueError(str(e)) from None
        if not made.eof:
            raise ValueError(f"is damaged, or has more than {limit >> 20} MiB")
    found = {}
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        option, is_set, value = line.partition("=")
        if is_set and option.startswith("CONFIG_"):
            found[option] = value.strip('"')
    return found
