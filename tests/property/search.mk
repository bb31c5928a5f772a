# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# `make test` repeats known examples; this looks for new ones.

.PHONY: test-search

test-search: $(VENV)/.extra-test	## property-based tests, new random examples, many of them
	HYPOTHESIS_PROFILE=search $(BIN)/pytest -q tests/property tests/differential \
		tests/unit/test_dts.py tests/unit/test_engine_names.py
