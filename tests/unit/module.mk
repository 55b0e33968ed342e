# One cmocka program for each tests/unit/**/test_*.c, linked with the archive. `make unit` runs them, except those that
# talk to a server or to the daemon: an integration script starts those beside what they need.
UNIT_SRCS := $(foreach f,$(call rwildcard,tests/unit,*.c),$(if $(filter test_%,$(notdir $(f))),$(f)))
UNIT_BINS := $(UNIT_SRCS:%.c=$(T)/%)
UNIT_LIVE := $(addprefix $(T)/tests/unit/,cdc/mysql/test_source lib/map/test_servers lib/my/test_server lib/pg/test_server) \
    $(filter $(T)/tests/unit/strangler/test_facade_%,$(UNIT_BINS))

# Further objects of a test: list them as its prerequisites.
$(filter $(T)/tests/unit/strangler/test_facade_%,$(UNIT_BINS)): \
    $(T)/tests/unit/strangler/stage.o

$(T)/tests/unit/%: $(T)/tests/unit/%.o $(TEST_ARCHIVE)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(TEST_ARCHIVE) -lcmocka $(DB_LIBS) $(CORE_LIBS)

.PRECIOUS: $(B)/%.o $(T)/%.o $(B)/gen/%.c
.PHONY: unit unit-build
unit-build: $(UNIT_BINS)
unit: $(UNIT_BINS)
	@tests/harness/run-units $(filter-out $(UNIT_LIVE),$(UNIT_BINS))
