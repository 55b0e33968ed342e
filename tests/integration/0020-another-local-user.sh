#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Another user of the machine, and a careless administrator: what is created is private whatever the umask says; links,
# FIFOs and files of others are never followed or overwritten; a state directory that is not ours is refused with the
# command that mends it; one of an older build is made private. The sockets of streams: 2300.
# seconds: 5
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
umask 000 # as bad as it gets
port=$(fx_free_port) admin=$(fx_free_port)
export MONO_PASSWORD=x ORDERS_PASSWORD=x FICUS_TOKEN=0123456789abcdef0123456789abcdef
state=$FX_DIR/state
project() { # STATE-DIRECTORY FILE
    sed -e "s,/var/lib/ficus,$1," -e "s/0.0.0.0:8080/127.0.0.1:$port/" -e "s/127.0.0.1:9090/127.0.0.1:$admin/" \
        "$FX_ROOT/docs/examples/ficus.yaml" >"$2"
}
project "$state" "$FX_DIR/ficus.yaml"
is_up() { curl -sf -H "Authorization: Bearer $FICUS_TOKEN" "http://127.0.0.1:$admin/v1/status"; }
up() { # TEXT: in this shell, which stops it
    fx_spawn facade "$FX_DIR/facade.log" "$FICUSD" -f "$FX_DIR/ficus.yaml"
    check "$1" until_ok 10 is_up
}
refused() { # TEXT WHAT [PROJECT]: ficusd does not start, and says WHAT
    local out status=0
    out=$(timeout 10 "$FICUSD" -f "${3:-$FX_DIR/ficus.yaml}" 2>&1) || status=$?
    if [ "$status" = 11 ] && grep -qF -- "$2" <<<"$out"; then ok "$1"; else not_ok "$1 (status $status)"; printf '%s\n' "$out"; fi
}
tool() { "$FICUS" run status -f "${1:-$FX_DIR/ficus.yaml}" 2>&1; }

up "the facade starts under umask 000"
check "and writes its state" "$FICUS" route set orders-read --weight 10% -f "$FX_DIR/ficus.yaml" --execute
same "the state directory is for its owner alone" 700 "$(stat -c %a "$state")"
same "nothing in it is for anybody else" "" "$(find "$state" -perm /077)"
check "there is something in it" test -s "$state/facade.json"
# --- who did it: never by $USER, chained with a key ------------------------------------------------
me=$(id -un)
out=$(USER=mallory LOGNAME=mallory "$FICUS" audit -f "$FX_DIR/ficus.yaml")
check "the audit log has the command, begun and ended" test "$(grep -c "ficus route set orders-read --weight 10%" <<<"$out")" = 2
check "with the login name of the system" grep -q "begin  $me (uid $(id -u))@" <<<"$out"
USER=mallory SUDO_USER=$'eve\e[2J' "$FICUS" route set orders-read --weight 20% -f "$FX_DIR/ficus.yaml" --execute >/dev/null
out=$("$FICUS" audit -f "$FX_DIR/ficus.yaml")
same "\$USER is nobody" "" "$(grep mallory <<<"$out")"
[ "$(id -u)" != 0 ] || check "sudo's word is an addition" grep -q "$me (uid 0)@.* via sudo from eve" <<<"$out"
anchor=$(sed -n 's/.*chain intact, anchor //p' <<<"$out")
exits 0 "the anchor is found again" "$FICUS" audit -f "$FX_DIR/ficus.yaml" --anchor "$anchor"
"$FICUS" route set nothing --weight 20% -f "$FX_DIR/ficus.yaml" --execute >/dev/null 2>&1
check "a command that failed is there with its code" grep -qE "nothing --weight 20%.* -> [0-9]+ [A-Z]+" <<<"$("$FICUS" audit -f "$FX_DIR/ficus.yaml")"
"$FICUS" route set "postgresql://a:hunter2@h/x" --weight 20% -f "$FX_DIR/ficus.yaml" --execute >/dev/null 2>&1
same "no password is in it" 0 "$(grep -ac hunter2 "$state/audit")"
size=$(stat -c %s "$state/audit")
cp "$state/audit" "$FX_DIR/audit.was"
printf x | dd of="$state/audit" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
exits 11 "an edited audit log is refused" "$FICUS" audit -f "$FX_DIR/ficus.yaml"
cp "$FX_DIR/audit.was" "$state/audit"
rm "$state/audit.key"
exits 11 "one whose key is gone, too" "$FICUS" audit -f "$FX_DIR/ficus.yaml"
rm "$state/audit"
exits 11 "and one that was replaced, by the anchor" "$FICUS" audit -f "$FX_DIR/ficus.yaml" --anchor "$anchor"
fx_stop facade

