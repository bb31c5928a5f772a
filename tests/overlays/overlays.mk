# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
.PHONY: test-overlays

test-overlays: $(VENV)/.extra-test	## the overlays of Debian 13's kernel, beside libfdt (downloads 100 MB)
	$(BIN)/pytest -q tests/overlays
