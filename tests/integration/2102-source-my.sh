#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The source of the reverse stream against a real MariaDB: transactions, loops, ownership, loud stops.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
start_my orders
check "transactions come whole, loops and foreign changes do not, what cannot be carried stops" \
    env FX_TEST_MY_SOCKET="${MY_SOCK[orders]}" timeout 100 "$FX_BUILD/tests/unit/cdc/test_source_my"
fx_done
