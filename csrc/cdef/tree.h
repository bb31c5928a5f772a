/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

struct fdtx_node {
	int32_t offset;
	int32_t depth;
};

struct fdtx_prop {
	uint32_t name;
	uint32_t value;
	uint32_t len;
};

int fdtx_find_node(const void *fdt, const char *path, int pathlen,
		   int *exactp);
int fdtx_path_offset(const void *fdt, const char *path, int pathlen);
int fdtx_find_subnode(const void *fdt, int parentoffset, const char *name,
		      int namelen, int *loosep);
int fdtx_nodes(const void *fdt, int nodeoffset, int maxdepth,
	       struct fdtx_node *nodes, int max);
int fdtx_props(const void *fdt, int nodeoffset, struct fdtx_prop *props,
	       int max);
int fdtx_mem_rsvs(const void *fdt, struct fdt_reg *regs, int max);
int fdtx_del_mem_rsvs(void *fdt, const uint8_t *gone, int n);
int fdtx_getprop_regs(const void *fdt, int parent, int nodeoffset,
		      const char *name, struct fdt_reg *regs, int max);
int fdtx_delprop(void *fdt, int nodeoffset, const char *name);
int fdtx_add_subnode(void *fdt, int parentoffset, const char *name,
		     int namelen, int is_new, int last);
int fdtx_set_name(void *fdt, int nodeoffset, int parentoffset,
		  const char *name);
