# `make lint`: what docs/architecture.md and the style promise. Needs packages-dev.txt.
.PHONY: lint lint-headers
LINT_HEADERS := $(call rwildcard,cmd lib strangler cdc reconcile plans tests,*.h)

lint: $(ARCHIVE) $(FICUS_OBJS) $(FICUSD_OBJS)
	@lib/mk/deps.sh --dev
	@tests/lint/run "$(MAKE) --no-print-directory $(MAKE_JOBS) lint-headers" tests/lint/includes \
	    tests/lint/style tests/lint/engines tests/lint/writes tests/lint/sql \
	    "B=$(B) tests/lint/symbols" tests/lint/generated tests/lint/pages tests/lint/scripts \
	    tests/models/controller.py

# Every header compiles alone, warnings included.
lint-headers: $(LINT_HEADERS:%=$(B)/lint/%.ok)
$(B)/lint/%.ok: %
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS_ALL) -Werror -Wno-unused-function \
	    -fsyntax-only -x c $<
	@touch $@
