# The demo: a shop in C, its customers, its ledger and the judge, around the built executables.
#   make demo                   the whole story, forth, back and forth again
#   make demo BREAK=service     the new service answers wrongly: the plan rolls back
#   make demo BREAK=crash       Ficus is killed in the middle of the cut-over and resumes
DEMO_PROGRAMS := $(patsubst %,$(B)/tests/demo/%,monolith service customers nightly judge)
DEMO_COMMON := $(patsubst %,$(B)/tests/demo/%.o,shop ledger http)

$(DEMO_PROGRAMS): $(B)/tests/demo/%: $(B)/tests/demo/%.o $(DEMO_COMMON) $(ARCHIVE)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(ARCHIVE) $(DB_LIBS) $(CORE_LIBS)

test-programs: $(DEMO_PROGRAMS)

.PHONY: demo demo-run
demo:
	@lib/mk/deps.sh
	@$(MAKE) --no-print-directory $(MAKE_JOBS) demo-run
demo-run: all $(DEMO_PROGRAMS)
	@exec env FX_BUILD="$(CURDIR)/$(B)" BREAK="$(BREAK)" tests/demo/run
