/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does an object of a JSON text have two members of one name? Servers differ on which of them is
 * meant (PostgreSQL reads the last, MariaDB the first) and on whether both are kept (jsonb drops
 * one), so such a text means something else on the other side.
 *
 * Names are compared as what they spell: "a" and "\u0061" are one. What is not JSON has no members.
 * Thread: any.
 */
#ifndef FX_VALUE_JSON_KEYS_H
#define FX_VALUE_JSON_KEYS_H

#include "lib/base/str.h"

bool fx_json_has_duplicate_names(struct fx_str text);

#endif
