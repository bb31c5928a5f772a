/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_RANGES_H
#define FDTX_RANGES_H
/*
 * Algebra of memory ranges. A list is an array of pairs (start, size) of
 * uint64_t, @n pairs long, ascending, no pair empty, none wrapping past 2^64
 * (a range may end there), none overlapping the one before; touching is
 * allowed. fdtx_ranges_check() tells whether a list is that; all other
 * functions want lists that are.
 *
 * Every function makes one pass over each list. @out has room for @na + @nb
 * pairs, which is always enough, and does not overlap an input.
 */

#include <stddef.h>
#include <stdint.h>

/**
 * fdtx_ranges_check - find the first pair that breaks the rules above
 *
 * returns: its number, from 0; @n if there is none
 */
size_t fdtx_ranges_check(const uint64_t *a, size_t n);

/**
 * fdtx_ranges_sound - find the first pair that is empty or wraps past 2^64
 * @a: @n pairs in any order, which may overlap
 *
 * returns: its number, from 0; @n if there is none
 */
size_t fdtx_ranges_sound(const uint64_t *a, size_t n);

/**
 * fdtx_ranges_total - number of bytes in a list, modulo 2^64
 *
 * (a list that covers everything from 0 to 2^64 gives 0)
 */
uint64_t fdtx_ranges_total(const uint64_t *a, size_t n);

/**
 * fdtx_ranges_exclude - what is in @a and not in @b
 *
 * Ranges of @a that touch each other stay apart.
 *
 * returns: number of pairs written to @out
 */
size_t fdtx_ranges_exclude(const uint64_t *a, size_t na, const uint64_t *b,
			   size_t nb, uint64_t *out);

/**
 * fdtx_ranges_intersect - what is both in @a and in @b
 *
 * Cut at the borders of the ranges of both.
 *
 * returns: number of pairs written to @out
 */
size_t fdtx_ranges_intersect(const uint64_t *a, size_t na, const uint64_t *b,
			     size_t nb, uint64_t *out);

/**
 * fdtx_ranges_merge - what is in @a or in @b, touching ranges joined
 *
 * A range of 2^64 bytes has no pair: it is written as two halves.
 *
 * returns: number of pairs written to @out
 */
size_t fdtx_ranges_merge(const uint64_t *a, size_t na, const uint64_t *b,
			 size_t nb, uint64_t *out);

#endif /* FDTX_RANGES_H */
