/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Markdown -> the man(7) macros of a manual page. The pages of docs/reference are printed as
 * Markdown from the tables of the program; this turns the same text into manual pages, so that a
 * table has one writer and not two.
 *
 * Only the Markdown that our own pages use:
 *
 *     # Title          a section (.SH, in capitals)      ## Title        a subsection (.SS)
 *     - item           a list                            | a | b | c |   a table, see below
 *     four spaces      an example, kept as it is         `code`, **bold**, *italic*
 *
 * A row of a table becomes a tagged paragraph: the first cell is the tag, the last cell its text,
 * and cells between them follow in parentheses with the name of their column. A bar in the last
 * cell is text. No nesting, no links.
 */
#ifndef FX_FMT_ROFF_H
#define FX_FMT_ROFF_H

#include "lib/base/buf.h"

/* Appends to `out`. `markdown` is UTF-8. Cannot fail; a full `out` latches as always. */
void fx_roff_from_markdown(struct fx_str markdown, struct fx_buf *out);

#endif
