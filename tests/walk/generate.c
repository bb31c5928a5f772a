// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
#include <string.h>

#include <libfdt.h>

#include "blob/check.h"
#include "generate.h"

struct random {
	uint64_t state;
};

/* SplitMix64 (Steele, Lea, Flood 2014): any state is a good one */
static uint64_t next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 to @n - 1 */
static uint32_t below(struct random *r, uint32_t n)
{
	return (uint32_t)((next(r) >> 32) * n >> 32);
}

static int one_in(struct random *r, uint32_t n)
{
	return !below(r, n);
}

/* One block or the whole blob while it is written */
struct bytes {
	unsigned char *p;
	uint32_t len;
	uint32_t room;
};

static void put(struct bytes *b, const void *p, uint32_t len)
{
	if (len > b->room - b->len)
		len = b->room - b->len;
	memcpy(b->p + b->len, p, len);
	b->len += len;
}

static void put_byte(struct bytes *b, int value)
{
	unsigned char byte = (unsigned char)value;

	put(b, &byte, 1);
}

static void put_word(struct bytes *b, uint32_t value)
{
	fdt32_t be = cpu_to_fdt32(value);

	put(b, &be, sizeof(be));
}

static int full(const struct bytes *b)
{
	return b->room - b->len < 256;
}

/* Zeros up to a multiple of 4; now and then something else */
static void pad(struct bytes *b, struct random *r)
{
	int dirty = one_in(r, 16);

	while (b->len % FDT_TAGSIZE && b->len < b->room)
		put_byte(b, dirty ? (int)below(r, 256) : 0);
}

/* Where names are that properties can use */
struct names {
	uint32_t off[8];
	uint32_t n;
	uint32_t size;
};

static void make_strings(struct bytes *b, struct random *r,
			 struct names *names)
{
	uint32_t n = below(r, 6), i, k;

	names->n = 0;
	for (i = 0; i < n; i++) {
		uint32_t len = 1 + below(r, one_in(r, 8) ? 40 : 12);

		/* The tail of a name is one, too */
		names->off[names->n++] = b->len + (one_in(r, 4) ?
						   below(r, len) : 0);
		for (k = 0; k < len; k++)
			put_byte(b, 'a' + (int)below(r, 26));
		put_byte(b, 0);
	}
	names->size = b->len;
}

static void put_nops(struct bytes *b, struct random *r)
{
	uint32_t n = one_in(r, 8) ? 1 + below(r, 20) : 1;

	while (n--)
		put_word(b, FDT_NOP);
}

static void put_name(struct bytes *b, struct random *r)
{
	/* Around what is looked at in one piece: 8 and 32 bytes */
	static const uint32_t lengths[] = { 7, 8, 9, 27, 28, 31, 32, 33, 64 };
	uint32_t len = one_in(r, 4) ? lengths[below(r, 9)] : 1 + below(r, 12);

	if (one_in(r, 12)) {
		static const char *const chosen[] = {
			"chosen", "chosen@0", "chosena", "chose",
		};
		const char *name = chosen[below(r, 4)];

		put(b, name, (uint32_t)strlen(name));
	} else {
		while (len--)
			put_byte(b, 'a' + (int)below(r, 26));
	}
	put_byte(b, 0);
	pad(b, r);
}

static void put_prop(struct bytes *b, struct random *r,
		     const struct names *names)
{
	uint32_t len = 4, i;

	if (!names->n)
		return;
	if (one_in(r, 2))
		len = below(r, one_in(r, 8) ? 200 : 13);
	put_word(b, FDT_PROP);
	put_word(b, len);
	put_word(b, names->off[below(r, names->n)]);
	for (i = 0; i < len; i++)
		put_byte(b, (int)below(r, 256));
	pad(b, r);
}

static void put_props(struct bytes *b, struct random *r,
		      const struct names *names)
{
	uint32_t n = below(r, one_in(r, 6) ? 9 : 3);

	while (n--) {
		put_prop(b, r, names);
		if (one_in(r, 10))
			put_nops(b, r);
	}
}

