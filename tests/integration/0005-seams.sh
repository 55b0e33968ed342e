#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What CONTRIBUTING.md promises: a gate and a kind of step are one new file and one row each; a flavour of an engine is one
# of each for streams and one for ownership. They are added in a folder that the compiler searches first; what depends on the tables is compiled anew and linked before the
# archive; then a plan uses them, and the reference has them.
# seconds: 9
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
cd "$FX_ROOT" || exit 1
new=$FX_DIR/new
mkdir -p "$new"/{plans/gate,plans/plan,plans/steps,cdc/mysql,lib/ownership}

sed 's/pln_gate_write_leaks/pln_gate_dummy/' plans/gate/write_leaks.c >"$new/plans/gate/dummy.c"
{ cat plans/gate/gates.def; echo 'X(DUMMY, dummy, STREAMS, "a gate of the test")'; } >"$new/plans/gate/gates.def"
sed 's/pln_action_wait/pln_action_dummy/' plans/steps/wait.c >"$new/plans/steps/dummy.c"
{ cat plans/plan/steps.def; echo 'X(DUMMY, dummy, "dummy", NONE, DURING, 0, "a step of the test")'; } >"$new/plans/plan/steps.def"
sed -e 's/cdc_my_flavour_mariadb/cdc_my_flavour_dummy/' -e 's/\.name = "[^"]*"/.name = "Dummy Server"/' cdc/mysql/mariadb.c \
    >"$new/cdc/mysql/dummy.c"
sed 's/^\(#define FLAVOURS(X)\) /\1 X(cdc_my_flavour_dummy) /' cdc/mysql/flavours.c >"$new/cdc/mysql/flavours.c"
sed -e 's/fx_own_mariadb/fx_own_dummy/' -e 's/\.name = "[^"]*"/.name = "Dummy Owner"/' lib/ownership/mariadb.c >"$new/lib/ownership/dummy.c"
sed 's/^\( *\)X(fx_own_mariadb)/\1X(fx_own_dummy) X(fx_own_mariadb)/' lib/ownership/engine.c >"$new/lib/ownership/engine.c"
same "four rows, and nothing else, differ" 4 "$(for f in plans/gate/gates.def plans/plan/steps.def cdc/mysql/flavours.c lib/ownership/engine.c; do
    diff "$f" "$new/$f" | grep -c '^>'; done | awk '{ n += $1 } END { print n }')"

# torture shares what has no failpoint with release, and generated sources too.
objects=${FX_BUILD/torture/release}
# What includes a table, by the dependencies that the build has written.
read -ra flags <<<"$(pkg-config --cflags libpq libmariadb yaml-0.1 jansson libcurl)"
case $FX_VARIANT in asan) flags+=(-fsanitize=address,undefined) ;; tsan) flags+=(-fsanitize=thread) ;; esac
mapfile -t sources < <(grep -rlE 'plans/(gate/gates|plan/steps)\.def' "$objects/plans" "$objects/cmd" --include='*.d' |
    sed "s,^$objects/,,; s,\.d\$,.c," | while read -r f; do [ ! -e "$f" ] || echo "$f"; done) # not of files that have moved
check "something depends on the tables" test "${#sources[@]}" -ge 5
sources+=("$new"/plans/gate/dummy.c "$new"/plans/steps/dummy.c "$new"/cdc/mysql/{dummy,flavours}.c "$new"/lib/ownership/{dummy,engine}.c)
compile() { # SOURCE
    local object=$FX_DIR/${1//\//_}
    gcc -std=gnu17 -D_GNU_SOURCE -O0 -fPIE -I"$new" -I. -I"$objects/gen" "${flags[@]}" -c -o "${object%.c}.o" "$1" 2>&1
}
problems=$(for source in "${sources[@]}"; do compile "$source" || echo "$source does not compile"; done)
same "all of it compiles" "" "$problems"
link() { # objects of cmd that do not depend on the tables are no part of the archive
    local rest=() object
    for object in "$objects"/cmd/ficus/*.o "$objects"/cmd/version.o "$objects"/cmd/whole.o "$objects"/cmd/ficusd/options.o "$objects"/gen/cmd/commit.o; do
        local source=${object#"$objects/"}
        [ -e "$FX_DIR/$(tr / _ <<<"$source")" ] || rest+=("$object")
    done
    gcc -pie "${flags[@]}" -o "$FX_DIR/ficus" "$FX_DIR"/*.o "${rest[@]}" "$FX_BUILD/libficus.a" -Wl,--as-needed \
        -lpq -lmariadb -lyaml -ljansson -lcurl -lxxhash -lgmp -lz -lcrypto -lpthread -lm
}
check "and links" link

cat >"$FX_DIR/plan.yaml" <<'PLAN'
apiVersion: ficus/v1
kind: Migration
metadata: {name: seams}
context: orders
steps:
  - {id: copy, do: stream.start, undo: stream.drop}
  - {id: rest, do: {dummy: 3s}, gate: {dummy: 7}}
PLAN
export MONO_PASSWORD=x ORDERS_PASSWORD=x FICUS_TOKEN=x
exits 0 "a plan may use both" "$FX_DIR/ficus" plan lint -f docs/examples/ficus.yaml "$FX_DIR/plan.yaml"
exits 4 "which the program without them refuses" "$FICUS" plan lint -f docs/examples/ficus.yaml "$FX_DIR/plan.yaml"
shown=$("$FX_DIR/ficus" plan show -f docs/examples/ficus.yaml "$FX_DIR/plan.yaml")
check "plan show has the step" grep -q "dummy: a step of the test" <<<"$shown"
check "and the gate" grep -q "dummy at most 7" <<<"$shown"
same "the reference has both" 2 "$("$FX_DIR/ficus" help --page reference/config.md | grep -cE '^\| `dummy` \|.* of the test')"
check "the flavour is in the program, for streams" grep -q "Dummy Server" "$FX_DIR/ficus"
check "and for ownership" grep -q "Dummy Owner" "$FX_DIR/ficus"
fx_done
