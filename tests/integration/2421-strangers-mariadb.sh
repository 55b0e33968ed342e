#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# seconds: 25
# Strangers in MariaDB: accounts that look like that of Ficus, and objects in database ficus that Ficus did not make.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }
says_not() { case $2 in *"$1"*) printf 'in: %s\n' "$2"; return 1 ;; esac; }
ficus() { "$FICUS" "$@" -f "$FX_DIR/ficus.yaml"; }
tool() { "$FX_BUILD/tests/integration/fence_tool" "$FX_DIR/ficus.yaml" orders "$@" 2>>"$FX_DIR/tool.log"; }
# as USER HOW SQL: HOW is tcp or socket
as() {
    local where=(-h 127.0.0.1 -P "${MY_PORT[orders]}")
    [ "$2" = tcp ] || where=(-S "${MY_SOCK[orders]}")
    mariadb --no-defaults --default-character-set=utf8mb4 -N -B "${where[@]}" -u "$1" orders -e "$3" 2>&1
}

# --- objects that are not ours ------------------------------------------------------------------------------------------------
refuses() { # NAMED
    local told command status=0
    for command in "cdc preflight --context orders" "cdc start --context orders --execute" "cutover start --context orders --execute --confirm orders" \
        "upgrade" "upgrade --execute" "cdc drop --context orders --execute --confirm=orders"; do
        # shellcheck disable=SC2086
        told=$(ficus $command 2>&1) && { echo "passes: $command"; status=1; }
        says "$1" "$told" || { echo "in: $command"; status=1; }
        says_not "GRANT" "$told" || status=1
    done
    return $status
}
mends() { # the statements that the error names, one after the other
    local told sql i
    for i in 1 2 3 4 5; do
        told=$(ficus upgrade 2>&1)
        case $told in *'in database "orders" something of Ficus is not as Ficus made it'*) ;; *) return 0 ;; esac
        sql=$(sed -n 's/.* as an administrator: \(.*;\) Drop no table of schema ficus and not its function fence: .*/\1/p' <<<"$told")
        case $sql in "" | *"DROP TABLE"*) break ;; esac
        my_sql orders orders "$sql" >"$FX_DIR/mend" 2>&1 || break
    done
    printf 'try %s: %s\n%s\n' "$i" "$told" "$(cat "$FX_DIR/mend")"
    return 1
}
plant() { # TEXT SQL NAMED
    my_sql orders orders "drop database if exists ficus; create database ficus collate utf8mb4_bin; $2"
    check "$1" refuses "$3"
    check "$1: and what it prints mends it" mends
}
own="create table ficus.own (grp varchar(64) primary key, state varchar(8), epoch bigint, until datetime(6), operator varchar(255))"
plant "a view is refused" "create view ficus.progress as select 1 as stream" "ficus.progress is a VIEW, not a table"
plant "and a table of another engine" "$own engine = MyISAM" "ficus.own is kept by engine MyISAM"
plant "and one whose names are equal to look-alikes" "$own collate utf8mb4_general_ci" "column grp of ficus.own has collation utf8mb4_general_ci"
plant "and a trigger" "$own; create trigger ficus.ficus_fence_x before update on ficus.own for each row set new.state = 'HERE'" "trigger ficus_fence_x of root@localhost is on ficus.own"
my_sql orders orders "drop database ficus; create database FICUS; create view FICUS.own as select 1; create table FICUS.version (x int) engine = MyISAM"
exits 0 "a database of another spelling is another database" ficus cdc preflight --context orders

# --- functions of the same name as the server's --------------------------------------------------------------------------------
my_sql orders orders "set global log_bin_trust_function_creators = 1"
for f in "concat(a text)" "coalesce(a text)" "locate(a text, b text)" "reverse(a text)" "ceil(a int)" "replace(a text, b text, c text)" "char_length(a text)" \
    "version()" "timestampdiff(a int, b int, c int)" "substring_index(a text, b text, c int)" "utc_timestamp(a int)" "current_user()" "user()" "left(a text, b int)"; do
    my_sql orders orders "create function orders.$f returns text deterministic return 'theirs'" 2>/dev/null
