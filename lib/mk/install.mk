# make install, make uninstall: programs, manual pages, completion, ready plans, documents, units.
#
#   make install PREFIX=/usr DESTDIR=/tmp/package      for a packager
#   make install STRIP=                                keeps the debug information
PREFIX ?= /usr/local
DESTDIR ?=
bindir ?= $(PREFIX)/bin
sbindir ?= $(PREFIX)/sbin
datadir ?= $(PREFIX)/share
mandir ?= $(datadir)/man
docdir ?= $(datadir)/doc/ficus
sysconfdir ?= $(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc)
unitdir ?= $(PREFIX)/lib/systemd/system
sysusersdir ?= $(PREFIX)/lib/sysusers.d
bashdir ?= $(datadir)/bash-completion/completions
zshdir ?= $(datadir)/zsh/site-functions
fishdir ?= $(datadir)/fish/vendor_completions.d
# Debug information names the folder of the build.
STRIP ?= -s

UNITS := $(patsubst docs/deploy/%.in,%,$(wildcard docs/deploy/*.service.in))
PLANS := $(wildcard plans/library/*.yaml)

# FOLDER=SOURCES: what goes where, read by both rules.
INSTALL_PROGRAMS = $(bindir)=$(FICUS) $(sbindir)=$(FICUSD)
INSTALL_FILES = \
    $(mandir)/man1=docs/man/ficus.1 $(mandir)/man5=docs/man/ficus.yaml.5 $(mandir)/man8=docs/man/ficusd.8 \
    $(zshdir)=docs/completion/_ficus $(fishdir)=docs/completion/ficus.fish \
    $(addprefix $(datadir)/ficus/plans=,$(PLANS)) \
    $(addprefix $(docdir)=,README.md LICENSE CHANGELOG.md CONTRIBUTING.md SECURITY.md docs/architecture.md) \
    $(foreach d,guide adr protocols reference deploy examples,$(addprefix $(docdir)/$(d)=,$(wildcard docs/$(d)/*.md docs/$(d)/*.yaml))) \
    $(addprefix $(unitdir)=,$(UNITS:%=$(B)/deploy/%))
# FOLDER/NAME=SOURCE where the name changes.
INSTALL_AS = $(bashdir)/ficus=docs/completion/ficus.bash $(sysusersdir)/ficus.conf=docs/deploy/ficus.sysusers
# LINK=TARGET: shells look for a completion by the name of the program.
INSTALL_LINKS = $(bashdir)/ficusd=ficus $(fishdir)/ficusd.fish=ficus.fish

install-to = $(firstword $(subst =, ,$(1)))
install-from = $(lastword $(subst =, ,$(1)))
INSTALLED = $(foreach f,$(INSTALL_PROGRAMS) $(INSTALL_FILES),$(call install-to,$(f))/$(notdir $(call install-from,$(f)))) \
    $(foreach f,$(INSTALL_AS) $(INSTALL_LINKS),$(call install-to,$(f)))

# Written anew each time: the folders in it come from the command line.
.PHONY: units
units:
	@mkdir -p $(B)/deploy
	@for u in $(UNITS); do \
	    sed -e 's|@bindir@|$(bindir)|g' -e 's|@sbindir@|$(sbindir)|g' -e 's|@sysconfdir@|$(sysconfdir)|g' \
	        "docs/deploy/$$u.in" >"$(B)/deploy/$$u" || exit 1; done

# Only `release` is installed, whatever VARIANT says: every other variant has failpoints.
.PHONY: install uninstall
ifeq ($(filter release torture,$(VARIANT)),)
install:
	@$(MAKE) --no-print-directory VARIANT=release install
else
install: $(FICUS) $(FICUSD) units
	@set -e; for f in $(INSTALL_PROGRAMS); do \
	    install -D $(STRIP) -m 755 "$${f#*=}" "$(DESTDIR)$${f%%=*}/$${f##*/}"; done
	@set -e; for f in $(INSTALL_FILES); do \
	    install -D -m 644 "$${f#*=}" "$(DESTDIR)$${f%%=*}/$${f##*[=/]}"; done
	@set -e; for f in $(INSTALL_AS); do install -D -m 644 "$${f#*=}" "$(DESTDIR)$${f%%=*}"; done
	@set -e; for f in $(INSTALL_LINKS); do ln -sf "$${f#*=}" "$(DESTDIR)$${f%%=*}"; done
	@install -d -m 755 "$(DESTDIR)$(sysconfdir)/ficus"
	@echo "installed below $(DESTDIR)$(PREFIX); the project file belongs into $(sysconfdir)/ficus, see $(docdir)/deploy"
endif

# What is in sysconfdir and the state directory stays: it is not ours.
uninstall:
	@rm -f $(INSTALLED:%="$(DESTDIR)%")
	@for d in $(docdir)/guide $(docdir)/adr $(docdir)/protocols $(docdir)/reference $(docdir)/deploy \
	    $(docdir)/examples $(docdir) $(datadir)/ficus/plans $(datadir)/ficus $(sysconfdir)/ficus; do \
	    rmdir "$(DESTDIR)$$d" 2>/dev/null || true; done
	@echo "removed from $(DESTDIR)$(PREFIX)"
