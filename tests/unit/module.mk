# One cmocka program for each tests/unit/**/test_*.c, linked with the archive. `make unit` runs them all.
UNIT_SRCS := $(foreach f,$(call rwildcard,tests/unit,*.c),$(if $(filter test_%,$(notdir $(f))),$(f)))
UNIT_BINS := $(UNIT_SRCS:%.c=$(B)/%)

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_ALL) -o $@ $< $(ARCHIVE) -lcmocka $(DB_LIBS) $(CORE_LIBS)

.PRECIOUS: $(B)/%.o
.PHONY: unit unit-build
unit-build: $(UNIT_BINS)
unit: $(UNIT_BINS)
	@tests/harness/run-units $(UNIT_BINS)