/* One node after the other, up and down to a depth; a run of ends now and then */
static void make_tree(struct bytes *b, struct random *r,
		      const struct names *names)
{
	uint32_t deepest = 1 + below(r, one_in(r, 4) ? 60 : 5);
	uint32_t left = below(r, one_in(r, 4) ? 60 : 10), depth = 1;

	/* Around the limit; a level takes 12 bytes */
	if (one_in(r, 1024)) {
		deepest = FDTX_MAX_DEPTH - 2 + below(r, 4);
		left = deepest;
	}
	if (one_in(r, 10))
		put_nops(b, r);
	put_word(b, FDT_BEGIN_NODE);
	put_word(b, 0);
	put_props(b, r, names);
	while (depth) {
		if (left && depth < deepest && !full(b) &&
		    (deepest > 64 || !one_in(r, 3))) {
			put_word(b, FDT_BEGIN_NODE);
			if (deepest > 64)
				put_word(b, UINT32_C(0x61000000));
			else
				put_name(b, r);
			depth++;
			left--;
			if (deepest <= 64)
				put_props(b, r, names);
		} else if (depth > 1 || !left || full(b) || one_in(r, 8)) {
			put_word(b, FDT_END_NODE);
			depth--;
		}
		if (one_in(r, 16))
			put_nops(b, r);
	}
	if (one_in(r, 10))
		put_nops(b, r);
	put_word(b, FDT_END);
}

/* Words that mean something wherever they stand */
static uint32_t telling_word(struct random *r)
{
	static const uint32_t words[] = {
		FDT_BEGIN_NODE, FDT_END_NODE, FDT_END_NODE, FDT_PROP, FDT_NOP,
		FDT_END, 0, 1, 4, 5, 8, 16, UINT32_C(0x61000000),
		UINT32_C(0x2f610000), UINT32_C(0x7fffffff), UINT32_MAX,
		UINT32_MAX - 3, UINT32_C(0xe0000000), FDTX_MAX_TOTALSIZE,
	};

	if (one_in(r, 12))
		return (uint32_t)next(r);
	if (one_in(r, 6))
		return below(r, 64);
	return words[below(r, sizeof(words) / sizeof(words[0]))];
}

/* What lies between the blocks, and behind them */
static void put_gap(struct bytes *b, struct random *r, uint32_t align)
{
	if (one_in(r, 3)) {
		uint32_t n = below(r, 8);

		while (n--)
			put_word(b, telling_word(r));
		n = below(r, 4);
		while (n--)
			put_byte(b, (int)below(r, 256));
	}
	/* One in many stands where it must not */
	if (one_in(r, 100))
		return;
	while (b->len % align && b->len < b->room)
		put_byte(b, one_in(r, 4) ? (int)below(r, 256) : 0);
}

static void make_rsv(struct bytes *b, struct random *r)
{
	uint32_t n = one_in(r, 3) ? below(r, 4) : 0;

	for (; n; n--) {
		put_word(b, 0);
		put_word(b, below(r, 16));
		put_word(b, 0);
		put_word(b, 1 + below(r, 16));
	}
	put_word(b, 0);
	put_word(b, one_in(r, 16) ? 7 : 0);
	put_word(b, 0);
	put_word(b, 0);
}

struct header {
	uint32_t word[10];
};

enum {
	MAGIC, TOTALSIZE, OFF_STRUCT, OFF_STRINGS, OFF_RSV, VERSION, LAST_COMP,
	BOOT_CPU, SIZE_STRINGS, SIZE_STRUCT,
};

static void put_at(struct bytes *b, uint32_t at, uint32_t value)
{
	fdt32_t be = cpu_to_fdt32(value);

	if (b->len >= sizeof(be) && at <= b->len - sizeof(be))
		memcpy(b->p + at, &be, sizeof(be));
}

static uint32_t get_at(const struct bytes *b, uint32_t at)
{
	fdt32_t be;

	memcpy(&be, b->p + at, sizeof(be));
	return fdt32_to_cpu(be);
}

