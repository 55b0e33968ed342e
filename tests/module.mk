# Tests: each folder below adds its own targets. `make check` is everything that a change must pass.
-include tests/unit/module.mk tests/fuzz/module.mk tests/lint/module.mk tests/integration/module.mk
-include tests/demo/module.mk tests/torture/module.mk tests/bench/module.mk

.PHONY: check check-run asan
# On a bare machine this file is read before pkg-config exists: install first, then read it again.
check:
	@lib/mk/deps.sh
	@$(MAKE) --no-print-directory check-run
check-run:
	@exec tests/harness/total "$(MAKE) --no-print-directory $(MAKE_JOBS) all test-programs" \
	    "$(MAKE) --no-print-directory unit" \
	    "$(MAKE) --no-print-directory fuzz-replay" "$(MAKE) --no-print-directory integration"

asan:
	@exec tests/harness/total "$(MAKE) --no-print-directory $(MAKE_JOBS) VARIANT=asan all test-programs" \
	    "$(MAKE) --no-print-directory VARIANT=asan unit" \
	    "$(MAKE) --no-print-directory VARIANT=asan fuzz-replay" \
	    "$(MAKE) --no-print-directory VARIANT=asan integration"

# What the integration scripts start besides the product.
.PHONY: test-programs
test-programs: unit-build fuzz-replay-build
