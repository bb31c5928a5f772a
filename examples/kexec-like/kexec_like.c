// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * A kexec-like program: it tells a crash kernel, in a copy of a device tree,
 * where the ELF core header is and which memory it may use.
 *
 *	kexec_like IN.dtb OUT.dtb ELFCOREHDR,SIZE USABLE,SIZE [USABLE,SIZE]
 *
 * Programs of this kind have a fill_property() of their own, that puts a
 * number into so many cells. Here fdt_reg.c does that, and says beforehand
 * how much room the properties need.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "fdt_reg.h"

#define ELFCOREHDR	"linux,elfcorehdr"
#define USABLE		"linux,usable-memory-range"
#define MAX_USABLE	2
/* What the kernel accepts, arch/arm64/include/asm/boot.h */
#define MAX_TREE	(2 << 20)

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "kexec_like: %s: %s\n", what, why);
	exit(1);
}

static void check(const char *what, int err)
{
	if (err < 0)
		fail(what, err == -FDT_ERR_BADVALUE ?
		     "does not fit the root's #address-cells and #size-cells" :
		     fdt_strerror(err));
}

static void parse(const char *text, struct fdt_reg *reg)
{
	char *end;

	errno = 0;
	reg->address = strtoull(text, &end, 0);
	if (*end != ',')
		fail(text, "is not ADDRESS,SIZE");
	reg->size = strtoull(end + 1, &end, 0);
	if (*end || errno)
		fail(text, "is not ADDRESS,SIZE");
}

static void *read_tree(const char *path, int *sizep)
{
	FILE *f = fopen(path, "rb");
	void *tree = malloc(MAX_TREE);
	size_t size;

	if (!f || !tree)
		fail(path, strerror(errno));
	size = fread(tree, 1, MAX_TREE, f);
	if (ferror(f) || !feof(f))
		fail(path, "cannot be read, or is larger than 2 MiB");
	fclose(f);
	check(path, fdt_check_full(tree, size));
	*sizep = (int)fdt_totalsize(tree);
	return tree;
}

static void write_tree(const char *path, const void *tree)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(tree, fdt_totalsize(tree), 1, f) != 1 || fclose(f))
		fail(path, strerror(errno));
}

int main(int argc, char *argv[])
{
	struct fdt_reg elfcorehdr, usable[MAX_USABLE];
	int n = argc - 4, size, chosen, i;
	void *in, *tree;

	if (n < 1 || n > MAX_USABLE)
		fail("usage", "kexec_like IN.dtb OUT.dtb ELFCOREHDR,SIZE "
		     "USABLE,SIZE [USABLE,SIZE]");
	parse(argv[3], &elfcorehdr);
	for (i = 0; i < n; i++)
		parse(argv[4 + i], &usable[i]);
	in = read_tree(argv[1], &size);

	/* Exactly the room that is needed, and that for "chosen" */
	size += 16 + 4;
	size = fdt_prop_len(size, ELFCOREHDR, fdt_reg_len(in, 0, 1));
	size = fdt_prop_len(size, USABLE, fdt_reg_len(in, 0, n));
	check(argv[1], size);

	tree = malloc((size_t)size);
	if (!tree)
		fail(argv[1], strerror(errno));
	check(argv[1], fdt_open_into(in, tree, size));
	chosen = fdt_path_offset(tree, "/chosen");
	if (chosen == -FDT_ERR_NOTFOUND)
		chosen = fdt_add_subnode(tree, 0, "chosen");
	check("/chosen", chosen);
	check(ELFCOREHDR,
	      fdt_setprop_reg_array(tree, 0, chosen, ELFCOREHDR, &elfcorehdr,
				    1));
	check(USABLE,
	      fdt_setprop_reg_array(tree, 0, chosen, USABLE, usable, n));
	check(argv[1], fdt_pack(tree));
	write_tree(argv[2], tree);
	free(tree);
	free(in);
	return 0;
}
