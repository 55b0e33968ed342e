/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one of the two servers refuses in a JSON text that the other one stores. PostgreSQL's json
 * keeps any nesting and any \u escape. MariaDB's JSON_VALID, the check of its json columns, refuses
 * a text that is nested deeper than FX_JSON_DEPTH_MAX (measured on 10.11) and a \u escape of one
 * half of a character (a lone surrogate). PostgreSQL's jsonb refuses lone surrogates and \u0000.
 * Thread: any.
 */
#ifndef FX_VALUE_JSON_LIMITS_H
#define FX_VALUE_JSON_LIMITS_H

#include "lib/base/str.h"

enum { FX_JSON_DEPTH_MAX = 31 }; /* objects and arrays inside each other */

struct fx_json_traits {
    int depth;
    bool has_lone_surrogate;
    bool has_nul; /* the escape \u0000 */
};
/* `text` is JSON that a server has checked; what follows from other text is no error. */
struct fx_json_traits fx_json_traits_of(struct fx_str text);

#endif
