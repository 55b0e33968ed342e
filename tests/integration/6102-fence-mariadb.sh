#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The MariaDB fence, statement by statement. First the group is given to this side, then it is fenced here.
# seconds: 15
. "$(dirname "$0")/fence_lib.sh"
export TZ=America/New_York # the servers' own: sessions of ficus have another one
fence_setup
n=0
row() { n=$((n + 1)); echo "insert into t (v) values ($((RANDOM * 32768 + RANDOM)))"; }
write() { my_app "$(row)"; }
markers() { my_sql orders ficus "select count(*) from marker"; }
# position of the binary log, to see what was logged
logged() { my_sql orders mysql "select @@gtid_binlog_pos"; }

refused "AWAY refuses from the beginning" "is AWAY here" write
refused "with an error that nobody takes for a deadlock" "ERROR 1644 (45000)" write
check "the applier's user passes" my_sql orders orders "set statement foreign_key_checks = 0 for select 1"
check "the operator's user, who is the applier's, passes" env MY_USER=ficus bash -c ". '$FX_ROOT/tests/harness/servers.sh'; \
    mariadb --no-defaults -h 127.0.0.1 -P ${MY_PORT[orders]} -u ficus orders -e 'insert into t (v) values (-7)'"
same "the other side gives the group away" "armed taken 1" "$(echo $(tool old arm 2) $(tool old fence 1 60000 800) $(tool old commit 1))"
same "this side opens" 1 "$(tool new open 3)"
check "customers write while the old triggers are still there" write
same "and they are dropped" disarmed "$(tool new disarm)"
same "all of them" 0 "$(my_sql orders orders "select count(*) from information_schema.triggers where event_object_schema = 'orders'")"
same "arming for the next fence" armed "$(tool new arm 4)"
same "twice is fine" armed "$(tool new arm 4)"
same "three triggers a table, with the fence's epoch in their names" 6 \
    "$(my_sql orders orders "select count(*) from information_schema.triggers where event_object_schema = 'orders' and trigger_name regexp '^ficus_fence_orders_[0-9a-f]{8}_4_[iud]\$'")"
check "our DDL carries its tag in the binary log" grep -q "TRIGGER /\* ficus \*/" \
    <(my_sql orders mysql "show binlog events" | grep -E "CREATE (OR REPLACE )?DEFINER")

# --- writers are not serialised by the triggers ---------------------------------------------------------
HOLD=hold_my
hold w1 "begin; $(row);"
hold second "select 1;"
started=$(ms)
tell second "$(row); select 'written', row_count();"
check "a second writer passes while the first is in its transaction" grep -q 'written.1' "$FX_DIR/second.out"
at_most 500 "without waiting" "$started"

# --- the fence waits for writers in flight ------------------------------------------------------------
refused "an attempt gives up on a writer in flight" DB_CONFLICT tool new fence 3 60000 300
same "and leaves no marker" 0 "$(markers)"
let_go second ""
let_go w1 "commit; select 'fine';"
same "the writer was not disturbed" fine "$(tail -n 1 "$FX_DIR/w1.out")"
hold w2 "begin; $(row);"
watch_my
tool new fence 3 60000 900 >"$FX_DIR/fence" &
fence=$!
wait "$watching" || not_ok "the fence waits"
let_go w2 "$(row); insert into par values (1, 1); commit; select 'fine';"
wait "$fence"
same "a fence in the middle of a transaction waits for its end" taken "$(cat "$FX_DIR/fence")"
same "even if that writes on, into other tables" fine "$(grep -v told "$FX_DIR/w2.out")"
same "own" "FENCED 4" "$(tool new own)"
same "its marker stands" 1 "$(markers)"
refused "inserts are refused" "is FENCED here" write
refused "updates are" "is FENCED here" my_app "update t set v = 1 limit 1"
refused "deletes are" "is FENCED here" my_app "delete from t limit 1"
refused "multi-row and INSERT … SELECT are" "is FENCED here" my_app "insert into par select id, 1 from t"
check "TRUNCATE is not, for whoever has the right: so preflight names them" my_sql orders orders "truncate par"
same "every table carries this fence's triggers" 0 "$(tool new armed 4)"
same "another epoch's it does not" 6 "$(tool new armed 6 | head -n 1)"

# --- a refused customer blocks nobody ---------------------------------------------------------------------
hold idle "begin; $(row);"
started=$(ms)
same "abort does not wait for a refused customer's open transaction" 1 "$(tool new abort 3)"
at_most 700 "it comes at once" "$started"
check "nor does the next writer" write
let_go idle "rollback;"
check "who was refused" grep -q "is FENCED here" "$FX_DIR/idle.out"
same "HERE" "HERE 5" "$(tool new own)"

