/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relations that pgoutput has described on one connection, and rows of them as events. A table
 * that looks different from the bound catalog, or had another name or key when its rows were
 * written, is a loud stop at its description, before any of its rows.
 * Thread: one.
 */
#ifndef CDC_PG_RELATIONS_H
#define CDC_PG_RELATIONS_H

#include "cdc/change.h"
#include "lib/base/vec.h"
#include "lib/pg/pgoutput.h"

enum cdc_pg_relation_kind { PG_REL_OTHER, PG_REL_TABLE, PG_REL_OWN, PG_REL_BARRIER };

struct cdc_pg_relation {
    uint32_t id;
    enum cdc_pg_relation_kind kind;
    size_t table;   /* TABLE: index into the binding */
    int *column_of; /* TABLE: catalog column of each wire column */
    int cell_of[3]; /* OWN: grp, epoch, state; BARRIER: grp, epoch: wire columns */
    size_t n_columns;
};

struct cdc_pg_relations {
    const struct cdc_binding *binding;
    struct fx_arena *arena; /* of one event; borrowed */
    uint32_t *oids;         /* of each table of the binding, as the catalog has them */
    FX_VEC(struct cdc_pg_relation) list;
};

void cdc_pg_relations_done(struct cdc_pg_relations *r);
/* NULL: never described. */
struct cdc_pg_relation *cdc_pg_relations_find(struct cdc_pg_relations *r, uint32_t id);
/* A Relation message. Errors: DRIFT when a carried table is not as it was bound. */
bool cdc_pg_relations_describe(struct cdc_pg_relations *r, const struct fx_pgo_msg *msg,
                               struct fx_err *err) FX_MUST_CHECK;
/* A row of a carried table. Errors: PROTOCOL, SOURCE_DATA. */
bool cdc_pg_relations_row(struct cdc_pg_relations *r, const struct cdc_pg_relation *relation,
                          const struct fx_pgo_msg *msg, int64_t ordinal, struct cdc_event *ret,
                          struct fx_err *err) FX_MUST_CHECK;
/*
 * A row of ficus.own or, inside a loop, of ficus.barrier. false: anything else about them, which
 * is not for a stream; *ret is as it was.
 */
bool cdc_pg_relation_ficus(const struct cdc_pg_relation *relation, const struct fx_pgo_msg *msg,
                           bool is_loop, struct cdc_event *ret);

#endif
