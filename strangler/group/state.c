/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file is small (tens of entries) and written only on admin calls, so it is written whole each
 * time: the rename is the commit, and there is nothing to replay.
 */
#include "strangler/group/state.h"

#include <sys/stat.h>

#include "lib/base/alloc.h"
#include "lib/fmt/form.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"
#include "lib/io/failpoint.h"
#include "lib/io/file.h"
#include "lib/io/private.h"

enum { FILE_MAX_BYTES = 4 << 20 };

static const char unknown[] =
    "unknown"; /* an owner that nobody has told since the state was lost */

static bool name_is_valid(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    size_t len = strlen(name);
    return len > 0 && len <= FCD_NAME_MAX && strspn(name, allowed) == len;
}

size_t fcd_state_group(struct fcd_state *state, const char *name)
{
    for (size_t i = 0; i < state->n_groups; i++)
        if (strcmp(state->groups[i].name, name) == 0)
            return i;
    if (!name_is_valid(name) || state->n_groups == FCD_GROUPS_MAX)
        return SIZE_MAX;
    state->groups = fx_realloc(state->groups, (state->n_groups + 1) * sizeof *state->groups);
    struct fcd_state_group *group = &state->groups[state->n_groups];
    *group = (struct fcd_state_group){0};
    memcpy(group->name, name, strlen(name) + 1);
    return state->n_groups++;
}

size_t fcd_state_route(struct fcd_state *state, const char *id)
{
    for (size_t i = 0; i < state->n_routes; i++)
        if (strcmp(state->routes[i].id, id) == 0)
            return i;
    if (!name_is_valid(id) || state->n_routes == FCD_ROUTES_MAX)
        return SIZE_MAX;
    state->routes = fx_realloc(state->routes, (state->n_routes + 1) * sizeof *state->routes);
    struct fcd_state_route *route = &state->routes[state->n_routes];
    *route = (struct fcd_state_route){0};
    memcpy(route->id, id, strlen(id) + 1);
    return state->n_routes++;
}

struct fcd_state fcd_state_copy(const struct fcd_state *state)
{
    struct fcd_state copy = *state;
    copy.groups = fx_alloc_array(state->n_groups + 1, sizeof *copy.groups);
    copy.routes = fx_alloc_array(state->n_routes + 1, sizeof *copy.routes);
    if (state->n_groups > 0)
        memcpy(copy.groups, state->groups, state->n_groups * sizeof *copy.groups);
    if (state->n_routes > 0)
        memcpy(copy.routes, state->routes, state->n_routes * sizeof *copy.routes);
    return copy;
}

void fcd_state_done(struct fcd_state *state)
{
    free(state->groups);
    free(state->routes);
    *state = (struct fcd_state){0};
}

void fcd_state_write(const struct fcd_state *state, struct fx_buf *out)
{
    struct fx_json_w w;
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    fx_json_w_kv_i64(&w, "version", fx_form_current(FX_FORM_FACADE));
    fx_json_w_kv_i64(&w, "controller_epoch", state->controller_epoch);
    fx_json_w_key(&w, "groups");
    fx_json_w_object(&w);
    for (size_t i = 0; i < state->n_groups; i++) {
        const struct fcd_own *own = &state->groups[i].own;
        fx_json_w_key(&w, state->groups[i].name);
        fx_json_w_object(&w);
        fx_json_w_kv_text(&w, "owner", own->is_unknown ? unknown : fcd_owner_name(own->owner));
        fx_json_w_kv_i64(&w, "epoch", own->epoch);
        fx_json_w_kv_i64(&w, "owner_epoch", own->owner_epoch);
        fx_json_w_kv_text(&w, "hold", fcd_hold_name(own->hold));
        fx_json_w_kv_i64(&w, "hold_until_us", own->hold_until.us);
        fx_json_w_kv_i64(&w, "hold_ms", own->hold_ms);
        if (own->is_moving)
            fx_json_w_kv_bool(&w, "moving", true);
        fx_json_w_end(&w);
    }
    fx_json_w_end(&w);
    fx_json_w_key(&w, "routes");
    fx_json_w_object(&w);
    for (size_t i = 0; i < state->n_routes; i++) {
        const struct fcd_state_route *route = &state->routes[i];
        fx_json_w_key(&w, route->id);
        fx_json_w_object(&w);
        fx_json_w_kv_double(&w, "weight_percent", route->weight_percent);
        fx_json_w_kv_double(&w, "shadow_percent", route->shadow_percent);
        fx_json_w_kv_i64(&w, "recheck_ms", route->recheck_ms);
        fx_json_w_end(&w);
    }
    fx_json_w_end(&w);
    fx_json_w_end(&w);
    fx_buf_add_char(out, '\n');
}

