# Pages that are printed from the tables of the program itself: `make docs`. Paths are those of cmd/ficus/pages.c.
DOC_PAGES := $(addprefix reference/,commands.md errors.md exit-codes.md config.md metrics.md) \
    $(addprefix man/,ficus.1 ficusd.8 ficus.yaml.5) $(addprefix completion/,ficus.bash _ficus ficus.fish)

.PHONY: docs
docs: $(FICUS)
	@mkdir -p $(addprefix docs/,$(sort $(dir $(DOC_PAGES))))
	@for p in $(DOC_PAGES); do $(FICUS) help --page $$p > docs/$$p || exit 1; done

# Are the committed pages what the tables print today? (part of `make lint`)
.PHONY: docs-check
docs-check: $(FICUS)
	@status=0; for p in $(DOC_PAGES); do \
	    $(FICUS) help --page $$p | diff -u docs/$$p - >&2 || status=1; \
	done; [ $$status = 0 ] || { echo "docs: pages differ from the program's tables; run: make docs" >&2; exit 1; }
