/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fmt/form.h"

#include "lib/base/panic.h"
#include "lib/fmt/json_doc.h"

struct form {
    const char *name;
    int64_t current, oldest;
    const char *what;
};

static const struct form forms[] = {
#define X(name, word, current, oldest, what) [FX_FORM_##name] = {word, current, oldest, what},
#include "lib/fmt/forms.def"
#undef X
};

static const struct form *form_at(enum fx_form form)
{
    FX_ASSERT((unsigned)form < FX_FORM_COUNT);
    return &forms[form];
}

int64_t fx_form_current(enum fx_form form)
{
    return form_at(form)->current;
}

int64_t fx_form_oldest(enum fx_form form)
{
    return form_at(form)->oldest;
}

const char *fx_form_name(enum fx_form form)
{
    return form_at(form)->name;
}

const char *fx_form_what(enum fx_form form)
{
    return form_at(form)->what;
}

static void list_one(const struct form *f, struct fx_buf *out)
{
    fx_buf_printf(out, "%s %lld", f->name, (long long)f->current);
    if (f->oldest < f->current)
        fx_buf_printf(out, " (reads %lld)", (long long)f->oldest);
}

void fx_form_list(struct fx_buf *out)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(forms); i++) {
        if (i > 0)
            fx_buf_add_c(out, ", ");
        list_one(&forms[i], out);
    }
}

bool fx_form_check(enum fx_form form, int64_t version, const char *object, struct fx_err *err)
{
    const struct form *f = form_at(form);
    if (version >= f->oldest && version <= f->current)
        return true;
    char reads[48];
    snprintf(reads, sizeof reads, f->oldest < f->current ? "%lld to %lld" : "%lld",
             (long long)f->oldest, (long long)f->current);
    (void)fx_fail(err, FX_E_VERSION, "%s: %s has version %lld; this build of Ficus reads %s",
                  object, f->name, (long long)version, reads);
    if (version > f->current)
        return fx_hint(err, "Use the build of Ficus that wrote it, or a newer one. The versions "
                            "that a build reads: ficus version");
    if (version < FX_FORM_UNSAID)
        return fx_hint(err, "No build of Ficus writes a version below 1: something else changed "
                            "it. Restore it from a backup. Then run: ficus upgrade");
    return fx_hint(err,
                   "Upgrade with a build of Ficus that still reads version %lld: ficus upgrade",
                   (long long)version);
}

bool fx_form_read(enum fx_form form, const struct fx_json *node, const char *object, int64_t *ret,
                  struct fx_err *err)
{
    *ret = FX_FORM_UNSAID;
    if (node == NULL || fx_json_i64(node, ret))
        return fx_form_check(form, *ret, object, err);
    (void)fx_fail(err, FX_E_VERSION, "%s: the version of its %s is not a whole number", object,
                  form_at(form)->name);
    return fx_hint(err, "Every build of Ficus writes a whole number: something else changed it. "
                        "Restore it from a backup. Then run: ficus upgrade");
}
