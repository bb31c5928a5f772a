# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
.PHONY: test-extensions-sanitized

test-extensions-sanitized: $(SANITIZED)/.built	## tests of the extension under ASan and UBSan
	$(UNDER_SANITIZERS) \
	$(BIN)/pytest -q -p no:cacheprovider tests/unit/test_oneshot.py \
		tests/unit/test_second_kernel_*.py tests/unit/test_view.py \
		tests/unit/test_tree_*.py tests/unit/test_batch_edit.py \
		tests/unit/test_node_twins.py \
		tests/unit/test_engine*.py tests/unit/test_elfcore.py tests/unit/test_ranges.py
