#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The facade against scripted upstreams: proxying, failures, splits, shadow, hold and switch, SIGKILL inside a
# hold, drain. The stories stand in tests/unit/strangler/test_facade_*.c; a line for each.
# seconds: 30
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
for source in "$FX_ROOT"/tests/unit/strangler/test_facade_*.c; do
    TMPDIR=$FX_DIR FX_FICUSD=$FICUSD live "strangler/$(basename "$source" .c)"
done
fx_done
