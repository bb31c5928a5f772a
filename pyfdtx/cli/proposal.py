# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Make patch series for libfdt's upstream, or see what a tree of it has."""

from __future__ import annotations

from .trouble import UsageError, clean, out_text

__all__ = ["arguments", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

TOPICS = ("fixes", "search", "reg", "reg-read")
EPILOG = """\
export writes DIR/TOPIC/0000-cover-letter.patch and one patch per change:
  fixes     defects of libfdt functions, only those that the tree has
  search    the strings block searched faster, with the same result
  reg       fdt_setprop_reg() and fdt_appendprop_reg(), single and array
  reg-read  fdt_getprop_reg() and lengths; on top of reg
Each topic applies by itself: git am DIR/TOPIC/000[1-9]-*.patch. To stack them,
apply one and export the next for the result. The author is a placeholder and
nothing is signed off; the cover letter says what the sender does.

verify compiles the tree's libfdt in a scratch folder and runs it beside ours.
It exits with 1 if a helper of the tree differs from ours.

The tree is that of dtc, v1.6.1 or later; it is only read.

example:
  pyfdtx proposal export --dtc ~/src/dtc -o patches
  pyfdtx proposal verify --dtc ~/src/dtc
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("action", choices=("export", "verify"), help="what to do")
    parser.add_argument(
        "--dtc", required=True, metavar="PATH", help="top folder of a dtc tree"
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="new folder for the patches (export)"
    )
    parser.add_argument(
        "--topic",
        action="append",
        choices=TOPICS,
        help="only this one; can be repeated (export)",
    )


def run(args: argparse.Namespace) -> int:
    if args.action == "export":
        if not args.output:
            raise UsageError("proposal export needs -o DIR, a new folder")
        return _export(args)
    if args.output or args.topic:
        raise UsageError("proposal verify takes no -o and no --topic")
    return _verify(args)


def _export(args: argparse.Namespace) -> int:
    from ..proposal import export

    for series in export(args.dtc, args.output, args.topic or TOPICS):
        if not series.subjects:
            out_text(f"{series.topic}: nothing to do, the tree has it\n")
            continue
        out_text(f"{series.topic}: {clean(str(series.files[0].parent))}\n")
        for file, subject in zip(series.files[1:], series.subjects):
            out_text(f"  {file.name[:4]} {subject}\n")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from ..proposal import verify

    found = verify(args.dtc)
    for one in found:
        detail = f"  {clean(one.detail)}" if one.detail else ""
        out_text(f"{one.kind:6} {one.name:25} {one.state}{detail}\n")
    return int(any(one.state == "differs" for one in found))
