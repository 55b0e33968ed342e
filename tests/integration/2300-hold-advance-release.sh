#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hold, advance and release: the applier stands still, goes exactly as far as it is told, also on an idle source,
# and a hold that nobody releases ends by itself.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"

fx_tmp
start_both mono orders
streams_project
streams_tables
pg_sql mono shop "insert into orders(id, total) select g, 1 from generate_series(1, 100) g"
exits 0 "both streams start" "$FICUS" cdc start --context orders --execute -f "$FX_DIR/ficus.yaml"
check "live" until_ok 30 streams_phase forward stream
check "live back" until_ok 30 streams_phase reverse stream
post() { curl -sf -m 20 --unix-socket "$FX_DIR/st/streams/orders-$1.sock" -d "$3" "http://s/$2"; }
my_count() { my_sql orders orders "select count(*) from customer_orders where id > 1000"; }

check "hold" post forward hold '{"limit_ms": 60000}'
for i in 1 2 3 4 5; do pg_sql mono shop "insert into orders(id, total) values (1000 + $i, 1)"; done
sleep 0.5
same "nothing is applied while held" 0 "$(my_count)"
goal=$(pg_sql mono shop "select pg_current_wal_lsn()")
for i in 6 7 8; do pg_sql mono shop "insert into orders(id, total) values (1000 + $i, 1)"; done
same "advance answers at the goal" "{\"at\":\"$goal\"}" "$(post forward advance "{\"goal\": \"$goal\", \"timeout_ms\": 5000}")"
same "exactly what the goal covers is applied" 5 "$(my_count)"
same "the progress row says the goal" "$goal" "$(my_sql orders ficus "select position from progress where stream = 'orders-forward'")"
check "release" post forward release '{}'
streams_caught_up
same "the rest is applied" 8 "$(my_count)"

