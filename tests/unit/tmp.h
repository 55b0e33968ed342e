/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a unit test may write: below TMPDIR, and nowhere else. tests/harness/run-units points
 * TMPDIR at a directory that it removes afterwards, so a test that dies leaves nothing behind
 * either.
 */
#ifndef TESTS_UNIT_TMP_H
#define TESTS_UNIT_TMP_H

#include <stdlib.h>

/* A directory without a slash at its end; never NULL. */
static inline const char *test_tmp(void)
{
    const char *dir = getenv("TMPDIR"); /* NOLINT: tests have one thread here */
    return dir != NULL && dir[0] != '\0' ? dir : "/tmp";
}

#endif
