# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""U-Boot's FIT: a device tree that holds kernels, initrds and trees, and
configurations that say which belong together.

Hashes of what is used are compared; signatures are not. A configuration's tree is not
used: the next kernel's is made from that of the machine, or from one that is given.

Source: the Flat Image Tree specification (fitspec.osfw.foundation); U-Boot
boot/image-fit.c.
"""

from __future__ import annotations

import hashlib
import zlib

from ...errors import FdtError, FdtImageError
from ...tree.view import to_dict
from .containers import Contents, piece

__all__ = ["read_fit"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    Nodes = dict[str, dict[str, bytes]]

OP = "image"
FDT_MAGIC = b"\xd0\x0d\xfe\xed"
IMAGES, CONFIGURATIONS = "/images", "/configurations"
KERNELS = ("kernel", "kernel_noload")
# U-Boot's names to ours; an empty one: what the magic of the data says
COMPRESSIONS = {"": "", "none": ""}
HASHES = ("md5", "sha1", "sha256", "sha384", "sha512")


class _Fit:
    """data: the whole file; external data lie behind the tree."""

    def __init__(self, data: bytes, nodes: Nodes, where: str):
        self.data = data
        self.nodes = nodes
        self.where = where
        self.size = int.from_bytes(data[4:8], "big")

    def refuse(self, cause: str) -> NoReturn:
        raise FdtImageError(OP, self.where, f"is a FIT; {cause}")

    def text(self, path: str, name: str) -> str:
        """The first string of a property; "" if there is none."""
        raw = self.nodes[path].get(name, b"")
        return raw.partition(b"\0")[0].decode("utf-8", "backslashreplace")

    def number(self, path: str, name: str) -> int | None:
        raw = self.nodes[path].get(name)
        if raw is None:
            return None
        if len(raw) not in (4, 8):
            self.refuse(f"{path}: {name} has {len(raw)} bytes, 4 are wanted")
        return int.from_bytes(raw, "big")

    def below(self, path: str) -> list[str]:
        """Names of a node's children."""
        start = path + "/"
        names = [p[len(start) :] for p in self.nodes if p.startswith(start)]
        return [name for name in names if "/" not in name]

    def child(self, path: str, name: str, what: str) -> str:
        """The path of a child with exactly this name."""
        found = f"{path}/{name}"
        if not name or "/" in name or found not in self.nodes:
            there = ", ".join(self.below(path)) or "none"
            self.refuse(f"{what} {name!r} is not there; there are: {there}")
        return found

    def configuration(self, chosen: str) -> str:
        names = self.below(CONFIGURATIONS) if CONFIGURATIONS in self.nodes else []
        if not names:
            self.refuse("it has no configuration, which says what belongs together")
        default = self.text(CONFIGURATIONS, "default")
        name = chosen or default or (names[0] if len(names) == 1 else "")
        if not name:
            self.refuse(
                "it has no default configuration; choose one with --fit-config: "
                + ", ".join(names)
            )
        return self.child(CONFIGURATIONS, name, "configuration")

    def payload(self, path: str) -> bytes:
        """Of an image: in the tree, or behind it."""
        what = f"{path}: its data"
        size = self.number(path, "data-size")
        position = self.number(path, "data-position")
        offset = self.number(path, "data-offset")
        if "data" in self.nodes[path]:
            found = self.nodes[path]["data"]
        elif size is not None and (position is not None or offset is not None):
            if position is None:
                position = -(-self.size // 4) * 4 + (offset or 0)
            found = piece(self.data, position, size, self.where, what)
        else:
            self.refuse(f"{path} has no data")
        if not found:
            self.refuse(f"{path} is empty")
        self.verify(path, found)
        return found

    def verify(self, path: str, data: bytes) -> None:
        for name in self.below(path):
            node = f"{path}/{name}"
            if name.partition("-")[0].partition("@")[0] == "cipher":
                self.refuse(f"{path} is encrypted")
            if not name.startswith("hash") or "uboot-ignore" in self.nodes[node]:
                continue
            algorithm, value = self.text(node, "algo"), self.nodes[node].get("value")
            if algorithm == "crc32":
                made = zlib.crc32(data).to_bytes(4, "big")
            elif algorithm in HASHES and algorithm in hashlib.algorithms_available:
                made = hashlib.new(algorithm, data).digest()
            else:
                continue
            if value != made:
                self.refuse(f"{path} is damaged: its {algorithm} is another one")

    def kernel(self, configuration: str) -> Contents:
        name = self.text(configuration, "kernel")
        if not name:
            self.refuse(f"{configuration} has no kernel")
        path = self.child(IMAGES, name, f"{configuration}: kernel")
        kind, system = self.text(path, "type"), self.text(path, "os")
        if kind not in KERNELS or system not in ("linux", ""):
            self.refuse(f"{path} is no Linux kernel (type {kind!r}, os {system!r})")
        packed = self.text(path, "compression")
        initrd = None
        if "ramdisk" in self.nodes[configuration]:
            name = self.text(configuration, "ramdisk")
            # Its compression is the kernel's to undo
            initrd = self.payload(self.child(IMAGES, name, f"{configuration}: ramdisk"))
        return Contents(
            "FIT",
            self.payload(path),
            compression=COMPRESSIONS.get(packed, packed),
            initrd=initrd,
        )


def read_fit(data: bytes, where: str, configuration: str = "") -> Contents | None:
    """What a configuration of a FIT holds; None if data is no FIT.

    configuration: its name; "": the default, or the only one.
    Raises:
        FdtImageError: damaged, or without what was asked for.
    """
    if not data.startswith(FDT_MAGIC):
        return None
    try:
        nodes = to_dict(data)
    except FdtError:
        return None
    if IMAGES not in nodes:
        return None
    fit = _Fit(data, nodes, where)
    return fit.kernel(fit.configuration(configuration))
