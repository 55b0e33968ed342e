/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the terminal can do, and a picture that is redrawn in place. Without a terminal nothing
 * moves: the caller prints plain lines instead (fx_term.is_tty says which). Symbols always carry
 * words too.
 */
#ifndef FX_CLI_TERM_H
#define FX_CLI_TERM_H

#include "lib/base/buf.h"

struct fx_term {
    int fd; /* borrowed */
    bool is_tty;
    bool has_color; /* off: not a tty, NO_COLOR, TERM=dumb, FICUS_NO_COLOR, or asked for */
    int columns, rows;
    int drawn_lines; /* of the picture on the screen now */
};

void fx_term_init(struct fx_term *term, int fd, bool no_color);
void fx_term_measure(struct fx_term *term); /* the window may have changed */

/* Draws `text` (lines) over the picture drawn before,
 * clipped to the window. With is_tty false: nothing. */
void fx_term_draw(struct fx_term *term, struct fx_str text);

/* Columns that UTF-8 text takes on a terminal, escape
 * sequences not counted, every code point as one. */
size_t fx_term_width(struct fx_str text);

#endif
