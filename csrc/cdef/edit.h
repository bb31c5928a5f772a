/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

int fdtx_open_into(const void *fdt, void *buf, int bufsize);
int fdtx_setprop(void *fdt, int nodeoffset, const char *name,
		 const void *val, int len);
int fdtx_appendprop(void *fdt, int nodeoffset, const char *name,
		    const void *val, int len);
int fdtx_canonicalise(void *fdt, int squeeze);
