/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two databases of a context say, without any file of a state directory: which controller
 * holds the context, who owns its tables, how far its streams are; and which command goes on from
 * there. For people who have lost a directory, or are on another host.
 *
 *     struct pln_truth truth;
 *     pln_truth_read(project, ctx, &truth);      never fails: what cannot be asked is said
 *     pln_truth_show(&truth, &out);
 *
 * Thread: one.
 */
#ifndef PLN_TRUTH_H
#define PLN_TRUTH_H

#include "lib/ownership/holder.h"

struct pln_truth_side {
    bool is_read;
    char why[384]; /* it could not be read */
    struct fx_holder holder;
    struct fx_own_look own;
    bool is_streamed; /* a stream applies here */
    int64_t ordinal;  /* its transactions so far */
    char phase[16];
};
struct pln_truth {
    const struct fx_context *ctx;
    char id[FX_CONTROLLER_ID]; /* of this state directory; "": none yet */
    bool is_maker;             /* the streams were made, or adopted, here */
    struct pln_truth_side side[2];
};

void pln_truth_read(const struct fx_project *project, const struct fx_context *ctx,
                    struct pln_truth *ret);
/* Is anything of the context in either database? */
bool pln_truth_is_any(const struct pln_truth *truth);
/* The holder that is not this state directory; NULL: there is none. */
const struct fx_holder *pln_truth_stranger(const struct pln_truth *truth);
/* Streams exist, and no database says whose they are, and they are not of this directory. */
bool pln_truth_is_unsaid(const struct pln_truth *truth);
/* Several lines, the last ones with the commands that go on. */
void pln_truth_show(const struct pln_truth *truth, struct fx_buf *out);
/* Only those commands. */
void pln_truth_next(const struct pln_truth *truth, struct fx_buf *out);

#endif
