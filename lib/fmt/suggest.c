/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": the nearest word by edit distance with transpositions (optimal string alignment).
 */
#include "lib/fmt/suggest.h"

enum { WORD_MAX = 48 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Distance of two words of at most WORD_MAX letters. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b_len; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        /* Three rows in rotation: the one above, and the one above that. */
        size_t *above2 = row[(i + 1) % 3], *above = row[(i + 2) % 3], *cur = row[i % 3];
        cur[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            cur[j] = min3(above[j] + 1, cur[j - 1] + 1, above[j - 1] + cost);
            bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (is_swap && above2[j - 2] + 1 < cur[j])
                cur[j] = above2[j - 2] + 1;
        }
    }
    return row[a_len % 3][b_len];
}

const char *fx_suggest(const char *word, const char *const *names)
{
    size_t len = strlen(word);
    if (len == 0 || len > WORD_MAX)
        return NULL;
    const char *best = NULL;
    size_t best_distance = len / 3 + 2;
    for (size_t i = 0; names[i] != NULL; i++) {
        size_t name_len = strlen(names[i]);
        if (name_len > WORD_MAX)
            continue;
        size_t d = distance(word, len, names[i], name_len);
        if (d < best_distance && d < name_len) {
            best = names[i];
            best_distance = d;
        }
    }
    return best;
}

const char *fx_suggest_end(const char *word, const char *const *names, struct fx_buf *out)
{
    const char *near = fx_suggest(word, names);
    fx_buf_clear(out);
    if (near != NULL) {
        fx_buf_printf(out, "; did you mean \"%s\"?", near);
        return fx_buf_cstr(out);
    }
    for (size_t i = 0; names[i] != NULL; i++)
        fx_buf_printf(out, "%s%s", i > 0 ? ", " : " (known: ", names[i]);
    if (names[0] != NULL)
        fx_buf_add_char(out, ')');
    return fx_buf_cstr(out);
}