static bool read_group(struct fcd_state *state, const char *name, const struct fx_json *node,
                       struct fx_err *err)
{
    size_t i = fcd_state_group(state, name);
    if (i == SIZE_MAX)
        return fx_fail(err, FX_E_JOURNAL,
                       "the name of group \"%s\" is not valid, or there are more than %d groups",
                       name, FCD_GROUPS_MAX);
    struct fcd_own *own = &state->groups[i].own;
    const char *owner = fx_json_get_str(node, "owner", NULL);
    own->is_unknown = owner != NULL && strcmp(owner, unknown) == 0;
    own->is_moving = fx_json_get_bool(node, "moving", false);
    if ((!own->is_unknown && !fcd_owner_from(owner, &own->owner)) ||
        !fcd_hold_from(fx_json_get_str(node, "hold", NULL), &own->hold) ||
        !fx_json_i64(fx_json_get(node, "epoch"), &own->epoch) ||
        !fx_json_i64(fx_json_get(node, "owner_epoch"), &own->owner_epoch) ||
        !fx_json_i64(fx_json_get(node, "hold_until_us"), &own->hold_until.us) ||
        !fx_json_i64(fx_json_get(node, "hold_ms"), &own->hold_ms) || own->epoch < 0 ||
        own->owner_epoch < 0 || own->hold_until.us < 0 || own->hold_ms < 0)
        return fx_fail(err, FX_E_JOURNAL,
                       "owner, epoch or hold of group \"%s\" is missing or not valid", name);
    return true;
}

/* A weight beyond it would split like 0 or 100, and status would show what is not so. */
static bool is_percent(double value)
{
    return value >= 0 && value <= 100;
}

static bool read_route(struct fcd_state *state, const char *id, const struct fx_json *node,
                       struct fx_err *err)
{
    size_t i = fcd_state_route(state, id);
    if (i == SIZE_MAX)
        return fx_fail(err, FX_E_JOURNAL,
                       "the id of route \"%s\" is not valid, or there are more than %d routes", id,
                       FCD_ROUTES_MAX);
    struct fcd_state_route *route = &state->routes[i];
    if (!fx_json_double(fx_json_get(node, "weight_percent"), &route->weight_percent) ||
        !fx_json_double(fx_json_get(node, "shadow_percent"), &route->shadow_percent) ||
        !fx_json_i64(fx_json_get(node, "recheck_ms"), &route->recheck_ms) ||
        !is_percent(route->weight_percent) || !is_percent(route->shadow_percent) ||
        route->recheck_ms < 0)
        return fx_fail(
            err, FX_E_JOURNAL,
            "weight_percent, shadow_percent or recheck_ms of route \"%s\" is missing or not "
            "valid",
            id);
    return true;
}

typedef bool (*entry_fn)(struct fcd_state *state, const char *name, const struct fx_json *node,
                         struct fx_err *err);
static bool read_entries(struct fcd_state *state, const struct fx_json *object, entry_fn read_one,
                         struct fx_err *err)
{
    struct fx_json_iter iter = {0};
    while (fx_json_next(object, &iter)) {
        char name[FCD_NAME_MAX + 2];
        snprintf(name, sizeof name, "%.*s", FX_STR_FMT(iter.key));
        if (!read_one(state, name, iter.value, err))
            return false;
    }
    return true;
}

static bool read_version(const struct fx_json *root, int64_t *ret, struct fx_err *err)
{
    if (!fx_json_i64(fx_json_get(root, "version"), ret))
        return fx_fail(err, FX_E_JOURNAL,
                       "the facade's state has no \"version\" that is a whole number");
    return fx_form_check(FX_FORM_FACADE, *ret, "the facade's state", err);
}