# --- REPEATABLE READ at the gate ---------------------------------------------------------------------------
same "armed for 6" armed "$(tool new arm 6)"
mkfifo "$FX_DIR/rr"
mariadb --no-defaults -n -f -N -B -S "${MY_SOCK[orders]}" -u app orders <"$FX_DIR/rr" >"$FX_DIR/rr.out" 2>&1 &
rr=$!
exec 7>"$FX_DIR/rr"
echo "set session transaction isolation level repeatable read; begin; select 'snapshot' from t limit 1; select state from information_schema.innodb_trx limit 0;" >&7
until_ok 5 grep -q snapshot "$FX_DIR/rr.out"
same "the fence is taken while a snapshot is open" taken "$(tool new fence 5 60000 800)"
echo "$(row); rollback; select 'end';" >&7
exec 7>&-
wait "$rr"
check "a snapshot from before the fence is refused at the gate" grep -q "ERROR 1644" "$FX_DIR/rr.out"

# --- the next fence's triggers survive a late controller ------------------------------------------------
same "abort" 1 "$(tool new abort 5)"
same "armed for 8" armed "$(tool new arm 8)"
stall cutover.disarm.before 2500 "$FX_DIR/late" tool new disarm
same "the next fence comes while a controller sleeps before its DROP" taken "$(tool new fence 7 60000 800)"
wait "$stalled"
same "the late DROP removes only what is older" 6 \
    "$(my_sql orders orders "select count(*) from information_schema.triggers where event_object_schema = 'orders' and trigger_name like '%!_8!__' escape '!'")"
same "nothing else is left" 6 "$(my_sql orders orders "select count(*) from information_schema.triggers where event_object_schema = 'orders'")"
refused "and the fence refuses" "is FENCED here" write

# --- an expired fence is reopened ---------------------------------------------------------------------------------------------
same "abort again" 1 "$(tool new abort 7)"
same "armed for 10" armed "$(tool new arm 10)"
same "a fence of 2 s" taken "$(tool new fence 9 2000 800)"
refused "refuses before its time" "is FENCED here" write
is_expired() { tool new own | grep -q expired; }
until_ok 10 is_expired || not_ok "it expires"
check "the first writer after it reopens the group" write
same "two epochs on" "HERE 11" "$(tool new own)"
same "commit finds nothing" 0 "$(tool new commit 9)"
same "abort finds nothing" 0 "$(tool new abort 9)"
check "the write gate lets the reopened epoch through" write

# --- prepared branches ------------------------------------------------------------------------------------
same "armed for 12" armed "$(tool new arm 12)"
mariadb --no-defaults -S "${MY_SOCK[orders]}" -u app orders -e "xa start 'x1'; $(row); xa end 'x1'; xa prepare 'x1'"
before=$(markers)
refused "a prepared branch holds the fence off" "DB_CONFLICT" tool new fence 11 60000 800
same "no marker is left by the attempt" "$before" "$(markers)"
same "nor an epoch" "HERE 11" "$(tool new own)"
check "preflight says it" grep -q "XA RECOVER" <(tool new check 2000)
my_sql orders orders "xa rollback 'x1'"

# --- a stalled controller -------------------------------------------------------------------------------
stall cutover.fence.before_commit 3500 "$FX_DIR/stalled" tool new fence 11 60000 800
started=$(ms)
check "a customer waits for the stalled fence and then writes" write
at_most 2500 "its locks went" "$started"
wait "$stalled"
same "the epoch is unchanged" "HERE 11" "$(tool new own)"
refused "the controller learns that it lost its session" "DB_CONNECT" cat "$FX_DIR/stalled" /nonexistent

# --- an unknown commit -----------------------------------------------------------------------------------
same "fenced" taken "$(tool new fence 11 60000 800)"
HOLD="hold_my root ficus" hold commit "begin; update own set state = 'AWAY', epoch = 13 where grp = 'orders' and state = 'FENCED';"
same "a SELECT says FENCED while a commit is in flight" "FENCED 12" "$(tool new own)"
watch_my
tool new abort 11 >"$FX_DIR/abort" &
abort=$!
wait "$watching" || not_ok "the abort waits"
let_go commit "commit;"
wait "$abort"
same "the abort waits for it and learns that it lost" 0 "$(cat "$FX_DIR/abort")"
same "the commit had won" "AWAY 13" "$(tool new own)"
same "AWAY is not disarmed" guarded "$(tool new disarm)"

# --- identities -------------------------------------------------------------------------------------------
at=$(logged)
same "the counter of an AWAY side is raised" raised "$(tool new raise 15 5000000)"
same "to the number" "t 5000000" "$(tool new ids | head -n 1)"
same "nothing of it is in the binary log" "$at" "$(logged)"
same "no row was left" 0 "$(my_sql orders orders "select count(*) from t where id >= 5000000")"
mariadb --no-defaults -h 127.0.0.1 -P "${MY_PORT[orders]}" -u ficus orders -e "insert into t (id, v) values (77, 0)" # v is unique and 0 is its implicit default
same "a unique key that has the implicit value is no obstacle" "raised t 6000000" "$(echo $(tool new raise 15 6000000) $(tool new ids | head -n 1))"
same "and its row is still there" 77 "$(my_sql orders orders "select id from t where v = 0")"
same "a counter that is high enough is left alone" "raised t 6000000" "$(echo $(tool new raise 15 10) $(tool new ids | head -n 1))"
same "the other side opens" 1 "$(tool old open 13)"
same "and gives back" "taken 1 1" "$(echo $(tool old fence 13 60000 800) $(tool old commit 13) $(tool new open 15))"
same "at the winner a late raise changes nothing" "guarded t 6000000" "$(echo $(tool new raise 15 9000000) $(tool new ids | head -n 1))"
same "ids go on behind it" "6000001" "$(my_app "$(row); select last_insert_id()")"