/* The tag of one of the properties, found as a reader would; 0 if there is none */
static uint32_t some_prop(const struct bytes *b, struct random *r,
			  const struct header *h)
{
	uint64_t pos = h->word[OFF_STRUCT], end = pos + h->word[SIZE_STRUCT];
	uint32_t found = 0, seen = 0;

	if (pos % FDT_TAGSIZE)
		return 0;
	if (end > b->len)
		end = b->len;
	while (pos + 12 <= end) {
		uint32_t at = (uint32_t)pos, tag = get_at(b, at);

		if (tag == FDT_PROP) {
			/* Each is as probable, the last ones twice */
			if (one_in(r, ++seen) || one_in(r, 4))
				found = at;
			pos += 12 + ((get_at(b, at + 4) + UINT64_C(3)) &
				     ~UINT64_C(3));
		} else if (tag == FDT_BEGIN_NODE) {
			for (pos += 4; pos < end && b->p[pos]; pos++)
				;
			pos = (pos + 4) & ~UINT64_C(3);
		} else {
			pos += 4;
		}
	}
	return found;
}

/* A value that ends about where the block does */
static void stretch_prop(struct bytes *b, struct random *r,
			 const struct header *h)
{
	uint32_t pos = some_prop(b, r, h);
	uint32_t end = h->word[VERSION] >= 17 ?
		       h->word[OFF_STRUCT] + h->word[SIZE_STRUCT] : b->len;

	if (pos && end >= pos + 12)
		put_at(b, pos + 4, end - pos - 12 + below(r, 24) - 16);
}

/* The block shall end elsewhere: by the header's word, or by the blob's end */
static void move_end(struct bytes *b, struct random *r, struct header *h)
{
	uint32_t size = h->word[SIZE_STRUCT], by;

	switch (below(r, 3)) {
	case 0:	/* anywhere */
		by = below(r, size + 8);
		break;
	case 1:	/* in the last words */
		by = below(r, 24);
		by = by < size ? size - by : 0;
		break;
	default: /* behind */
		by = size + below(r, 24);
		break;
	}
	h->word[SIZE_STRUCT] = by;
	if (h->word[VERSION] < 17 && h->word[OFF_STRUCT] + by <= b->len) {
		b->len = h->word[OFF_STRUCT] + by;
		h->word[TOTALSIZE] = b->len;
	}
}

/* One thing that is, or may be, wrong */
static void spoil(struct bytes *b, struct random *r, struct header *h)
{
	uint32_t words = h->word[SIZE_STRUCT] / 4, pos;

	switch (below(r, 16)) {
	case 0:
	case 1:
	case 2:
		move_end(b, r, h);
		break;
	case 3:
	case 4:
	case 5: /* a word of the structure block */
		if (words)
			put_at(b, h->word[OFF_STRUCT] + 4 * below(r, words),
			       telling_word(r));
		break;
	case 6: /* a run of one tag */
		pos = h->word[OFF_STRUCT] + 4 * below(r, words + 1);
		for (words = below(r, 40); words; words--, pos += 4)
			put_at(b, pos, one_in(r, 40) ? FDT_NOP : FDT_END_NODE);
		break;
	case 7:
		stretch_prop(b, r, h);
		break;
	case 8:
		pos = some_prop(b, r, h);
		if (pos)
			put_at(b, pos + 4 + 4 * below(r, 2), telling_word(r));
		break;
	case 9: /* a byte of whatever comes */
		if (b->len > FDT_V17_SIZE)
			b->p[FDT_V17_SIZE + below(r, b->len - FDT_V17_SIZE)] =
				(unsigned char)(one_in(r, 2) ? '/' :
						below(r, 256));
		break;
	case 10: /* no NUL behind the last string */
		pos = h->word[OFF_STRINGS] + h->word[SIZE_STRINGS];
		if (pos && pos <= b->len && h->word[SIZE_STRINGS])
			b->p[pos - 1] = 'x';
		break;
	case 11:
		h->word[SIZE_STRINGS] -= below(r, 4) - 1;
		break;
	case 12: /* cut */
		h->word[TOTALSIZE] = below(r, b->len + 2);
		break;
	case 13:
		h->word[OFF_STRUCT + below(r, 3)] += 4 * (below(r, 9) - 4);
		break;
	case 14:
		h->word[one_in(r, 2) ? VERSION : LAST_COMP] = 14 + below(r, 6);
		break;
	default:
		h->word[below(r, 10)] = one_in(r, 2) ? telling_word(r) :
					below(r, b->len + 8);
		break;
	}
}

