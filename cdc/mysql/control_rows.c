/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See control_rows.h. Columns are found by name, so that a newer Ficus may append one.
 */
#include "cdc/mysql/control_rows.h"

#include <string.h>

enum cdc_control_table cdc_control_table_of(const struct fx_bl_table *table)
{
    static const struct {
        const char *name;
        enum cdc_control_table which;
    } known[] = {{"own", CDC_CT_OWN},
                 {"marker", CDC_CT_MARKER},
                 {"barrier", CDC_CT_BARRIER},
                 {"progress", CDC_CT_PROGRESS}};
    if (!fx_str_eq_c(table->schema, "ficus"))
        return CDC_CT_NONE;
    for (size_t i = 0; i < FX_ARRAY_LEN(known); i++) {
        if (fx_str_eq_c(table->name, known[i].name))
            return known[i].which;
    }
    return CDC_CT_NONE;
}

static const struct fx_value *cell(const struct fx_bl_table *table, const struct fx_value *row,
                                   const char *name)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        if (fx_str_eq_c(table->columns[i].name, name))
            return &row[i];
    }
    return NULL;
}

static bool text_of(const struct fx_bl_table *table, const struct fx_value *row, const char *name,
                    struct fx_str *ret)
{
    const struct fx_value *v = cell(table, row, name);
    if (v == NULL || (v->kind != FX_V_TEXT && v->kind != FX_V_BYTES))
        return false;
    *ret = v->s;
    return true;
}

static bool group_of(const struct fx_bl_table *table, const struct fx_value *row, char *group,
                     size_t size, int64_t *ret_epoch)
{
    struct fx_str text;
    const struct fx_value *epoch = cell(table, row, "epoch");
    if (!text_of(table, row, "grp", &text) || text.len >= size || epoch == NULL ||
        epoch->kind != FX_V_INT)
        return false;
    memcpy(group, text.ptr, text.len);
    group[text.len] = '\0';
    *ret_epoch = epoch->i;
    return true;
}

bool cdc_control_row(const struct fx_bl_table *table, const struct fx_value *before,
                     const struct fx_value *row, const char *other_stream,
                     struct cdc_event *ret_event, bool *ret_is_loop_marker, struct fx_err *err)
{
    struct fx_str text;
    bool is_ok = true;
    *ret_is_loop_marker = false;
    switch (cdc_control_table_of(table)) {
    case CDC_CT_NONE: break;
    case CDC_CT_OWN: {
        struct cdc_own *own = &ret_event->own;
        ret_event->kind = CDC_EV_OWN;
        is_ok = group_of(table, row, own->group, sizeof own->group, &own->epoch) &&
                text_of(table, row, "state", &text);
        if (is_ok)
            own->state = fx_own_state_parse(text);
        if (before != NULL && text_of(table, before, "state", &text))
            own->was = fx_own_state_parse(text);
        break;
    }
    case CDC_CT_MARKER:
    case CDC_CT_BARRIER: {
        struct cdc_barrier *barrier = &ret_event->barrier;
        ret_event->kind = CDC_EV_BARRIER;
        is_ok = group_of(table, row, barrier->group, sizeof barrier->group, &barrier->epoch);
        break;
    }
    case CDC_CT_PROGRESS:
        is_ok = text_of(table, row, "stream", &text);
        *ret_is_loop_marker = is_ok && fx_str_eq_c(text, other_stream);
        break;
    }
    return is_ok ||
           fx_fail(err, FX_E_DRIFT,
                   "a row of table \"ficus.%.*s\" does not have the columns that Ficus writes",
                   FX_STR_FMT(table->name)) ||
           fx_hint(err, "If a newer build of Ficus changed the table, use that build; to see what "
                        "is installed, run: ficus upgrade. If somebody else altered it, undo that, "
                        "then " FX_CMD_NEW_COPY ".");
}
