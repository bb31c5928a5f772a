# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Versions of Linux: of a text, and of a kernel image."""

from __future__ import annotations

from .number import decimal

__all__ = ["banner_in", "version_of"]

# init/version-timestamp.c linux_banner[]; the same text stands in /proc/version
BANNER = b"Linux version "
# Of a release: UTS_RELEASE, include/uapi/linux/utsname.h __NEW_UTS_LEN
MAX_RELEASE = 64
# Each number of a version, digits
MAX_DIGITS = 5


def version_of(text: str) -> tuple[int, int] | None:
    """(6, 12) of "6.12", "v6.12-rc1" or "6.12.117-cloud-arm64"; None: it is no
    version."""
    major, _, rest = text[text.startswith("v") :].partition(".")
    rest = rest.partition(".")[0]
    minor = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    if max(len(major), len(minor)) > MAX_DIGITS:
        return None
    try:
        return decimal(major), decimal(minor)
    except ValueError:
        return None


def banner_in(data: bytes) -> str | None:
    """The release ("6.1.0-26-arm64") of the kernel whose plain image this is; None
    if it does not tell, as if it is compressed inside."""
    at = data.find(BANNER)
    while at >= 0:
        start = at + len(BANNER)
        release = data[start : start + MAX_RELEASE].split(b" ")[0]
        text = release.decode("latin-1")
        # The format string of the same text has %s there
        if text.isascii() and text.isprintable() and version_of(text) is not None:
            return text
        at = data.find(BANNER, start)
    return None
