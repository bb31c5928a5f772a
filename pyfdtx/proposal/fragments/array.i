/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
/* typemap used for fdt_setprop_reg_array() and fdt_appendprop_reg_array() */
%typemap(in) (const struct fdt_reg *regs, int n) {
    if (!PyBytes_Check($input) ||
        PyBytes_Size($input) / sizeof(struct fdt_reg) > INT_MAX) {
        SWIG_exception_fail(SWIG_TypeError, "bytes expected in method '" "$symname"
            "', argument " "$argnum"" of type '" "$type""'");
    }
    $1 = (void *)PyBytes_AsString($input);
    $2 = PyBytes_Size($input) / sizeof(struct fdt_reg);
}

/* The header has these for C only, since from Python they need the typemap */
int fdt_setprop_reg_array(void *fdt, int parent, int nodeoffset,
                          const char *name, const struct fdt_reg *regs, int n);
int fdt_appendprop_reg_array(void *fdt, int parent, int nodeoffset,
                             const char *name, const struct fdt_reg *regs, int n);
