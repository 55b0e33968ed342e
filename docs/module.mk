# docs/reference is generated from the tables of the program itself: `make docs`.
DOC_PAGES := commands errors exit-codes

.PHONY: docs
docs: $(FICUS)
	@mkdir -p docs/reference
	@for p in $(DOC_PAGES); do $(FICUS) help --markdown $$p > docs/reference/$$p.md || exit 1; done
