#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The facade against scripted upstreams: proxying, failures, splits, shadow, hold and switch, SIGKILL inside a
# hold, drain. The stories stand in tests/unit/strangler/test_facade.c; a line for each.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
TMPDIR=$FX_DIR FX_FICUSD=$FX_BUILD/ficusd timeout -k 5 200 "$FX_BUILD/tests/unit/strangler/test_facade" >"$FX_DIR/out" 2>&1 </dev/null
status=$?
sed -n 's/^\[       OK \] /ok - /p; s/^\[  FAILED  \] \(test_.*\)/not ok - \1/p' "$FX_DIR/out" | sort -u
if [ $status != 0 ]; then grep -v '^\[' "$FX_DIR/out" | tail -n 40; fi
check "the stories end with status 0" test $status = 0
fx_done
