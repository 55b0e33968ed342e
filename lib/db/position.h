/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A position in a database's log: text that only its own engine's functions interpret. PostgreSQL
 * "0/1F4E5F38" (LSN), MariaDB "0-1-1000,1-1-5" (one GTID for each domain), MySQL a GTID set, which
 * grows with the history of its servers.
 *
 * A position owns its text. `{0}` is the empty position, ready for use. It is copied with
 * fx_pos_copy and freed with fx_pos_done; fx_pos_view gives one that may be read until its owner
 * changes, and that frees nothing.
 *
 *     FX_AUTO(fx_pos) struct fx_pos at = {0};
 *     if (!fx_db_pos_now(db, &at, err)) …
 *     printf("%s", fx_pos_text(&at));
 *
 * Thread: one at a time.
 */
#ifndef FX_DB_POSITION_H
#define FX_DB_POSITION_H

#include "lib/base/arena.h"

/* Longer text is refused where it comes in: from a server, a socket, a file. */
enum { FX_POS_MAX = 64 << 10 };

struct fx_pos {
    const char *text; /* see fx_pos_text */
    size_t cap;       /* bytes of memory behind `text`; 0: a view, or empty */
};

/* Initialises a view of a literal. */
#define FX_POS(literal)    \
    {                      \
        .text = "" literal \
    }

const char *fx_pos_text(const struct fx_pos *pos); /* never NULL; "": the empty position */
struct fx_str fx_pos_str(const struct fx_pos *pos);
bool fx_pos_is_empty(const struct fx_pos *pos);
bool fx_pos_equal(const struct fx_pos *a, const struct fx_pos *b); /* the same text */

/* Keeps its memory where it is large enough. `text` may be a part of what *pos holds. */
void fx_pos_set(struct fx_pos *pos, struct fx_str text);
void fx_pos_copy(struct fx_pos *to, const struct fx_pos *from);
void fx_pos_done(struct fx_pos *pos); /* the empty position again; a view is only forgotten */
struct fx_pos fx_pos_view(const struct fx_pos *pos);
/* A view whose text belongs to the arena. */
struct fx_pos fx_pos_in(struct fx_arena *arena, struct fx_str text);

#endif
