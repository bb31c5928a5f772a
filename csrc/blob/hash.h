/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_HASH_H
#define FDTX_HASH_H
/*
 * Hash tables of items that the caller keeps in arrays: a table holds the
 * first item of each chain, an item the next one. Keys are a name and what it
 * belongs to; a secret seed keeps hostile names from meeting in one chain.
 */
#include <stdint.h>
#include <string.h>

/* No item */
#define FDTX_NONE UINT32_MAX

/**
 * struct fdtx_hash - the heads of the chains
 * @head: 2^@bits items, FDTX_NONE where a chain is empty
 */
struct fdtx_hash {
	uint32_t *head;
	unsigned int bits;
	uint64_t seed;
};

/* The chain of a name of @len bytes that belongs to @owner */
static inline uint32_t *fdtx_chain(const struct fdtx_hash *hash,
				   uint32_t owner, const char *name,
				   uint32_t len)
{
	uint64_t h = hash->seed ^ (((uint64_t)len << 32) | owner), word;

	for (;;) {
		h *= UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29 ^ hash->seed;
		if (!len)
			break;
		word = 0;
		memcpy(&word, name, len < 8 ? len : 8);
		h ^= word;
		name += len < 8 ? len : 8;
		len -= len < 8 ? len : 8;
	}
	h *= UINT64_C(0xd6e8feb86659fd93);
	return &hash->head[h >> (64 - hash->bits)];
}

#endif /* FDTX_HASH_H */
