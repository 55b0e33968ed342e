#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# seconds: 120
# Values of rows stand in no error, log, status, journal, metric or report unless --show-values asks for them (ADR 0147). Every
# column and key holds a canary; the rows are poisoned in every way that stops a preflight, a copy, a stream or a comparison.
# After each, all that ficus printed and all that it keeps is searched: without the switch nothing of a value is there, with it
# the value is.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
# Our own sessions say none of it: what servers log themselves is theirs.
pg_sql mono shop "create table words(word varchar(60) primary key, alias varchar(60) unique, n integer, born date)"
my_sql orders orders "create table words(word varchar(60) primary key, alias varchar(60) unique, n int, born date) collate utf8mb4_nopad_bin"
sed -i 's/^      - public.order_lines/&\n      - public.words/' "$FX_DIR/ficus.yaml"
ficus() { "$FICUS" "$@" -f "$FX_DIR/ficus.yaml"; }
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
stopped() { [ -s "$FX_DIR/st/streams/orders-$1.error" ]; }
mkdir -p "$FX_DIR/out" "$FX_DIR/shown"

# As text, as a number (also of cents, or as 4 bytes), as a date, as hex of a bytea, as a uuid.
canary='CANARY|918273|9\.18273|4[13]4[14]4[eE]415259|1911-11-1|ca11ab1e'
kept() { # all that Ficus wrote: its state directory, and what its commands printed
    curl -s -m 5 --unix-socket "$FX_DIR/st/streams/orders-forward.sock" http://s/status http://s/metrics >"$FX_DIR/out/http.forward"
    curl -s -m 5 --unix-socket "$FX_DIR/st/streams/orders-reverse.sock" http://s/status http://s/metrics >"$FX_DIR/out/http.reverse"
    ficus cdc status --context orders >"$FX_DIR/out/cdc.status" 2>&1
    ficus cdc status --context orders --json >"$FX_DIR/out/cdc.status.json" 2>&1
    ficus status >"$FX_DIR/out/status" 2>&1
    ficus audit >"$FX_DIR/out/audit" 2>&1
}
hidden() { # TEXT: nothing of a value anywhere
    kept
    grep -rasEHn "$canary" "$FX_DIR/st" "$FX_DIR/out" >"$FX_DIR/found"
    if [ -s "$FX_DIR/found" ]; then
        not_ok "$1: no value stands anywhere"
        cut -c 1-400 "$FX_DIR/found" | head -n 5 | sed 's/^/#   /'
    else
        ok "$1: no value stands anywhere"
    fi
}
clear_shown() { # what the switch has written
    mkdir -p "$FX_DIR/st/streams"
    rm -f "$FX_DIR/st/streams/"*.error "$FX_DIR"/out/*
    find "$FX_DIR/st/streams" -name '*.log' -exec truncate -s 0 {} +
}
stops() { # DIRECTION TEXT WORDS [SHOWN]: the stream has stopped with WORDS; the switch shows SHOWN
    until_ok 15 stopped "$1" || { not_ok "$2: the $1 stream stops"; ficus cdc status --context orders; fx_done; }
    check "$2: says so" says "$3" "$(cat "$FX_DIR/st/streams/orders-$1.error" 2>&1)"
    check "$2: and how to see the values" says "ficus cdc start --context orders --execute --show-values" "$(cat "$FX_DIR/st/streams/orders-$1.error" 2>&1)"
    ficus cdc start --context orders --execute --quick >"$FX_DIR/out/start" 2>&1
    hidden "$2"
    shown=$(ficus cdc start --context orders --execute --quick --show-values 2>&1)
    check "$2: with the switch the value is there" grep -qE "${4:-$canary}" <(printf '%s\n' "$shown")
    clear_shown
}
live() {
    ficus cdc start --context orders --execute --quick >"$FX_DIR/out/start" 2>&1 || { not_ok "mended, it starts"; sed 's/^/#   /' "$FX_DIR/out/start"; }
    until_ok 15 streams_phase forward stream && until_ok 15 streams_phase reverse stream || { not_ok "both are live again"; fx_done; }
}

# --- the preflight -----------------------------------------------------------------------------------------------------------
row="'CANARYcust', 9182.73, 'CANARYnote', true, timestamp '1911-11-11 11:11:11', timestamptz '1911-11-11 11:11:11+00', date '1911-11-11',
    'CANARY'::bytea, 'ca11ab1e-0000-4000-8000-00000000000a', '{\"CANARY\": \"CANARY\"}', 1, 918273"
all="customer, total, note, paid, placed, shipped, day, blob, uid, doc, score, qty"
pg_sql mono shop "insert into orders(id, $all) values (918273001, $row); update orders set shipped = '2020-01-01';
    insert into orders(id, $all) values (918273002, $row);
    insert into orders(id, $all) values (918273003, $row); update orders set shipped = '2020-01-01', placed = 'infinity' where id = 918273003;
    insert into words values ('CANARYkey', 'CANARYalias', 918273, '1911-11-11')"
exits 4 "the preflight refuses" ficus cdc preflight --context orders
ficus cdc preflight --context orders >"$FX_DIR/out/preflight" 2>&1
check "naming the key's column" says "key (id)=([hidden integer])" "$(cat "$FX_DIR/out/preflight")"
check "and the switch" says "with --show-values" "$(cat "$FX_DIR/out/preflight")"
hidden "the preflight"
check "with the switch the values are there" grep -q "(id)=(918273002)" <(ficus cdc preflight --context orders --show-values 2>&1)
clear_shown

# --- the copy ----------------------------------------------------------------------------------------------------------------
exits 5 "a copy of a value that does not fit fails" ficus cdc start --context orders --execute --quick
stops forward "the copy" "does not fit" 'value 1911-11-11'
pg_sql mono shop "delete from orders where id > 918273001"
live
check "what fits is copied" [ "$(my_sql orders orders "select count(*) from customer_orders where note = 'CANARYnote'")" = 1 ]
hidden "a copy that passes"

# --- forward: what the mapping, the target's types and the target itself refuse ---------------------------------------------------
refused() { # TEXT WORDS SQL: PostgreSQL's change stops the stream; undone in the target's sense by a switched-off copy
    pg_sql mono shop "$3"
    stops forward "$1" "$2"
}
again() { # over equal data, when the change cannot be passed
    ficus cdc drop --context orders --execute --confirm=orders >"$FX_DIR/out/drop" 2>&1
    pg_sql mono shop "delete from orders; delete from words; $1"
    my_sql orders orders "delete from customer_orders; delete from words; ${2:-}"
    live
}
refused "a time before 1970" "does not fit" "update orders set shipped = '1911-11-11 00:00:00+00' where id = 918273001"
again "insert into orders(id, $all) values (918273001, $row); update orders set shipped = '2020-01-01';
    insert into words values ('CANARYkey', 'CANARYalias', 918273, '1911-11-11')"

my_sql orders orders "set sql_log_bin = 0; insert into words values ('CANARYother', 'CANARYtwin', 1, null)"
refused "a key that is taken" "Duplicate entry '[hidden]' for key" "insert into words values ('CANARYmine', 'CANARYtwin', 2, '1911-11-12')"
my_sql orders orders "set sql_log_bin = 0; delete from words where word = 'CANARYother'"
live

my_sql orders orders "set sql_log_bin = 0; delete from words where word = 'CANARYmine'"
refused "a row that is missing" "table" "update words set n = 918274 where word = 'CANARYmine'" "key .*CANARYmine"
my_sql orders orders "set sql_log_bin = 0; insert into words values ('CANARYmine', 'CANARYtwin', 2, '1911-11-12')"
live

my_sql orders orders "set sql_log_bin = 0; alter table words add constraint small check (n < 5000000)"
refused "a check of MariaDB" "CONSTRAINT" "insert into words values ('CANARYcheck', 'CANARYcheck', 9182730, null)" "CONSTRAINT"
my_sql orders orders "set sql_log_bin = 0; alter table words drop constraint small"
live

my_sql orders orders "set sql_log_bin = 0; create trigger picky before insert on words for each row
    begin declare m varchar(100); set m = concat('I do not like ', new.word); signal sqlstate '45000' set mysql_errno = 1062, message_text = m; end" 2>"$FX_DIR/trigger" &&
    {
        refused "a trigger's own words" "the server's text is [hidden]" "insert into words values ('CANARYpicky', 'CANARYpicky', 918273, null)"
        my_sql orders orders "set sql_log_bin = 0; drop trigger picky"
        live
    }

# --- reverse: PostgreSQL's fields ------------------------------------------------------------------------------------------------
backward() { # TEXT WORDS SQL [SHOWN]
    my_sql orders orders "$3"
    stops reverse "$1" "$2" "${4:-$canary}"
}
pg_sql mono shop "alter table words add constraint small check (n < 50000000)"
backward "a check of PostgreSQL" "violates check constraint" "insert into words values ('CANARYback', 'CANARYback', 91827300, null)"
pg_sql mono shop "alter table words drop constraint small"
live

pg_sql mono shop "create function public.picky(text) returns boolean language plpgsql immutable as \$\$ begin if \$1 like 'CANARYp%' then raise exception 'I do not like %', \$1 using errcode = '22P02', detail = \$1, hint = \$1; end if; return true; end \$\$;
    alter table words add constraint picky check (public.picky(word))"
backward "a function's own words" "the server's text is [hidden]" "insert into words values ('CANARYpgpicky', 'CANARYpgpicky', 918273, null)"
pg_sql mono shop "alter table words drop constraint picky; drop function public.picky(text)"
live

# --- statements of others -----------------------------------------------------------------------------------------------------------
my_sql orders orders "set binlog_format = STATEMENT; update words set n = n + 0, alias = 'CANARYstatement' where word = 'CANARYback'"
stops reverse "a statement in the binary log" "statement format" "CANARYstatement"
again "insert into orders(id, $all) values (918273001, $row); update orders set shipped = '2020-01-01';
    insert into words values ('CANARYkey', 'CANARYalias', 918273, '1911-11-11')"

my_sql orders orders "set sql_mode = ''; update words set born = '1911-11-00' where word = 'CANARYkey'"
stops reverse "a date that does not exist" "which does not exist" "1911-11-00"
again "insert into orders(id, $all) values (918273001, $row); update orders set shipped = '2020-01-01';
    insert into words values ('CANARYkey', 'CANARYalias', 918273, '1911-11-11')"

# --- the comparison -----------------------------------------------------------------------------------------------------------------
compare() { "$FICUS" reconcile run --context orders -f "$FX_DIR/ficus.yaml" "$@"; }
exits 0 "equal" compare --report "$FX_DIR/out/equal"
my_sql orders orders "set sql_log_bin = 0; set sql_mode = ''; update words set n = 918274, born = '0000-00-00' where word = 'CANARYkey';
    insert into words values ('CANARYextra', null, 1, null); update customer_orders set note = 'CANARYother', paid = 2, doc = '{\"CANARY\": 1}', qty = 918274, day = '0000-00-00'"
exits 1 "differences are found" compare --report "$FX_DIR/out/rec"
compare --json >"$FX_DIR/out/rec.json" 2>&1
compare >"$FX_DIR/out/rec.txt" 2>&1
check "the report names the key's column" says "word = [hidden text, 11 characters]" "$(cat "$FX_DIR/out/rec.txt")"
check "and the command that shows the rows" says "ficus reconcile run --context orders --show-values" "$(cat "$FX_DIR/out/rec/report.txt")"
hidden "the comparison"
check "with the switch the rows are there" says "CANARYextra" "$(compare --show-values)"
check "also in its file" grep -q CANARYextra <(compare --show-values --report "$FX_DIR/shown/rec" >/dev/null; cat "$FX_DIR/shown/rec/report.json")

# --- a leak: the row's key stands beside the rows, in the database, and nowhere else ---------------------------------------------------
ficus cdc drop --context orders --execute --confirm=orders >"$FX_DIR/out/drop" 2>&1
pg_sql mono shop "create schema if not exists ficus; create table if not exists ficus.own(grp text primary key, state text not null, epoch bigint not null, until timestamptz, operator text);
    insert into ficus.own(grp, state, epoch) values ('orders', 'HERE', 1), ('orders.canary', 'HERE', 1)" 2>/dev/null
my_sql orders mysql "create database if not exists ficus; create table if not exists ficus.own(grp varchar(64) primary key, state varchar(8) not null, epoch bigint not null, until datetime(6), operator varchar(255));
    insert into ficus.own(grp, state, epoch) values ('orders', 'AWAY', 1), ('orders.canary', 'HERE', 1);
    create table if not exists ficus.marker(grp varchar(64) not null, epoch bigint not null, at timestamp(6) not null default current_timestamp(6), primary key (grp, epoch))"
again "insert into orders(id, $all) values (918273001, $row); update orders set shipped = '2020-01-01';
    insert into words values ('CANARYkey', 'CANARYalias', 918273, '1911-11-11')"
pg_sql mono shop "begin; update ficus.own set state = 'FENCED', epoch = 2 where grp = 'orders'; select pg_logical_emit_message(true, 'ficus', '{\"barrier\":\"orders\",\"epoch\":2}'); commit" >/dev/null
streams_fenced() { [ "$(my_sql orders ficus "select count(*) from barrier where grp = 'orders' and epoch = 2")" = 1 ]; }
check "fenced" until_ok 10 streams_fenced
pg_sql mono shop "update words set n = 918275 where word = 'CANARYkey'"
leaked() { [ "$(streams_status forward leaks)" = 1 ]; }
check "a row of the losing side is a leak" until_ok 10 leaked
hidden "a leak"
check "its key is in the table" says "(word)=('CANARYkey')" "$(my_sql orders ficus "select what from leak")"
ficus cdc stop --context orders --execute >"$FX_DIR/out/stop" 2>&1
live
check "it is not forgotten" until_ok 10 leaked
hidden "a leak that a new process reads"
fx_done