static void put_header(struct bytes *b, const struct header *h, uint32_t hdrsize)
{
	uint32_t i;

	for (i = 0; i < hdrsize / 4; i++)
		put_at(b, 4 * i, h->word[i]);
}

size_t generate(uint64_t seed, uint64_t number, unsigned char *buf,
		unsigned int *skew)
{
	/* Permutations of structure, strings and reservations */
	static const char orders[6][4] = {
		"012", "021", "102", "120", "201", "210",
	};
	static unsigned char tree_room[LONGEST / 2], strings_room[1024],
		rsv_room[256];
	static const uint32_t align[] = { 4, 1, 8 };
	struct bytes block[3] = {
		{ tree_room, 0, sizeof(tree_room) },
		{ strings_room, 0, sizeof(strings_room) },
		{ rsv_room, 0, sizeof(rsv_room) },
	};
	struct bytes b = { buf, 0, LONGEST };
	struct random r = { seed };
	struct names names;
	struct header h = { { FDT_MAGIC } };
	uint32_t hdrsize, i, wrongs;
	const char *order;

	r.state = next(&r) ^ number * UINT64_C(0xd1342543de82ef95);
	make_strings(&block[1], &r, &names);
	make_tree(&block[0], &r, &names);
	make_rsv(&block[2], &r);

	h.word[VERSION] = one_in(&r, 3) ? 16 : one_in(&r, 50) ? 18 : 17;
	h.word[LAST_COMP] = one_in(&r, 20) ? 17 : 16;
	if (h.word[LAST_COMP] > h.word[VERSION])
		h.word[LAST_COMP] = 16;
	h.word[BOOT_CPU] = below(&r, 3);
	hdrsize = h.word[VERSION] >= 17 ? FDT_V17_SIZE : FDT_V16_SIZE;
	memset(buf, 0, FDT_V17_SIZE);
	b.len = hdrsize;

	/* The usual order is as frequent as all others; the structure block of
	 * version 16 ends with the blob, wherever it begins */
	order = one_in(&r, 2) ? "201" : orders[below(&r, 6)];
	for (i = 0; i < 3; i++) {
		uint32_t which = (uint32_t)(order[i] - '0');
		static const int at[] = { OFF_STRUCT, OFF_STRINGS, OFF_RSV };

		put_gap(&b, &r, align[which]);
		h.word[at[which]] = b.len;
		put(&b, block[which].p, block[which].len);
	}
	h.word[SIZE_STRUCT] = block[0].len;
	h.word[SIZE_STRINGS] = block[1].len;
	/* Odd ends of the blob; and of the block, with what follows as a part */
	put_gap(&b, &r, 1);
	h.word[TOTALSIZE] = b.len;
	if (one_in(&r, 4) && h.word[OFF_STRUCT] + block[0].len + 3 <= b.len)
		h.word[SIZE_STRUCT] += below(&r, 4);
	if (one_in(&r, 16))
		put_gap(&b, &r, 1);

	wrongs = one_in(&r, 3) ? 0 : 1 + (one_in(&r, 3) ? below(&r, 3) : 0);
	while (wrongs--)
		spoil(&b, &r, &h);
	put_header(&b, &h, hdrsize);
	/* The last cut is one that the header knows nothing of */
	if (one_in(&r, 20))
		b.len = one_in(&r, 4) ? below(&r, FDT_V17_SIZE + 8) % (b.len + 1)
				      : below(&r, b.len + 1);
	*skew = one_in(&r, 500) ? 4 : 0;
	return b.len;
}
