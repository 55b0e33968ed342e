/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live picture of a run: what `ficus status -w` and `ficus run` show on a terminal.
 *
 * Drawing is a pure function of a struct, so it is tested without servers, and any process that can
 * read the journal can draw. A part that did not answer keeps its line ("no answer: …"), because a
 * missing line would be read as a zero.
 *
 *     struct pln_picture pic = {.name = "orders-extract", …};
 *     pln_live_read(project, ctx, &facade, arena, &pic.live);
 *     pln_picture_draw(&pic, width, use_colour, &out);
 *
 * Not for: decisions. Gates read their own values.   Thread: any.
 */
#ifndef PLN_PICTURE_H
#define PLN_PICTURE_H

#include "cdc/cdc.h"
#include "lib/ownership/sides.h"
#include "plans/cutover/cutover.h"
#include "strangler/control.h"

enum pln_mark {
    PLN_MARK_PENDING,
    PLN_MARK_RUNNING,
    PLN_MARK_DONE,
    PLN_MARK_FAILED,
    PLN_MARK_UNDONE,  /* its undo is done */
    PLN_MARK_HELD,    /* waits for a gate or a person */
    PLN_MARK_STOPPED, /* was running when the process that ran it ended */
};

struct pln_picture_step {
    const char *id;
    const char *what; /* "route.ramp", "cutover" */
    enum pln_mark mark;
    int64_t elapsed_ms; /* -1: not started */
    const char *note;   /* what it does or has measured; NULL: nothing */
};

/* What streams, facade and databases answer now. A NULL error: that part answered. */
struct pln_live {
    struct cdc_status forward, reverse;
    const char *forward_error, *reverse_error;
    enum fx_code forward_code, reverse_code; /* of those errors */
    struct fcd_status *facade;
    const char *facade_error;
    struct fx_own own_old, own_new;
    const char *own_error;
    enum fx_code own_code;
    const char *old_name, *new_name; /* databases' names in ficus.yaml */
};

/* What the facade says of the context, or NULL: it was not reached, or does not know it. */
const struct fcd_group_status *pln_live_group(const struct pln_live *live, const char *context);

struct pln_picture {
    const char *name;    /* of the plan */
    const char *context; /* and of its group */
    const char *phase;   /* pln_phase_word */
    const char *outcome; /* NULL while it runs; "migrated", "rolled back", "held: …" */
    bool is_over;        /* finished, rolled back or stuck: nothing happens any more by itself */
    bool is_abandoned;   /* not over, and no process runs it: interrupted, killed or held */
    const struct pln_picture_step *steps;
    size_t n_steps;
    size_t current;                         /* index; n_steps when none */
    int64_t elapsed_ms;                     /* of the run */
    const char *equal;                      /* newest comparison as one line, or NULL */
    const char *cutover_step;               /* running protocol step, or NULL */
    int64_t fence_elapsed_ms, fence_ttl_ms; /* elapsed -1: no fence is in force */
    struct pln_live live;
};

/* Asks all of them, with short time limits; failures
 * become the *_error texts (arena-owned). Never fails. */
void pln_live_read(const struct fx_project *project, struct fx_context *ctx,
                   const struct fcd_endpoint *facade, struct fx_arena *arena, struct pln_live *ret);

/* For a run whose streams are not started, or dropped
 * again: the expected errors become "not installed". */
void pln_live_not_installed(struct pln_live *live);

/* Fills a picture from the journal and, when `is_live`, from streams, facade and databases. */
bool pln_run_picture(struct fx_project *project, const char *name, bool is_live,
                     struct fx_arena *arena, struct pln_picture *ret,
                     struct fx_err *err) FX_MUST_CHECK;

/* Lines ended by '\n', none wider than `width` columns
 * (0: any). Colour is never the only carrier of meaning. */
void pln_picture_draw(const struct pln_picture *pic, int width, bool use_colour,
                      struct fx_buf *out);

/* The changes between two pictures, one line each, for output that is not a terminal. */
void pln_picture_changes(const struct pln_picture *before, const struct pln_picture *now,
                         struct fx_buf *out);

#endif
