// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Counts the bytes that are allocated, and the most there ever were at once.
 * Preloaded (LD_PRELOAD) into a process of its own; glibc only.
 */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

size_t alloc_peak_start(void);
size_t alloc_peak(void);

static atomic_size_t now, most;

static void add(size_t bytes)
{
	size_t sum = atomic_fetch_add(&now, bytes) + bytes;
	size_t seen = atomic_load(&most);

	while (sum > seen && !atomic_compare_exchange_weak(&most, &seen, sum))
		;
}

static void *counted(void *p)
{
	if (p)
		add(malloc_usable_size(p));
	return p;
}

static void uncounted(void *p)
{
	if (p)
		atomic_fetch_sub(&now, malloc_usable_size(p));
}

/* Forget the peak; returns the bytes allocated now */
size_t alloc_peak_start(void)
{
	size_t sum = atomic_load(&now);

	atomic_store(&most, sum);
	return sum;
}

/* The most bytes allocated at once since alloc_peak_start() */
size_t alloc_peak(void)
{
	return atomic_load(&most);
}

void *malloc(size_t size)
{
	return counted(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
	return counted(__libc_calloc(n, size));
}

void *realloc(void *p, size_t size)
{
	size_t old = p ? malloc_usable_size(p) : 0;
	void *q = __libc_realloc(p, size);

	if (!q && size)
		return NULL;
	/* Unless it stays in place, both exist for a moment */
	if (q == p)
		atomic_fetch_sub(&now, old);
	counted(q);
	if (q != p)
		atomic_fetch_sub(&now, old);
	return q;
}

void *memalign(size_t alignment, size_t size)
{
	return counted(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
	*p = memalign(alignment, size);
	return *p ? 0 : ENOMEM;
}

void free(void *p)
{
	uncounted(p);
	__libc_free(p);
}
