// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Places of property names in a strings block, few and many at once, against
 * one search at every byte for each.
 */
#include <stdlib.h>
#include <string.h>

#include "blob/names.h"
#include "fuzz.h"

#define MAX_NAMES 80
#define MAX_BLOCK 4096

struct list {
	struct fdtx_name name[MAX_NAMES];
	uint32_t n;
	char *block;			/* @size bytes, exactly */
	uint32_t size;
};

/* Few letters, so that names are tails and parts of each other */
static char letter(uint8_t byte)
{
	return byte < 0xc0 ? "abc"[byte % 3] : (char)(byte | 1);
}

static char *in_name(struct input *in, uint32_t *lenp)
{
	uint8_t how = in_byte(in);
	const uint8_t *p;
	size_t len, i;
	char *name;

	if (how >= 0xc0) {
		*lenp = (uint32_t)strlen(prop_name(how));
		return copy_of(prop_name(how), *lenp + 1);
	}
	p = in_bytes(in, how % 48 ? how % 48 : 1, &len);
	name = fresh(len + 2);
	for (i = 0; i < len; i++)
		name[i] = letter(p[i]);
	if (!i)
		name[i++] = 'a';
	name[i] = '\0';
	*lenp = (uint32_t)i;
	return name;
}

static int known(const struct list *list, const char *name)
{
	uint32_t i;

	for (i = 0; i < list->n; i++)
		if (!strcmp(list->name[i].s, name))
			return 1;
	return 0;
}

static void make_list(struct input *in, struct list *list)
{
	uint32_t max = in_byte(in) % MAX_NAMES;
	size_t size, i;
	const uint8_t *p;
	char *name;
	uint32_t len;

	list->n = 0;
	while (list->n < max && in->left) {
		name = in_name(in, &len);
		if (known(list, name)) {
			free(name);
			break;
		}
		list->name[list->n].s = name;
		list->name[list->n++].len = len;
	}
	p = in_bytes(in, MAX_BLOCK, &size);
	list->block = fresh(size);
	list->size = (uint32_t)size;
	for (i = 0; i < size; i++)
		list->block[i] = p[i] & 7 ? letter(p[i]) : '\0';
	if (size)
		list->block[size - 1] = '\0';
}

/* One by one; returns how many bytes are appended */
static uint32_t naive(const struct list *list, uint32_t n, uint32_t *off)
{
	uint32_t size = list->size, i;
	char *block = fresh(MAX_BLOCK + MAX_NAMES * 50);

	memcpy(block, list->block, size);
	for (i = 0; i < n; i++) {
		const struct fdtx_name *name = &list->name[i];
		uint32_t pos;

		for (pos = 0; pos + name->len < size; pos++)
			if (!memcmp(block + pos, name->s, name->len + 1))
				break;
		if (pos + name->len >= size) {
			pos = size;
			memcpy(block + pos, name->s, name->len + 1);
			size += name->len + 1;
		}
		off[i] = pos;
	}
	free(block);
	return size - list->size;
}

static void judge(const struct list *list, uint32_t n, const uint32_t *off,
		  uint32_t added, uint32_t want, const char *who)
{
	uint32_t i;

	if (added != want)
		broken("%s appends %u bytes, not %u", who, added, want);
	for (i = 0; i < n; i++)
		if (list->name[i].off != off[i])
			broken("%s: name %u of %u is at %u, not at %u", who, i,
			       n, list->name[i].off, off[i]);
}

static void forget(struct list *list)
{
	uint32_t i;

	for (i = 0; i < list->n; i++)
		list->name[i].off = UINT32_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	const uint64_t number = in_number(&in);
	const struct fdtx_key key = { { number, ~number } };
	uint32_t off[MAX_NAMES], few, want, added = 0, i;
	struct list list;

	make_list(&in, &list);
	few = list.n < FDTX_MAX_NAMES ? list.n : FDTX_MAX_NAMES;
	want = naive(&list, few, off);
	forget(&list);
	added = fdtx_find_names(list.block, list.size, list.name, (int)few);
	judge(&list, few, off, added, want, "fdtx_find_names()");

	want = naive(&list, list.n, off);
	forget(&list);
	must(fdtx_find_many_names(list.block, list.size, list.name, list.n,
				  &key, &added), "fdtx_find_many_names");
	judge(&list, list.n, off, added, want, "fdtx_find_many_names()");

	for (i = 0; i < list.n; i++)
		free((void *)(uintptr_t)list.name[i].s);
	free(list.block);
	return 0;
}
