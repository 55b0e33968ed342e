#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is typed wrongly, or without a plan, is answered with the next step.
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../harness/streams.sh"
fx_tmp
start_both mono orders
streams_project
streams_tables
F=$FX_DIR/ficus.yaml
says() { case $2 in *"$1"*) return 0 ;; esac; printf 'not in: %s\n' "$2"; return 1; }

# --- words ---------------------------------------------------------------------------------------------
exits 0 "a noun explains itself" "$FICUS" plan --help
check "with its verbs" says "plan lint" "$("$FICUS" plan --help)"
exits 2 "options before the command" "$FICUS" -f "$F" status
check "it says what to type" says "ficus status -f" "$("$FICUS" -f "$F" status 2>&1)"
exits 0 "the daemon has a version" "$FICUSD" --version
same "the same one" "$("$FICUS" --version | cut -d' ' -f2)" "$("$FICUSD" --version | cut -d' ' -f2)"
check "-c is --context for a cut-over, too" says "-c, --context" "$("$FICUS" cutover start --help)"

check "an error of use without a hint of its own names the help" says "ficus cutover rehearse --help" "$("$FICUS" cutover rehearse --rounds 0 2>&1)"
echo nothing >"$FX_DIR/no-report"
out=$("$FICUS" reconcile gate "$FX_DIR/no-report" --unsigned --context orders -f "$F" 2>&1)
check "a report that cannot be read is named in the message" says "report \"$FX_DIR/no-report\" cannot be read: not valid JSON" "$out"
check "with the command that writes a new one" says "ficus reconcile run --context orders --report DIR" "$out"

# --- the file ------------------------------------------------------------------------------------------
sed 's/health:/helth:/; s/kind: read/kind: red/; s/database: mono}/database: momo}/' "$F" >"$FX_DIR/bad.yaml"
lines=$("$FICUS" cdc status -f "$FX_DIR/bad.yaml" 2>&1 | sed -n 's/.*bad.yaml:\([0-9]*\):.*/\1/p')
same "problems come in the order of the lines" "$(sort -n <<<"$lines")" "$lines"
lines=$("$FICUSD" --check -f "$FX_DIR/bad.yaml" 2>&1 | sed -n 's/.*bad.yaml:\([0-9]*\):.*/\1/p')
same "the daemon's, too" "$(sort -n <<<"$lines")" "$lines"
check "there are several" [ "$(wc -l <<<"$lines")" -ge 2 ]
{ sed 's/database: mono}/database: momo}/' "$F"; printf 'cdc: {heartbeat: 1h}\nreconcile: {elephant: 1}\n'; } >"$FX_DIR/far.yaml"
tool=$("$FICUS" cdc status -f "$FX_DIR/far.yaml" 2>&1 | grep far.yaml:)
same "the daemon finds what is wrong in databases, cdc and reconcile, in the same words" "$tool" "$("$FICUSD" --check -f "$FX_DIR/far.yaml" 2>&1 | grep far.yaml:)"
same "each of the three" 3 "$(wc -l <<<"$tool")"
check "what is unknown and near nothing comes with what is known" says 'unknown key "elephant" (known: ' "$tool"

# --- the daemon ----------------------------------------------------------------------------------------
sed 's|^facade:|&\n  admin: {address: "127.0.0.1:0", token: {env: FICUS_NOT_SET}}|' "$F" >"$FX_DIR/secret.yaml"
out=$("$FICUSD" -f "$FX_DIR/secret.yaml" 2>&1)
same "a secret that is missing" 4 $?
check "has its code" says "[SECRET]" "$out"
check "and its hint" says "export FICUS_NOT_SET" "$out"
same "and its place once" 1 "$(grep -o 'secret.yaml:[0-9]*:[0-9]*' <<<"$out" | wc -l)"
sed "s|listen: .*|listen: [{address: \"127.0.0.1:${PG_PORT[mono]}\"}]|" "$F" >"$FX_DIR/taken.yaml"
check "an address in use: who has it" says "ss -ltnp 'sport = :${PG_PORT[mono]}'" "$("$FICUSD" -f "$FX_DIR/taken.yaml" 2>&1)"

# --- MariaDB refuses -----------------------------------------------------------------------------------
my_sql orders mysql "create user bob@'%' identified by 'right'; create user bob@localhost identified by 'right'"
sed 's|mysql://ficus@|mysql://bob@|' "$F" >"$FX_DIR/bob.yaml"
check "a wrong password" says "Check the user \"bob\" and its password under databases.orders" "$("$FICUS" cdc preflight --context orders -f "$FX_DIR/bob.yaml" 2>&1)"
echo right >"$FX_DIR/word"
sed -i "s|\(mysql://bob@[^\"]*\"\)|\1, password: {file: $FX_DIR/word}|" "$FX_DIR/bob.yaml"
chmod 600 "$FX_DIR/word"
check "no access to the database" says 'GRANT SELECT ON `orders`' "$("$FICUS" cdc preflight --context orders -f "$FX_DIR/bob.yaml" 2>&1)"

# --- streams without a plan ------------------------------------------------------------------------------
exits 0 "what would be started" "$FICUS" cdc start --context orders -f "$F"
check "comes with a warning" says "both sides accept writes" "$("$FICUS" cdc start --context orders -f "$F" 2>&1)"
out=$("$FICUS" cdc start --context orders --execute -f "$F" 2>&1)
same "streams by hand start" 0 $?
check "with the warning" says "ownership of context \"orders\" is not installed" "$out"
check "and how it is installed" says "stream.start installs ownership" "$out"
own="create table if not exists ficus.own (grp varchar(64) primary key, state varchar(16), epoch bigint, until timestamp(6) null, operator varchar(64))"
pg_sql mono shop "${own/ null,/,}; insert into ficus.own (grp, state, epoch) values ('orders', 'HERE', 1)"
my_sql orders ficus "$own; insert into own (grp, state, epoch) values ('orders', 'AWAY', 1)"
check "with ownership there is none" [ "$("$FICUS" cdc start --context orders --execute -f "$F" 2>&1 | grep -c "ownership of context")" = 0 ]
fx_done
