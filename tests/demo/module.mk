# The demo: a shop in C, its customers, its ledger and the judge, around the built executables.
#   make demo                   the whole story, forth, back and forth again
#   make demo BREAK=service     the new service answers wrongly: the plan rolls back
#   make demo BREAK=crash       Ficus is killed in the middle of the cut-over and resumes
DEMO_PROGRAMS := $(patsubst %,$(T)/tests/demo/%,monolith service customers nightly judge)
DEMO_COMMON := $(patsubst %,$(T)/tests/demo/%.o,shop ledger http)

$(DEMO_PROGRAMS): $(T)/tests/demo/%: $(T)/tests/demo/%.o $(DEMO_COMMON) $(TEST_ARCHIVE)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(TEST_ARCHIVE) $(DB_LIBS) $(CORE_LIBS)

test-programs: $(DEMO_PROGRAMS)

.PHONY: demo demo-run
demo:
	@lib/mk/deps.sh
	@$(MAKE) --no-print-directory $(MAKE_JOBS) demo-run
demo-run: $(TEST_FICUS) $(TEST_FICUSD) $(DEMO_PROGRAMS)
	@exec env FX_BUILD="$(CURDIR)/$(T)" BREAK="$(BREAK)" tests/demo/run
