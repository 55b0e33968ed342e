# The two executables. ficusd links no database library: --as-needed drops what it does not call.
FICUS := $(B)/ficus
FICUSD := $(B)/ficusd
FICUS_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard cmd/ficus/*.c))
FICUSD_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard cmd/ficusd/*.c))

all: $(FICUS) $(FICUSD)

$(FICUS): $(FICUS_OBJS) $(ARCHIVE)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $(FICUS_OBJS) $(ARCHIVE) $(DB_LIBS) $(CORE_LIBS)

$(FICUSD): $(FICUSD_OBJS) $(ARCHIVE)
	@echo "  link $@"
	@$(CC) $(LDFLAGS_ALL) -o $@ $(FICUSD_OBJS) $(ARCHIVE) $(CORE_LIBS)
