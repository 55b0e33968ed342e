/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals as events of the loop: they are blocked in the process and read from a signalfd.
 *
 * Call fx_signals_init before threads are made, so that they inherit the mask. SIGPIPE is ignored.
 * Not for tools without a loop. Thread: the loop's.
 */
#ifndef FX_IO_SIGNAL_H
#define FX_IO_SIGNAL_H

#include "lib/io/loop.h"

struct fx_signals;
typedef void (*fx_signal_fn)(struct fx_signals *signals, int number);
struct fx_signals {
    struct fx_watch watch;
    struct fx_loop *loop;
    fx_signal_fn fn;
};

/* Blocks signals before anybody can read them: one that comes while the process starts waits for
 * fx_signals_init, instead of ending it. `numbers` ends with 0. */
void fx_signals_block(const int *numbers);
/* `numbers` ends with 0. */
bool fx_signals_init(struct fx_signals *signals, struct fx_loop *loop, const int *numbers,
                     fx_signal_fn fn, struct fx_err *err) FX_MUST_CHECK;
void fx_signals_done(struct fx_signals *signals); /* the signals stay blocked */

#endif
