/* SPDX-License-Identifier: Apache-2.0 */
/* Records as JSON. The keys are stored, so they keep their names. */
#include "plans/run/record.h"

#include "lib/base/panic.h"
#include "lib/fmt/form.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"

static const char *const rec_names[] = {
#define X(name) #name,
    PLN_RECORDS(X)
#undef X
};

const char *pln_rec_name(enum pln_rec type)
{
    FX_ASSERT(type < PLN_REC_COUNT);
    return rec_names[type];
}

struct pln_record pln_record(enum pln_rec type, const struct pln_step *step)
{
    return (struct pln_record){
        .type = type,
        .step = step != NULL ? step->index : -1,
        .id = step != NULL ? step->id : NULL,
        .weight = -1,
        .predicted_ms = -1,
        .cut_step = -1,
        .cut_event = -1,
    };
}

static void put(struct fx_json_w *w, const char *key, const char *text)
{
    if (text != NULL)
        fx_json_w_kv_text(w, key, text);
}

void pln_record_write(const struct pln_record *rec, struct fx_buf *out)
{
    struct fx_json_w w;
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    fx_json_w_kv_text(&w, "t", pln_rec_name(rec->type));
    fx_json_w_kv_i64(&w, "at_us", rec->at.us);
    if (rec->step >= 0) {
        fx_json_w_kv_i64(&w, "i", rec->step);
        put(&w, "step", rec->id);
    }
    if (rec->type == PLN_REC_RUN_OPENED) {
        fx_json_w_kv_i64(&w, "v", fx_form_current(FX_FORM_JOURNAL));
        fx_json_w_kv_i64(&w, "epoch", rec->epoch);
        put(&w, "digest", rec->digest);
        put(&w, "plan", rec->plan);
        put(&w, "operator", rec->operator_name);
    }
    put(&w, "text", rec->text);
    put(&w, "code", rec->code);
    if (rec->weight >= 0)
        fx_json_w_kv_double(&w, "weight", rec->weight);
    if (rec->predicted_ms >= 0)
        fx_json_w_kv_i64(&w, "predicted_ms", rec->predicted_ms);
    if (rec->cut_step >= 0) {
        fx_json_w_kv_text(&w, "cut", pln_cutover_step_name((enum pln_cutover_step)rec->cut_step));
        fx_json_w_kv_i64(&w, "cut_step",
                         pln_cutover_step_number((enum pln_cutover_step)rec->cut_step));
        fx_json_w_kv_text(&w, "moment",
                          pln_cutover_event_name((enum pln_cutover_event)rec->cut_event));
        put(&w, "group", rec->group);
    }
    fx_json_w_end(&w);
}

static const char *take(const struct fx_json *root, const char *key, struct fx_arena *arena)
{
    return fx_arena_strdup(arena, fx_json_get_str(root, key, NULL));
}

static int name_index(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; name != NULL && i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return (int)i;
    }
    return -1;
}

static int event_index(const char *name)
{
    for (int i = 0; name != NULL && i < PLN_CUT_EVENT_COUNT; i++) {
        if (strcmp(pln_cutover_event_name((enum pln_cutover_event)i), name) == 0)
            return i;
    }
    return -1;
}

static bool fail_record(struct fx_err *err, const char *why)
{
    fx_fail(err, FX_E_JOURNAL, "one of its records cannot be read by this build of Ficus: %s", why);
    return fx_hint(err,
                   "If a newer Ficus wrote it, use that one (this one: ficus version). If not, "
                   "restore the journal and the file of the same name with \".key\" from one "
                   "backup of the state directory. The records before it: ficus run journal show");
}

/* By its name: the number is that of the build which wrote
 * it, and is there for what reads journals without Ficus. */
static bool read_cut_step(const struct fx_json *root, int *ret)
{
    const char *name = fx_json_get_str(root, "cut", NULL);
    if (name == NULL)
        return true;
    for (int step = 0; step < PLN_CUT_STEP_COUNT; step++)
        if (strcmp(name, pln_cutover_step_name((enum pln_cutover_step)step)) == 0) {
            *ret = step;
            return true;
        }
    return false;
}

bool pln_record_read(struct fx_str json, struct fx_arena *arena, struct pln_record *ret,
                     struct fx_err *err)
{
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    if (!fx_json_parse(json, &doc, err)) {
        fx_err_recode(err, FX_E_JOURNAL);
        return fx_ctx(err, "reading a record of the journal");
    }
    const struct fx_json *root = fx_json_root(doc);
    int64_t version;
    if (!fx_form_read(FX_FORM_JOURNAL, fx_json_get(root, "v"), "the journal of the run", &version,
                      err))
        return false;
    int type = name_index(fx_json_get_str(root, "t", NULL), rec_names, PLN_REC_COUNT);
    if (type < 0)
        return fail_record(err, "unknown type");
    *ret = pln_record((enum pln_rec)type, NULL);
    ret->version = version;
    ret->at.us = fx_json_get_i64(root, "at_us", 0);
    int64_t step = fx_json_get_i64(root, "i", -1);
    if (step < -1 || step >= PLN_STEPS_MAX)
        return fail_record(err, "step number out of range");
    int cut = -1;
    if (!read_cut_step(root, &cut))
        return fail_record(err, "unknown step of a cut-over");
    ret->step = (int)step;
    ret->id = take(root, "step", arena);
    ret->epoch = fx_json_get_i64(root, "epoch", 0);
    ret->digest = take(root, "digest", arena);
    ret->plan = take(root, "plan", arena);
    ret->operator_name = take(root, "operator", arena);
    ret->text = take(root, "text", arena);
    ret->code = take(root, "code", arena);
    ret->weight = fx_json_get_double(root, "weight", -1);
    ret->predicted_ms = fx_json_get_i64(root, "predicted_ms", -1);
    ret->cut_step = cut;
    ret->cut_event = event_index(fx_json_get_str(root, "moment", NULL));
    if (ret->cut_step >= 0 && ret->cut_event < 0)
        return fail_record(err, "unknown event of a cut-over");
    ret->group = take(root, "group", arena);
    return true;
}
