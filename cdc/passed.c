/* SPDX-License-Identifier: Apache-2.0 */
/* See source.h: DDL that a stream passes although it may have changed rows. */
#include <stdio.h>
#include <string.h>

#include "cdc/source.h"

void cdc_passed_ddl_add(struct cdc_passed_ddl *passed, const char *why, const char *what)
{
    size_t len = passed->n > 0 ? strlen(passed->what) : 0;
    (void)snprintf(passed->what + len, sizeof passed->what - len, "%s%s%s", len > 0 ? "; " : "",
                   why, what);
    passed->n++;
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
