# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What the checker's rules say of a plan, with all that is known of it."""

from __future__ import annotations

from ..check.checker import check_tree
from ..facts.version import banner_in
from .job import named

__all__ = ["findings_of", "release_of"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..architecture import Arch
    from ..check.checker import Finding
    from ..facts.machine import Machine
    from ..image.kernel import KernelImage
    from .places import Segment


def release_of(machine: Machine, image: KernelImage) -> str | None:
    """The version of the kernel that will read the tree: what the image says, else
    that of the running one; None if neither tells."""
    banner = banner_in(image.data)
    if banner is None and machine.exists("proc/version"):
        return machine.release
    return banner


def findings_of(
    machine: Machine,
    arch: Arch,
    image: KernelImage,
    segments: list[Segment],
    release: str | None,
) -> tuple[Finding, ...]:
    """The findings about a plan's tree; its core header, image and places are
    known, so the rules about them hold too."""
    tree = named(segments, "dtb")
    header = next((s for s in segments if s.name == "elfcorehdr"), None)
    return tuple(
        check_tree(
            tree.data,
            arch=arch.name,
            kernel=release,
            machine=machine,
            elfcorehdr=None if header is None else (header.start, header.data),
            image=image,
            image_address=named(segments, "kernel").start,
            load_address=tree.start,
        )
    )
