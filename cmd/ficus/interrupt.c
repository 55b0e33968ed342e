/* SPDX-License-Identifier: Apache-2.0 */
/* A counter is all that a handler may touch. */
#include "cmd/ficus/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t n_signals;

static void on_signal(int number)
{
    n_signals = n_signals + 1;
    if (n_signals >= 2)
        signal(number, SIG_DFL);
}

bool cmd_interrupt_asked(void *arg)
{
    (void)arg;
    return n_signals > 0;
}

void cmd_interrupt_catch(void)
{
    struct sigaction act = {.sa_handler = on_signal};
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGHUP, &act, NULL);
    sigaction(SIGQUIT, &act, NULL); /* a dump is worth less than writes that are held */
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
}
