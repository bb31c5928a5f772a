# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# The tests of the extensions, every access watched. All four are made with
# sanitizers; malloc's blocks have edges, Python's own have not.

EXTENSIONS_SANITIZED := build/sanitized
SANITIZE := -fsanitize=address,undefined

.PHONY: test-extensions-sanitized

# Objects of the other kind are not to be found by either build
test-extensions-sanitized: $(VENV)/.extra-test	## tests of the extensions under ASan and UBSan
	@rm -rf $(EXTENSIONS_SANITIZED) build/lib* build/temp* build/bdist*
	@PYFDTX_CFLAGS="-O1 -g $(SANITIZE) -fno-sanitize-recover=undefined" \
		PYFDTX_LDFLAGS="$(SANITIZE)" \
		$(PIP) install --no-deps --no-compile --target $(EXTENSIONS_SANITIZED) .
	@rm -rf build/lib* build/temp* build/bdist*
	PYTHONPATH=$(CURDIR)/$(EXTENSIONS_SANITIZED) PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
	LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
	$(BIN)/pytest -q -p no:cacheprovider tests/unit/test_oneshot.py \
		tests/unit/test_second_kernel_*.py tests/unit/test_view.py \
		tests/unit/test_tree_*.py tests/unit/test_batch_edit.py \
		tests/unit/test_engine*.py tests/unit/test_elfcore.py tests/unit/test_ranges.py
