# The two executables. ficusd links no database library: --as-needed drops what it does not call.
FICUS := $(B)/ficus
FICUSD := $(B)/ficusd
CMD_OBJS := $(B)/cmd/version.o $(B)/cmd/whole.o $(B)/gen/cmd/commit.o
FICUS_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard cmd/ficus/*.c)) $(B)/cmd/ficusd/options.o $(CMD_OBJS)
FICUSD_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard cmd/ficusd/*.c)) $(CMD_OBJS)

all: $(FICUS) $(FICUSD)

$(FICUS): $(FICUS_OBJS) $(ARCHIVE)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $(FICUS_OBJS) $(ARCHIVE) $(DB_LIBS) $(CORE_LIBS)

$(FICUSD): $(FICUSD_OBJS) $(ARCHIVE)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $(FICUSD_OBJS) $(ARCHIVE) $(CORE_LIBS)

# Asked at every build, written only when the commit is another one. COMMIT=… overrides what git says.
.PHONY: ask-commit
ask-commit:
$(B)/gen/cmd/commit.c: ask-commit
	@mkdir -p $(@D)
	@COMMIT="$(COMMIT)" lib/mk/commit.sh $@
