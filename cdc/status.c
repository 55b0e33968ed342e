/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct cdc_status as JSON and back: what GET /status says and what cdc_status reads.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cdc/status.h"
#include "lib/fmt/form.h"
#include "lib/fmt/json_write.h"
#include "lib/fmt/units.h"

static const char *const phase_names[] = {
    [CDC_PHASE_STARTING] = "starting", [CDC_PHASE_COPY] = "copy", [CDC_PHASE_CATCHUP] = "catchup",
    [CDC_PHASE_STREAM] = "stream",     [CDC_PHASE_HELD] = "held", [CDC_PHASE_STOPPED] = "stopped",
};

const char *cdc_phase_name(enum cdc_phase phase)
{
    return (size_t)phase < FX_ARRAY_LEN(phase_names) ? phase_names[phase] : "?";
}

void cdc_status_copy(struct cdc_status *to, const struct cdc_status *from)
{
    struct cdc_status copy = *from;
    fx_pos_copy(&to->applied, &from->applied);
    fx_pos_copy(&to->source_end, &from->source_end);
    copy.applied = to->applied;
    copy.source_end = to->source_end;
    *to = copy;
}

void cdc_status_done(struct cdc_status *status)
{
    fx_pos_done(&status->applied);
    fx_pos_done(&status->source_end);
    *status = (struct cdc_status){0};
}

struct int_field {
    const char *key;
    size_t offset;
};
#define INT_FIELD(name)                          \
    {                                            \
#name, offsetof(struct cdc_status, name) \
    }
static const struct int_field int_fields[] = {
    INT_FIELD(lag_ms),          INT_FIELD(copied_rows),           INT_FIELD(copy_total_rows),
    INT_FIELD(applied_rows),    INT_FIELD(applied_txns),          INT_FIELD(rows_per_s),
    INT_FIELD(leaks),           INT_FIELD(loops_discarded),       INT_FIELD(barrier_epoch),
    INT_FIELD(hold_pid),        INT_FIELD(hold_left_ms),          INT_FIELD(missing_fences),
    INT_FIELD(log_kept_bytes),  INT_FIELD(log_left_bytes),        INT_FIELD(log_left_s),
    INT_FIELD(copy_left_ms),    INT_FIELD(copy_table_number),     INT_FIELD(copy_tables),
    INT_FIELD(copy_table_rows), INT_FIELD(copy_table_total_rows),
};

static void add_rows(int64_t rows, int64_t total, struct fx_buf *out)
{
    fx_buf_printf(out, "%" PRId64, rows);
    if (total > rows)
        fx_buf_printf(out, " of about %" PRId64 " rows (%" PRId64 " %%)", total,
                      (int64_t)(100.0 * (double)rows / (double)total));
    else
        fx_buf_add_c(out, " rows");
}

void cdc_status_copy_text(const struct cdc_status *status, struct fx_buf *out)
{
    add_rows(status->copied_rows, status->copy_total_rows, out);
    if (status->rows_per_s > 0)
        fx_buf_printf(out, ", %" PRId64 " rows/s", status->rows_per_s);
    if (status->copy_left_ms > 0) {
        fx_buf_add_c(out, ", about ");
        fx_units_span(status->copy_left_ms, out);
        fx_buf_add_c(out, " left");
    }
    if (status->copy_table_number == 0)
        return;
    fx_buf_printf(out, "; table %" PRId64 " of %" PRId64 ", %s: ", status->copy_table_number,
                  status->copy_tables, status->copy_table);
    add_rows(status->copy_table_rows, status->copy_table_total_rows, out);
}

static int64_t *int_at(const struct cdc_status *status, const struct int_field *field)
{
    return (int64_t *)(void *)((char *)(uintptr_t)status + field->offset);
}

void cdc_status_write(const struct cdc_status *status, struct fx_buf *out)
{
    struct fx_json_w w;
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    fx_json_w_kv_i64(&w, "api", fx_form_current(FX_FORM_STREAM_API));
    fx_json_w_kv_text(&w, "phase", cdc_phase_name(status->phase));
    fx_json_w_kv_i64(&w, "pid", status->pid);
    fx_json_w_kv_text(&w, "applied", fx_pos_text(&status->applied));
    fx_json_w_kv_text(&w, "source_end", fx_pos_text(&status->source_end));
    for (size_t i = 0; i < FX_ARRAY_LEN(int_fields); i++)
        fx_json_w_kv_i64(&w, int_fields[i].key, *int_at(status, &int_fields[i]));
    fx_json_w_kv_text(&w, "log_state", status->log_state);
    fx_json_w_kv_text(&w, "copy_table", status->copy_table);
    fx_json_w_kv_text(&w, "leak_last", status->leak_last);
    fx_json_w_kv_text(&w, "barrier_group", status->barrier_group);
    fx_json_w_kv_text(&w, "error", status->error); /* the error object, as text */
    fx_json_w_end(&w);
}

static void copy_text(const struct fx_json *root, const char *key, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", fx_json_get_str(root, key, ""));
}

bool cdc_pos_read(const struct fx_json *root, const char *key, struct fx_pos *ret,
                  struct fx_err *err)
{
    struct fx_str text = fx_str_from(fx_json_get_str(root, key, ""));
    if (text.len > FX_POS_MAX)
        return fx_fail(err, FX_E_PROTOCOL, "position \"%s\" has %zu bytes, the limit is %d", key,
                       text.len, FX_POS_MAX) ||
               fx_hint(err, "Restart the streams with this build: " FX_CMD_STOP
                            ", then " FX_CMD_START ".");
    fx_pos_set(ret, text);
    return true;
}

bool cdc_status_read(struct fx_str json, struct cdc_status *ret, struct fx_err *err)
{
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    if (!fx_json_parse(json, &doc, err))
        return fx_ctx(err, "reading the status of a stream");
    const struct fx_json *root = fx_json_root(doc);
    const char *phase = fx_json_get_str(root, "phase", "");
    cdc_status_done(ret);
    ret->phase = CDC_PHASE_STOPPED;
    if (!fx_form_read(FX_FORM_STREAM_API, fx_json_get(root, "api"), "the stream", &ret->api, err))
        return false;
    size_t i = 0;
    while (i < FX_ARRAY_LEN(phase_names) && strcmp(phase, phase_names[i]) != 0)
        i++;
    if (i == FX_ARRAY_LEN(phase_names))
        return fx_fail(err, FX_E_PROTOCOL,
                       "its phase is \"%s\", which this build of Ficus does not know", phase) ||
               fx_hint(err, "Restart the streams with this build: " FX_CMD_STOP
                            ", then " FX_CMD_START ".");
    ret->phase = (enum cdc_phase)i;
    int64_t pid = fx_json_get_i64(root, "pid", 0);
    ret->pid = pid > 0 && pid <= INT32_MAX ? (int)pid : 0;
    for (i = 0; i < FX_ARRAY_LEN(int_fields); i++)
        *int_at(ret, &int_fields[i]) = fx_json_get_i64(root, int_fields[i].key, 0);
    if (!cdc_pos_read(root, "applied", &ret->applied, err) ||
        !cdc_pos_read(root, "source_end", &ret->source_end, err))
        return false;
    copy_text(root, "log_state", ret->log_state, sizeof ret->log_state);
    copy_text(root, "copy_table", ret->copy_table, sizeof ret->copy_table);
    copy_text(root, "leak_last", ret->leak_last, sizeof ret->leak_last);
    copy_text(root, "barrier_group", ret->barrier_group, sizeof ret->barrier_group);
    copy_text(root, "error", ret->error, sizeof ret->error);
    return true;
}
