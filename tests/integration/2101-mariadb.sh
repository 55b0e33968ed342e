#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lib/my against a real server: session, catalog, scan, cut, literals and binary log agree on every
# type; once with plain and once with compressed events and without checksums.
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
start_my orders
export FX_TEST_MY_SOCKET=${MY_SOCK[orders]}
live lib/my/test_server
my_sql orders mysql "set global log_bin_compress = on; set global log_bin_compress_min_len = 10; set global binlog_checksum = none"
live lib/my/test_server "compressed, without checksums"
fx_done
