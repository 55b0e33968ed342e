/* SPDX-License-Identifier: Apache-2.0 */
/* A fact about the build is one row of the table below. */
#include "cmd/version.h"

#include "lib/fmt/form.h"
#include "lib/io/failpoint.h"

/* Written by lib/mk/commit.sh. */
extern const char cmd_commit[];

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "GCC " __VERSION__
#endif

struct fact {
    const char *name;
    const char *value;
};

static const struct fact facts[] = {
    {"commit", cmd_commit},
    {"compiler", COMPILER},
};

void cmd_version(const char *program, struct fx_buf *out)
{
    fx_buf_printf(out, "%s %s\n", program, FICUS_VERSION);
    for (size_t i = 0; i < FX_ARRAY_LEN(facts); i++)
        fx_buf_printf(out, "%-10s %s\n", facts[i].name, facts[i].value);
    if (fx_is_test_build())
        fx_buf_printf(out, "%-10s %s\n", "variant", "for tests: not to be installed");
    fx_buf_printf(out, "%-10s ", "forms");
    fx_form_list(out);
    fx_buf_add_char(out, '\n');
}

void cmd_version_json(struct fx_json_w *w)
{
    fx_json_w_kv_text(w, "version", FICUS_VERSION);
    for (size_t i = 0; i < FX_ARRAY_LEN(facts); i++)
        fx_json_w_kv_text(w, facts[i].name, facts[i].value);
    fx_json_w_kv_bool(w, "is_for_tests", fx_is_test_build());
    fx_json_w_key(w, "forms");
    fx_json_w_object(w);
    for (int form = 0; form < FX_FORM_COUNT; form++)
        fx_json_w_kv_i64(w, fx_form_name((enum fx_form)form), fx_form_current((enum fx_form)form));
    fx_json_w_end(w);
}
