#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The facade against scripted upstreams: proxying, failures, splits, shadow, hold and switch, SIGKILL inside a
# hold, drain. The stories stand in tests/unit/strangler/test_facade.c; a line for each.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
TMPDIR=$FX_DIR FX_FICUSD=$FICUSD live strangler/test_facade
fx_done
