/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for sizes that we chose ourselves: running out aborts with a message, because command-line
 * work is journalled and restarts. A size that came from a peer, a row or a file is checked against
 * a limit first and goes through fx_try_alloc, which can say no.
 *
 * Test hook: FX_FAIL_ALLOC=n makes the n-th fx_try_alloc of the process return NULL.
 * Thread: any.
 */
#ifndef FX_BASE_ALLOC_H
#define FX_BASE_ALLOC_H

#include "lib/base/fx.h"

void *fx_alloc(size_t size);                  /* zeroed; aborts when memory is gone */
void *fx_alloc_array(size_t n, size_t size);  /* zeroed; aborts when n * size overflows */
void *fx_realloc(void *ptr, size_t size);     /* grown part is not zeroed; aborts */
void *fx_try_alloc(size_t size);              /* zeroed or NULL */
void *fx_try_realloc(void *ptr, size_t size); /* NULL leaves ptr valid */
char *fx_strdup(const char *text);            /* NULL stays NULL; owned by the caller */
char *fx_strndup(const char *text, size_t len);
char *fx_asprintf(const char *fmt, ...) FX_PRINTF(1, 2); /* owned by the caller */

#define FX_NEW(type) ((type *)fx_alloc(sizeof(type)))

/* char * that is freed with its scope. */
void fx_free_str(char **text);
#define FX_AUTO_STR __attribute__((cleanup(fx_free_str)))

#endif
