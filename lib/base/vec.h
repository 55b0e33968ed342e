/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A typed growing array. The type is spelt where it is used, so the compiler checks every element:
 *
 *     FX_VEC(struct fx_str) names = {0};
 *     FX_VEC_PUSH(&names, FX_STR("a"));
 *     for (size_t i = 0; i < names.len; i++) … names.items[i] …
 *     FX_VEC_DONE(&names);
 *
 * Pointers to elements are valid until the next push. Sizes are our own: out of memory aborts.
 */
#ifndef FX_BASE_VEC_H
#define FX_BASE_VEC_H

#include "lib/base/alloc.h"
#include "lib/base/panic.h"

#define FX_VEC(type) \
    struct {         \
        type *items; \
        size_t len;  \
        size_t cap;  \
    }

#define FX_VEC_PUSH(vec, ...)                                                        \
    do {                                                                             \
        __typeof__(vec) fx_v_ = (vec);                                               \
        if (fx_v_->len == fx_v_->cap) {                                              \
            size_t fx_cap_ = fx_v_->cap > 0 ? fx_v_->cap * 2 : 8;                    \
            FX_ASSERT(fx_cap_ < SIZE_MAX / sizeof *fx_v_->items);                    \
            fx_v_->items = fx_realloc(fx_v_->items, fx_cap_ * sizeof *fx_v_->items); \
            fx_v_->cap = fx_cap_;                                                    \
        }                                                                            \
        fx_v_->items[fx_v_->len++] = (__VA_ARGS__);                                  \
    } while (0)

#define FX_VEC_CLEAR(vec) ((void)((vec)->len = 0))

#define FX_VEC_DONE(vec)               \
    do {                               \
        __typeof__(vec) fx_v_ = (vec); \
        free(fx_v_->items);            \
        fx_v_->items = NULL;           \
        fx_v_->len = fx_v_->cap = 0;   \
    } while (0)

#endif
