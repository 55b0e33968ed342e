# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Background processes side by side, for the runners: source it and define pool_ended.
#
#     jobs=${JOBS:-$(nproc)}; pool_jobs "$jobs"      # exits with 2 when that is no number of jobs
#     pool_ended() { … }                             # PID EXIT-STATUS: called in this shell, one after another
#     pool_until_fewer "$jobs"; command & POOL[$!]=yes
#     pool_until_fewer 1                             # until all have ended
#     trap 'pool_ask; wait; exit 143' TERM

declare -A POOL=() # by the PID of a process that runs; the value is its owner's

pool_jobs() {
    case $1 in '' | *[!0-9]* | 0) echo "JOBS is how many run at a time, not \"$1\"" >&2; exit 2 ;; esac
}
pool_is_over() { # PID
    local stat=
    ! { read -r stat <"/proc/$1/stat"; } 2>/dev/null || [[ ${stat##*) } == Z* ]]
}
# It looks for itself: `wait -n` of bash 5.2 was seen to wait for ever for children that had ended, and `read -t`, which is
# a pause without a process, for ever when a trap ran in it.
pool_until_fewer() { # N
    local pid status
    while [ "${#POOL[@]}" -ge "$1" ]; do
        sleep 0.1
        for pid in "${!POOL[@]}"; do
            pool_is_over "$pid" || continue
            status=0
            wait "$pid" || status=$?
            pool_ended "$pid" "$status"
            unset "POOL[$pid]"
        done
    done
}
# Asked are all children, also one that is not in POOL yet.
pool_ask() {
    local pid
    for pid in $(jobs -p); do kill -TERM "$pid" 2>/dev/null; done
}
