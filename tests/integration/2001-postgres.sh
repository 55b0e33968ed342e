#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lib/pg against a real server: session, catalog, scan, cut and replication agree on every type.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
start_pg mono
pg_sql mono postgres 'create database shop'
run() {
    FX_TEST_PG_SOCKET=${PG_SOCK[mono]} FX_TEST_PG_PORT=${PG_PORT[mono]} \
        timeout 100 "$FX_BUILD/tests/unit/lib/pg/test_server"
}
check "values, keys, positions, cuts and errors are what they should be" run
fx_done
