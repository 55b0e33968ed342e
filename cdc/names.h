/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that a context's streams use on the servers, derived from the context's name.
 * Slot and publication: "ficus_orders"; origin: "ficus_orders_reverse"; streams: "orders-forward", "orders-reverse".
 */
#ifndef CDC_NAMES_H
#define CDC_NAMES_H

#include "lib/base/arena.h"
#include "lib/map/map.h"

const char *cdc_name_stream(const char *context, enum fx_direction dir, struct fx_arena *arena);
const char *cdc_name_slot(const char *context, struct fx_arena *arena);
const char *cdc_name_origin(const char *context, struct fx_arena *arena);

#endif
