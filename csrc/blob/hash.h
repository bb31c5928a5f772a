/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_HASH_H
#define FDTX_HASH_H
/*
 * Hash tables of items that the caller keeps in arrays: a table holds the
 * first item of each chain, an item the next one. Keys are a name and what it
 * belongs to. An enemy chooses the names, and must not find ones that meet in
 * one chain: the hash is SipHash-1-3 with a secret key.
 */
#include <stdint.h>
#include <string.h>

#include "blob/bytes.h"

/* No item */
#define FDTX_NONE UINT32_MAX

/**
 * struct fdtx_key - key of the hashes
 * @k: random bits that whoever made the input cannot know
 */
struct fdtx_key {
	uint64_t k[2];
};

/**
 * struct fdtx_hash - the heads of the chains
 * @head: 2^@bits items, FDTX_NONE where a chain is empty; @bits is not 0
 */
struct fdtx_hash {
	uint32_t *head;
	unsigned int bits;
	struct fdtx_key key;
};

static inline uint64_t fdtx_rotate(uint64_t word, int by)
{
	return word << by | word >> (64 - by);
}

static inline void fdtx_sip_rounds(uint64_t v[4], int n)
{
	for (; n; n--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = fdtx_rotate(v[1], 13) ^ v[0];
		v[3] = fdtx_rotate(v[3], 16) ^ v[2];
		v[0] = fdtx_rotate(v[0], 32) + v[3];
		v[2] += v[1];
		v[3] = fdtx_rotate(v[3], 21) ^ v[0];
		v[1] = fdtx_rotate(v[1], 17) ^ v[2];
		v[2] = fdtx_rotate(v[2], 32);
	}
}

static inline void fdtx_sip_word(uint64_t v[4], uint64_t word, int rounds)
{
	v[3] ^= word;
	fdtx_sip_rounds(v, rounds);
	v[0] ^= word;
}

/*
 * SipHash-@c-@d of the eight bytes of @first, the lowest one first, and of @len
 * bytes at @s. J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input
 * PRF" (2012).
 */
static inline uint64_t fdtx_siphash(const struct fdtx_key *key, uint64_t first,
				    const char *s, uint32_t len, int c, int d)
{
	uint64_t v[4] = {
		key->k[0] ^ UINT64_C(0x736f6d6570736575),
		key->k[1] ^ UINT64_C(0x646f72616e646f6d),
		key->k[0] ^ UINT64_C(0x6c7967656e657261),
		key->k[1] ^ UINT64_C(0x7465646279746573),
	};
	const uint64_t total = sizeof(first) + (uint64_t)len;
	char rest[8] = { 0 };

	fdtx_sip_word(v, first, c);
	for (; len >= 8; s += 8, len -= 8)
		fdtx_sip_word(v, fdtx_load_le(s), c);
	memcpy(rest, s, len);
	fdtx_sip_word(v, fdtx_load_le(rest) | total << 56, c);
	v[2] ^= 0xff;
	fdtx_sip_rounds(v, d);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The chain of a name of @len bytes that belongs to @owner */
static inline uint32_t *fdtx_chain(const struct fdtx_hash *hash,
				   uint32_t owner, const char *name,
				   uint32_t len)
{
	uint64_t h = fdtx_siphash(&hash->key, owner, name, len, 1, 3);

	return &hash->head[h >> (64 - hash->bits)];
}

#endif /* FDTX_HASH_H */
