#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The controller of a cut-over or a fall-back dies by SIGKILL at each failpoint in turn, under customers: the other half of the
# points (deaths_lib.sh).
# seconds: 60
. "$(dirname "$0")/../harness/servers.sh"
. "$(dirname "$0")/../demo/lib.sh"
. "$(dirname "$0")/deaths_lib.sh" 1
