# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Values as bytes and back: numbers, strings, (address, size) entries."""
