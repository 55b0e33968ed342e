#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One run of the preflight names everything: each column of a type that is not carried, each missing table and key, of
# hundreds of tables, whatever is wrong with the others; by groups with what can be done, as text and as JSON, with the same
# numbers. What it has to find is asked of the catalog, not of us. Statements that are printed work as they stand.
# seconds: 90
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
CORPORA=${FICUS_CORPORA:-$(cd "$(dirname "$0")/../../.." && pwd)/shared/corpora}
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "${2:0:2000}"; return 1; }
# A context of all tables of the schemas, on the new side in database `orders` under the same names.
project() { # NAME SCHEMA…
    local name=$1 schemas
    shift
    schemas=$(printf "'%s'," "$@")
    sed '/^ *tables:/,/^ *routes:/{/routes:/!d}' "$FX_DIR/ficus.yaml" >"$FX_DIR/head.yaml"
    pg_sql mono shop "select format('      - {from: %s.%s, to: orders.%s}', n.nspname, c.relname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and n.nspname in (${schemas%,}) order by 1" >"$FX_DIR/$name.tables"
    sed "/^ *routes:/{s/^.*$/    tables:/;r $FX_DIR/$name.tables
a\\    routes:
}" "$FX_DIR/head.yaml" >"$FX_DIR/$name.yaml"
}
# "schema.table column" of what the catalog says is of no type that is carried, computed columns left out.
uncarried() { # SCHEMA…
    local schemas
    schemas=$(printf "'%s'," "$@")
    pg_sql mono shop "select n.nspname || '.' || c.relname || ' ' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
        join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        and n.nspname in (${schemas%,}) and a.atttypid not in ('bool'::regtype, 'bytea'::regtype, 'int8'::regtype, 'int4'::regtype, 'int2'::regtype,
        'text'::regtype, 'json'::regtype, 'jsonb'::regtype, 'float4'::regtype, 'float8'::regtype, 'bpchar'::regtype, 'varchar'::regtype, 'date'::regtype,
        'timestamp'::regtype, 'timestamptz'::regtype, 'numeric'::regtype, 'uuid'::regtype)" | LC_ALL=C sort
}
json() { # NAME PYTHON: prints an expression of d, the JSON, and of `of(kind)`, all findings of that kind
    python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
of = lambda kind: [f for g in d["groups"] if g["kind"] == kind for f in g["findings"]]
print(eval(sys.argv[2]))' "$FX_DIR/$1.json" "$2"
}
look() { # NAME: text and JSON of one project
    "$FICUS" cdc preflight --context orders -f "$FX_DIR/$1.yaml" >"$FX_DIR/$1.txt" 2>"$FX_DIR/$1.err"
    same "$1: it is refused" 4 $?
    "$FICUS" cdc preflight --json --context orders -f "$FX_DIR/$1.yaml" >"$FX_DIR/$1.json" 2>"$FX_DIR/$1.json.err"
    same "$1: with the same status as JSON" 4 $?
    same "$1: groups and findings are counted" "True True" \
        "$(json "$1" 'str(d["count"] == sum(g["count"] for g in d["groups"])) + " " + str(all(g["count"] == len(g["findings"]) for g in d["groups"]))')"
    check "$1: the error has these numbers" says "cannot be streamed yet: $(json "$1" 'str(d["count"]) + " findings in " + str(len(d["groups"])) + " group"')" "$(cat "$FX_DIR/$1.err")"
    same "$1: each group is a heading" "$(json "$1" 'len(d["groups"])')" "$(grep -cE '^[^ ].*: [0-9]+( column.* of .*)?$' "$FX_DIR/$1.txt")"
    same "$1: each group has a kind, and each type says what to do" "True" \
        "$(json "$1" 'all(g["kind"] for g in d["groups"]) and all(g["advice"] for g in d["groups"] if g["kind"] == "type-not-carried")')"
}
each_column() { # NAME SCHEMA…
    uncarried "${@:2}" >"$FX_DIR/want"
    json "$1" '"\n".join(sorted(f["where"] + " " + f["column"] for f in of("type-not-carried") if not f["where"].startswith("orders.")))' | LC_ALL=C sort >"$FX_DIR/got"
    same "$1: every column ($(wc -l <"$FX_DIR/want")) whose type is not carried, and none twice" "" "$(diff "$FX_DIR/want" "$FX_DIR/got")"
}

