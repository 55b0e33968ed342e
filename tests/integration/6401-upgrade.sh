#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# seconds: 40
# State that an older Ficus left in the middle of its soak, the new side owning the tables: this build reads it, upgrades
# it beside running streams and customers, and falls back. A form that is newer than this build is refused by name.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
. "$FX_ROOT/tests/demo/lib.sh"
. "$FX_ROOT/tests/fixtures/restore.sh"
ficus() { "$FICUS" "$@" -f "$SHOP/ficus.yaml"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
lacks() { case $2 in *"$1"*) printf 'in: %s\n' "$2"; return 1 ;; esac; }
streams_live() { # both are started by the rollback as well; here they run beside the upgrade
    ficus cdc status --context orders | grep -c ' stream ' | grep -qx 2
}
fall_back() { # TEXT
    if [ -f "$SHOP/rollback.yaml" ]; then
        exits 0 "$1: the plan of its way back is a plan today" ficus plan lint "$SHOP/rollback.yaml"
        exits 0 "$1: it falls back by that plan" ficus run start "$SHOP/rollback.yaml" --execute
    else
        exits 0 "$1: it falls back" ficus run rollback soaking --execute
    fi
    same "$1: what was written beside the upgrade is on the old side" "${written:-0}" \
        "$(pg_sql mono shop "with gone as (delete from orders where id >= 5000000 returning 1) select count(*) from gone")"
    judge rolled_back --expect rolled_back --may-fail --may-lack-report >"$SHOP/judge.log" 2>&1
    same "$1: no acknowledged write is lost, doubled or leaked" 0 $?
    exits 0 "$1: the old side accepts writes" pg_sql mono shop "update orders set id = id where id = (select min(id) from orders)"
}
# Somebody who writes on the owner's side, one transaction after the other; the customers' ledger belongs to the recording.
writer_start() {
    (
        trap - EXIT
        i=0
        while [ ! -e "$SHOP/writer.stop" ]; do
            i=$((i + 1))
            my_sql orders orders "insert into customer_orders (id, customer_id, status, total_cents) values (5000000 + $i, 1, 'new', $i)" || break
            echo "$i" >"$SHOP/written"
        done
    ) &
    writer=$!
    until_ok 10 test -s "$SHOP/written"
}
wrote() { [ "$(cat "$SHOP/written")" -ge "$1" ]; }
writer_stop() {
    until_ok 20 wrote 20
    touch "$SHOP/writer.stop"
    wait "$writer"
    written=$(cat "$SHOP/written")
}
newer() { # TEXT WANT COMMAND…: refused by name
    local text=$1 want=$2 out
    shift 2
    out=$("$@" 2>&1)
    same "$text: exit status" 12 $?
    check "$text: says who is newer" says "$want" "$out"
    check "$text: and what to do" says "Use the build of Ficus that wrote it" "$out"
}
is_versioned() { pg_sql mono shop "select count(*) from information_schema.tables where table_schema = 'ficus' and table_name = 'version'"; }
refused() { # TEXT STATUS WANT [FILE]: the upgrade ends in time, and its message says WANT
    local text=$1 status=$2 want=$3 out
    out=$(timeout 60 "$FICUS" upgrade --execute -f "${4:-$SHOP/ficus.yaml}" 2>&1)
    same "$text: exit status" "$status" $?
    check "$text: says what to do" says "$want" "$out"
}
# What can be known before the first change stops the upgrade before it.
refused_before() {
    my_sql orders ficus "create table version (one int primary key, version int not null); insert into version values (1, 99)"
    newer "one side is newer" 'database "orders": schema has version 99' ficus upgrade --execute
    same "one side is newer: the other is not changed" 0 "$(is_versioned)"
    for wrong in 0 -1; do
        my_sql orders ficus "update version set version = $wrong"
        refused "the version is $wrong" 12 "DROP TABLE ficus.version; then: ficus upgrade --execute"
    done
    my_sql orders ficus "drop table version; create table version (id int)"
    refused "somebody else's table" 12 "Ficus keeps one row there"
    my_sql orders ficus "drop table version"
    sed "s#${MY_SOCK[orders]}#$SHOP/nobody#" "$SHOP/ficus.yaml" >"$SHOP/down.yaml"
    refused "one server is down" 5 'opening database "orders"' "$SHOP/down.yaml"
    same "one server is down: the other is not changed" 0 "$(is_versioned)"
}
# A role that lacks a right, and a transaction that holds a lock: an error in time, with what to do; streams go on.
refused_in_the_middle() {
    pg_sql mono shop "create role weak login; grant usage on schema ficus to weak; grant select, insert, update on all tables in schema ficus to weak"
    sed "s#postgresql://ficus@#postgresql://weak@#" "$SHOP/ficus.yaml" >"$SHOP/weak.yaml"
    refused "a role that does not own the schema" 4 "belongs to role ficus" "$SHOP/weak.yaml"
    same "a role without rights: nothing is changed" 0 "$(is_versioned)"
    mkfifo "$SHOP/hold"
    mariadb --no-defaults -N -B -n -S "${MY_SOCK[orders]}" -u root ficus <"$SHOP/hold" >"$SHOP/held" &
    exec 7>"$SHOP/hold"
    echo "start transaction; select count(*) from progress; select 'held';" >&7
    until_ok 10 grep -q held "$SHOP/held"
    refused "a transaction holds a lock" 5 "Another transaction holds a lock on a table of schema ficus"
    check "a transaction holds a lock: the streams live on" streams_live
    exec 7>&-
    wait $!
}

