// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * The second kernel's tree: the engine gives the bytes of libfdt's way or
 * leaves it to that, which never lacks the room it asked for.
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "edit/edit.h"
#include "kexec/second_kernel.h"
#include "kexec/second_kernel_plan.h"
#include "fuzz.h"

#define MAX_USABLE 5
#define MAX_LINE 256

struct given {
	struct fdtx_second_kernel job;
	struct fdt_reg usable[MAX_USABLE];
	char line[MAX_LINE];
	char seed[64];
};

static struct fdt_reg in_reg(struct input *in)
{
	struct fdt_reg reg = { in_number(in), 0 };

	reg.size = in_number(in);
	return reg;
}

static void make_job(struct input *in, struct given *given)
{
	struct fdtx_second_kernel *job = &given->job;
	uint8_t how = in_byte(in), what = in_byte(in);
	const uint8_t *p;
	size_t len;
	int i;

	memset(given, 0, sizeof(*given));
	job->words = how % 8;
	job->root_cells_2_2 = how >> 3 & 1;
	job->keep_cmdline = how >> 4 & 1;
	job->has_kaslr_seed = how >> 5 & 1;
	if (how & 0x40) {
		strcpy(given->line, string(in_byte(in)));
	} else {
		p = in_bytes(in, in_byte(in), &len);
		memcpy(given->line, p, len);
	}
	job->cmdline = given->line;
	job->cmdline_len = (int)strlen(given->line);
	if (what & 1)
		job->initrd = in_reg(in);
	if (what & 2)
		job->old_dtb = in_reg(in);
	if (what & 4)
		job->elfcorehdr = in_reg(in);
	job->usable = given->usable;
	job->usable_len = what >> 3 & 7;
	if (job->usable_len > MAX_USABLE)
		job->usable_len = MAX_USABLE;
	for (i = 0; i < job->usable_len; i++)
		given->usable[i] = in_reg(in);
	job->kaslr_seed = what;
	if (what & 0x40) {
		p = in_bytes(in, in_byte(in) % sizeof(given->seed), &len);
		memcpy(given->seed, p, len);
		job->rng_seed = given->seed;
		job->rng_seed_len = (int)len;
	}
}

static void check_result(const char *buf, size_t len)
{
	void *tree = copy_of(buf, len);
	struct fdtx_fault fault;

	if (fdtx_check(tree, len, &fault))
		broken("the second kernel's tree: %s at %u", fault.cause,
		       fault.offset);
	if (fdt_totalsize(tree) != len ||
	    fdtx_canonicalise(tree, 1) != (int)len || memcmp(tree, buf, len))
		broken("the second kernel's tree is not canonical");
	free(tree);
}

static void compare(const void *fdt, size_t size,
		    const struct fdtx_second_kernel *job)
{
	struct fdtx_second_kernel_plan *plan = fresh(sizeof(*plan));
	struct fdtx_second_kernel_fault fault;
	int room = fdtx_second_kernel_size(fdt, size, job), len, planned;
	char *slow, *fast;

	must(room, "fdtx_second_kernel_size");
	slow = fresh((size_t)room);
	len = fdtx_second_kernel(fdt, size, job, slow, room, &fault);
	if (len == -FDT_ERR_NOSPACE)
		broken("%d bytes are not enough", room);
	if (len >= 0)
		check_result(slow, (size_t)len);
	planned = fdtx_second_kernel_plan(fdt, size, job, plan);
	if (planned && planned != len)
		broken("the engine plans %d bytes, not %d", planned, len);
	if (planned) {
		if (plan->size != len ||
		    plan->bootargs_len != fault.bootargs_len)
			broken("the engine plans another tree");
		fast = fresh((size_t)len);
		fdtx_second_kernel_emit(plan, fast);
		if (memcmp(fast, slow, (size_t)len))
			broken("the engine gives other bytes");
		free(fast);
	}
	free(slow);
	free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct given *given = fresh(sizeof(*given));
	void *fdt;

	make_job(&in, given);
	fdt = in_blob(&in, &size);
	compare(fdt, size, &given->job);
	free(fdt);
	free(given);
	return 0;
}
