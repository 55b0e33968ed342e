#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make install into an empty tree: the programs run from there without privileges, manual pages and completion are where
# their readers look, nothing names the folder of the build, units are valid and confined; uninstall leaves nothing of it.
# seconds: 6
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
root=$FX_DIR/root
installing() { # TARGET VARIABLE=…: as a person calls it, without what the outer make hands down
    env -u MAKEFLAGS -u MAKELEVEL make -s -C "$FX_ROOT" VARIANT="$FX_VARIANT" "$@" >"$FX_DIR/make.log" 2>&1
}
umask 077 # as a careful administrator has it: everybody can read what is installed all the same
check "make install succeeds" installing install DESTDIR="$root" PREFIX=/usr
umask 022
missing=
for file in bin/ficus sbin/ficusd share/man/man1/ficus.1 share/man/man5/ficus.yaml.5 share/man/man8/ficusd.8 \
    share/bash-completion/completions/ficus share/bash-completion/completions/ficusd \
    share/zsh/site-functions/_ficus share/fish/vendor_completions.d/ficus.fish share/fish/vendor_completions.d/ficusd.fish \
    share/ficus/plans/extract-service.yaml share/doc/ficus/LICENSE share/doc/ficus/SECURITY.md \
    share/doc/ficus/guide/first-migration.md share/doc/ficus/examples/ficus.yaml \
    lib/systemd/system/ficusd.service lib/sysusers.d/ficus.conf; do
    [ -e "$root/usr/$file" ] || missing+=" $file"
done
same "everything is where its reader looks" "" "$missing"
check "the folder of the project file is there" test -d "$root/etc/ficus"
same "nothing names the folder of the build" "" "$(grep -rlF "$FX_ROOT" "$root")"
same "every folder is placed in the units" "" "$(grep -rl '@[a-z]*@' "$root/usr/lib")"
same "nothing is writable by others" "" "$(find "$root" -type f -perm /022)"

# Run as somebody without rights, from elsewhere.
project=$root/usr/share/doc/ficus/examples/ficus.yaml
plan=$root/usr/share/ficus/plans/extract-service.yaml
secrets=(MONO_PASSWORD=x ORDERS_PASSWORD=x FICUS_TOKEN=0123456789abcdef0123456789abcdef)
cd / || exit 1
# shellcheck disable=SC2046
run() { $(fx_user) env "${secrets[@]}" "$@"; }
commits() { for program in "$@"; do run "$program" --version; done | grep -E '^(ficusd? |commit|forms)'; }
same "the installed programs are this build" "$(commits "$FICUS" "$FICUSD")" "$(commits "$root/usr/bin/ficus" "$root/usr/sbin/ficusd")"

# Failpoints: whoever sets the environment could kill an installed program at a moment of his choice.
for program in bin/ficus sbin/ficusd; do
    same "no failpoint is in the installed $program" "" \
        "$(strings -n 4 "$root/usr/$program" | grep -iE 'failpoint|cutover\.step|cutover\.resume|journal\.%s|^(facade|copy|stream|reconcile)\.[a-z.]+\.(before|after)$')"
    # Unstripped, as `make` leaves it, and without the debug information, which has macros by their names.
    same "nor a function of them in what make builds" "" \
        "$(nm "$FX_ROOT/build/release/${program#*/}" | grep -i failpoint)"
done
check "the check sees them in what tests start" sh -c "strings -n 4 '$FICUS' | grep -q FICUS_FAILPOINT"
check "a build for tests says what it is" sh -c "'$FICUS' --version | grep -q '^variant .*not to be installed'"
same "the installed one does not" "" "$(run "$root/usr/bin/ficus" --version | grep '^variant')"
# A name that no test build could read ends such a program with status 2.
same "the environment names a failpoint: the installed program does not look" 0 \
    "$(run env FICUS_FAILPOINT=what:nonsense FICUS_FAILPOINT_LOG="$FX_DIR/passed" "$root/usr/sbin/ficusd" -f "$project" --check >/dev/null 2>&1; echo $?)"
check "and writes no log of them" test ! -e "$FX_DIR/passed"
check "the example project is valid for the daemon" run "$root/usr/sbin/ficusd" -f "$project" --check
check "and the ready plan for the example project" run "$root/usr/bin/ficus" plan lint -f "$project" "$plan"
port=$(fx_free_port) admin=$(fx_free_port)
mkdir "$FX_DIR/state" && chmod 700 "$FX_DIR/state" && { [ "$(id -u)" != 0 ] || chown nobody:nogroup "$FX_DIR/state"; }
sed -e "s,/var/lib/ficus,$FX_DIR/state," -e "s/0.0.0.0:8080/127.0.0.1:$port/" -e "s/127.0.0.1:9090/127.0.0.1:$admin/" \
    "$project" >"$FX_DIR/ficus.yaml"
# shellcheck disable=SC2046
fx_spawn facade "$FX_DIR/facade.log" $(fx_user) env "${secrets[@]}" setpriv --no-new-privs --bounding-set=-all -- \
    "$root/usr/sbin/ficusd" -f "$FX_DIR/ficus.yaml"
check "the installed daemon serves without any privilege" \
    until_ok 10 curl -sf -H "Authorization: Bearer ${secrets[2]#*=}" "http://127.0.0.1:$admin/v1/status"
same "the installed tool asks it" 0 "$(run "$root/usr/bin/ficus" route list -f "$FX_DIR/ficus.yaml" >/dev/null 2>&1; echo $?)"
fx_stop facade

# Units: in a tree without DESTDIR, so that the programs that they start exist.
check "make install into a prefix of one's own" installing install PREFIX="$FX_DIR/own"
units=("$FX_DIR"/own/lib/systemd/system/*.service)
if command -v systemd-analyze >/dev/null; then
    for unit in "${units[@]}"; do
        name=${unit##*/}
        of=${unit/@/@orders}
        same "systemd-analyze verify finds nothing in $name" "" "$(systemd-analyze verify --man=no "$of" 2>&1)"
        if systemd-analyze --help | grep -q -- --offline; then
            check "$name is confined: exposure below 2.0" \
                systemd-analyze security --offline=true --no-pager --threshold=20 "$of"
        else
            skip "exposure of $name: this systemd-analyze has no --offline"
        fi
    done
else
    skip "systemd-analyze verify and security: systemd is not installed"
fi
check "no unit promises a reload that the daemon does not have" test -z "$(grep -l '^ExecReload' "${units[@]}")"
check "the prefix's own sysconfdir is in its units" grep -q "$FX_DIR/own/etc/ficus/ficus.yaml" "${units[@]}"

echo kept >"$root/etc/ficus/ficus.yaml"
check "make uninstall succeeds" installing uninstall DESTDIR="$root" PREFIX=/usr
same "only the project file is left" "$root/etc/ficus/ficus.yaml" "$(find "$root" ! -type d)"
check "make uninstall from the prefix of one's own" installing uninstall PREFIX="$FX_DIR/own"
same "nothing is left of it" "" "$(find "$FX_DIR/own" ! -type d; find "$FX_DIR/own" -name 'ficus*')"
fx_done
