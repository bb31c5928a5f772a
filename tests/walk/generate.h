/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef WALK_GENERATE_H
#define WALK_GENERATE_H
/*
 * Blobs by number: sound ones of every shape, and ones that are wrong in one or
 * a few places. The same seed and number give the same blob everywhere.
 */
#include <stddef.h>
#include <stdint.h>

/* No blob is longer */
#define LONGEST 32768

/**
 * generate - one blob
 * @buf: LONGEST bytes, 8-byte aligned
 * @skew: filled in: where the blob shall lie, bytes behind an 8-byte boundary;
 *	nearly always 0
 *
 * returns: its length
 */
size_t generate(uint64_t seed, uint64_t number, unsigned char *buf,
		unsigned int *skew);

#endif /* WALK_GENERATE_H */
