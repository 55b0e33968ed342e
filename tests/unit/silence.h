/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that says nothing for a while. kill(SIGSTOP) only asks: on a busy machine other threads
 * of a server still answer until one of them has taken the signal.
 */
#ifndef TESTS_UNIT_SILENCE_H
#define TESTS_UNIT_SILENCE_H

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Returns when it stands still; SIGCONT is the caller's. */
static inline void test_silence(pid_t pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    kill(pid, SIGSTOP);
    for (int i = 0; i < 10000; i++) {
        FILE *f = fopen(path, "re");
        size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;
        if (f != NULL)
            fclose(f);
        text[n] = '\0';
        const char *name_end = strrchr(text, ')'); /* "123 (name) T 1 …" */
        if (name_end == NULL || strncmp(name_end, ") T", 3) == 0)
            return;
        usleep(1000);
    }
}

#endif
