/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_NAMES_H
#define FDTX_NAMES_H

#include <stdint.h>

#include "blob/hash.h"

/* fdtx_find_names() looks for that many at once */
#define FDTX_MAX_NAMES 32

/**
 * struct fdtx_name - a property name and its place in the strings block
 * @s: the name, NUL behind it
 * @len: bytes of @s without the NUL, not 0
 * @off: filled in: bytes from the start of the strings block
 */
struct fdtx_name {
	const char *s;
	uint32_t len;
	uint32_t off;
};

/**
 * fdtx_find_names - places of new property names, as libfdt chooses them
 * @strings: a strings block of @size bytes, ended by a NUL unless empty
 * @names: @n names, at most FDTX_MAX_NAMES
 *
 * One by one, in the order given, as fdt_setprop() would: a name's place is
 * the first where its bytes and a NUL stand, also as the tail of a longer
 * name; if there is none, it is appended, and is there for the ones behind it.
 * The block is read once, whatever @n is.
 *
 * returns: bytes to append, with NULs: in the order given, each name whose
 *	off is @size and what has been appended so far
 */
uint32_t fdtx_find_names(const char *strings, uint32_t size,
			 struct fdtx_name *names, int n);

/**
 * fdtx_find_many_names - the same for any number of names
 * @names: @n different names
 * @key: random bits that whoever made @strings and @names cannot know
 * @addedp: filled in: what fdtx_find_names() returns
 *
 * returns: 0; -FDT_ERR_INTERNAL, out of memory; -FDT_ERR_NOSPACE, more names
 *	than any tree can hold
 */
int fdtx_find_many_names(const char *strings, uint32_t size,
			 struct fdtx_name *names, uint32_t n,
			 const struct fdtx_key *key, uint32_t *addedp);

#endif /* FDTX_NAMES_H */
