#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The source of the reverse stream against a real MariaDB: transactions, loops, ownership, loud stops.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
start_my orders
FX_TEST_MY_SOCKET=${MY_SOCK[orders]} live cdc/mysql/test_source
fx_done
