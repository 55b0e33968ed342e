# Numbered scripts against real, private servers: `make integration` or `make integration ONLY="2001 62"`.
.PHONY: integration
integration: all test-programs
	@exec env FX_BUILD="$(CURDIR)/$(B)" VARIANT="$(VARIANT)" tests/integration/run \
	    $(foreach o,$(ONLY),$(or $(wildcard tests/integration/$(o)*.sh),$(error no script of tests/integration begins with "$(o)")))

# The single statements of the cut-over's protocol as commands, for the scripts 61nn; single keys for 3101.
FENCE_TOOL := $(B)/tests/integration/fence_tool
KEYS_TOOL := $(B)/tests/integration/keys_tool
test-programs: $(FENCE_TOOL) $(KEYS_TOOL)
$(FENCE_TOOL) $(KEYS_TOOL): %: %.o $(ARCHIVE)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_ALL) -o $@ $< $(ARCHIVE) $(DB_LIBS) $(CORE_LIBS)
