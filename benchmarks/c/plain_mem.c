// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * What the C library has a version of for every CPU, in plain loops of eight
 * bytes or of one: the same count everywhere. For counting, not for use.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *p, int c, size_t n);
void *memrchr(const void *p, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);

typedef uint64_t __attribute__((may_alias, aligned(1))) word;

void *memcpy(void *dst, const void *src, size_t n)
{
	char *d = dst;
	const char *s = src;

	for (; n >= 8; n -= 8, d += 8, s += 8)
		*(word *)d = *(const word *)s;
	while (n--)
		*d++ = *s++;
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	char *d = dst;
	const char *s = src;

	if (d <= s || d >= s + n)
		return memcpy(dst, src, n);
	for (; n >= 8; n -= 8)
		*(word *)(d + n - 8) = *(const word *)(s + n - 8);
	while (n--)
		d[n] = s[n];
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	char *d = dst;
	uint64_t all = UINT64_C(0x0101010101010101) * (unsigned char)c;

	for (; n >= 8; n -= 8, d += 8)
		*(word *)d = all;
	while (n--)
		*d++ = (char)c;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;

	for (; n >= 8 && *(const word *)p == *(const word *)q; n -= 8) {
		p += 8;
		q += 8;
	}
	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

#define ONES	UINT64_C(0x0101010101010101)

/* Not 0 if a byte of it is 0 */
static uint64_t has_zero(uint64_t w)
{
	return (w - ONES) & ~w & (ONES << 7);
}

void *memchr(const void *p, int c, size_t n)
{
	const unsigned char *s = p;
	uint64_t all = ONES * (unsigned char)c;

	for (; n >= 8 && !has_zero(*(const word *)s ^ all); n -= 8)
		s += 8;
	for (; n; n--, s++)
		if (*s == (unsigned char)c)
			return (void *)(uintptr_t)s;
	return NULL;
}

void *memrchr(const void *p, int c, size_t n)
{
	const unsigned char *s = p;

	while (n--)
		if (s[n] == (unsigned char)c)
			return (void *)(uintptr_t)(s + n);
	return NULL;
}

size_t strnlen(const char *s, size_t n)
{
	const char *end = memchr(s, 0, n);

	return end ? (size_t)(end - s) : n;
}

size_t strlen(const char *s)
{
	const char *p = s;

	/* Words that are aligned do not reach into another page */
	for (; (uintptr_t)p % 8; p++)
		if (!*p)
			return (size_t)(p - s);
	while (!has_zero(*(const word *)p))
		p += 8;
	while (*p)
		p++;
	return (size_t)(p - s);
}
