/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the protocol table that http1/conn.c
 * and http1/message.c implement. Thread: the loop's.
 */
#ifndef FCD_HTTP1_MESSAGE_H
#define FCD_HTTP1_MESSAGE_H

#include "strangler/http1/http1.h"

/* http1/conn.c: the connection. */
void fcd_h1_start(struct fcd_conn *conn);
void fcd_h1_drive(struct fcd_conn *conn);
void fcd_h1_late(struct fcd_conn *conn);
void fcd_h1_drain(struct fcd_conn *conn);
void fcd_h1_closing(struct fcd_conn *conn);
/* Sends what is there and minds the connection's timer. False: the client is gone. */
bool fcd_h1_flush(struct fcd_h1 *h1) FX_MUST_CHECK;

/* http1/message.c: the call's head has been parsed; it is `used` bytes long. */
void fcd_h1_take_head(struct fcd_h1 *h1, size_t used);

#endif
