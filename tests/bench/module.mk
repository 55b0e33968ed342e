# Benchmarks: ratios to peers within one run. No part of `make check`: they want a quiet machine. See README.md.
#   make bench-facade SECONDS=2 ROUNDS=3
#   make bench-cdc SIZE=1000000 ROUNDS=3
BENCH_PROGRAMS := $(B)/tests/bench/origin $(B)/tests/bench/load
BENCH_SECONDS = $(if $(filter command environment,$(firstword $(origin SECONDS))),$(SECONDS))

test-programs: $(BENCH_PROGRAMS)
$(BENCH_PROGRAMS): %: %.o
	@$(CC) $(LDFLAGS_ALL) -o $@ $<

.PHONY: bench-facade bench-facade-run
bench-facade:
	@lib/mk/deps.sh --bench
	@$(MAKE) --no-print-directory $(MAKE_JOBS) bench-facade-run
bench-facade-run: all $(BENCH_PROGRAMS)
	@exec env FX_BUILD="$(CURDIR)/$(B)" BENCH_SECONDS="$(BENCH_SECONDS)" tests/bench/facade

.PHONY: bench-cdc bench-cdc-run
bench-cdc:
	@lib/mk/deps.sh
	@$(MAKE) --no-print-directory $(MAKE_JOBS) bench-cdc-run
bench-cdc-run: all
	@exec env FX_BUILD="$(CURDIR)/$(B)" SIZE="$(SIZE)" tests/bench/cdc

#   make cutovers N=20 RATE=300 BUSY=10
#   make cutovers-judged          100 moves at 300 requests/s, 20 at 1,000, 20 beside ten busy processes; exit status 0: passed
.PHONY: cutovers cutovers-run cutovers-judged
cutovers-judged:
	@$(MAKE) --no-print-directory cutovers SERIES="$(or $(SERIES),100:300:0 20:1000:0 20:300:10)"
cutovers:
	@lib/mk/deps.sh
	@$(MAKE) --no-print-directory $(MAKE_JOBS) cutovers-run
cutovers-run: all test-programs
	@exec env FX_BUILD="$(CURDIR)/$(T)" N="$(N)" RATE="$(RATE)" BUSY="$(BUSY)" SERIES="$(SERIES)" tests/bench/cutovers
