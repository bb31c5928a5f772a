# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The site of the documentation: `make docs`.

Sphinx with MyST, for three reasons: the pages stay Markdown that a forge shows; the
C helpers have a domain of their own, so that `fdt_setprop_reg()` is found as
`Fdt.edit()` is; and a reference that leads nowhere is a warning, which fails the
build. MkDocs has no C, and finds broken links of pages alone.

What is built is a copy of the pages, made by stage.py, and what it adds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyfdtx

sys.path.insert(0, str(Path(__file__).parent))
import docstrings

project = "pyfdtx"
author = "The pyfdtx authors"
copyright = author
release = version = pyfdtx.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
root_doc = "index"
nitpicky = True
# Types of the standard library: no inventory of Python's is fetched, so that building
# needs no network. Bare names are of annotations that only type checkers resolve.
nitpick_ignore_regex = [
    ("py:.*", r"(typing|collections|os|types|array)\..*"),
    ("py:class", r"[A-Z]\w*"),
    ("py:exc", r"[A-Z]\w+(Error|Warning)"),
    ("c:identifier", r"uint\d+_t"),
]

# Anchors as forges make them
myst_heading_anchors = 4
highlight_language = "none"

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
default_role = "code"
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"pyfdtx {release}"
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]
html_js_files = ["rules.js"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", docstrings.to_rst)
