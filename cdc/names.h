/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that a context's streams use on the servers, derived from the context's name. Streams:
 * "orders-forward", "orders-reverse". Slot and publication of the side that a stream reads:
 * "ficus_orders", "ficus_orders_reverse". Origin of the side where it applies:
 * "ficus_orders_forward", "ficus_orders_reverse".
 */
#ifndef CDC_NAMES_H
#define CDC_NAMES_H

#include "lib/base/arena.h"
#include "lib/map/map.h"

const char *cdc_name_direction(enum fx_direction dir); /* "forward", "reverse" */
const char *cdc_name_stream(const char *context, enum fx_direction dir, struct fx_arena *arena);
const char *cdc_name_slot(const char *context, enum fx_direction dir, struct fx_arena *arena);
const char *cdc_name_origin(const char *context, enum fx_direction dir, struct fx_arena *arena);
const char *cdc_name_canary_group(const char *context, struct fx_arena *arena);

#endif
