/* SPDX-License-Identifier: Apache-2.0 */
/* See source.h: DDL that a stream passes although it may have changed rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cdc/source.h"
#include "lib/base/alloc.h"

void cdc_passed_ddl_add(struct cdc_passed_ddl *passed, const char *why, const char *what)
{
    char text[2 * CDC_LEAK_TEXT];
    (void)snprintf(text, sizeof text, "%s%s", why, what);
    struct fx_str clipped = fx_utf8_clip(fx_str_from(text), CDC_LEAK_TEXT - 1);
    passed->what = fx_realloc(passed->what, (passed->n + 1) * sizeof *passed->what);
    (void)snprintf(passed->what[passed->n++], CDC_LEAK_TEXT, "%.*s", FX_STR_FMT(clipped));
}

void cdc_passed_ddl_done(struct cdc_passed_ddl *passed)
{
    free(passed->what);
    *passed = (struct cdc_passed_ddl){0};
}

bool cdc_ddl_is_accepted(const char *accepted, const char *what)
{
    size_t len = strlen(what);
    const char *at = accepted != NULL ? strstr(accepted, what) : NULL;
    for (; at != NULL; at = strstr(at + 1, what)) {
        bool begins = at == accepted || at[-1] == ',';
        bool ends = at[len] == '\0' || at[len] == ',';
        if (begins && ends)
            return true;
    }
    return false;
}
