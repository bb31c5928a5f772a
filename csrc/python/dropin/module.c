// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the drop-in: the functions of pyfdtx.libfdt in pyfdtx._core
 *
 * Not cffi, for two reasons. cffi lets go of the GIL in each call, and then
 * another thread could change the bytearray between a guard and libfdt. And a
 * call costs a quarter of what it does through cffi.
 */
#include "python/core.h"
#include "args.h"

#define NUMBER(name) { #name, name }

/* What a C int makes of the two big ones is what upstream's module has */
static const struct {
	const char *name;
	long value;
} fdtd_numbers[] = {
	{ "FDT_MAGIC", (int32_t)FDT_MAGIC },
	{ "FDT_MAX_PHANDLE", -2 },
	NUMBER(FDT_BEGIN_NODE), NUMBER(FDT_END_NODE), NUMBER(FDT_PROP),
	NUMBER(FDT_NOP), NUMBER(FDT_END), NUMBER(FDT_FIRST_SUPPORTED_VERSION),
	{ "FDT_LAST_COMPATIBLE_VERSION", 0x10 },
	NUMBER(FDT_LAST_SUPPORTED_VERSION), NUMBER(FDT_MAX_NCELLS),
	NUMBER(FDT_CREATE_FLAG_NO_NAME_DEDUP), NUMBER(FDT_CREATE_FLAGS_ALL),
	NUMBER(FDT_ERR_NOTFOUND), NUMBER(FDT_ERR_EXISTS),
	NUMBER(FDT_ERR_NOSPACE), NUMBER(FDT_ERR_BADOFFSET),
	NUMBER(FDT_ERR_BADPATH), NUMBER(FDT_ERR_BADPHANDLE),
	NUMBER(FDT_ERR_BADSTATE), NUMBER(FDT_ERR_TRUNCATED),
	NUMBER(FDT_ERR_BADMAGIC), NUMBER(FDT_ERR_BADVERSION),
	NUMBER(FDT_ERR_BADSTRUCTURE), NUMBER(FDT_ERR_BADLAYOUT),
	NUMBER(FDT_ERR_INTERNAL), NUMBER(FDT_ERR_BADNCELLS),
	NUMBER(FDT_ERR_BADVALUE), NUMBER(FDT_ERR_BADOVERLAY),
	NUMBER(FDT_ERR_NOPHANDLES), NUMBER(FDT_ERR_BADFLAGS),
	NUMBER(FDT_ERR_ALIGNMENT), NUMBER(FDT_ERR_MAX),
};

/* Upstream's names are __all__: pyfdtx.libfdt takes just them */
static int fdtd_add_name(PyObject *all, const char *name)
{
	PyObject *word = PyUnicode_InternFromString(name);
	int err = word ? PyList_Append(all, word) : -1;

	Py_XDECREF(word);
	return err;
}

static int fdtd_add_functions(PyObject *module, PyObject *all,
			      PyMethodDef *table)
{
	if (PyModule_AddFunctions(module, table))
		return -1;
	for (; table->ml_name; table++)
		if (table->ml_name[0] != '_' &&
		    fdtd_add_name(all, table->ml_name))
			return -1;
	return 0;
}

int core_add_dropin(PyObject *module)
{
	PyMethodDef *tables[] = {
		fdtd_header_functions, fdtd_read_functions,
		fdtd_value_functions, fdtd_write_functions, fdtd_sw_functions,
		fdtd_reg_functions,
	};
	PyObject *all = PyList_New(0);
	int err = all ? PyModule_AddObject(module, "__all__", all) : -1;
	size_t i;

	if (err)
		Py_XDECREF(all);
	/* The module owns the list now */
	for (i = 0; !err && i < sizeof(tables) / sizeof(tables[0]); i++)
		err = fdtd_add_functions(module, all, tables[i]);
	for (i = 0; !err && i < sizeof(fdtd_numbers) / sizeof(fdtd_numbers[0]);
	     i++)
		err = PyModule_AddIntConstant(module, fdtd_numbers[i].name,
					      fdtd_numbers[i].value) ||
		      fdtd_add_name(all, fdtd_numbers[i].name);
	return err ? -1 : 0;
}
