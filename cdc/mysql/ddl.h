/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DDL on a carried table in the binary log: does the stream go on over it?
 *
 * It does when lib/my/alter.h says that neither rows nor what was read of them can be others. For
 * that the columns before the statement must be known: they are read when the log is opened,
 * together with the position up to which the log is older than what was read, and follow each
 * statement that passes. Of a statement that is older than that only the parts count which leave
 * columns alone.
 *
 * The engine of a table is known in the same way. A change to another engine never passes, so that
 * a table of InnoDB stays one for as long as the stream goes on.
 * Thread: one.
 */
#ifndef CDC_MYSQL_DDL_H
#define CDC_MYSQL_DDL_H

#include "cdc/change.h"
#include "lib/my/alter.h"

struct cdc_my_ddl {
    const struct cdc_binding *binding;
    struct fx_my_alter_before *tables; /* one for each of the binding */
    bool *is_innodb;                   /* the same; false: another engine, or not known */
    struct fx_pos read_at;             /* the log up to here may be older than `tables` */
    struct fx_arena arena;
};

bool cdc_my_ddl_open(struct cdc_my_ddl *d, const struct cdc_binding *binding, struct fx_db *db,
                     struct fx_err *err) FX_MUST_CHECK;
void cdc_my_ddl_done(struct cdc_my_ddl *d);
enum cdc_my_ddl_effect {
    CDC_MY_DDL_SAME,       /* the carried tables are as before to the stream */
    CDC_MY_DDL_DROPS_KEPT, /* rows of tables with dropped_partitions: keep_rows went */
    CDC_MY_DDL_DROPS,      /* rows of other tables went, with their partitions */
    CDC_MY_DDL_UNKNOWN,
};
/* `sql` changes the definition of a table. What does it do to
 * the carried ones that it names? `pos`: the position after it. */
enum cdc_my_ddl_effect cdc_my_ddl_effect(struct cdc_my_ddl *d, const struct fx_my_sql *sql,
                                         const struct fx_pos *pos);
/* The first carried table that it names, or NULL. */
const struct fx_table *cdc_my_ddl_table(const struct cdc_my_ddl *d, const struct fx_my_sql *sql);
/* A person says that it changed no row: what the columns were is not known from then on. */
void cdc_my_ddl_accept(struct cdc_my_ddl *d, const struct fx_my_sql *sql);

#endif