bool fcd_state_parse(struct fx_str text, struct fcd_state *ret_state, struct fx_err *err)
{
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    if (!fx_json_parse(text, &doc, err)) {
        fx_err_recode(err, FX_E_JOURNAL);
        return false;
    }
    const struct fx_json *root = fx_json_root(doc);
    int64_t version;
    if (!read_version(root, &version, err))
        return false;
    struct fcd_state state = {.controller_epoch = fx_json_get_i64(root, "controller_epoch", -1)};
    if (state.controller_epoch < 0)
        return fx_fail(err, FX_E_JOURNAL,
                       "the facade's state has no \"controller_epoch\" of at least 0");
    if (!read_entries(&state, fx_json_get(root, "groups"), read_group, err) ||
        !read_entries(&state, fx_json_get(root, "routes"), read_route, err)) {
        fcd_state_done(&state);
        return false;
    }
    *ret_state = state;
    return true;
}

static bool fail_reading(const char *path, struct fx_err *err)
{
    if (err->code == FX_E_VERSION)
        return fx_ctx(err, "reading the facade's state \"%s\"", path);
    bool is_damaged = err->code == FX_E_JOURNAL; /* else the system's own hint says more */
    (void)fx_err_wrap(err, err->code, "the facade's state \"%s\" cannot be read", path);
    if (!is_damaged)
        return false;
    return fx_hint(err,
                   "Restore the file from a backup. Without one: mv '%s' '%s.bad' && touch "
                   "'%s.served'. Start ficusd, and in both cases tell it who owns each context, "
                   "which an older file does not know: ficus route sync --execute. Then look at "
                   "the weights of the read routes: ficus route list. To set one: ficus route set "
                   "ID --weight P --execute",
                   path, path, path);
}

bool fcd_state_load(const char *path, struct fcd_state *ret_state, struct fx_err *err)
{
    if (!fx_file_exists(path)) {
        *ret_state = (struct fcd_state){0};
        return true;
    }
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(FILE_MAX_BYTES);
    if (fx_file_read(path, FILE_MAX_BYTES, &text, err) &&
        fcd_state_parse(fx_buf_str(&text), ret_state, err))
        return true;
    return fail_reading(path, err);
}

/* Beside the state, so that it is still there when only the state is gone. */
static char *mark_of(const char *path)
{
    return fx_asprintf("%s.served", path);
}

bool fcd_state_has_served(const char *path)
{
    FX_AUTO_STR char *mark = mark_of(path);
    return fx_file_exists(mark);
}

static bool write_mark(const char *path, struct fx_err *err)
{
    FX_AUTO_STR char *mark = mark_of(path);
    return fx_file_exists(mark) ||
           fx_file_write_atomic(
               mark,
               FX_STR("This facade has served. Without facade.json it does not know which side "
                      "owns its groups.\n"),
               0600, err);
}

bool fcd_state_save(const char *path, const struct fcd_state *state, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(FILE_MAX_BYTES);
    fcd_state_write(state, &text);
    if (text.has_failed)
        return fx_fail(err, FX_E_LIMIT, "the facade's state \"%s\" would be larger than %d bytes",
                       path, FILE_MAX_BYTES) ||
               fx_hint(err, "Stop the facade, remove from the file the groups and routes that "
                            "ficus.yaml no longer names, and run: ficusd -f ficus.yaml");
    FX_FAILPOINT("facade.state.before");
    if (!fx_file_write_atomic(path, fx_buf_str(&text), FX_PRIVATE_FILE, err))
        return fx_ctx(err, "saving the facade's state");
    if (!write_mark(path, err))
        return fx_ctx(err, "noting that this facade has served");
    FX_FAILPOINT("facade.state.after");
    return true;
}

bool fcd_state_version(const char *path, int64_t *ret, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(FILE_MAX_BYTES);
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    *ret = 0;
    if (!fx_file_exists(path))
        return true;
    if (!fx_file_read(path, FILE_MAX_BYTES, &text, err))
        return fail_reading(path, err);
    if (!fx_json_parse(fx_buf_str(&text), &doc, err)) {
        fx_err_recode(err, FX_E_JOURNAL);
        return fail_reading(path, err);
    }
    return read_version(fx_json_root(doc), ret, err) || fail_reading(path, err);
}
