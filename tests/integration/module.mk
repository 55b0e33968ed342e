# Numbered scripts against real, private servers: `make integration` or `make integration ONLY=2001`.
.PHONY: integration
integration: all test-programs
	@FX_BUILD=$(CURDIR)/$(B) VARIANT=$(VARIANT) tests/integration/run $(if $(ONLY),$(wildcard tests/integration/$(ONLY)*.sh))
