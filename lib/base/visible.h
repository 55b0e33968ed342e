/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that others wrote (a server's message, a name or value from a database, a header, a key of
 * YAML), made harmless where it leaves us: on a terminal, in a log line, in JSON, in a metric. It
 * could otherwise move the cursor, hide or reorder what an operator reads, or forge a log line.
 *
 * Escaped are: C0 and DEL, C1 (U+0080 to U+009F), marks that change the direction of text (U+061C,
 * U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), U+2028, U+2029, and bytes that are no UTF-8.
 * Every sink calls this, so that no caller has to remember it (ADR 0102). Thread: any.
 */
#ifndef FX_BASE_VISIBLE_H
#define FX_BASE_VISIBLE_H

#include "lib/base/buf.h"

enum fx_visible {
    FX_VISIBLE_LINE, /* one line: line breaks are escaped too */
    FX_VISIBLE_LINES /* '\n' and '\t' stay */
};

/* As "\n", "\x1b", "\u202e"; a byte that is no UTF-8 as "\xff". */
void fx_visible_add(struct fx_buf *out, struct fx_str text, enum fx_visible form);
/* The characters of a JSON string, without its quotes; a
 * reader gets the same text, with U+FFFD for what is no UTF-8. */
void fx_visible_add_json(struct fx_buf *out, struct fx_str text);
/* As the first, into an array that may be too small; cut after a whole character or escape. */
void fx_visible_copy(char *out, size_t size, const char *text);

#endif
