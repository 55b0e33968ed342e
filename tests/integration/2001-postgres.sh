#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lib/pg against a real server: session, catalog, scan, cut and replication agree on every type.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
start_pg mono
pg_sql mono postgres 'create database shop'
export FX_TEST_PG_SOCKET=${PG_SOCK[mono]} FX_TEST_PG_PORT=${PG_PORT[mono]}
live lib/pg/test_server
fx_done
