// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - property names looked up in one scan of the strings block
 */
#include <string.h>

#include <libfdt.h>

#include "blob/bytes.h"
#include "blob/names.h"

#define FDTX_NOWHERE UINT32_MAX

#define FDTX_TAILS 256

/*
 * Names not yet found, a bit for each, by a hash of their last four bytes:
 * few strings of a block have one that is wanted. Shorter names may be the
 * tail of any string.
 */
struct fdtx_wanted {
	struct fdtx_name *names;
	uint32_t live;
	uint32_t shorter;
	uint32_t tail[FDTX_TAILS];
};

/* Of the four bytes in front of a NUL */
static unsigned int fdtx_tail_hash(const char *end)
{
	uint32_t word;

	memcpy(&word, end - sizeof(word), sizeof(word));
	return word * UINT32_C(0x9e3779b1) >> 24;
}

static void fdtx_want(struct fdtx_wanted *wanted, int i)
{
	struct fdtx_name *name = &wanted->names[i];
	uint32_t bit = UINT32_C(1) << i;

	name->off = FDTX_NOWHERE;
	wanted->live |= bit;
	if (name->len < 4)
		wanted->shorter |= bit;
	else
		wanted->tail[fdtx_tail_hash(name->s + name->len)] |= bit;
}

/* A string ends at @end, the NUL: note the names of @found that are its tail.
 * No name holds a NUL, so none reaches into the string before */
static void fdtx_match(struct fdtx_wanted *wanted, uint32_t found,
		       const char *strings, const char *end)
{
	for (; found; found &= found - 1) {
		int i = __builtin_ctz(found);
		struct fdtx_name *name = &wanted->names[i];

		if (name->len > (uint32_t)(end - strings) ||
		    memcmp(end - name->len, name->s, name->len))
			continue;
		name->off = (uint32_t)(end - strings) - name->len;
		wanted->live &= ~(UINT32_C(1) << i);
	}
}

/* There is a NUL at @nul */
static inline void fdtx_string(struct fdtx_wanted *wanted,
			       const char *strings, uint32_t nul)
{
	const char *end = strings + nul;
	uint32_t found = wanted->shorter;

	if (nul >= 4)
		found |= wanted->tail[fdtx_tail_hash(end)];
	found &= wanted->live;
	if (found)
		fdtx_match(wanted, found, strings, end);
}

/*
 * A match ends at a NUL and holds no other, so it is the tail of one string;
 * the first string that has the tail has the first match. All NULs of 64 bytes
 * are found before the first one is looked at: no branch that depends on the
 * length of a string.
 */
static void fdtx_scan(struct fdtx_wanted *wanted, const char *strings,
		      uint32_t size)
{
	uint32_t pos = 0;

	for (; size - pos >= 2 * FDTX_EQUAL && wanted->live;
	     pos += 2 * FDTX_EQUAL) {
		const char *at = strings + pos;
		uint64_t nuls = fdtx_equal(at, '\0') |
				(uint64_t)fdtx_equal(at + FDTX_EQUAL, '\0') <<
				FDTX_EQUAL;

		for (; nuls; nuls &= nuls - 1)
			fdtx_string(wanted, strings, pos +
				    (uint32_t)__builtin_ctzll(nuls));
	}
	for (; pos < size && wanted->live; pos++)
		if (!strings[pos])
			fdtx_string(wanted, strings, pos);
}

uint32_t fdtx_find_names(const char *strings, uint32_t size,
			 struct fdtx_name *names, int n)
{
	struct fdtx_wanted wanted = { .names = names };
	uint32_t added = 0;
	int i, j;

	for (i = 0; i < n; i++)
		fdtx_want(&wanted, i);
	fdtx_scan(&wanted, strings, size);

	for (i = 0; i < n; i++) {
		struct fdtx_name *name = &names[i];

		/* Perhaps it is the tail of one that was just appended */
		for (j = 0; j < i && name->off == FDTX_NOWHERE; j++) {
			const struct fdtx_name *old = &names[j];

			if (old->off >= size && old->len >= name->len &&
			    !memcmp(old->s + old->len - name->len, name->s,
				    name->len))
				name->off = old->off + old->len - name->len;
		}
		if (name->off == FDTX_NOWHERE) {
			name->off = size + added;
			added += name->len + 1;
		}
	}
	return added;
}
