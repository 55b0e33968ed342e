/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scanner for the words, names and single characters of a statement of MariaDB or MySQL. Literals
 * and comments are passed over; executable comments are code.
 *
 *     struct fx_my_scanner scan = {sql->text, sql->mode};
 *     while (fx_my_next_token(&scan, &token)) …
 *
 * Tokens borrow the text. Thread: any.
 */
#ifndef FX_MY_WORDS_H
#define FX_MY_WORDS_H

#include "lib/base/str.h"

struct fx_my_scanner {
    struct fx_str rest;
    uint64_t mode; /* the session's sql_mode: decides what quotes and backslashes mean */
};

struct fx_my_token {
    struct fx_str text; /* of a name without its quotes; doubled backquotes inside stay doubled */
    bool is_name;       /* a word or a quoted name; else one character */
    bool is_quoted;
};

bool fx_my_next_token(struct fx_my_scanner *scan, struct fx_my_token *ret);
/* Not quoted, in any case. */
bool fx_my_is_word(const struct fx_my_token *token, const char *word);
bool fx_my_word_is_in(const struct fx_my_token *token, const char *const *words); /* NULL-ended */
/* The first word of the statement, after SET STATEMENT … FOR and opening parentheses. */
bool fx_my_find_verb(struct fx_my_scanner *scan, struct fx_my_token *ret);

#endif
