/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a check found wrong: one list of {where, what, fix}, collected to the end and shown at once.
 * The preflight of streams and of fences fill it, and whatever else looks at a system before it
 * changes anything.
 *
 *     FX_AUTO(fx_findings) struct fx_findings f;
 *     fx_findings_init(&f);
 *     fx_findings_add(&f, "orders.items", "ALTER TABLE …;", "table \"%s\" has no key", name);
 *     if (f.n > 0)
 *         return fx_findings_fail(&f, err, FX_E_UNSUPPORTED,
 *                                 "context \"%s\" cannot be streamed yet", context);
 *
 * A finding is not an error: the question could be asked, and the answer is no.
 * Owns: copies of all texts, until fx_findings_done. Thread: one.
 */
#ifndef FX_FMT_FINDINGS_H
#define FX_FMT_FINDINGS_H

#include "lib/base/arena.h"
#include "lib/err/err.h"
#include "lib/fmt/json_write.h"

struct fx_finding {
    /* The three that findings of one group have in common; "" when nobody has said them. */
    const char *kind;   /* a word for programs that does not change: "type-not-carried" */
    const char *group;  /* the heading for people; with the kind it makes the group */
    const char *advice; /* what can be done about all of them */
    const char *where;  /* object that it is about; "": the text says it */
    const char *column; /* of that table; "": the finding is about the whole of it */
    const char *what;
    const char *fix; /* a command that can be typed as printed; "": there is none */
    /* `where` is a row: its text says more than the group's advice and is always shown. */
    bool is_row;
};

struct fx_findings {
    struct fx_finding *items; /* in the order in which they were found */
    size_t n, cap;
    const char *kind, *group, *advice; /* of what is added next */
    struct fx_arena arena;
};

void fx_findings_init(struct fx_findings *f);
void fx_findings_done(struct fx_findings *f);

/* What is added from here on belongs to this group; `advice` may be NULL. */
void fx_findings_topic(struct fx_findings *f, const char *kind, const char *group,
                       const char *advice);
/* `where` and `fix` may be NULL or empty. */
void fx_findings_add(struct fx_findings *f, const char *where, const char *fix, const char *what,
                     ...) FX_PRINTF(4, 5);
void fx_findings_add_str(struct fx_findings *f, const char *where, struct fx_str what,
                         struct fx_str fix);

/* With a group of its own; members may be NULL, and all texts are copied. */
void fx_findings_put(struct fx_findings *f, const struct fx_finding *finding);

/* One a line: "where: what [fix]". */
void fx_findings_text(const struct fx_findings *f, struct fx_buf *out);
/*
 * All of them by groups, in the order in which the groups were found: heading, how many, advice,
 * and below it the findings. Where the advice is all that can be said of single columns, the
 * columns stand behind their tables. Ends with a line break; empty when there is none.
 */
void fx_findings_grouped(const struct fx_findings *f, struct fx_buf *out);
/* The same as an array of {"kind","title","count","advice","findings":[{"where","column","what",
 * "fix"}]}; what is empty is null. Its members are described in docs/protocols/json-output.md. */
void fx_findings_json(const struct fx_findings *f, struct fx_json_w *w);
size_t fx_findings_groups(const struct fx_findings *f);

/*
 * Raises `code` with the message and ": N findings". The detail has as many whole lines as it has
 * room for and counts the others; the hint is the first fix that fits one, or none.
 */
bool fx_findings_fail(const struct fx_findings *f, struct fx_err *err, enum fx_code code,
                      const char *message, ...) FX_PRINTF(4, 5);

#endif
