# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# The evidence for the proposal.  PYFDTX_DTC=PATH, a git repository of dtc with
# its tags, adds the tests that apply the series to upstream's own trees, and the
# walk through them; PYFDTX_CHECKPATCH=FILE, checkpatch.pl of Linux, its style.

.PHONY: proposal-check

proposal-check: $(VENV)/.extra-test	## the C helpers on every compiler, machine and dtc that is here
	@$(BIN)/python tests/proposal/matrix.py
	@$(BIN)/python tests/proposal/s390x_python.py
	@$(BIN)/python tests/proposal/counts.py
	$(BIN)/pytest -q tests/proposal
	@$(BIN)/python tests/proposal/walk.py
