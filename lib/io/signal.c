/* SPDX-License-Identifier: Apache-2.0 */
/* Signals through a signalfd: a handler runs between events, never inside malloc. */
#include "lib/io/signal.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/panic.h"

static void on_signal(struct fx_watch *watch, unsigned events)
{
    (void)events;
    struct fx_signals *signals = FX_CONTAINER_OF(watch, struct fx_signals, watch);
    struct signalfd_siginfo info;
    while (watch->fd >= 0 && read(watch->fd, &info, sizeof info) == (ssize_t)sizeof info)
        signals->fn(signals, (int)info.ssi_signo);
}

static sigset_t block(const int *numbers)
{
    sigset_t set;
    sigemptyset(&set);
    for (; *numbers != 0; numbers++)
        sigaddset(&set, *numbers);
    bool is_blocked = sigprocmask(SIG_BLOCK, &set, NULL) == 0;
    FX_ASSERT(is_blocked); /* it fails for wrong arguments only */
    return set;
}

void fx_signals_block(const int *numbers)
{
    (void)block(numbers);
}

bool fx_signals_init(struct fx_signals *signals, struct fx_loop *loop, const int *numbers,
                     fx_signal_fn fn, struct fx_err *err)
{
    *signals = (struct fx_signals){.watch = {on_signal, -1}, .loop = loop, .fn = fn};
    const sigset_t set = block(numbers);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not create a signal descriptor");
    if (fx_loop_add(loop, &signals->watch, fd, FX_LOOP_IN, err))
        return true;
    close(fd);
    return false;
}

void fx_signals_done(struct fx_signals *signals)
{
    int fd = signals->watch.fd;
    if (fd < 0)
        return;
    fx_loop_remove(signals->loop, &signals->watch);
    close(fd);
}
