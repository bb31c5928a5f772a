# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""SHA-256 of the segments, which a verifying trampoline checks."""

from __future__ import annotations

__all__ = ["EMPTY_DIGEST", "digest_of", "verifying"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..architecture import Arch
    from .places import Segment

# SHA-256's, bytes
BLOCK = 64
EMPTY_DIGEST = bytes(32)


def _padding(segment: Segment) -> int:
    """Zeros behind the data up to a whole block. They are in memory, too: the
    kernel fills the last page of a segment with them."""
    return -len(segment.data) % BLOCK


def digest_of(segments: list[Segment]) -> bytes:
    """SHA-256 of the segments' data, each padded to whole blocks, in this order."""
    from hashlib import sha256

    digest = sha256()
    for segment in segments:
        digest.update(segment.data)
        digest.update(bytes(_padding(segment)))
    return digest.digest()


def verifying(arch: Arch, segments: list[Segment], entry: int, digest: bytes) -> bytes:
    """The trampoline at entry that checks these segments. Its length depends on
    their number alone."""
    make = arch.own("verifying")
    assert make is not None
    places = {s.name: s.start for s in segments}
    pieces = [(s.start, len(s.data) + _padding(s)) for s in segments]
    code: bytes = make(places["kernel"], places["dtb"], entry, pieces, digest)
    return code
