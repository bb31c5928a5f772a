/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

size_t fdtx_ranges_check(const uint64_t *a, size_t n);
size_t fdtx_ranges_sound(const uint64_t *a, size_t n);
uint64_t fdtx_ranges_total(const uint64_t *a, size_t n);
size_t fdtx_ranges_exclude(const uint64_t *a, size_t na, const uint64_t *b,
			   size_t nb, uint64_t *out);
size_t fdtx_ranges_intersect(const uint64_t *a, size_t na, const uint64_t *b,
			     size_t nb, uint64_t *out);
size_t fdtx_ranges_merge(const uint64_t *a, size_t na, const uint64_t *b,
			 size_t nb, uint64_t *out);
