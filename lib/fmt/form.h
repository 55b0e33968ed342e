/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions of what lasts longer than a process: one table (forms.def), one check.
 *
 * A newer Ficus reads the older form; an older Ficus refuses a newer one by name. Where nothing is
 * said (files and schemas that were made before versions were written down), the version is 1.
 * Errors: VERSION.   Thread: any.
 */
#ifndef FX_FMT_FORM_H
#define FX_FMT_FORM_H

#include "lib/err/err.h"

struct fx_json; /* lib/fmt/json_doc.h */

enum fx_form {
#define X(name, word, current, oldest, what) FX_FORM_##name,
#include "lib/fmt/forms.def"
#undef X
    FX_FORM_COUNT
};

enum { FX_FORM_UNSAID = 1 }; /* the version of what carries none */

int64_t fx_form_current(enum fx_form form);
int64_t fx_form_oldest(enum fx_form form);
const char *fx_form_name(enum fx_form form); /* "journal" */
const char *fx_form_what(enum fx_form form); /* "the journal of a run and its directory" */

/* Can this build read `version`? `object` says whose it is: `database "mono"`, a path. */
bool fx_form_check(enum fx_form form, int64_t version, const char *object,
                   struct fx_err *err) FX_MUST_CHECK;
/*
 * Reads a version from `node` and checks it. NULL (a key that is missing): FX_FORM_UNSAID. What is
 * there and not a whole number is an error: it must not pass for the oldest version.
 */
bool fx_form_read(enum fx_form form, const struct fx_json *node, const char *object, int64_t *ret,
                  struct fx_err *err) FX_MUST_CHECK;
/* "schema 2 (reads 1), journal 1, …" */
void fx_form_list(struct fx_buf *out);

#endif
