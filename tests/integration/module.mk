# Numbered scripts against real, private servers: `make integration` or `make integration ONLY="2001 62"`.
.PHONY: integration
integration: all test-programs
	@exec env FX_BUILD="$(CURDIR)/$(T)" VARIANT="$(TEST_VARIANT)" tests/integration/run \
	    $(foreach o,$(ONLY),$(or $(wildcard tests/integration/$(o)*.sh),$(error no script of tests/integration begins with "$(o)")))

# The single statements of the cut-over's protocol as commands, for the scripts 61nn; single keys and edits
# of reports for 3101.
FENCE_TOOL := $(T)/tests/integration/fence_tool
KEYS_TOOL := $(T)/tests/integration/keys_tool
EDIT_TOOL := $(T)/tests/integration/edit_tool
test-programs: $(FENCE_TOOL) $(KEYS_TOOL) $(EDIT_TOOL)
$(FENCE_TOOL) $(KEYS_TOOL) $(EDIT_TOOL): %: %.o $(TEST_ARCHIVE)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_ALL) -o $@ $< $(TEST_ARCHIVE) $(DB_LIBS) $(CORE_LIBS)