for fixture in "$FX_ROOT"/tests/fixtures/soak-*.tar.xz; do
    name=$(basename "$fixture" .tar.xz)
    fixture_up "$fixture"
    ficusd_start

    # --- what is there, and what would change -----------------------------------------------------------
    out=$(ficus upgrade)
    same "$name: a look changes nothing and ends with 0" 0 $?
    check "$name: the journal is listed" says 'run "soaking"' "$out"
    check "$name: so is the facade's state" says "facade.json" "$out"
    if [ "$name" = soak-1 ]; then
        check "$name: the schema is older" says "Nothing was changed. To upgrade" "$out"
        same "$name: it was not changed" 0 "$(pg_sql mono shop "select count(*) from pg_class where relname = 'version' and relnamespace = 'ficus'::regnamespace")"
    fi
    check "$name: status reads it" says "soaking" "$(ficus status soaking)"

    # --- its report, signed by a key of that day ----------------------------------------------------------
    if [ -f "$SHOP/ci.key" ]; then
        report=$SHOP/state/runs/soaking/reports/latest/report.json
        exits 0 "$name: its report is believed" ficus reconcile gate "$report" --key "$SHOP/ci.key.pub" --databases any --max-age any
        exits 3 "$name: but it is about the databases of the recording" ficus reconcile gate "$report" --key "$SHOP/ci.key.pub" --max-age any
        check "$name: a controller holds the context" says 1 "$(my_sql orders ficus "select count(*) from controller where grp = 'orders'")"
    fi

    # --- the upgrade, beside running streams and customers ----------------------------------------------
    if [ "$name" = soak-1 ]; then refused_before; fi
    check "$name: the streams start on it" ficus cdc start --context orders --execute
    check "$name: both are live" until_ok 30 streams_live
    if [ "$name" = soak-1 ]; then refused_in_the_middle; fi
    writer_start
    check "$name: the upgrade" ficus upgrade --execute
    out=$(ficus upgrade)
    check "$name: nothing is left to do" says "Everything has the version" "$out"
    same "$name: PostgreSQL says its version" 4 "$(pg_sql mono shop "select version from ficus.version")"
    same "$name: MariaDB too" 4 "$(my_sql orders ficus "select version from version")"
    same "$name: PostgreSQL has a place for what is set aside" 0 "$(pg_sql mono shop "select count(*) from ficus.dead")"
    same "$name: and MariaDB" 0 "$(my_sql orders ficus "select count(*) from dead")"
    same "$name: positions may be long" mediumtext "$(my_sql orders mysql "select data_type from information_schema.columns where table_schema = 'ficus' and table_name = 'progress' and column_name = 'position'")"
    exits 0 "$name: an upgrade again changes nothing" ficus upgrade --execute
    writer_stop
    check "$name: the streams live on" streams_live
    check "$name: somebody wrote meanwhile" test "$written" -ge 20
    check "$name: both sides are equal" final_compare "$SHOP/compare"

    # --- what a newer Ficus wrote is refused by name, and nothing is changed ------------------------------
    if [ "$name" = soak-1 ]; then
        pg_sql mono shop "update ficus.version set version = 99"
        newer "$name: a newer schema" 'database "mono": schema has version 99' ficus run rollback soaking --execute
        newer "$name: for an upgrade too" 'database "mono": schema has version 99' ficus upgrade --execute
        newer "$name: for a cut-over by hand too" 'schema has version 99' ficus cutover fallback --context orders --execute --confirm=orders
        ficus cdc stop --context orders --execute >/dev/null
        newer "$name: for a start of the streams too" 'schema has version 99' ficus cdc start --context orders --execute
        pg_sql mono shop "update ficus.version set version = 4"
        check "$name: the new side still owns" says HERE "$(my_sql orders ficus "select state from own where grp = 'orders'")"
    fi
    fall_back "$name"
    for server in facade monolith service; do fx_stop "$server"; done
    stop_pg mono
    stop_my orders
    cd "$FX_DIR" && rm -rf mono orders shop
done

# shellcheck disable=SC2034
written=0
# --- without an upgrade: a newer Ficus reads the older form -----------------------------------------------
fixture_up "$FX_ROOT/tests/fixtures/soak-1.tar.xz"
sed 's/"version":1/"version":7/' "$SHOP/state/facade.json" >"$SHOP/newer.json"
cp "$SHOP/state/facade.json" "$SHOP/older.json"
cp "$SHOP/newer.json" "$SHOP/state/facade.json"
newer "a newer facade.json" "the facade's state: facade-state has version 7" "$FICUSD" -f "$SHOP/ficus.yaml"
newer "for ficus upgrade too" "facade-state has version 7" ficus upgrade
cp "$SHOP/older.json" "$SHOP/state/facade.json"
sed -i 's#ficus-reconcile/1#ficus-reconcile/4#' "$SHOP/state/runs/soaking/reports/latest/report.json"
out=$(ficus reconcile gate "$SHOP/state/runs/soaking/reports/latest/report.json" --unsigned --divergent 0 2>&1)
same "a newer report never passes a gate" 3 $?
check "and is named" says "report has version 4" "$out"
check "and which build reads it" says "Use the build of Ficus that wrote it" "$out"
ficusd_start
fall_back "soak-1 as it is"
same "nothing was upgraded on the way" 0 "$(pg_sql mono shop "select count(*) from pg_class where relname = 'version' and relkind = 'r' and relnamespace = (select oid from pg_namespace where nspname = 'ficus')")"
fx_done
