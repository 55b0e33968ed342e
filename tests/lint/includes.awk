# SPDX-License-Identifier: Apache-2.0
# The rules behind tests/lint/includes; reads C files, one table a question.

BEGIN {
    split("base:0 err:1 log:2 fmt:2 value:3 io:3 cli:3 obs:3 crypt:3 conf:4 map:4 db:4 http:4 ownership:5 pg:5 my:5 kafka:5", l, " ")
    for (i in l) { split(l[i], kv, ":"); level[kv[1]] = kv[2] }

    # room -> what it may include, as regular expressions over the path
    anywhere = "^lib/(base|err|log|fmt|conf|io|cli|obs|crypt)/"
    may["cmd"] = anywhere "|^lib/http/(client|serve)[.]h|^lib/(db/db|map/map)[.]h|^lib/ownership/(own|sides|schema|controller|holder)[.]h|^lib/value/value[.]h|^cmd/|^strangler/(facade|control)[.]h|^cdc/cdc[.]h|^reconcile/reconcile[.]h|^plans/(plan|view/picture|cutover/cutover|run/lock)[.]h"
    may["plans"] = anywhere "|^lib/http/client[.]h|^lib/db/(db|table)[.]h|^lib/(map|ownership)/|^lib/value/|^strangler/control[.]h|^cdc/cdc[.]h|^reconcile/reconcile[.]h|^plans/"
    # the rooms of plans: one includes itself and those with a lower number; 9 is plans/ itself
    split("gate:0 plan:1 cutover:1 run:2 steps:3 view:3", r, " ")
    for (i in r) { split(r[i], kv, ":"); floor["plans/" kv[1]] = kv[2] }
    # the rooms of the facade; protocols (http1) are named by the worker only, so that nothing else knows which one it is
    split("route:0 observe:0 conf:1 shared:2 upstream:3 net:3 group:4 http1:4 shadow:5 request:6 admin:6 worker:7", r, " ")
    for (i in r) { split(r[i], kv, ":"); floor["strangler/" kv[1]] = kv[2] }
    # the rooms of cdc; its headers at the top (the model, the engines' seam, the checks) are below all rooms
    split("pg:1 mysql:1 dead:1 sink:2 preflight:3 snapshot:4 stream:5 process:6", r, " ")
    for (i in r) { split(r[i], kv, ":"); floor["cdc/" kv[1]] = kv[2] }
    floor["cdc"] = 0
    may["strangler"] = anywhere "|^lib/http/|^lib/map/root[.]h|^strangler/"
    may["cdc"] = anywhere "|^lib/(value|map|db|ownership|pg|my|kafka)/|^lib/http/(client|serve)[.]h|^cdc/"
    may["reconcile"] = anywhere "|^lib/(value|map|db|ownership|pg|my)/|^cdc/cdc[.]h|^reconcile/"
    may["tests"] = "."

    # third-party header -> the files that are its door
    door["yaml.h"] = "^lib/conf/doc[.]c$"
    door["jansson.h"] = "^lib/fmt/json_doc[.][ch]$"
    door["curl/"] = "^lib/http/client[.]c$"
    door["xxhash.h"] = "^lib/base/hash[.]c$"
    door["gmp.h"] = "^lib/value/decimal[.]c$"
    door["libpq-fe.h"] = "^lib/pg/"
    door["libpq/"] = "^lib/pg/"
    door["pg_config"] = "^lib/pg/"
    door["mysql.h"] = "^lib/my/"
    door["mysql/"] = "^lib/my/"
    door["mysqld_error.h"] = "^lib/my/"
    door["errmsg.h"] = "^lib/my/"
    door["mariadb_rpl.h"] = "^lib/my/"
    door["ma_"] = "^lib/my/"
    door["zlib.h"] = "^lib/(io|my)/"
    door["openssl/"] = "^lib/crypt/"
    door["uthash.h"] = "[.]c$"
    door["utlist.h"] = "[.]c$"
    door["utarray.h"] = "[.]c$"
    door["cmocka.h"] = "^tests/"
    # system headers with a slash, and plain C and POSIX ones, need no door
    system_ok = "^(sys|netinet|arpa|net|linux|bits|sanitizer)/|^(assert|ctype|dirent|endian|errno|execinfo|fcntl|fenv|float|getopt|grp|inttypes|limits|locale|math|netdb|poll|pthread|pwd|regex|sched|semaphore|setjmp|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|syslog|termios|threads|time|uchar|ucontext|unistd|wchar|wctype|byteswap|malloc|link|dlfcn|err|error|pty)[.]h$"
}

# The room of a file, for folders whose rooms have floors: "plans/run"; "" for the others. The folder itself is above all, but cdc, which is below.
function room_of(path, p) { split(path, p, "/"); return p[1] == "plans" || p[1] == "strangler" || p[1] == "cdc" ? (p[3] == "" ? p[1] : p[1] "/" p[2]) : "" }
function floor_of(name) { return name in floor ? floor[name] + 0 : 9 }
function check_floor(path, from, to) {
    from = room_of(FILENAME); to = room_of(path)
    if (from == "" || to == "" || from == to || part[1] != substr(to, 1, length(part[1]))) return
    if (to ~ /^strangler\/http[0-9]/ && from != "strangler/worker") bad("only strangler/worker names a protocol: " path)
    if (to ~ "/" && !(to in floor)) bad(to " has no floor in tests/lint/includes.awk")
    else if (floor_of(to) >= floor_of(from)) bad(from " (floor " floor_of(from) ") may not include " path " (floor " floor_of(to) ")")
}

function bad(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; found = 1 }

FNR == 1 {
    split(FILENAME, part, "/")
    room = part[1]
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
    path = $0
    sub(/^[^"]*"/, "", path); sub(/".*/, "", path)
    if (path !~ "/" || path ~ /^[.]/) { bad("include \"" path "\" is not rooted at the repository"); next }
    if (path ~ /[.]c$/ && room != "tests") { bad("includes a .c file: " path); next }
    if (room == "lib") {
        split(path, to, "/")
        if (to[1] != "lib") { bad("lib may not include " path); next }
        if (!(to[2] in level) || !(part[2] in level)) { if (to[2] != part[2]) bad("lib/" to[2] " has no level in tests/lint/includes.awk"); next }
        if (level[to[2]] + 0 > level[part[2]] + 0) bad("lib/" part[2] " (level " level[part[2]] ") may not include " path " (level " level[to[2]] ")")
        if (part[2] == "err" && to[2] == "log") bad("err never includes log")
        if (part[2] == "ownership" && to[2] ~ /^(pg|my|kafka)$/) bad("lib/ownership reaches servers through lib/db")
        if (to[2] == "ownership" && part[2] != "ownership") bad("nothing in lib builds on lib/ownership")
    } else if (path !~ may[room]) bad(room " may not include " path)
    check_floor(path)
}

/^[ \t]*#[ \t]*include[ \t]*</ {
    path = $0
    sub(/^[^<]*</, "", path); sub(/>.*/, "", path)
    if (path ~ system_ok) next
    for (d in door) if (index(path, d) == 1) {
        if (FILENAME !~ door[d]) bad("<" path "> only behind its door: " door[d])
        next
    }
    bad("<" path "> is neither a system header nor behind a door (tests/lint/includes.awk)")
}

END { exit found }
