/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_BYTES_H
#define FDTX_BYTES_H
/*
 * Many bytes looked at at once
 */
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#define FDTX_EQUAL_IS_CHEAP
#endif

/* What fdtx_equal() reads */
#define FDTX_EQUAL 32

/* Eight bytes as a number whose lowest byte comes first */
static inline uint64_t fdtx_load_le(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* One bit for each of FDTX_EQUAL bytes that is @byte, in their order */
static inline uint32_t fdtx_equal(const char *p, char byte)
{
#ifdef FDTX_EQUAL_IS_CHEAP
	const __m128i *at = (const __m128i *)(const void *)p;
	const __m128i bytes = _mm_set1_epi8(byte);
	uint32_t low = (uint32_t)_mm_movemask_epi8(
		_mm_cmpeq_epi8(_mm_loadu_si128(at), bytes));
	uint32_t high = (uint32_t)_mm_movemask_epi8(
		_mm_cmpeq_epi8(_mm_loadu_si128(at + 1), bytes));

	return low | high << 16;
#else
	const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
	const uint64_t bytes = UINT64_C(0x0101010101010101) *
			       (unsigned char)byte;
	uint32_t equal = 0, i;

	for (i = 0; i < FDTX_EQUAL; i += 8) {
		uint64_t word = fdtx_load_le(p + i) ^ bytes;

		word = ~(((word & low) + low) | word | low);
		/* Bits 7, 15, ... meet in the highest byte */
		word = (word >> 7) * UINT64_C(0x0102040810204080) >> 56;
		equal |= (uint32_t)word << i;
	}
	return equal;
#endif
}

#endif /* FDTX_BYTES_H */
