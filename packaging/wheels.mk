# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
# Wheels for other machines than this one; docs/release.md

.PHONY: wheels

# WHEELS="manylinux_x86_64 manylinux_aarch64": these alone
wheels: $(VENV)/.extra-wheels	## wheels of every platform, into dist/
	$(BIN)/python packaging/wheels/build.py build/wheel/*.whl dist $(WHEELS)
