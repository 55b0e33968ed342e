/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fences share: the names of triggers, the filling of statement templates, findings of
 * queries.
 */
#include "lib/ownership/fence.h"

#include <ctype.h>
#include <inttypes.h>

#include "lib/base/hash.h"
#include "lib/base/panic.h"
#include "lib/ownership/engine.h"

const struct fx_fence_ops *fx_fence_of(const struct fx_side *side)
{
    FX_ASSERT(side->engine != NULL);
    return side->engine->fence;
}

bool fx_fence_ask(struct fx_side *side, const char *sql, const fx_cell *params, size_t n_params,
                  struct fx_findings *f, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_select(side->db, sql, params, n_params, 0, 3, &rows, err))
        return false;
    for (size_t r = 0; r < rows.n_rows; r++) {
        const char *where = fx_arena_str(&rows.arena, fx_rows_at(&rows, r, 0)).ptr;
        fx_findings_add_str(f, where, fx_rows_at(&rows, r, 1), fx_rows_at(&rows, r, 2));
    }
    return true;
}

void fx_fence_sql_fill(const char *template, const char *const *names, const char *const *values,
                       struct fx_buf *out)
{
    for (const char *p = template; *p != '\0';) {
        size_t used = 0;
        for (size_t i = 0; *p == '{' && names[i] != NULL; i++) {
            size_t len = strlen(names[i]);
            if (strncmp(p + 1, names[i], len) == 0 && p[1 + len] == '}') {
                fx_buf_add_c(out, values[i]);
                used = len + 2;
                break;
            }
        }
        if (used == 0)
            fx_buf_add_char(out, *p);
        p += used > 0 ? used : 1;
    }
}

/* `group` with _ for all but letters and digits, at most `max`; a hash tells look-alikes apart. */
static size_t readable(const char *group, size_t max, char *out)
{
    size_t n = 0;
    for (const char *p = group; *p != '\0' && n < max; p++)
        out[n++] = isalnum((unsigned char)*p) ? *p : '_';
    out[n] = '\0';
    return n;
}

static uint32_t name_hash(const char *a, const char *b)
{
    FX_AUTO(fx_buf) struct fx_buf both = FX_BUF(1024);
    fx_buf_printf(&both, "%s/%s", a, b);
    return (uint32_t)fx_hash64(fx_buf_str(&both), 0);
}

void fx_fence_pg_name(const char *group, char out[64])
{
    char text[41];
    (void)readable(group, 40, text);
    if (strcmp(text, group) == 0)
        (void)snprintf(out, 64, "ficus_fence_%s", text);
    else
        (void)snprintf(out, 64, "ficus_fence_%s_%08x", text, name_hash(group, ""));
}

/* The part of the name that all fences of a table have in common. */
static void my_prefix(const char *group, const char *table, char out[48])
{
    char text[21];
    (void)readable(group, 20, text);
    (void)snprintf(out, 48, "ficus_fence_%s_%08x_", text, name_hash(group, table));
}

void fx_fence_my_name(const char *group, const char *table, int64_t epoch, char event, char out[65])
{
    char prefix[48];
    my_prefix(group, table, prefix);
    (void)snprintf(out, 65, "%s%" PRId64 "_%c", prefix, epoch, event);
}

int64_t fx_fence_my_epoch(const char *group, const char *table, struct fx_str name)
{
    char prefix[48];
    my_prefix(group, table, prefix);
    struct fx_str head = fx_str_from(prefix);
    if (!fx_str_starts(name, head))
        return -1;
    int64_t epoch = 0;
    size_t i = head.len;
    for (; i < name.len && name.ptr[i] >= '0' && name.ptr[i] <= '9' && epoch < INT64_MAX / 16; i++)
        epoch = epoch * 10 + (name.ptr[i] - '0');
    bool is_whole = i > head.len && i + 2 == name.len && name.ptr[i] == '_' &&
                    strchr("iud", name.ptr[i + 1]) != NULL;
    return is_whole ? epoch : -1;
}
