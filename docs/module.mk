# docs/reference is generated from the tables of the program itself: `make docs`.
DOC_PAGES := commands errors exit-codes config metrics

.PHONY: docs
docs: $(FICUS)
	@mkdir -p docs/reference
	@for p in $(DOC_PAGES); do $(FICUS) help --markdown $$p > docs/reference/$$p.md || exit 1; done

# Are the committed pages what the tables print today? (part of `make lint`)
.PHONY: docs-check
docs-check: $(FICUS)
	@status=0; for p in $(DOC_PAGES); do \
	    $(FICUS) help --markdown $$p | diff -u docs/reference/$$p.md - >&2 || status=1; \
	done; [ $$status = 0 ] || { echo "docs/reference is behind the tables: make docs" >&2; exit 1; }
