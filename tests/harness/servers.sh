# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Private servers and processes for tests, the demo and torture: source it from a bash script.
#
#     . "$(dirname "$0")/../harness/servers.sh"
#     fx_tmp                              # FX_DIR: our own directory, removed at exit
#     start_pg mono; start_my orders      # PG_PORT[mono] PG_SOCK[mono]  MY_PORT[orders] MY_SOCK[orders]
#     pg_sql mono postgres 'create database shop'
#     fx_spawn facade "$FX_DIR/facade.log" "$FICUSD" -f ficus.yaml
#     check "the facade answers" curl -sf "http://…/healthz"
#     fx_done                             # prints the summary, exit status 1 when something failed
#
# What it promises: servers run as an unprivileged user (nobody when we are root) on random free ports
# and on sockets, with data in FX_DIR only. Whatever ends the script (end, failure, Ctrl-C, SIGTERM,
# SIGHUP) first stops every process that was started here or below, streams included, by its PID, and
# then removes FX_DIR. Grandchildren that outlive their parents are found by a mark in their environment.
# Servers stand in sessions of their own, so that Ctrl-C reaches this script first and it decides.

set -u
FX_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Tests start the programs that have failpoints, and those are never installed (tests/README.md).
FX_VARIANT=${VARIANT:-torture}
FX_BUILD=${FX_BUILD:-$FX_ROOT/build/$FX_VARIANT}
# shellcheck disable=SC2034
FICUS=$FX_BUILD/ficus FICUSD=$FX_BUILD/ficusd
PG_BIN=${PG_BIN:-/usr/lib/postgresql/15/bin}
PATH=$PATH:/usr/sbin:/sbin # mariadbd stands there, and an ordinary user's PATH leaves it out
FX_DIR=
declare -A FX_PID=() PG_PORT=() PG_SOCK=() MY_PORT=() MY_SOCK=() FX_ARGS=()
FX_PASSED=0 FX_FAILED=0 FX_SKIPPED=0

# --- results: ok / not ok / SKIP lines, counted by tests/integration/run -------------------------

fx_say() { printf '# %s\n' "$*"; }
ok() { FX_PASSED=$((FX_PASSED + 1)); printf 'ok - %s\n' "$*"; }
not_ok() { FX_FAILED=$((FX_FAILED + 1)); printf 'not ok - %s\n' "$*"; }
skip() { FX_SKIPPED=$((FX_SKIPPED + 1)); printf 'SKIP - %s\n' "$*"; }
# check TEXT COMMAND…: ok when it succeeds; what it printed is shown when it does not
check() {
    local text=$1 out
    shift
    if out=$("$@" 2>&1); then ok "$text"; else not_ok "$text"; printf '%s\n' "$out" | sed 's/^/#   /'; fi
}
# same TEXT EXPECTED ACTUAL
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else
        not_ok "$1"
        printf '#   expected: %s\n#   got:      %s\n' "$2" "$3"
    fi
}
# live PROGRAM [TEXT]: a cmocka program of tests/unit that needs what was started here; a line for each of its tests
live() {
    local program=$1 text=${2:+, $2} out status=0 line
    out=$(CMOCKA_MESSAGE_OUTPUT=stdout timeout -k 5 200 "$FX_BUILD/tests/unit/$program" 2>&1 </dev/null) || status=$?
    while read -r line; do
        case $line in
        'ok '*) ok "${line#ok }$text" ;;
        *) not_ok "${line#* }$text" ;;
        esac
    done < <(printf '%s\n' "$out" | sed -n 's/^\[       OK \] /ok /p; s/^\[  \(FAILED \|SKIPPED\) \] \(test_.*\)/no \2/p' | sort -u)
    if [ $status != 0 ]; then printf '%s\n' "$out" | grep -v '^\[' | tail -n 40 | sed 's/^/#   /'; fi
    same "$program ends with status 0$text" 0 $status
}
# exits STATUS TEXT COMMAND…: the exit status is part of the contract
exits() {
    local want=$1 text=$2 out status=0
    shift 2
    out=$("$@" 2>&1) || status=$?
    if [ "$status" = "$want" ]; then ok "$text"; else
        not_ok "$text (exit status $status, expected $want)"
        printf '%s\n' "$out" | sed 's/^/#   /'
    fi
}
fx_die() { printf 'not ok - %s\n' "$*"; FX_FAILED=$((FX_FAILED + 1)); exit 1; }
fx_done() {
    fx_say "$FX_PASSED passed, $FX_FAILED failed, $FX_SKIPPED skipped"
    [ "$FX_FAILED" = 0 ]
    exit $?
}
# until_ok SECONDS COMMAND…: polls every 50 ms
until_ok() {
    local deadline=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "${EPOCHREALTIME/[.,]/}" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}

