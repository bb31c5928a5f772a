// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - property names looked up in one scan of the strings block
 */
#include <string.h>

#include <libfdt.h>

#include "fdtx_names.h"
#include "fdtx_walk.h"

#define FDTX_NOWHERE UINT32_MAX

/*
 * Names not yet found, and a filter on the last bytes of a string that leaves
 * few of them to compare: bit h is set if one with the hash h is wanted.
 */
struct fdtx_wanted {
	struct fdtx_name *name[FDTX_MAX_NAMES];
	int n;
	uint64_t filter;
};

/* Of the last two bytes in front of a NUL */
static unsigned int fdtx_tail_hash(const char *end)
{
	return ((unsigned char)end[-1] * 7u + (unsigned char)end[-2] * 3u) % 64;
}

static void fdtx_want(struct fdtx_wanted *wanted, struct fdtx_name *name)
{
	name->off = FDTX_NOWHERE;
	wanted->name[wanted->n++] = name;
	/* What stands in front of a single byte may be anything */
	wanted->filter |= name->len < 2 ? UINT64_MAX :
			  UINT64_C(1) << fdtx_tail_hash(name->s + name->len);
}

/* A string of len bytes ends at end, the NUL: note all that are its tail */
static inline void fdtx_match(struct fdtx_wanted *wanted, const char *strings,
		       const char *end, uint32_t len)
{
	int i = 0;

	if (len >= 2 && !(wanted->filter >> fdtx_tail_hash(end) & 1))
		return;
	while (i < wanted->n) {
		struct fdtx_name *name = wanted->name[i];

		if (name->len <= len &&
		    !memcmp(end - name->len, name->s, name->len)) {
			name->off = (uint32_t)(end - strings) - name->len;
			wanted->name[i] = wanted->name[--wanted->n];
		} else {
			i++;
		}
	}
}

/* One bit for each of eight bytes that is zero, in their order */
static uint64_t fdtx_zeroes(const char *p)
{
	const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
	uint64_t word = fdtx_load_le(p);

	word = ~(((word & low) + low) | word | low);
	/* Bits 7, 15, ... meet in the highest byte */
	return ((word >> 7) * UINT64_C(0x0102040810204080)) >> 56;
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
	uint32_t pos = 0, start = 0, nul, i;

	for (; size - pos >= 64 && wanted->n; pos += 64) {
		uint64_t zeroes = 0;

		for (i = 0; i < 8; i++)
			zeroes |= fdtx_zeroes(strings + pos + 8 * i) << 8 * i;
		for (; zeroes; zeroes &= zeroes - 1) {
			nul = pos + (uint32_t)__builtin_ctzll(zeroes);
			fdtx_match(wanted, strings, strings + nul,
				   nul - start);
			start = nul + 1;
		}
	}
	for (; pos < size && wanted->n; pos++) {
		if (strings[pos])
			continue;
		fdtx_match(wanted, strings, strings + pos, pos - start);
		start = pos + 1;
	}
}

uint32_t fdtx_find_names(const char *strings, uint32_t size,
			 struct fdtx_name *names, int n)
{
	struct fdtx_wanted wanted = { .n = 0 };
	uint32_t added = 0;
	int i, j;

	for (i = 0; i < n; i++)
		fdtx_want(&wanted, &names[i]);
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
