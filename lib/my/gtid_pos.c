/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted array: servers have one domain, or a handful. */
#include "lib/my/gtid_pos.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/panic.h"

/* ",4294967295-4294967295-18446744073709551615" */
enum { GTID_TEXT = 44 };

bool fx_gtid_pos_set(struct fx_gtid_pos *pos, const struct fx_gtid *gtid, struct fx_err *err)
{
    size_t i = 0;
    while (i < pos->n_domains && pos->domains[i].domain < gtid->domain)
        i++;
    bool is_new = i == pos->n_domains || pos->domains[i].domain != gtid->domain;
    if (is_new && pos->n_domains == FX_GTID_DOMAINS_MAX)
        return fx_fail(err, FX_E_LIMIT, "a GTID position has more than %d domains",
                       FX_GTID_DOMAINS_MAX) ||
               fx_hint(err,
                       "On the MariaDB server whose changes are streamed, see the domains: SELECT "
                       "@@global.gtid_binlog_pos; and remove those that nobody uses: FLUSH BINARY "
                       "LOGS DELETE_DOMAIN_ID=(NUMBERS); then run: " FX_CMD_START);
    if (is_new) {
        memmove(&pos->domains[i + 1], &pos->domains[i],
                (pos->n_domains - i) * sizeof pos->domains[0]);
        pos->n_domains++;
    }
    pos->domains[i] = *gtid;
    return true;
}

bool fx_gtid_pos_parse(const struct fx_pos *text, struct fx_gtid_pos *ret, struct fx_err *err)
{
    struct fx_str rest = fx_pos_str(text);
    struct fx_gtid gtid;
    *ret = (struct fx_gtid_pos){0};
    while (rest.len > 0) {
        if (!fx_gtid_next(&rest, &gtid))
            return fx_fail(err, FX_E_BUG, "\"%s\" is not a GTID position", fx_pos_text(text)) ||
                   fx_hint(
                       err,
                       "This is a defect in Ficus. Please report it with this message, the rows of "
                       "table ficus.progress and the output of: select @@global.gtid_binlog_pos; "
                       "To go on, " FX_CMD_NEW_COPY ".");
        if (!fx_gtid_pos_set(ret, &gtid, err))
            return false;
    }
    return true;
}

void fx_gtid_pos_text(const struct fx_gtid_pos *pos, struct fx_pos *ret)
{
    char text[FX_GTID_DOMAINS_MAX * GTID_TEXT];
    size_t used = 0;
    for (size_t i = 0; i < pos->n_domains; i++) {
        const struct fx_gtid *gtid = &pos->domains[i];
        int n = snprintf(text + used, sizeof text - used, "%s%u-%u-%llu", i > 0 ? "," : "",
                         gtid->domain, gtid->server, (unsigned long long)gtid->seq);
        FX_ASSERT(n > 0 && used + (size_t)n < sizeof text);
        used += (size_t)n;
    }
    fx_pos_set(ret, (struct fx_str){text, used});
}