# --- 300 tables of our own -----------------------------------------------------------------------------------------------
pg_sql mono shop "create schema big; create extension hstore; create extension citext; create type mood as enum ('sad', 'ok'); create domain posint as int check (value > 0);
    create type pair as (a int, b int);
    do \$\$ declare i int; types text[] := '{inet,cidr,mood,posint,pair,int4range,text[],interval,money,bit(3),varbit,xml,tsvector,point,hstore,citext,time(3),timetz,macaddr,oid,name}';
    begin for i in 1..300 loop
        execute format('create table big.t%s (id bigint %s, label varchar(40), n numeric(12,2), a %s, b %s not null, c int, d tsvector generated always as (to_tsvector(''simple'', '''')) stored)', i,
            case when i % 20 = 0 then '' else 'primary key' end, types[1 + i % 21], types[1 + i / 21 % 21]);
    end loop; end \$\$"
# A hundred have counterparts: some lack a column, some have one that is too narrow, some a key that folds.
for i in $(seq 1 100); do
    printf 'create table t%s (id %s primary key, label varchar(40) collate %s, n %s, a longtext, b longtext not null%s%s);\n' "$i" \
        "$([ $((i % 7)) = 0 ] && echo int || echo bigint)" "$([ $((i % 9)) = 0 ] && echo utf8mb4_general_ci || echo utf8mb4_nopad_bin)" \
        "$([ $((i % 5)) = 0 ] && echo date || echo 'decimal(12,2)')" "$([ $((i % 4)) = 0 ] || echo ', c int')" \
        "$([ $((i % 9)) = 0 ] && echo ', unique key k (label)')"
done >"$FX_DIR/new.sql"
my_sql orders orders "$(cat "$FX_DIR/new.sql")"
project big big
look big
each_column big big
same "a table without a key is named each time" 15 "$(json big 'len([f for f in of("no-key") if f["where"].startswith("big.")])')"
same "so is a table that is missing" 200 "$(json big 'len(of("no-table"))')"
same "and a column" 25 "$(json big 'len(of("column-missing"))')"
same "and one that is too narrow" 14 "$(json big 'len(of("values-out-of-range"))')"
same "and one of another type" 20 "$(json big 'len(of("types-differ"))')"
same "and a key that folds, of a table with other faults" 11 "$(json big 'len(of("key-collation"))')"
check "text has the columns behind their tables" says "
    big.t1: " "$(cat "$FX_DIR/big.txt")"
check "enums say what to do" says "TYPE text USING c::text, ADD CHECK" "$(cat "$FX_DIR/big.txt")"
out=$("$FICUS" cdc start --execute --context orders -f "$FX_DIR/big.yaml" 2>&1)
same "cdc start lists the same and exits the same" "4" $?
check "to the last" says "big.t300: " "$out"
out=$("$FICUS" reconcile run --context orders -f "$FX_DIR/big.yaml" 2>&1)
check "who cannot show them all says where they are" says "ficus cdc preflight --context orders" "$out"

# --- what is printed can be typed -----------------------------------------------------------------------------------------
pg_sql mono shop "create schema few; create table few.a (id bigint primary key, name varchar(40) not null, n numeric(10,3), at timestamptz, ok boolean, d double precision, doc jsonb, u uuid not null);
    create table few.b (code varchar(10), no smallint, qty int, primary key (code, no)); insert into few.a select 1, 'x', 1.5, now(), true, 0.1, '{}', gen_random_uuid()"
my_sql orders orders "create table b (code varchar(10) collate utf8mb4_nopad_bin, no smallint, primary key (code, no))"
project few few
look few
json few '"\n".join(f["fix"] for f in of("no-table") + of("column-missing"))' >"$FX_DIR/fixes"
same "a missing table and a missing column have their statements" 2 "$(grep -c ';$' "$FX_DIR/fixes")"
my_sql orders orders "$(cat "$FX_DIR/fixes")"
exits 0 "with them it passes" "$FICUS" cdc preflight --context orders -f "$FX_DIR/few.yaml"
"$FICUS" cdc preflight --json --context orders -f "$FX_DIR/few.yaml" >"$FX_DIR/few.json"
same "and as JSON too" "True 0 []" "$(json few 'str(d["passed"]) + " " + str(d["count"]) + " " + str(d["groups"])')"

# --- schemas that others wrote ----------------------------------------------------------------------------------------------
corpus() { # NAME FILE SCHEMA…
    if [ ! -f "$CORPORA/$2" ]; then
        skip "$1: no $CORPORA/$2"
        return
    fi
    psql -q -v ON_ERROR_STOP=0 -h 127.0.0.1 -p "${PG_PORT[mono]}" -U ficus shop -f "$CORPORA/$2" >"$FX_DIR/$1.load" 2>&1
    project "$1" "${@:3}"
    check "$1: has tables" test -s "$FX_DIR/$1.tables"
    look "$1"
    each_column "$1" "${@:3}"
}
corpus debezium debezium-recorded/sql/pg-1-ddl.sql shop hb
corpus paired paired-fixtures/postgresql_test_tables.sql pso_data_validator
fx_done
