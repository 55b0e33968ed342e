# make torture SEED=1 ROUNDS=20: whole cut-overs and fall-backs while processes and servers are killed.
SEED ?=
ROUNDS ?= 10
.PHONY: torture torture-run
torture:
	@lib/mk/deps.sh
	@$(MAKE) --no-print-directory $(MAKE_JOBS) torture-run SEED="$(SEED)" ROUNDS="$(ROUNDS)"
torture-run: $(TEST_FICUS) $(TEST_FICUSD) $(DEMO_PROGRAMS)
	@exec env FX_BUILD="$(CURDIR)/$(T)" tests/torture/run "$(SEED)" "$(ROUNDS)"
