// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 *	no_memory TREE
 *
 * Lists of changes while memory runs out: of the allocations that one takes the
 * first fails, then the second, and so on until none does. Each time the answer is
 * -FDT_ERR_INTERNAL, nothing is left behind (LeakSanitizer), and the input is what it
 * was; the last answer is that of a list with memory enough. Linked with --wrap for
 * the allocator.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "exercise.h"
#include "edit/ops.h"

#define NAMES 200	/* more than are searched one by one */
#define ROOM 16384

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static int armed, left;

static int fails(void)
{
	return armed && !left--;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

static char *many_names(char *to)
{
	char name[24];
	int i;

	for (i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "name-%d", i);
		to = exercise_op(to, FDTX_OP_SET, "/", name, "x", 1);
	}
	return to;
}

static int answer(const struct sample *tree, const char *list, size_t size)
{
	static const struct fdtx_key key = { { 3, 4 } };
	struct fdtx_ops_fault fault;
	struct fdtx_ops_plan *plan;
	int len = fdtx_ops_plan(tree->data, tree->size, list, size, &key, &plan,
				&fault);

	if (len > 0)
		fdtx_ops_free(plan);
	return len;
}

/* How many allocations there were */
static int without_memory(const struct sample *tree, const char *list, size_t size)
{
	int wanted = answer(tree, list, size), n, len;
	void *before = malloc(tree->size);

	if (!before)
		broken("out of memory");
	memcpy(before, tree->data, tree->size);
	for (n = 0;; n++) {
		left = n;
		armed = 1;
		len = answer(tree, list, size);
		armed = 0;
		if (memcmp(before, tree->data, tree->size))
			broken("the input was changed");
		if (left >= 0)
			break;
		if (len != -FDT_ERR_INTERNAL)
			broken("without allocation %d: %d", n, len);
	}
	if (len != wanted)
		broken("%d, not %d", len, wanted);
	free(before);
	return n;
}

int main(int argc, char **argv)
{
	static char list[ROOM];
	struct sample tree;
	int mixed, named;

	if (argc != 2)
		return 2;
	tree = sample_load(argv[1]);
	mixed = without_memory(&tree, list,
			       (size_t)(exercise_op_list(list) - list));
	named = without_memory(&tree, list, (size_t)(many_names(list) - list));
	printf("%d and %d allocations failed\n", mixed, named);
	free(tree.data);
	return 0;
}