# --- a directory of our own, and its end ---------------------------------------------------------

# The servers' own temporary files go below their directory: TMPDIR need not be writable for the user they run as.
fx_user() { if [ "$(id -u)" = 0 ]; then echo "setpriv --reuid=nobody --regid=nogroup --clear-groups --"; fi; }
# Short, because a Unix socket's path has at most 107 bytes; open to the unprivileged user.
fx_tmp() {
    local base=${TMPDIR:-/tmp}
    [ "${#base}" -le 60 ] || fx_die "TMPDIR is too long for Unix sockets (60 bytes): $base"
    trap '"$FX_AT_END"' EXIT
    trap 'fx_end 129' HUP
    trap 'fx_end 130' INT
    trap 'fx_end 143' TERM
    FX_DIR=$(mktemp -d "$base/fx.XXXXXX") || exit 1
    chmod 755 "$FX_DIR"
    export FX_HARNESS_MARK=$FX_DIR
    # Below a runner that starts scripts side by side these are the runner's, and shared by its scripts.
    if [ ! -d "${FX_PORTS:-}" ]; then export FX_PORTS=$FX_DIR/ports && mkdir "$FX_PORTS"; fi
    $(fx_user) test -x "$FX_DIR" || fx_die "the unprivileged user cannot enter $FX_DIR: use another TMPDIR"
}
# What runs at the end, however it comes; who has more to do puts a function here that calls fx_cleanup last. Whoever
# is impatient sends a second signal: bash runs no EXIT trap twice, so that an `exit` from a signal's trap would leave a
# cleanup that has begun, and with it all that still runs. Hence signals are ignored first, and the end is called here.
FX_AT_END=fx_cleanup
fx_end() { # STATUS
    trap '' HUP INT TERM
    (exit "$1")
    "$FX_AT_END"
}
fx_alive() {
    local stat=
    [ -n "${1:-}" ] && { read -r stat <"/proc/$1/stat"; } 2>/dev/null && stat=${stat##*) } && [ "${stat%% *}" != Z ]
}
fx_state() { awk '{ sub(/.*\) /, ""); print $1 }' "/proc/$1/stat" 2>/dev/null; }
# Every living process whose environment carries our mark (this shell's own does not: it was set later).
# One grep for all, and who is looked at is listed before it starts. Two children for each process of the machine were
# slow, and when their numbers came round bash 5.2 was seen to wait for ever for children that had ended.
fx_marked() {
    local all=(/proc/[0-9]*/environ) file
    while read -r file; do
        file=${file#/proc/}
        echo "${file%/environ}"
    done < <(grep -slzxF -e "FX_HARNESS_MARK=$FX_DIR" "${all[@]}")
}
fx_wait_gone() { # SECONDS PID…
    local seconds=$1 pid i
    shift
    for ((i = 0; i < seconds * 50; i++)); do
        for pid in "$@"; do if fx_alive "$pid"; then sleep 0.02; continue 2; fi; done
        return 0
    done
    return 1
}
fx_cleanup() {
    local status=$? pids pid
    trap - EXIT
    trap '' HUP INT TERM
    [ -n "$FX_DIR" ] || exit "$status"
    # Programs first, so that they may say goodbye to their databases; then the servers, then force.
    pids=()
    for pid in $(fx_marked); do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in
        postgres | mariadbd | sleep) ;;
        *) kill -TERM "$pid" 2>/dev/null && pids+=("$pid") ;;
        esac
    done
    fx_wait_gone 2 "${pids[@]}"
    for pid in "${FX_PID[@]}"; do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in
        postgres) kill -INT "$pid" 2>/dev/null ;;
        *) kill -TERM "$pid" 2>/dev/null ;;
        esac
    done
    fx_wait_gone 3 "${FX_PID[@]}"
    for pid in "${FX_PID[@]}" $(fx_marked); do
        if fx_alive "$pid"; then kill -KILL "$pid" 2>/dev/null; kill -CONT "$pid" 2>/dev/null; fi
    done
    fx_wait_gone 3 "${FX_PID[@]}"
    # A killed server's segment of shared memory is not below FX_DIR; its number stands in postmaster.pid.
    for pid in "$FX_DIR"/*/d/postmaster.pid; do
        if [ -e "$pid" ]; then ipcrm -m "$(awk 'NR == 7 { print $2 }' "$pid")" 2>/dev/null; fi
    done
    awk -v dir="$FX_DIR/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | while read -r mount; do umount -l "$mount"; done
    if [ -n "${FX_KEEP:-}" ]; then fx_say "kept: $FX_DIR"; else rm -rf "$FX_DIR"; fi
    exit "$status"
}

# --- processes -----------------------------------------------------------------------------------

# fx_spawn NAME LOG COMMAND…: in the background, in a session of its own; FX_PID[NAME]
fx_spawn() {
    local name=$1 log=$2
    shift 2
    setsid "$@" >>"$log" 2>&1 </dev/null &
    FX_PID[$name]=$!
    disown "$!" 2>/dev/null
}
# fx_stop NAME [SIGNAL]: ends one process and waits for it (5 s, then SIGKILL)
fx_stop() {
    local pid=${FX_PID[$1]:-}
    unset "FX_PID[$1]"
    fx_alive "$pid" || return 0
    kill "-${2:-TERM}" "$pid" 2>/dev/null
    fx_wait_gone 5 "$pid" || kill -KILL "$pid" 2>/dev/null
}
# A port below the ephemeral range on which nobody listens. No port is given twice in one run, so that a server which is
# down for a moment finds its port free when it comes back. Strangers may still take it: a race shows as a failed start.
fx_free_port() {
    local port
    while :; do
        port=$((12000 + (RANDOM * 32768 + RANDOM) % 20000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
        if mkdir "$FX_PORTS/$port" 2>/dev/null; then break; fi
        [ -d "$FX_PORTS" ] || fx_die "no directory for the ports that were given: \"$FX_PORTS\"" >&2
    done
    echo "$port"
}
# fx_listens NAME PORT: true when it is NAME itself that listens there, and not somebody who was faster
fx_listens() {
    local inode
    inode=$(awk -v port="$(printf ':%04X' "$2")" '$2 ~ port "$" && $4 == "0A" { print $10 }' /proc/net/tcp | head -n 1)
    [ -n "$inode" ] && ls -l "/proc/${FX_PID[$1]:-0}/fd" 2>/dev/null | grep -q "socket:\[$inode\]"
}
# fx_wait_listen NAME PORT: until it listens; fails at once when it is dead, after 10 s otherwise
fx_wait_listen() {
    local i
    for ((i = 0; i < 500; i++)); do
        if fx_listens "$1" "$2"; then return 0; fi
        fx_alive "${FX_PID[$1]:-}" || return 1
        sleep 0.02
    done
    return 1
}

# --- data directories ----------------------------------------------------------------------------

# fx_data ENGINE NAME COMMAND…: the data directory $FX_DIR/NAME/d, made by COMMAND. Below a runner only the first script
# of an engine makes it, and leaves a copy in FX_TEMPLATES for all others. Copies are alike down to the PostgreSQL system
# identifier, which nothing of ours compares (docs/adr/0070-tests-side-by-side.md). Holes stay holes: most of a
# fresh MariaDB is an empty log.
fx_data() {
    local engine=$1 d=$FX_DIR/$2
    shift 2
    mkdir -p "$d"
    if [ "$(id -u)" = 0 ]; then chown nobody:nogroup "$d"; fi
    if [ ! -d "${FX_TEMPLATES:-}" ]; then
        TMPDIR=$d "$@" >"$d/made" 2>&1
        return
    fi
    (
        trap - EXIT
        flock 9
        if [ -d "$FX_TEMPLATES/$engine" ]; then exit 0; fi
        # Made here and moved there, so that whoever is ended in the middle leaves nothing that looks complete.
        TMPDIR=$d "$@" >"$d/made" 2>&1 || exit 1
        rm -rf "$FX_TEMPLATES/$engine.new"
        cp -a --sparse=always "$d/d" "$FX_TEMPLATES/$engine.new" && mv "$FX_TEMPLATES/$engine.new" "$FX_TEMPLATES/$engine"
    ) 9>>"$FX_TEMPLATES/$engine.lock" || return 1
    [ -d "$d/d" ] || cp -a "$FX_TEMPLATES/$engine" "$d/d"
}

# --- PostgreSQL ----------------------------------------------------------------------------------

fx_pg_launch() { # NAME
    local name=$1 d=$FX_DIR/$1
    # shellcheck disable=SC2046,SC2086
    fx_spawn "$name" "$d/log" $(fx_user) "$PG_BIN/postgres" -D "$d/d" -k "$d" -p "${PG_PORT[$name]}" \
        -c listen_addresses=127.0.0.1 -c wal_level=logical -c fsync=off -c full_page_writes=off \
        -c shared_buffers=64MB -c max_connections=120 -c max_wal_senders=16 -c max_replication_slots=16 \
        -c dynamic_shared_memory_type=mmap -c max_prepared_transactions=16 -c timezone=UTC -c log_timezone=UTC -c max_wal_size=2GB \
        ${FX_ARGS[$name]}
}
fx_pg_ready() { "$PG_BIN/pg_isready" -q -h "${PG_SOCK[$1]}" -p "${PG_PORT[$1]}" -t 1; }
fx_wait_server() { # NAME PROBE: ready, or dead
    local i
    for ((i = 0; i < 1500; i++)); do
        if "$2" "$1" >/dev/null 2>&1; then return 0; fi
        fx_alive "${FX_PID[$1]:-}" || return 1
        sleep 0.02
    done
    return 1
}
# start_pg NAME [postgres option…]: superuser ficus, no passwords. Both engines in parallel: see start_both.
start_pg() {
    FX_ARGS[$1]=${*:2}
    fx_pg_init "$1" && fx_pg_boot "$1"
}
fx_pg_init() {
    local d=$FX_DIR/$1
    # shellcheck disable=SC2046
    fx_data postgresql "$1" $(fx_user) "$PG_BIN/initdb" -D "$d/d" -U ficus -A trust --no-sync -E UTF8 --locale=C ||
        fx_die "initdb failed: $(tail -n 3 "$d/made")"
}
fx_pg_boot() {
    local name=$1 d=$FX_DIR/$1 try
    PG_SOCK[$name]=$d
    for try in 1 2 3 4 5; do
        PG_PORT[$name]=$(fx_free_port)
        fx_pg_launch "$name"
        fx_wait_server "$name" fx_pg_ready && return 0
    done
    fx_die "PostgreSQL did not start (try $try): $(tail -n 3 "$d/log")"
}
# crash_server NAME: SIGKILL, as a power cut would; restart_pg / restart_my bring it back on its port
crash_server() { kill -KILL "${FX_PID[$1]}" 2>/dev/null; fx_wait_gone 5 "${FX_PID[$1]}"; }
restart_pg() {
    local i
    for ((i = 0; i < 100; i++)); do # the killed one's children may hold its shared memory for a moment
        fx_pg_launch "$1"
        fx_wait_server "$1" fx_pg_ready && return 0
        sleep 0.1
    done
    fx_die "PostgreSQL \"$1\" did not come back: $(tail -n 3 "$FX_DIR/$1/log")"
}
stop_pg() { fx_stop "$1" INT; }
pg_sql() { # NAME DATABASE SQL: unaligned tuples
    psql -X -q -A -t -v ON_ERROR_STOP=1 -h "${PG_SOCK[$1]}" -p "${PG_PORT[$1]}" -U "${PG_USER:-ficus}" -d "$2" -c "$3"
}
pg_file() { # NAME DATABASE FILE
    psql -X -q -A -t -v ON_ERROR_STOP=1 -h "${PG_SOCK[$1]}" -p "${PG_PORT[$1]}" -U "${PG_USER:-ficus}" -d "$2" -f "$3"
}

# --- MariaDB -------------------------------------------------------------------------------------

fx_my_launch() { # NAME
    local name=$1 d=$FX_DIR/$1
    # shellcheck disable=SC2046,SC2086
    fx_spawn "$name" "$d/log" $(fx_user) mariadbd --no-defaults --datadir="$d/d" --socket="$d/s" \
        --port="${MY_PORT[$name]}" --bind-address=127.0.0.1 --pid-file="$d/pid" --tmpdir="$d" \
        --log-bin=b --server-id=1 --binlog-format=ROW --binlog-row-image=FULL --binlog-row-metadata=FULL --sync-binlog=1 \
        --skip-name-resolve --innodb-flush-method=nosync --innodb-log-file-size=64M \
        --innodb-buffer-pool-size=128M --character-set-server=utf8mb4 --collation-server=utf8mb4_bin \
        --default-time-zone=+00:00 --max-connections=200 ${FX_ARGS[$name]}
}
fx_my_ready() { mariadb-admin --no-defaults -S "${MY_SOCK[$1]}" -u root ping; }
# start_my NAME [mariadbd option…]: root and ficus (all rights, any host), no passwords
start_my() {
    FX_ARGS[$1]=${*:2}
    fx_my_init "$1" && fx_my_boot "$1"
}
fx_my_init() {
    local d=$FX_DIR/$1
    # shellcheck disable=SC2046,SC2086
    fx_data mariadb "$1" $(fx_user) mariadb-install-db --no-defaults --datadir="$d/d" --auth-root-authentication-method=normal \
        --skip-test-db --innodb-log-file-size=64M ||
        fx_die "mariadb-install-db failed: $(cat "$d/made")"
}
# fx_my_up NAME: starts the server on a data directory that is there, on a port of its own
fx_my_up() {
    local name=$1 d=$FX_DIR/$1 try
    MY_SOCK[$name]=$d/s
    for try in 1 2 3 4 5; do
        MY_PORT[$name]=$(fx_free_port)
        fx_my_launch "$name"
        if fx_wait_server "$name" fx_my_ready; then return 0; fi
    done
    fx_die "MariaDB did not start (try $try): $(tail -n 3 "$d/log")"
}
fx_my_boot() {
    fx_my_up "$1"
    my_sql "$1" mysql "create user 'ficus'@'%'; grant all on *.* to 'ficus'@'%' with grant option" ||
        fx_die "could not create the user on MariaDB \"$1\""
}
restart_my() {
    local i
    for ((i = 0; i < 50; i++)); do
        fx_my_launch "$1"
        fx_wait_server "$1" fx_my_ready && return 0
        sleep 0.1
    done
    fx_die "MariaDB \"$1\" did not come back: $(tail -n 3 "$FX_DIR/$1/log")"
}
stop_my() { fx_stop "$1" TERM; }
my_sql() { # NAME DATABASE SQL: tab-separated, no header
    mariadb --no-defaults -N -B -S "${MY_SOCK[$1]}" -u "${MY_USER:-root}" "$2" -e "$3"
}
my_file() { mariadb --no-defaults -N -B -S "${MY_SOCK[$1]}" -u "${MY_USER:-root}" "$2" <"$3"; }

# start_both PG_NAME MY_NAME: the slow part (creating the data directories) runs in parallel; 0.7 s
start_both() {
    local pid status=0
    FX_ARGS[$1]=${FX_ARGS[$1]:-} FX_ARGS[$2]=${FX_ARGS[$2]:-}
    (trap - EXIT; fx_pg_init "$1") &
    pid=$!
    fx_my_init "$2"
    wait "$pid" || status=1
    [ "$status" = 0 ] || exit 1
    fx_pg_boot "$1"
    fx_my_boot "$2"
}
