# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# Boards under QEMU, with their own trees. Packages are kept in .cache/.

BOARDS ?=

.PHONY: test-boards
test-boards: $(VENV)/.extra-test	## kdump on emulated boards; BOARDS=all, BOARDS=highbank
	BOARDS="$(BOARDS)" $(BIN)/pytest -q -s --durations=20 tests/boards
