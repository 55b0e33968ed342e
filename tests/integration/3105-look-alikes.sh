#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Values that look alike and are not the same for those who read them, and values that are the same in two spellings: each
# pair by itself, in both directions, without a stream (the comparison of single keys).
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
sed -i 's/^      - public.order_lines$/      - public.v/; /customer_orders/d' "$FX_DIR/ficus.yaml"
pg_sql mono shop "create table v (id integer primary key, j json, jb jsonb, t text, vc varchar(20), c char(5), n numeric(20,6),
    d double precision, ts timestamp, tz timestamptz, da date, b bytea, bo boolean)"
my_sql orders orders "create table v (id int primary key, j json, jb json, t longtext, vc varchar(20), c char(5), n decimal(20,6),
    d double, ts datetime(6), tz timestamp(6) null, da date, b longblob, bo tinyint(1))"
id=0
# pair WANTED COLUMN POSTGRESQL MARIADB WHAT: literals; WANTED is "0 0 1" (different) or "0 0 0"
pair() {
    id=$((id + 1))
    pg_sql mono shop "set standard_conforming_strings = on; insert into v (id, $2) values ($id, $3)" || not_ok "PostgreSQL takes $3"
    my_sql orders orders "set names utf8mb4; set sql_mode = 'NO_BACKSLASH_ESCAPES,ALLOW_INVALID_DATES'; insert into v (id, $2) values ($id, $4)" ||
        not_ok "MariaDB takes $4"
    same "$5" "$1 $1" "$("$FX_BUILD/tests/integration/keys_tool" "$FX_DIR/ficus.yaml" forward "0:i$id" 2>&1) $("$FX_BUILD/tests/integration/keys_tool" "$FX_DIR/ficus.yaml" reverse "0:i$id" 2>&1)"
}
differ() { pair "0 0 1" "$@"; }
equal() { pair "0 0 0" "$@"; }

differ j "'{\"a\":1,\"a\":2}'" "'{\"a\":1,\"a\":2}'" "a name twice: PostgreSQL reads the last, MariaDB the first"
differ j "'{\"a\":1,\"\\u0061\":2}'" "'{\"a\":1,\"\\u0061\":2}'" "a name twice in two spellings"
differ j "'[{\"x\":{\"k\":1,\"y\":[],\"k\":2}}]'" "'[{\"x\":{\"k\":1,\"y\":[],\"k\":2}}]'" "a name twice, further inside"
differ jb "'{\"a\":2}'" "'{\"a\":1,\"a\":2}'" "a name twice, which jsonb has dropped"
differ j "'{\"a\":\"\\u0000\"}'" "'{\"a\":\"\"}'" "a NUL in a JSON string"
differ jb "'9007199254740993'" "'9007199254740992'" "JSON numbers that are one double"
differ jb "'[1e400]'" "'[1e401]'" "JSON numbers beyond a double"
differ jb "'0.1'" "'0.1000000000000000055511151231257827'" "a JSON number and the double next to it"
differ jb "'\"1\"'" "'1'" "a JSON string and a number"
differ jb "'null'" "NULL" "JSON's null and NULL"
differ t "U&'\\00e9'" "convert(0x65cc81 using utf8mb4)" "an accent in one character and in two"
differ t "'a'" "concat('a', char(0))" "a NUL at the end"
differ t "''" "NULL" "the empty text and NULL"
differ t "'ß'" "'ss'" "ß and ss"
differ vc "'a'" "'a '" "a space at the end"
differ vc "'a '" "'a'" "a space at the end, the other way round"
differ vc "'A'" "'a'" "case"
differ c "'ab'" "' ab'" "a space in front"
differ n "'NaN'" "0" "a number that is none"
differ n "0.000001" "0" "the last digit"
differ d "'NaN'" "0" "a double that is no number"
differ d "'Infinity'" "1.7976931348623157e308" "infinity and the largest double"
differ d "0.1" "0.10000000000000002e0" "two doubles next to each other"
differ d "4.9e-324" "0" "the smallest double"
differ ts "'infinity'" "'9999-12-31 23:59:59.999999'" "infinity and the last time"
differ ts "'0001-01-01 BC'" "'0001-01-01'" "before and after Christ"
differ tz "'1970-01-01 00:00:00+00'" "0" "the first moment and the zero timestamp"
differ da "'2024-03-01'" "'2024-02-30'" "a day that does not exist"
differ da "'2024-01-15'" "'2024-00-15'" "a month that does not exist"
differ da "'-infinity'" "'0000-00-00'" "no day at all"
differ b "'\\x00'" "''" "one NUL byte and none"
differ b "'\\x'" "NULL" "no bytes and NULL"
differ bo "true" "2" "true and 2"

equal jb "'{\"b\":1, \"a\":2.50}'" "'{\"a\":2.5,\"b\":1}'" "the order of names, and trailing zeros"
equal jb "'\"\\u00e9\"'" "'\"é\"'" "an escape and its character"
equal n "1.5" "1.500000" "trailing zeros"
equal c "'ab'" "'ab'" "the padding of char(n), which neither side counts as text"
equal d "'-0'" "0" "-0, which MariaDB cannot keep"
equal d "0.1" "0.1e0" "a double in its shortest form"
equal ts "'2024-01-01 10:00:00.5'" "'2024-01-01 10:00:00.500000'" "fractions of a second"
fx_done
