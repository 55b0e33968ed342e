# One fuzz_NAME.c for each parser of foreign bytes, seeds in corpus/NAME/.
#   make fuzz-replay        every seed through its target, built like everything else (part of `make check`)
#   make fuzz SECONDS=60    each target under libFuzzer; what it finds is left in build/fuzz/NAME-…
FUZZ_SRCS := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_NAMES := $(FUZZ_SRCS:tests/fuzz/fuzz_%.c=%)
FUZZ_REPLAYS := $(FUZZ_NAMES:%=$(T)/tests/fuzz/replay_%)
FUZZ_BINS := $(FUZZ_NAMES:%=$(T)/tests/fuzz/fuzz_%)
SECONDS ?= 10

.PHONY: fuzz fuzz-bins fuzz-replay fuzz-replay-build
$(FUZZ_REPLAYS): $(T)/tests/fuzz/replay_%: $(T)/tests/fuzz/fuzz_%.o $(T)/tests/fuzz/replay.o $(TEST_ARCHIVE)
	@$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(TEST_ARCHIVE) $(DB_LIBS) $(CORE_LIBS)
fuzz-replay-build: $(FUZZ_REPLAYS)
fuzz-replay: $(FUZZ_REPLAYS)
	@tests/fuzz/replay $(FUZZ_REPLAYS)

$(FUZZ_BINS): $(T)/tests/fuzz/fuzz_%: $(T)/tests/fuzz/fuzz_%.o $(TEST_ARCHIVE)
	@$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(TEST_ARCHIVE) $(DB_LIBS) $(CORE_LIBS)
fuzz-bins: $(FUZZ_BINS)
fuzz:
	@$(MAKE) --no-print-directory VARIANT=fuzz CC=clang fuzz-bins
	@for name in $(FUZZ_NAMES); do \
	    mkdir -p build/fuzz/found/$$name tests/fuzz/corpus/$$name; \
	    echo "== fuzz $$name ($(SECONDS) s)"; \
	    build/fuzz/tests/fuzz/fuzz_$$name -max_total_time=$(SECONDS) -print_final_stats=0 -verbosity=0 \
	        -artifact_prefix=build/fuzz/$$name- build/fuzz/found/$$name tests/fuzz/corpus/$$name || exit 1; \
	done
