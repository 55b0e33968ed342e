/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ENUM and SET of MariaDB: does the column give back exactly this text? The server compares labels
 * by collation and sorts the members of a SET, so 'A' is stored as 'a' and 'q,p' as 'p,q' without a
 * word.
 */
#ifndef FX_MAP_ENUM_LABELS_H
#define FX_MAP_ENUM_LABELS_H

#include "lib/value/value.h"

bool fx_type_has_enum_labels(
    const struct fx_type *type); /* declared as "enum('a','b')" or "set('a','b')" */
/* One of the labels of an ENUM, or labels of a SET
 * in the order of its declaration, byte for byte. */
bool fx_enum_labels_check(const struct fx_type *type, struct fx_str text);

#endif
