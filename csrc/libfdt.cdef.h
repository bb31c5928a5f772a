/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
/* What Python sees of upstream's libfdt: functions of 1.6.1 and later, so
 * that the same file serves a system libfdt. Values come from the compiler. */

#define FDT_MAGIC ...
#define FDT_FIRST_SUPPORTED_VERSION ...
#define FDT_LAST_SUPPORTED_VERSION ...
#define FDT_MAX_NCELLS ...
#define FDT_BEGIN_NODE ...
#define FDT_END_NODE ...
#define FDT_PROP ...
#define FDT_NOP ...
#define FDT_END ...

#define FDT_ERR_NOTFOUND ...
#define FDT_ERR_EXISTS ...
#define FDT_ERR_NOSPACE ...
#define FDT_ERR_BADOFFSET ...
#define FDT_ERR_BADPATH ...
#define FDT_ERR_BADPHANDLE ...
#define FDT_ERR_BADSTATE ...
#define FDT_ERR_TRUNCATED ...
#define FDT_ERR_BADMAGIC ...
#define FDT_ERR_BADVERSION ...
#define FDT_ERR_BADSTRUCTURE ...
#define FDT_ERR_BADLAYOUT ...
#define FDT_ERR_INTERNAL ...
#define FDT_ERR_BADNCELLS ...
#define FDT_ERR_BADVALUE ...
#define FDT_ERR_BADOVERLAY ...
#define FDT_ERR_NOPHANDLES ...
#define FDT_ERR_BADFLAGS ...
#define FDT_ERR_ALIGNMENT ...
#define FDT_ERR_MAX ...

/* header; these are macros or inline in libfdt.h */
uint32_t fdt_magic(const void *fdt);
uint32_t fdt_totalsize(const void *fdt);
uint32_t fdt_off_dt_struct(const void *fdt);
uint32_t fdt_off_dt_strings(const void *fdt);
uint32_t fdt_off_mem_rsvmap(const void *fdt);
uint32_t fdt_version(const void *fdt);
uint32_t fdt_last_comp_version(const void *fdt);
uint32_t fdt_boot_cpuid_phys(const void *fdt);
uint32_t fdt_size_dt_strings(const void *fdt);
uint32_t fdt_size_dt_struct(const void *fdt);
void fdt_set_boot_cpuid_phys(void *fdt, uint32_t val);

/* traversal and look-up */
int fdt_next_node(const void *fdt, int offset, int *depth);
int fdt_first_subnode(const void *fdt, int offset);
int fdt_next_subnode(const void *fdt, int offset);
int fdt_subnode_offset_namelen(const void *fdt, int parentoffset,
			       const char *name, int namelen);
int fdt_path_offset_namelen(const void *fdt, const char *path, int namelen);
const char *fdt_get_name(const void *fdt, int nodeoffset, int *lenp);
int fdt_first_property_offset(const void *fdt, int nodeoffset);
int fdt_next_property_offset(const void *fdt, int offset);
const void *fdt_getprop_by_offset(const void *fdt, int offset,
				  const char **namep, int *lenp);
const void *fdt_getprop_namelen(const void *fdt, int nodeoffset,
				const char *name, int namelen, int *lenp);
uint32_t fdt_get_phandle(const void *fdt, int nodeoffset);
const char *fdt_get_alias_namelen(const void *fdt, const char *name,
				  int namelen);
int fdt_get_path(const void *fdt, int nodeoffset, char *buf, int buflen);
int fdt_node_depth(const void *fdt, int nodeoffset);
int fdt_parent_offset(const void *fdt, int nodeoffset);
int fdt_node_offset_by_phandle(const void *fdt, uint32_t phandle);
int fdt_address_cells(const void *fdt, int nodeoffset);
int fdt_size_cells(const void *fdt, int nodeoffset);
int fdt_generate_phandle(const void *fdt, uint32_t *phandle);

/* memory reservations */
int fdt_num_mem_rsv(const void *fdt);
int fdt_get_mem_rsv(const void *fdt, int n, uint64_t *address, uint64_t *size);
int fdt_add_mem_rsv(void *fdt, uint64_t address, uint64_t size);
int fdt_del_mem_rsv(void *fdt, int n);

/* writing */
int fdt_create_empty_tree(void *buf, int bufsize);
int fdt_open_into(const void *fdt, void *buf, int bufsize);
int fdt_pack(void *fdt);
int fdt_set_name(void *fdt, int nodeoffset, const char *name);
int fdt_setprop(void *fdt, int nodeoffset, const char *name,
		const void *val, int len);
int fdt_setprop_placeholder(void *fdt, int nodeoffset, const char *name,
			    int len, void **prop_data);
int fdt_appendprop(void *fdt, int nodeoffset, const char *name,
		   const void *val, int len);
int fdt_delprop(void *fdt, int nodeoffset, const char *name);
int fdt_nop_property(void *fdt, int nodeoffset, const char *name);
int fdt_nop_node(void *fdt, int nodeoffset);
int fdt_add_subnode_namelen(void *fdt, int parentoffset, const char *name,
			    int namelen);
int fdt_del_node(void *fdt, int nodeoffset);
int fdt_overlay_apply(void *fdt, void *fdto);
const char *fdt_strerror(int errval);
