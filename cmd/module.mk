# The two executables. ficusd links no database library: --as-needed drops what it does not call.
FICUS := $(B)/ficus
FICUSD := $(B)/ficusd
CMD_OBJS := $(B)/cmd/version.o $(B)/cmd/whole.o $(B)/gen/cmd/commit.o
FICUS_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard cmd/ficus/*.c)) $(B)/cmd/ficusd/options.o $(CMD_OBJS)
FICUSD_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard cmd/ficusd/*.c)) $(CMD_OBJS)

# What the tests start: the same objects with the archive that has failpoints.
TEST_FICUS := $(T)/ficus
TEST_FICUSD := $(T)/ficusd

all: $(if $(filter torture,$(VARIANT)),$(TEST_FICUS) $(TEST_FICUSD),$(FICUS) $(FICUSD))
test-programs: $(TEST_FICUS) $(TEST_FICUSD)

$(FICUS): $(FICUS_OBJS) $(ARCHIVE)
$(TEST_FICUS): $(FICUS_OBJS) $(TEST_ARCHIVE)
$(sort $(FICUS) $(TEST_FICUS)):
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o %.a,$^) $(DB_LIBS) $(CORE_LIBS)

$(FICUSD): $(FICUSD_OBJS) $(ARCHIVE)
$(TEST_FICUSD): $(FICUSD_OBJS) $(TEST_ARCHIVE)
$(sort $(FICUSD) $(TEST_FICUSD)):
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o %.a,$^) $(CORE_LIBS)

# Asked at every build, written only when the commit is another one. COMMIT=… overrides what git says.
.PHONY: ask-commit
ask-commit:
$(B)/gen/cmd/commit.c: ask-commit
	@mkdir -p $(@D)
	@COMMIT="$(COMMIT)" lib/mk/commit.sh $@