done
same "they exist" 1 "$(my_sql orders orders "select count(*) > 5 from information_schema.routines where routine_schema = 'orders'")"
exits 0 "and are not called" ficus cdc preflight --context orders

# --- who passes the fence -------------------------------------------------------------------------------------------------------
# For one name and host the server takes one account: those for other hosts are others.
my_sql orders orders "create user 'FICUS'@'%'; create user 'fïcus'@'%'; create user 'ficus'@'localhost'; create user 'shop'@'%';
    grant select, insert, update, delete, execute on orders.* to 'FICUS'@'%', 'fïcus'@'%', 'ficus'@'localhost', 'shop'@'%';
    create definer = ficus@'%' procedure orders.lend() sql security definer insert into orders.customer_orders (id) values (77)"
same "ownership is installed" installed "$(tool install)"
refused() { says "ERROR 1644" "$(as "$1" "$2" "${3:-insert into customer_orders (id) values (7)}")"; }
look_alikes() { # TEXT
    check "FICUS is refused$1" refused FICUS tcp
    check "and fïcus$1" refused fïcus tcp
    check "and the same name from another host$1" refused ficus socket
    check "and who borrows a procedure of the user$1" refused shop tcp "call orders.lend()"
    same "the user itself passes$1" "" "$(as ficus tcp "insert into customer_orders (id) values (8); delete from customer_orders")"
}
look_alikes ""

# --- fences of an older build -----------------------------------------------------------------------------------------------------
for event in i:INSERT u:UPDATE d:DELETE; do
    name=$(my_sql orders orders "select trigger_name from information_schema.triggers where event_object_table = 'customer_orders' and trigger_name like '%!_${event%:*}' escape '!'")
    mariadb --no-defaults -S "${MY_SOCK[orders]}" -u root orders <<SQL
delimiter //
create or replace definer = ficus@'%' trigger \`$name\` before ${event#*:} on customer_orders for each row
ficus_fence: begin if substring_index(user(), '@', 1) = 'ficus' then leave ficus_fence; end if; signal sqlstate '45000'; end//
SQL
done
same "let look-alikes pass" "" "$(as FICUS tcp "insert into customer_orders (id) values (9); delete from customer_orders")"
same "only the three" 3 "$(tool new renew | tail -n 1)"
check "are named" says 'fence of "orders"' "$(ficus upgrade)"
check "and left as they are" says 'fence of "orders"' "$(ficus upgrade)"
check "are made again" says "made again" "$(ficus upgrade --execute)"
check "and then are as this build makes them" says "Everything has the version" "$(ficus upgrade)"
look_alikes " by the fence that was made again"

# --- a trigger of our name that somebody else made ----------------------------------------------------------------------------------
name=$(my_sql orders orders "select trigger_name from information_schema.triggers where event_object_table = 'customer_orders' and trigger_name like '%!_i' escape '!'")
my_sql orders orders "drop trigger \`$name\`; create trigger \`$name\` before insert on customer_orders for each row set @x = 1"
epoch=${name%_i} epoch=${epoch##*_}
check "is no fence" says "or another one of that name" "$(tool new armed "$epoch"; tail -n 1 "$FX_DIR/tool.log")"
same "arming replaces it" armed "$(tool new arm "$epoch")"
check "and it refuses" refused FICUS tcp

# --- the applier on another host -----------------------------------------------------------------------------------------------------
my_sql orders orders "drop user 'ficus'@'localhost'"
sed "s,mysql://ficus@127.0.0.1:${MY_PORT[orders]}/orders,mysql://ficus@localhost/orders?socket=${MY_SOCK[orders]}," "$FX_DIR/ficus.yaml" >"$FX_DIR/moved.yaml"
pg_sql mono shop "insert into orders(id, total) select g, g from generate_series(1, 100) g"
exits 0 "starts" "$FICUS" cdc start --context orders --execute -f "$FX_DIR/moved.yaml"
check "and passes" until_ok 30 streams_phase reverse stream
streams_caught_up
streams_same "rows arrive"
check "the host where it was does not" refused ficus tcp "insert into customer_orders (id) values (777)"
exits 0 "it stops" "$FICUS" cdc stop --context orders --execute -f "$FX_DIR/moved.yaml"
fx_done
