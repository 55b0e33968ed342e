#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Manual pages and completion: the pages are clean for the programs that read them, name every command, and their
# example is a valid project; completion is tried in a real bash at a terminal, and in fish and zsh where they are.
# seconds: 3
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
docs=$FX_ROOT/docs
pages=("$docs"/man/*.[158])
same "there are three manual pages" "ficus.1 ficus.yaml.5 ficusd.8" "$(basename -a "${pages[@]}" | tr '\n' ' ' | sed 's/ $//')"
if command -v mandoc >/dev/null; then
    for page in "${pages[@]}"; do
        same "mandoc finds nothing in ${page##*/}" "" "$(mandoc -T lint -W style "$page" 2>&1 | sed "s,$docs/,,")"
    done
else
    skip "mandoc -T lint: mandoc is not installed"
fi
if command -v man >/dev/null; then
    for page in "${pages[@]}"; do
        same "man finds nothing in ${page##*/}" "" "$(LC_ALL=C.UTF-8 MANWIDTH=100 man --warnings -l "$page" 2>&1 >/dev/null)"
    done
else
    skip "man --warnings: man-db is not installed"
fi
missing=
while read -r name; do
    grep -qxF ".SS ficus $name" "$docs/man/ficus.1" || missing+=" [$name]"
done < <("$FICUS" help | sed -n 's/^  \(.*[^ ]\)  .*/\1/p' | sed 's/  *$//; s/   .*//')
same "the manual has every command of the help" "" "$missing"
sed -n '/^\.EX/,/^\.EE/p' "$docs/man/ficus.yaml.5" | sed '/^\.E[XE]/d; s/\\-/-/g' >"$FX_DIR/ficus.yaml"
check "the example of the manual is a valid project" \
    env FICUS_TOKEN=0123456789abcdef0123456789abcdef "$FICUSD" -f "$FX_DIR/ficus.yaml" --check

# One completion: the words as readline hands them on.
completed() { # WORD…
    # shellcheck disable=SC2016
    bash --norc -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ficus "$1" 2>/dev/null; echo "${COMPREPLY[*]}"' \
        "$docs/completion/ficus.bash" "$@"
}
cd "$FX_DIR" && mkdir out && touch plan.yaml "a b.yaml" || fx_die "no directory"
same "bash: verbs" "start resume rollback adopt list status journal" "$(completed ficus run '')"
same "bash: a verb of two words" "show verify" "$(completed ficus run journal '')"
same "bash: options that begin so" "--fence-ttl" "$(completed ficus cutover start --fe)"
same "bash: a plan is a file" "plan.yaml" "$(completed ficus plan lint pl)"
same "bash: a directory only" "out" "$(completed ficus reconcile run --report '')"
same "bash: the value after an equals sign" "out" "$(completed ficus reconcile run --report = o)"
same "bash: a value that is neither" "" "$(completed ficus cdc start --context '')"
same "bash: a hidden command is not offered" "" "$(completed ficus cdc ru)"
same "bash: an unknown command" "" "$(completed ficus nonsense '')"
same "bash: the daemon" "--check" "$(completed ficusd --ch)"
check "bash: by the path of the program too" test "$(completed ./build/ficus rec)" = reconcile

# At a terminal: typed with tabs; the shell's own function says what came out.
cat >"$FX_DIR/rc" <<RC
. "$docs/completion/ficus.bash"
ficus() { printf '<%s>' "\$@"; } >"$FX_DIR/typed"
bind 'set enable-bracketed-paste off' 2>/dev/null
PS1='ready> '
RC
type_in() { # LINE with \t
    rm -f "$FX_DIR/typed"
    { sleep 0.3; printf "$1\n"; until_ok 5 test -s "$FX_DIR/typed"; printf 'exit\n'; } |
        script -qec "bash --noprofile --rcfile $FX_DIR/rc -i" /dev/null >"$FX_DIR/terminal" 2>&1
    cat "$FX_DIR/typed" 2>/dev/null
}
if command -v script >/dev/null; then
    same "bash, typed: command, verb, option" "<run><journal><show><--json>" "$(type_in 'ficus run jou\tsh\t--js\t')"
    same "bash, typed: a file with a space" "<plan><lint><a b.yaml>" "$(type_in 'ficus plan li\ta\t')"
    same "bash, typed: --name=value" "<reconcile><run><--report=out/>" "$(type_in 'ficus rec\tru\t--report=o\t')"
else
    skip "bash at a terminal: script (bsdutils) is not installed"
fi
if command -v fish >/dev/null; then
    check "fish reads its completion" fish --no-config -n "$docs/completion/ficus.fish"
    fished() { fish --no-config -c "source $docs/completion/ficus.fish; complete -C '$1'" 2>&1 | cut -f1 | tr '\n' ' '; }
    same "fish: a verb of two words" "show verify " "$(fished 'ficus run journal ')"
    same "fish: options" "--fence-ttl " "$(fished 'ficus cutover start --fen')"
    same "fish: a plan is a file" "plan.yaml " "$(fished 'ficus plan lint pl')"
    same "fish: the daemon" "--check " "$(fished 'ficusd --ch')"
else
    skip "completion in fish: fish is not installed"
fi
if command -v zsh >/dev/null; then
    check "zsh reads its completion" zsh -f -n "$docs/completion/_ficus"
else
    skip "completion in zsh: zsh is not installed"
fi
fx_done
