/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rec_check_keys as a command, for 3101: keys_tool PROJECT forward|reverse KEY…  with KEY =
 * TABLE:v[:v…], a value being i42 (a number) or tword (text). Prints "missing extra different" and
 * exits like `ficus reconcile run`.
 */
#include <inttypes.h>

#include "lib/fmt/text.h"
#include "reconcile/reconcile.h"

enum { KEYS_MAX = 64, PARTS_MAX = 4 };

static bool parse_key(const char *text, struct fx_arena *arena, struct cdc_key *ret)
{
    struct fx_str rest;
    struct fx_str table = fx_str_cut(fx_str_from(text), ':', &rest);
    uint64_t index;
    if (!fx_parse_u64(table, 100, &index))
        return false;
    *ret = (struct cdc_key){.table_index = (size_t)index,
                            .key = fx_arena_array(arena, PARTS_MAX, sizeof(struct fx_value))};
    while (rest.len > 0 && ret->n_key < PARTS_MAX) {
        struct fx_str part = fx_str_cut(rest, ':', &rest), body = fx_str_sub(part, 1, part.len);
        struct fx_value *value = &ret->key[ret->n_key++];
        if (part.len > 0 && part.ptr[0] == 't')
            *value = (struct fx_value){.kind = FX_V_TEXT, .s = body};
        else if (fx_parse_i64(body, INT64_MIN, INT64_MAX, &value->i))
            value->kind = FX_V_INT;
        else
            return false;
    }
    return ret->n_key > 0;
}

int main(int argc, char **argv)
{
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_project *project = NULL;
    struct rec_report *report = NULL;
    struct cdc_key keys[KEYS_MAX];
    size_t n_keys = 0;
    if (argc < 4)
        return 2;
    for (int i = 3; i < argc && n_keys < KEYS_MAX; i++)
        if (!parse_key(argv[i], &arena, &keys[n_keys++]))
            return 2;
    enum fx_direction direction = strcmp(argv[2], "reverse") == 0 ? FX_REVERSE : FX_FORWARD;
    struct rec_sessions sessions = {0};
    bool is_ok = fx_project_load(argv[1], &arena, &project, &err) &&
                 fx_db_open(project->contexts[0].old_db, &sessions.old_db, &err) &&
                 fx_db_open(project->contexts[0].new_db, &sessions.new_db, &err) &&
                 rec_check_keys(&project->contexts[0], direction, &sessions, keys, n_keys, &arena,
                                &report, &err);
    fx_db_close(sessions.old_db);
    fx_db_close(sessions.new_db);
    if (!is_ok)
        return fx_err_report(&err, "keys_tool");
    int64_t missing = 0, extra = 0, different = 0;
    for (size_t i = 0; i < report->n_tables; i++) {
        missing += report->tables[i].missing;
        extra += report->tables[i].extra;
        different += report->tables[i].different;
    }
    printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", missing, extra, different);
    return report->verdict == REC_EQUAL ? 0 : report->verdict == REC_DIVERGENT ? 1 : 3;
}
