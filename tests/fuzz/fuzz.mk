# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# The standing hunt, tests/fuzz/README.md: make fuzz TIME=3600 [HUNT="walk guard"]

TIME ?= 3600

.PHONY: fuzz fuzz-quick

fuzz: $(VENV)/.extra-fuzz	## hunt for breaches of memory and promises, TIME seconds a target
	@command -v $(or $(CLANG),clang) >/dev/null || { \
		echo "fuzz: no clang (Debian: apt-get install clang libclang-rt-14-dev)" >&2; \
		exit 1; }
	@$(MAKE) -s -C tests/fuzz -j2 fuzzers
	$(BIN)/python tests/fuzz/run.py --seconds $(TIME) $(HUNT)

fuzz-quick:	## the same, about 6 minutes; the extra fuzz (atheris) is downloaded
	@$(MAKE) fuzz TIME=40
