#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whoever sees a code can ask what it means: `ficus explain` knows every code of ours, and every SQLSTATE and MySQL error
# number that our SQL raises or our code decides by. The sources are walked, so a new one without a row is found here.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
cd "$FX_ROOT" || exit 1

mapfile -t ours < <(sed -nE 's/^X\(([A-Z_]+),.*/\1/p' lib/err/codes.def)
check "there are codes" test "${#ours[@]}" -gt 30
for code in "${ours[@]}"; do
    "$FICUS" explain "$code" >"$FX_DIR/out" 2>&1 || echo "$code" >>"$FX_DIR/unknown"
    [ "$(grep -c "^$code (Ficus)" "$FX_DIR/out")" = 1 ] || echo "$code has not one row" >>"$FX_DIR/unknown"
done
same "every code of codes.def has one row" "" "$(cat "$FX_DIR/unknown" 2>/dev/null)"

# What the sources say: SQLSTATEs raised by SQL and compared in C; MySQL numbers by name (from the headers) and by number.
{
    grep -rhE 'ERRCODE|SQLSTATE' --include='*.sql' lib cdc | grep -oE "'[0-9][0-9A-Z]{4}'" | tr -d "'"
    grep -rhE '"[0-9][0-9A-Z]{4}"' --include='*.[ch]' lib/pg lib/my lib/db lib/ownership cdc | grep -v '_timeout", "' |
        grep -oE '"[0-9][0-9A-Z]{4}"' | tr -d '"'
} | sort -u >"$FX_DIR/states"
names=$(grep -rhoE '\b(ER|CR)_[A-Z_]+' --include='*.[ch]' lib/my lib/db lib/ownership cdc | sort -u)
{
    for name in $names; do
        sed -nE "s/^# *define +$name +([0-9]{4})([^0-9].*)?\$/\1/p" /usr/include/mariadb/mysqld_error.h /usr/include/mariadb/errmsg.h
    done
    grep -rhE '\b(MY_|ER_|MY_ER_)[A-Z_]+ *= *[0-9]{4}\b|case [0-9]{4}:' --include='*.[ch]' lib/my lib/db lib/ownership cdc |
        grep -oE '\b[0-9]{4}\b'
} | grep -vx 2000 | sort -u >"$FX_DIR/numbers" # CR_MIN_ERROR is a bound, not an error
check "SQLSTATEs are found" grep -qx 40001 "$FX_DIR/states"
check "numbers are found by name" grep -qx 1213 "$FX_DIR/numbers"
check "and by number" grep -qx 1146 "$FX_DIR/numbers"
check "what a fence raises is among them" test "$(grep -cxE '40001|25006|45000' "$FX_DIR/states")" = 3
for code in $(cat "$FX_DIR/states" "$FX_DIR/numbers"); do
    "$FICUS" explain "$code" >/dev/null 2>&1 || echo "$code"
done >"$FX_DIR/missing"
same "every SQLSTATE and number of the sources is known" "" "$(cat "$FX_DIR/missing")"

# Each row answers all three questions.
"$FICUS" explain 1644 >"$FX_DIR/out"
for part in what lost next; do check "1644: $part" grep -qE "^  $part: +[A-Z\"]" "$FX_DIR/out"; done
same "a bracket is taken as it stands" "DB_CONFLICT 1213 40001 40001" \
    "$("$FICUS" explain '[DB_CONFLICT/1213 40001]' | sed -nE 's/^([^ ]+) \(.*/\1/p' | xargs)"
same "so is what a client prints" "1644 45000" \
    "$("$FICUS" explain ERROR 1644 '(45000):' | sed -nE 's/^([^ ]+) \(.*/\1/p' | xargs)"
check "a class has one row" grep -q '^08 (PostgreSQL)' <("$FICUS" explain 08006)
check "an error of the system is named" grep -q 'No space left' <("$FICUS" explain 'IO/errno 28')
check "lower case is fine" grep -q '^STUCK (Ficus)' <("$FICUS" explain stuck)
exits 2 "an unknown code is a usage error" "$FICUS" explain 40002
check "what is near is listed" grep -q "40001, 40P01" <("$FICUS" explain 40002 2>&1)
exits 2 "so is an unknown word" "$FICUS" explain STUKC
check "the nearest is named" grep -q STUCK <("$FICUS" explain STUKC 2>&1)
fx_done
