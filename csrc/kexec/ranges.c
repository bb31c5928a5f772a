// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - algebra of memory ranges
 *
 * Inside, a range is its first and its last byte, because the end of a range
 * that reaches 2^64 does not fit into 64 bits.
 */
#include "kexec/ranges.h"

static uint64_t fdtx_start(const uint64_t *a, size_t i)
{
	return a[2 * i];
}

static uint64_t fdtx_last(const uint64_t *a, size_t i)
{
	return a[2 * i] + (a[2 * i + 1] - 1);
}

static size_t fdtx_emit(uint64_t *out, size_t n, uint64_t start, uint64_t last)
{
	out[2 * n] = start;
	out[2 * n + 1] = last - start + 1;
	return n + 1;
}

size_t fdtx_ranges_check(const uint64_t *a, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!a[2 * i + 1] || fdtx_last(a, i) < fdtx_start(a, i))
			return i;
		if (i && fdtx_start(a, i) <= fdtx_last(a, i - 1))
			return i;
	}
	return n;
}

size_t fdtx_ranges_sound(const uint64_t *a, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!a[2 * i + 1] || fdtx_last(a, i) < fdtx_start(a, i))
			break;
	return i;
}

uint64_t fdtx_ranges_total(const uint64_t *a, size_t n)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < n; i++)
		total += a[2 * i + 1];
	return total;
}

size_t fdtx_ranges_exclude(const uint64_t *a, size_t na, const uint64_t *b,
			   size_t nb, uint64_t *out)
{
	size_t i, j = 0, n = 0;

	for (i = 0; i < na; i++) {
		uint64_t start = fdtx_start(a, i), last = fdtx_last(a, i);
		int left = 1;

		while (j < nb && fdtx_last(b, j) < start)
			j++;
		/* The last hole may reach into the next range: keep it */
		for (; left && j < nb && fdtx_start(b, j) <= last; j++) {
			if (fdtx_start(b, j) > start)
				n = fdtx_emit(out, n, start,
					      fdtx_start(b, j) - 1);
			left = fdtx_last(b, j) < last;
			if (!left)
				break;
			start = fdtx_last(b, j) + 1;
		}
		if (left)
			n = fdtx_emit(out, n, start, last);
	}
	return n;
}

size_t fdtx_ranges_intersect(const uint64_t *a, size_t na, const uint64_t *b,
			     size_t nb, uint64_t *out)
{
	size_t i = 0, j = 0, n = 0;

	while (i < na && j < nb) {
		uint64_t start = fdtx_start(a, i), last = fdtx_last(a, i);

		if (fdtx_start(b, j) > start)
			start = fdtx_start(b, j);
		if (fdtx_last(b, j) < last)
			last = fdtx_last(b, j);
		if (start <= last)
			n = fdtx_emit(out, n, start, last);
		if (fdtx_last(a, i) == last)
			i++;
		else
			j++;
	}
	return n;
}

size_t fdtx_ranges_merge(const uint64_t *a, size_t na, const uint64_t *b,
			 size_t nb, uint64_t *out)
{
	uint64_t start = 0, last = 0;
	size_t i = 0, j = 0, n = 0;
	int open = 0;

	while (i < na || j < nb) {
		uint64_t s, l;

		if (j == nb || (i < na && fdtx_start(a, i) <= fdtx_start(b, j))) {
			s = fdtx_start(a, i);
			l = fdtx_last(a, i++);
		} else {
			s = fdtx_start(b, j);
			l = fdtx_last(b, j++);
		}
		if (open && (s <= last || s - last == 1)) {
			if (l > last)
				last = l;
			continue;
		}
		if (open)
			n = fdtx_emit(out, n, start, last);
		start = s;
		last = l;
		open = 1;
	}
	if (open && last - start == UINT64_MAX) {
		n = fdtx_emit(out, n, start, last / 2);
		start = last / 2 + 1;
	}
	if (open)
		n = fdtx_emit(out, n, start, last);
	return n;
}
