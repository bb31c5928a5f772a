// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - any number of property names, looked up in one scan
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "blob/check.h"
#include "blob/hash.h"
#include "blob/names.h"

/*
 * Wanted names by a hash that grows from a string's end to its beginning, so
 * that going backward over a block gives that of every tail of every string.
 *
 * An enemy chooses names and strings. The hash is a polynomial modulo a prime,
 * whose coefficients are the bytes, at a secret point: two names of up to n
 * bytes have the same value at n of the 2^31 points at most (M. Dietzfelbinger
 * and others, "Polynomial hash functions are reliable", 1992). A chain is chosen
 * by a secret factor (J. L. Carter, M. N. Wegman, "Universal classes of hash
 * functions", 1979). So a name meets as many others as n times their number over
 * 2^31, and edits are never so long, plus two or so.
 */
#define PRIME ((UINT32_C(1) << 31) - 1)

struct fdtx_tails {
	struct fdtx_name *names;
	uint32_t *hash;			/* of each name, below PRIME */
	uint32_t *next;			/* of the same chain */
	uint32_t *head;
	unsigned int bits;
	uint32_t point, factor;		/* below PRIME; @factor is not 0 */
};

/* Modulo PRIME; @n is below 2^62 */
static uint32_t reduced(uint64_t n)
{
	uint32_t low = (uint32_t)(n & PRIME), high = (uint32_t)(n >> 31);

	return low + high < PRIME ? low + high : low + high - PRIME;
}

static uint32_t grown(const struct fdtx_tails *tails, uint32_t hash, char c)
{
	/* No coefficient is 0, not even in front */
	return reduced((uint64_t)hash * tails->point + (unsigned char)c + 1);
}

static uint32_t *chain(const struct fdtx_tails *tails, uint32_t hash)
{
	hash = reduced((uint64_t)hash * tails->factor);
	return &tails->head[hash >> (31 - tails->bits)];
}

static void want(struct fdtx_tails *tails, uint32_t i)
{
	struct fdtx_name *name = &tails->names[i];
	uint32_t hash = 0, k, *head;

	for (k = name->len; k-- > 0;)
		hash = grown(tails, hash, name->s[k]);
	name->off = FDTX_NONE;
	tails->hash[i] = hash;
	head = chain(tails, hash);
	tails->next[i] = *head;
	*head = i;
}

/* The wanted name that these bytes are; FDTX_NONE for none */
static uint32_t wanted(const struct fdtx_tails *tails, uint32_t hash,
		       const char *s, uint32_t len)
{
	uint32_t i = *chain(tails, hash);

	for (; i != FDTX_NONE; i = tails->next[i])
		if (tails->hash[i] == hash && tails->names[i].len == len &&
		    !memcmp(tails->names[i].s, s, len))
			break;
	return i;
}

/* From behind: what is seen last stands first */
static void find_all(const struct fdtx_tails *tails, const char *strings,
		     uint32_t size)
{
	uint32_t hash = 0, end = size, pos, i;

	for (pos = size; pos-- > 0;) {
		if (!strings[pos]) {
			hash = 0;
			end = pos;
			continue;
		}
		hash = grown(tails, hash, strings[pos]);
		i = wanted(tails, hash, strings + pos, end - pos);
		if (i != FDTX_NONE)
			tails->names[i].off = pos;
	}
}

/* The name is appended; others that are its tail need not be */
static void append(const struct fdtx_tails *tails, struct fdtx_name *name,
		   uint32_t off)
{
	uint32_t hash = 0, k, i;

	name->off = off;
	for (k = name->len; k-- > 1;) {
		hash = grown(tails, hash, name->s[k]);
		i = wanted(tails, hash, name->s + k, name->len - k);
		if (i != FDTX_NONE && tails->names[i].off == FDTX_NONE)
			tails->names[i].off = off + k;
	}
}

int fdtx_find_many_names(const char *strings, uint32_t size,
			 struct fdtx_name *names, uint32_t n,
			 const struct fdtx_key *key, uint32_t *addedp)
{
	struct fdtx_tails tails = {
		.names = names,
		.point = (uint32_t)(key->k[0] % PRIME),
		.factor = 1 + (uint32_t)(key->k[1] % (PRIME - 1)),
	};
	uint64_t added = 0;
	uint32_t i;
	int err = -FDT_ERR_INTERNAL;

	for (tails.bits = 4; tails.bits < 31 && n >> (tails.bits - 1);)
		tails.bits++;
	tails.hash = malloc((size_t)(n + 1) * sizeof(*tails.hash));
	tails.next = malloc((size_t)(n + 1) * sizeof(*tails.next));
	tails.head = malloc(sizeof(*tails.head) << tails.bits);
	if (tails.hash && tails.next && tails.head) {
		memset(tails.head, 0xff, sizeof(*tails.head) << tails.bits);
		for (i = 0; i < n; i++)
			want(&tails, i);
		find_all(&tails, strings, size);
		for (i = 0; i < n && added <= FDTX_MAX_TOTALSIZE; i++) {
			if (names[i].off != FDTX_NONE)
				continue;
			append(&tails, &names[i], size + (uint32_t)added);
			added += (uint64_t)names[i].len + 1;
		}
		*addedp = (uint32_t)added;
		err = added > FDTX_MAX_TOTALSIZE ? -FDT_ERR_NOSPACE : 0;
	}
	free(tails.hash);
	free(tails.next);
	free(tails.head);
	return err;
}
