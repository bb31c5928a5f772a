# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""What the checker's rules say of a plan, with all that is known of it."""

from __future__ import annotations

from ...tree.view import to_dict
from ..check.checker import check_tree
from ..facts.machine import CPU
from ..facts.version import banner_in
from .job import named

__all__ = ["cpus_note", "findings_of", "release_of", "stuck_cpus"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..architecture import Arch, Told
    from ..check.checker import Finding
    from ..facts.machine import Machine
    from ..image.kernel import KernelImage
    from .places import Segment

POSSIBLE_CPUS = f"{CPU}/possible"


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


def stuck_cpus(machine: Machine, arch: Arch | None) -> Told | None:
    """What the architecture says of CPUs that its kernel cannot stop, from the tree's
    enable-methods."""
    find = arch.own("stuck_cpus") if arch is not None else None
    if find is None or len(machine.possible_cpus) < 2:
        return None
    nodes = to_dict(machine.fdt)
    cpus = [path for path in nodes if path.startswith("/cpus/cpu@")]
    cpus = [path for path in cpus if "/" not in path[len("/cpus/") :]]
    shared = nodes.get("/cpus", {}).get("enable-method", b"")
    values = {nodes[c].get("enable-method", shared) for c in cpus}
    methods = {m.partition(b"\0")[0].decode("ascii", "replace") for m in values}
    told: Told | None = find(methods, nodes)
    return told


def cpus_note(machine: Machine, arch: Arch, crash: bool) -> list[str]:
    """The same as a note, where the running kernel will refuse this kind of kernel."""
    refuses = any(on_crash == crash for _, on_crash in arch.refusals)
    if not refuses or not machine.has_fdt or not machine.exists(POSSIBLE_CPUS):
        return []
    told = stuck_cpus(machine, arch)
    return [] if told is None else [f"{told[1]}: {told[2]}; {told[3]}"]