# --- what an older build left ---------------------------------------------------------------------
mkdir -p "$state/runs/old/reports/a"
echo x >"$state/runs/old/reports/a/report.json"
chmod -R go+rX,go-w "$state"
up "a readable state directory of an older build is taken"
same "and made private" "" "$(find "$state" -perm /077)"
check "with a line in the log" grep -q 'others lost their access to the state directory' "$FX_DIR/facade.log"
fx_stop facade

# --- links and other things in the way of what is written -----------------------------------------
echo precious >"$FX_DIR/victim"
chmod 644 "$FX_DIR/victim"
rm "$state/facade.lock"
ln -s "$FX_DIR/victim" "$state/facade.lock"
refused "a lock that is a symbolic link is refused" "is a symbolic link"
rm "$state/facade.lock"
ln "$FX_DIR/victim" "$state/facade.lock"
refused "a lock that is a hard link is refused" "has 2 names"
rm "$state/facade.lock"
mkfifo "$state/facade.lock"
refused "a lock that is a FIFO is refused and not waited for" "not a regular file"
rm "$state/facade.lock"
same "the victim is as it was" "precious 644" "$(cat "$FX_DIR/victim") $(stat -c %a "$FX_DIR/victim")"
ln -s "$FX_DIR/victim" "$state/facade.lock.other"
mv "$state/facade.json" "$state/facade.json.was"
ln -s "$FX_DIR/victim" "$state/facade.json"
refused "a state file that is a link to something else is not believed" ""
rm "$state/facade.json" && mv "$state/facade.json.was" "$state/facade.json"

# --- whose directory it is ------------------------------------------------------------------------
chmod 777 "$state"
refused "a state directory in which others may write is refused" "chmod 700 '$state'"
check "by the tool as well" grep -qF "chmod 700 '$state'" <<<"$(tool)"
exits 0 "what needs no state is not" "$FICUS" plan lint -f "$FX_DIR/ficus.yaml" "$FX_ROOT/plans/library/extract-service.yaml"
chmod 700 "$state"
up "the command that was printed mends it"
fx_stop facade
ln -s "$state" "$FX_DIR/link"
project "$FX_DIR/link" "$FX_DIR/link.yaml"
refused "a state directory that is a symbolic link is refused" "is a symbolic link" "$FX_DIR/link.yaml"
mkdir -m 777 "$FX_DIR/open"
project "$FX_DIR/open/state" "$FX_DIR/open.yaml"
refused "so is one below a directory in which everybody may write" "chmod o-w '$FX_DIR/open'" "$FX_DIR/open.yaml"
if [ "$(id -u)" = 0 ]; then
    mkdir -m 700 "$FX_DIR/theirs" && chown nobody "$FX_DIR/theirs"
    project "$FX_DIR/theirs" "$FX_DIR/theirs.yaml"
    refused "root does not work in another user's state directory" "sudo -u" "$FX_DIR/theirs.yaml"
    check "nor does the tool" grep -qF "belongs to user nobody" <<<"$(tool "$FX_DIR/theirs.yaml")"
    mkdir "$FX_DIR/theirs/streams"
    same "and it writes nothing there" "" "$(find "$FX_DIR/theirs" -type f)"
    mkdir -m 1777 "$FX_DIR/sticky"
    # shellcheck disable=SC2046
    $(fx_user) ln -s "$FX_DIR/theirs" "$FX_DIR/sticky/x"
    project "$FX_DIR/sticky/x/state" "$FX_DIR/sticky.yaml"
    refused "another user's link on the path is not followed" "is a symbolic link" "$FX_DIR/sticky.yaml"
    chown nobody "$state/facade.lock"
    refused "a lock of another user is refused" "belongs to user nobody"
    rm "$state/facade.lock"

    # --- root ---------------------------------------------------------------------------------------
    up "root starts the facade"
    check "which says so" grep -q 'running as root' "$FX_DIR/facade.log"
    check "a command that changes something says so too, in one line" \
        test "$("$FICUS" route set orders-read --weight 5% -f "$FX_DIR/ficus.yaml" --execute 2>&1 >/dev/null | grep -c 'running as root')" = 1
    same "one that only reads is quiet" 0 "$(tool | grep -c 'running as root')"
    same "and has given up every capability, for good" "0000000000000000 0000000000000000 0000000000000000 1" \
        "$(awk '/^Cap(Prm|Eff|Bnd):|^NoNewPrivs:/ { print $2 }' "/proc/${FX_PID[facade]}/status" | xargs)"
    fx_stop facade
else
    skip "other owners and capabilities: needs root"
fi
fx_done