# --- what triggers do not see ------------------------------------------------------------------------------
my_sql orders orders "create table par_child (id bigint primary key, par bigint, constraint fk foreign key (par) references par (id) on delete cascade)"
sed -i 's|routes: \[\]|  - {from: public.par_child, to: orders.par_child}\n    routes: []|' "$FX_DIR/ficus.yaml"
pg_sql mono shop "create table public.par_child (id bigint primary key, par bigint)"
check "a cascade into the group is refused by preflight" grep -q "orders.par_child: foreign key \"fk\" is ON DELETE CASCADE" <(tool new check 2000)
my_sql orders orders "insert into par values (50, 1); insert into par_child values (1, 50)"
file=$(my_sql orders mysql "show master status" | cut -f 1) pos=$(my_sql orders mysql "show master status" | cut -f 2)
my_sql orders orders "delete from par where id = 50"
same "since a cascade's deletes are not in the binary log" 1 \
    "$(my_sql orders mysql "show binlog events in '$file' from $pos" | grep -c Delete_rows)"
same "although they happened" 0 "$(my_sql orders orders "select count(*) from par_child")"
my_sql orders mysql "create user cleaner; grant delete, drop on orders.* to cleaner; create user sweeper; grant drop on orders.par to sweeper"
check "whoever may TRUNCATE is named by preflight, with the way out" grep -qF "REVOKE DROP ON \`orders\`.* FROM 'cleaner'@'%'" <(tool new check 2000)
same "once, not for each table" 1 "$(tool new check 2000 | grep -c "'cleaner'")"
check "a right on one table too" grep -qF "REVOKE DROP ON \`orders\`.\`par\` FROM 'sweeper'@'%'" <(tool new check 2000)
my_sql orders mysql "revoke drop on \`orders\`.* from cleaner; revoke drop on \`orders\`.\`par\` from sweeper"
same "then it is content with them" 0 "$(tool new check 2000 | grep -c TRUNCATE)"
my_sql orders orders "create trigger ficus_fence_other_1_i before insert on t for each row set new.v = new.v"
check "preflight finds a foreign fence and says how to remove it" grep -q 'DROP TRIGGER /\* ficus \*/ `orders`.`ficus_fence_other_1_i`;' <(tool new check 2000)
my_sql orders orders "drop trigger ficus_fence_other_1_i"

# --- how long the fence would have to wait --------------------------------------------------------------
same "nobody writes: the fence would wait for nobody" 0 "$(tool new age)"
hold long "begin; insert into t (v) values (-77);"
names_long() { tool new check 500 | grep -q "long transaction of user app"; }
check "preflight names a long writer, in every time zone" until_ok 10 names_long
same "but no short one" "" "$(tool new check 3600000 | grep "long transaction")"
is_aged() { test "$(tool new age)" -ge 1000 && test "$(tool new age)" -lt 60000; }
check "and its age is known" until_ok 10 is_aged
let_go long "rollback;"

# --- deadlocks: the fence is never part of one that a customer loses -----------------------------------
tool new arm 16 >/dev/null
for i in 1 2 3; do
    (for j in $(seq 40); do my_app "begin; insert into t (v) values (-$i$(printf %03d "$j")); insert into par values ($i$(printf %03d "$j"), 1); commit" 2>&1; done) >"$FX_DIR/d$i" &
    writers[i]=$!
done
for _ in 1 2 3; do
    epoch=$(tool new own | cut -d ' ' -f 2)
    tool new arm $((epoch + 1)) >/dev/null
    tool new fence "$epoch" 60000 800 >/dev/null && tool new abort "$epoch" >/dev/null
done
wait "${writers[@]}"
same "no customer lost a deadlock" "" "$(cat "$FX_DIR"/d[123] | grep ERROR | grep -v 'is FENCED here')"
same "a group that the new side owns is not let go" "dropped" "$(tool drop)"
check "its fence stays" tool old own
pg_sql mono shop "update ficus.own set state = 'HERE'"
my_sql orders ficus "update own set state = 'AWAY'"
same "one that is at home is, with everything" "dropped" "$(tool drop)"
same "no trigger stays" 0 "$(my_sql orders orders "select count(*) from information_schema.triggers where trigger_name like 'ficus%'")"
fx_done
