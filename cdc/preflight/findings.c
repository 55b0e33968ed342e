/* SPDX-License-Identifier: Apache-2.0 */
/* See findings.h. An error's detail has room for some twenty findings. */
#include "cdc/preflight/findings.h"

#include <stdio.h>
#include <string.h>

enum { FINDINGS_MAX = 64 << 10, DETAIL_ROOM = 1900 };

void cdc_findings_init(struct cdc_findings *f)
{
    *f = (struct cdc_findings){.n = 0};
    fx_buf_init(&f->text, FINDINGS_MAX);
}

void cdc_findings_done(struct cdc_findings *f)
{
    fx_buf_done(&f->text);
}

void cdc_finding(struct cdc_findings *f, const char *where, struct fx_str what, struct fx_str fix)
{
    fx_buf_printf(&f->text, "%s%s: %.*s", f->n++ > 0 ? "\n" : "", where, FX_STR_FMT(what));
    if (fix.len == 0)
        return;
    fx_buf_printf(&f->text, " [%.*s]", FX_STR_FMT(fix));
    if (!f->has_fix && fix.len < sizeof f->first_fix) /* half a statement would mend nothing */
        (void)snprintf(f->first_fix, sizeof f->first_fix, "%.*s", FX_STR_FMT(fix));
    f->has_fix = true;
}

bool cdc_findings_ask(struct cdc_findings *f, struct fx_db *db, const char *where, const char *sql,
                      const fx_cell *params, size_t n_params, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(db, sql, params, n_params, &rows, err))
        return fx_ctx(err, "looking at %s", where);
    for (size_t i = 0; i < rows.n_rows; i++)
        cdc_finding(f, where, fx_rows_at(&rows, i, 0), fx_rows_at(&rows, i, 1));
    return true;
}

/* As many whole lines as fit. */
static void tell(const struct cdc_findings *f, struct fx_err *err)
{
    struct fx_str all = fx_buf_str(&f->text), rest = all;
    size_t used = 0;
    while (rest.len > 0) {
        struct fx_str line = fx_str_cut(rest, '\n', &rest);
        if (used > 0 && used + line.len > DETAIL_ROOM)
            break;
        used += line.len + 1;
    }
    bool is_all = used >= all.len;
    (void)fx_detail(err, "%.*s%s", (int)FX_MIN(used - 1, all.len), all.ptr,
                    is_all ? "" : "\nand more, which are told when these are mended");
}

bool cdc_findings_none(const struct cdc_findings *f, const char *context, struct fx_err *err)
{
    if (f->n == 0)
        return true;
    (void)fx_fail(err, FX_E_UNSUPPORTED, "context \"%s\" cannot be streamed yet: %zu finding%s",
                  context, f->n, f->n == 1 ? "" : "s");
    tell(f, err);
    if (f->first_fix[0] != '\0')
        return fx_hint(err, "Mend them and try again; the first: %s", f->first_fix);
    return fx_hint(err, "Mend what it names, then run: ficus cdc preflight --context %s", context);
}

bool cdc_is_denied(const struct fx_err *err)
{
    /* access denied to a database, to a table, to a column, for want of a global right */
    static const int numbers[] = {1044, 1142, 1143, 1227};
    if (strcmp(err->sqlstate, "42501") == 0)
        return true;
    for (size_t i = 0; i < FX_ARRAY_LEN(numbers); i++)
        if (err->cause_kind == FX_CAUSE_MYSQL && err->cause_number == numbers[i])
            return true;
    return false;
}
