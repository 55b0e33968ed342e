/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vocabulary that every file of Ficus may use: attributes, cleanup of locals, array helpers.
 *
 * Not for: anything with behaviour. What allocates, fails or prints lives in its own module.
 */
#ifndef FX_BASE_FX_H
#define FX_BASE_FX_H

#define FICUS_VERSION "0.1.0"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/banned.h"

#define FX_MUST_CHECK                   __attribute__((warn_unused_result))
#define FX_PRINTF(fmt_index, first_arg) __attribute__((format(printf, fmt_index, first_arg)))
#define FX_UNUSED                       __attribute__((unused))
#define FX_NORETURN                     __attribute__((noreturn))
#define FX_NONNULL                      __attribute__((nonnull))

#define FX_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The object that contains `member`. The member's type is checked by the assignment. */
#define FX_CONTAINER_OF(ptr, type, member)                             \
    ({                                                                 \
        __typeof__(((type *)0)->member) *fx_member_ = (ptr);           \
        (type *)(void *)((char *)fx_member_ - offsetof(type, member)); \
    })

/*
 * FX_AUTO(fx_buf) struct fx_buf line = FX_BUF(4096);   released when the scope ends.
 *
 * Works for every type NAME with a function  void NAME_done(struct NAME *).
 */
#define FX_AUTO(name) __attribute__((cleanup(name##_done)))

/* FX_AUTO_FREE(fx_loop) struct fx_loop *loop = …;
 * for heap objects: void NAME_free(struct NAME *). */
#define FX_AUTO_FREE_DEFINE(name)                           \
    static inline void name##_auto_free_(struct name **ptr) \
    {                                                       \
        name##_free(*ptr);                                  \
    }
#define FX_AUTO_FREE(name) __attribute__((cleanup(name##_auto_free_)))

/* A file descriptor that closes with its scope; -1 means none. */
void fx_fd_close(int *fd);
#define FX_AUTO_FD __attribute__((cleanup(fx_fd_close)))

/* Takes an owned pointer or descriptor out of an FX_AUTO variable. */
#define FX_TAKE(ptr)                       \
    ({                                     \
        __typeof__(ptr) fx_taken_ = (ptr); \
        (ptr) = NULL;                      \
        fx_taken_;                         \
    })
int fx_fd_take(int *fd);

#define FX_MIN(a, b)                   \
    ({                                 \
        __typeof__(a) fx_a_ = (a);     \
        __typeof__(b) fx_b_ = (b);     \
        fx_a_ < fx_b_ ? fx_a_ : fx_b_; \
    })
#define FX_MAX(a, b)                   \
    ({                                 \
        __typeof__(a) fx_a_ = (a);     \
        __typeof__(b) fx_b_ = (b);     \
        fx_a_ > fx_b_ ? fx_a_ : fx_b_; \
    })

#endif
