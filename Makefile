# Ficus: one non-recursive make. Each folder adds its own targets in module.mk.
#
#   make            build/release/ficus and build/release/ficusd (VARIANT=torture: with failpoints, for tests)
#   make demo       migrate a live shop and bring it back (BREAK=service | BREAK=crash)
#   make check      units, corpora, fuzz corpora, integration on real servers
#   make lint       include directions, doors, headers alone, formatting, generated docs
#   make asan       units and integration under ASan and UBSan
#   make bench-facade  SECONDS=n ROUNDS=n: CPU a request beside nginx and HAProxy
#   make bench-cdc     SIZE=n ROUNDS=n: rows a second beside COPY | LOAD DATA
#   make install    PREFIX=/usr/local DESTDIR=: programs, manual pages, completion, plans, documents, units
#   make torture    SEED=n ROUNDS=n: whole cut-overs under SIGKILL, judged by the ledger

.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh

include lib/mk/flags.mk

# A bare `make demo` builds with every core; a -j of the caller's stands. Where a recipe starts a script that has
# something to clean up, it says `exec`: make signals the recipe's shell, which would die without handing it on.
MAKE_JOBS = $(if $(findstring --jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

rwildcard = $(foreach d,$(wildcard $(1:=/*)),$(call rwildcard,$(d),$(2)) $(filter $(subst *,%,$(2)),$(d)))

LIB_SRCS := $(call rwildcard,lib strangler cdc reconcile plans,*.c)
SQL_SRCS := $(call rwildcard,lib strangler cdc reconcile plans,*.sql)
SQL_GEN := $(SQL_SRCS:%.sql=$(B)/gen/%.c)
LIB_OBJS := $(LIB_SRCS:%.c=$(B)/%.o) $(SQL_GEN:$(B)/gen/%.c=$(B)/gen/%.o)
ARCHIVE := $(B)/libficus.a

# The archive of what is tested. It shares every object with the other, except those that have a failpoint.
TEST_ARCHIVE := $(T)/libficus.a
FAILPOINT_OBJS := $(patsubst %.c,$(T)/%.o,$(shell grep -lF lib/io/failpoint.h $(LIB_SRCS)))
TEST_OBJS := $(filter-out $(FAILPOINT_OBJS:$(T)/%=$(B)/%),$(LIB_OBJS)) $(FAILPOINT_OBJS)

.PHONY: all deps
all:

include lib/module.mk
include cmd/module.mk
include tests/module.mk
include docs/module.mk
include lib/mk/install.mk

deps:
	@lib/mk/deps.sh

$(ARCHIVE): $(LIB_OBJS)
$(TEST_ARCHIVE): $(TEST_OBJS)
$(sort $(ARCHIVE) $(TEST_ARCHIVE)):
	@mkdir -p $(@D)
	@rm -f $@
	@$(AR) rcs $@ $^

$(B)/%.o: %.c lib/mk/flags.mk
	@mkdir -p $(@D)
	@echo "  cc   $<"
	@$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

ifneq ($(T),$(B))
$(T)/%.o: %.c lib/mk/flags.mk
	@mkdir -p $(@D)
	@echo "  cc   $< (with failpoints)"
	@$(CC) $(CFLAGS_ALL) -DFX_FAILPOINTS -MMD -MP -c -o $@ $<
endif

$(B)/gen/%.c: %.sql lib/mk/embed.awk
	@mkdir -p $(@D)
	@awk -v sym=$(subst /,_,$*) -f lib/mk/embed.awk $< > $@

$(B)/gen/%.o: $(B)/gen/%.c
	@$(CC) $(CFLAGS_ALL) -c -o $@ $<

-include $(call rwildcard,$(sort $(B) $(T)),*.d)
