/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket of a stream's process: HTTP over a Unix socket.
 *
 *     GET  /status   struct cdc_status as JSON         GET /metrics   the same for Prometheus
 *     GET  /tail     newest changed keys (stream/tail.h)
 *     POST /hold     {"limit_ms": n}                   -> {"at": "0/1F"}; with
 *                    "while_caller_lives": true it also ends with the process that asked for it
 *     POST /advance  {"goal": "0/2A", "timeout_ms": n} -> {"at": "0/2A"}
 *     POST /release  POST /stop {"timeout_ms": n}      -> {}
 *
 * Errors are answered as the error object with status 409 (504 for TIMEOUT). One command at a time;
 * a second one waits.
 */
#ifndef CDC_PROCESS_SERVE_H
#define CDC_PROCESS_SERVE_H

#include "cdc/stream/control.h"

struct fx_serve;
/* Serves in threads of its own until fx_serve_stop. */
bool cdc_serve(struct cdc_control *control, const char *socket_path, struct fx_serve **ret_serve,
               struct fx_err *err) FX_MUST_CHECK;

#endif
