# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# Do the tests notice faults? Mutants made by rule, of C and of Python: hunt.py.
#   make test-mutants SAMPLE=200 [SEED=2]      of each, in minutes
#   make test-mutants                          all, in hours
#   make test-mutants HUNT="c --only overlay --verbose"

SAMPLE ?= 0
SEED   ?= 1
HUNT   ?=

.PHONY: test-mutants

test-mutants: $(VENV)/.extra-test	## faults put into the code, which the tests must notice (hours; SAMPLE=200: minutes)
	$(BIN)/python tests/mutants/hunt.py --sample $(SAMPLE) --seed $(SEED) $(HUNT)
