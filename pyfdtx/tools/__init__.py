# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""Commands that take the place of other programs': same words, same exit statuses."""
