# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The checker: what in a tree the next kernel would ignore, misread or hang on."""