# The sockets of streams, for another user of the machine: by their mode, and if that is lost, by the kernel's word.
same "sockets are private" "600 600" "$(stat -c %a "$FX_DIR"/st/streams/orders-{forward,reverse}.sock | xargs)"
same "nothing of the streams is for anybody else" "" "$(find "$FX_DIR/st" -perm /077)"
if [ "$(id -u)" = 0 ]; then
    as_other() { $(fx_user) curl -s -m 5 --unix-socket "$FX_DIR/st/streams/orders-forward.sock" "$@" http://s/status; }
    check "another user cannot connect" test -z "$(as_other)"
    chmod 711 "$FX_DIR/st" "$FX_DIR/st/streams" && chmod 666 "$FX_DIR/st/streams/orders-forward.sock"
    check "and is not answered where the mode would let it" test -z "$(as_other)"
    check "the stream's log says that it runs as root" grep -q 'running as root.*what=stream' "$FX_DIR/st/streams/orders-forward.log"
    check "the stream's log says who it was" grep -q 'refused a connection of another user.*uid=65534' "$FX_DIR/st/streams/orders-forward.log"
    check "our user is answered" streams_phase forward stream
    chmod 700 "$FX_DIR/st" "$FX_DIR/st/streams" && chmod 600 "$FX_DIR/st/streams/orders-forward.sock"
    # An impostor who has got hold of the path: nothing is sent to it.
    mv "$FX_DIR/st/streams/orders-forward.sock" "$FX_DIR/st/streams/real.sock"
    chmod 777 "$FX_DIR/st" "$FX_DIR/st/streams"
    # shellcheck disable=SC2046
    fx_spawn impostor "$FX_DIR/impostor.log" $(fx_user) perl -MIO::Socket::UNIX -e '
        umask 0; my $s = IO::Socket::UNIX->new(Local => shift, Listen => 5) or die;
        while (my $c = $s->accept) { my $got = <$c>; syswrite STDOUT, "got $got\n" if defined $got; }' "$FX_DIR/st/streams/orders-forward.sock"
    check "an impostor listens" until_ok 5 test -S "$FX_DIR/st/streams/orders-forward.sock"
    chmod 700 "$FX_DIR/st" "$FX_DIR/st/streams"
    out=$("$FICUS" cdc status --context orders -f "$FX_DIR/ficus.yaml" 2>&1)
    check "status says who answers there" grep -q "another user (uid 65534) listens on socket" <<<"$out"
    same "the impostor got no byte of a command" "" "$(cat "$FX_DIR/impostor.log")"
    fx_stop impostor
    rm -f "$FX_DIR/st/streams/orders-forward.sock"
    mv "$FX_DIR/st/streams/real.sock" "$FX_DIR/st/streams/orders-forward.sock"
else
    skip "another user at a stream's socket: needs root"
fi

check "hold on an idle source" post forward hold '{"limit_ms": 60000}'
goal=$(pg_sql mono shop "select pg_logical_emit_message(false, 'x', 'y'); select pg_current_wal_lsn()" | tail -n 1)
same "advance on an idle source" "{\"at\":\"$goal\"}" "$(post forward advance "{\"goal\": \"$goal\", \"timeout_ms\": 5000}")"
check "release" post forward release '{}'

check "hold the reverse stream" post reverse hold '{"limit_ms": 60000}'
my_sql orders ficus "insert into canary(id, grp, note) values (5001, 'orders.canary', 'back')"
goal=$(my_sql orders ficus "select @@gtid_binlog_pos")
my_sql orders ficus "insert into canary(id, grp, note) values (5002, 'orders.canary', 'back')"
sleep 0.5
same "nothing comes back while held" 0 "$(pg_sql mono shop "select count(*) from ficus.canary where id > 5000")"
same "advance the reverse stream" "{\"at\":\"$goal\"}" "$(post reverse advance "{\"goal\": \"$goal\", \"timeout_ms\": 5000}")"
same "exactly one came back" 1 "$(pg_sql mono shop "select count(*) from ficus.canary where id > 5000")"
check "release" post reverse release '{}'
streams_probe_back
same "the other too" 2 "$(pg_sql mono shop "select count(*) from ficus.canary where id in (5001, 5002)")"

check "a hold of 300 ms" post forward hold '{"limit_ms": 300}'
pg_sql mono shop "insert into orders(id, total) values (2000, 1)"
streams_caught_up
ok "ended by itself"
FICUS_FAILPOINT=reconcile.advance.before:kill exits 137 "a comparison dies while it holds the applier" \
    "$FICUS" reconcile run --context orders -f "$FX_DIR/ficus.yaml"
check "the hold ends with its holder, not with its limit of a minute" until_ok 3 streams_phase forward stream
same "advance without hold is refused" 409 "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$FX_DIR/st/streams/orders-forward.sock" -d "{\"goal\":\"$goal\"}" http://s/advance)"
streams_same "both sides are equal"

# A session that turns out to be lost under a command: who asked hears so, and does not wait for its time-out.
crash_server orders
restart_my orders
started=$SECONDS
"$FICUS" reconcile run --context orders -f "$FX_DIR/ficus.yaml" >/dev/null 2>&1
check "a comparison right after a server's restart ends" test $((SECONDS - started)) -lt 20
check "the stream comes back" until_ok 20 streams_phase forward stream
exits 0 "and the next one is equal" "$FICUS" reconcile run --context orders -f "$FX_DIR/ficus.yaml"

# A pause belongs to the process that asked for it.
byhand() { "$FICUS" cdc release --context orders --execute -f "$FX_DIR/ficus.yaml" "$@"; }
FICUS_FAILPOINT=reconcile.cut.before:sleep=8000 "$FICUS" reconcile run --context orders -f "$FX_DIR/ficus.yaml" >"$FX_DIR/owner.out" 2>&1 &
owner=$!
check "a comparison pauses the stream" until_ok 15 streams_phase forward held
same "the status says whose it is" "$owner" "$(streams_status forward hold_pid)"
check "another process does not release it" bash -c "! curl -sf -m 20 --unix-socket '$FX_DIR/st/streams/orders-forward.sock' -d '{}' http://s/release"
check "nor pauses it for itself" bash -c "! curl -sf -m 20 --unix-socket '$FX_DIR/st/streams/orders-forward.sock' -d '{\"limit_ms\": 100}' http://s/hold"
exits 9 "nor by hand" byhand
check "which names the owner" grep -q "paused by process $owner" <(byhand 2>&1)
check "it stands" streams_phase forward held
exits 0 "with --force it ends" byhand --force
check "at once" until_ok 2 streams_phase forward stream
wait "$owner"
same "the comparison whose pause was taken says nothing of equal rows" 0 "$(grep -c -i "equal" "$FX_DIR/owner.out")"
exits 0 "the next comparison is equal" "$FICUS" reconcile run --context orders -f "$FX_DIR/ficus.yaml"

# The session of a reverse stream that was killed may hold the replication origin for a while.
"$FICUS" cdc stop --context orders --execute -f "$FX_DIR/ficus.yaml" >/dev/null
mkfifo "$FX_DIR/origin"
psql -X -q -h "${PG_SOCK[mono]}" -p "${PG_PORT[mono]}" -U ficus -d shop <"$FX_DIR/origin" >/dev/null 2>&1 &
exec 5>"$FX_DIR/origin"
echo "select pg_replication_origin_session_setup('ficus_orders_reverse');" >&5
held_origin() { [ "$(pg_sql mono shop "select count(*) from pg_stat_activity where query like '%origin_session_setup%' and pid <> pg_backend_pid()")" = 1 ]; }
until_ok 5 held_origin || not_ok "the origin is held"
"$FICUS" cdc start --context orders --execute -f "$FX_DIR/ficus.yaml" >/dev/null 5>&- &
sleep 2
exec 5>&-
check "the reverse stream waits for it" until_ok 15 streams_phase reverse stream

# A server's error text that would act on a terminal, forge a log line or turn text round. What triggers say is shown only if asked.
"$FICUS" cdc stop --context orders --execute -f "$FX_DIR/ficus.yaml" >/dev/null 2>&1
exits 0 "started so that it shows values" "$FICUS" cdc start --context orders --execute --show-values -f "$FX_DIR/ficus.yaml"
evil=$'evil \x1b[2J\xc2\x9b\xe2\x80\xae\n{"level":"forged"}'
my_sql orders orders "set names utf8mb4; create trigger evil before insert on customer_orders for each row
    signal sqlstate '45000' set message_text = '$evil'"
pg_sql mono shop "insert into orders(id, total) values (9001, 1)"
check "a trigger's error stops the stream" until_ok 20 test -s "$FX_DIR/st/streams/orders-forward.error"
"$FICUS" cdc status --context orders -f "$FX_DIR/ficus.yaml" >"$FX_DIR/evil.status" 2>&1
"$FICUS" status -f "$FX_DIR/ficus.yaml" >"$FX_DIR/evil.picture" 2>&1
for file in "$FX_DIR"/st/streams/orders-forward.{error,log} "$FX_DIR"/evil.{status,picture}; do
    same "nothing in ${file##*/} acts on a terminal" 0 "$(LC_ALL=C grep -acP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae' "$file")"
done
check "the text is shown all the same" grep -qF '\u202e\n{\"level' "$FX_DIR/st/streams/orders-forward.error" # MariaDB itself escapes ESC
same "no line of the log is the server's" "" "$(grep '^{"level":"forged"' "$FX_DIR/st/streams/orders-forward.log")"
my_sql orders orders "drop trigger evil"
fx_done
