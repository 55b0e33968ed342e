/* SPDX-License-Identifier: Apache-2.0 */
/* See redact.h. Source: MariaDB's documentation, "MariaDB Error Codes". */
#include "lib/my/redact.h"

#include "lib/err/redact.h"

/* In a template: a name, which is shown, and the value of a row, which is not. */
#define NAME  "\1"
#define VALUE "\2"

/* What a change of a row can raise. A number may have several. */
static const struct template
{
    unsigned number;
    const char *text;
}
templates[] = {
    {1022, "Can't write; duplicate key in table '" NAME "'"},
    {1048, "Column '" NAME "' cannot be null"},
    {1062, "Duplicate entry '" VALUE "' for key '" NAME "'"},
    {1586, "Duplicate entry '" VALUE "' for key '" NAME "'"},
    {1216, "Cannot add or update a child row: a foreign key constraint fails"},
    {1217, "Cannot delete or update a parent row: a foreign key constraint fails"},
    {1264, "Out of range value for column '" NAME "' at row " NAME},
    {1265, "Data truncated for column '" NAME "' at row " NAME},
    {1292, "Incorrect " NAME " value: '" VALUE "' for column " NAME " at row " NAME},
    {1292, "Incorrect " NAME " value: '" VALUE "'"},
    {1292, "Truncated incorrect " NAME " value: '" VALUE "'"},
    {1364, "Field '" NAME "' doesn't have a default value"},
    {1366, "Incorrect " NAME " value: '" VALUE "' for column " NAME " at row " NAME},
    {1406, "Data too long for column '" NAME "' at row " NAME},
    {1451, "Cannot delete or update a parent row: a foreign key constraint fails (" NAME ")"},
    {1452, "Cannot add or update a child row: a foreign key constraint fails (" NAME ")"},
    {4025, "CONSTRAINT " NAME " failed for " NAME},
};

/* Of connections, rights, locks, settings and definitions: names, whatever the row. Sorted. */
static const uint16_t plain[] = {
    1004, 1005, 1006, 1007, 1008, 1010, 1016, 1017, 1020, 1021, 1026, 1030, 1032, 1033, 1034, 1035,
    1036, 1037, 1038, 1040, 1041, 1042, 1043, 1044, 1045, 1046, 1047, 1049, 1050, 1051, 1053, 1054,
    1060, 1061, 1072, 1073, 1091, 1094, 1099, 1100, 1102, 1103, 1113, 1114, 1118, 1129, 1130, 1141,
    1142, 1143, 1146, 1147, 1153, 1158, 1159, 1160, 1161, 1176, 1184, 1192, 1193, 1194, 1195, 1198,
    1199, 1200, 1201, 1202, 1203, 1205, 1206, 1213, 1223, 1226, 1227, 1229, 1231, 1232, 1236, 1238,
    1290, 1305, 1317, 1347, 1356, 1370, 1396, 1410, 1412, 1449, 1615, 1665, 1698, 1785, 1792, 1820,
    1836, 1862, 1873, 1927, 1951, 1955, 1969, 3024, 4031, 4052, 4151,
};

/* Whatever MESSAGE_TEXT a SIGNAL of the fence has begins so (lib/ownership/sql/my_trigger.sql). */
static bool is_ours(struct fx_str text)
{
    return fx_str_starts(text, FX_STR("ficus: group "));
}

static bool is_plain(unsigned number)
{
    bool is_client =
        number < 1000 || (number >= 2000 && number < 3000) || (number >= 5000 && number < 6000);
    for (size_t i = 0; !is_client && i < FX_ARRAY_LEN(plain); i++)
        if (plain[i] == number)
            return true;
    return is_client;
}

/* Where the literal text `part` (its `len` bytes) is in `s` from `at` on; a value may contain it,
 * so that after one the last counts. -1: nowhere. */
static ptrdiff_t find_part(struct fx_str s, size_t at, const char *part, size_t len, bool is_last)
{
    ptrdiff_t found = -1;
    for (size_t i = at; i + len <= s.len; i++) {
        if (memcmp(s.ptr + i, part, len) != 0)
            continue;
        found = (ptrdiff_t)i;
        if (!is_last)
            break;
    }
    return found;
}

/* A hole reaches up to the literal text after it, or to the end. */
static bool take_hole(struct fx_str text, size_t *at, const char **template, struct fx_buf *out)
{
    bool is_value = **template == VALUE[0];
    const char *part = ++*template;
    size_t len = strcspn(part, NAME VALUE);
    bool is_last = is_value || part[len] == '\0';
    ptrdiff_t end = len == 0 ? (ptrdiff_t)text.len : find_part(text, *at, part, len, is_last);
    if (end < 0)
        return false;
    if (is_value)
        fx_buf_add_c(out, "[hidden]");
    else
        fx_buf_add(out, fx_str_sub(text, *at, (size_t)end - *at));
    *at = (size_t)end;
    return true;
}

static bool fill(const char *template, struct fx_str text, struct fx_buf *out)
{
    size_t at = 0;
    while (*template != '\0') {
        if (*template == NAME[0] || *template == VALUE[0]) {
            if (!take_hole(text, &at, &template, out))
                return false;
            continue;
        }
        size_t len = strcspn(template, NAME VALUE);
        if (find_part(fx_str_sub(text, at, len), 0, template, len, false) != 0)
            return false;
        fx_buf_add_bytes(out, template, len);
        template += len;
        at += len;
    }
    return at == text.len;
}

static bool fill_any(unsigned number, struct fx_str text, struct fx_buf *out)
{
    FX_AUTO(fx_buf) struct fx_buf filled = FX_BUF(4096);
    for (size_t i = 0; i < FX_ARRAY_LEN(templates); i++) {
        fx_buf_clear(&filled);
        if (templates[i].number != number || !fill(templates[i].text, text, &filled))
            continue;
        fx_buf_add(out, fx_buf_str(&filled));
        return true;
    }
    return false;
}

void fx_my_redact(unsigned number, const char *sqlstate, struct fx_str text, struct fx_buf *out)
{
    bool is_signal = strncmp(sqlstate, "45", 2) == 0 || number == 1643 || number == 1644;
    if (fx_values_are_shown() || is_ours(text) || (!is_signal && is_plain(number)))
        fx_buf_add(out, text);
    else if (is_signal) /* of a trigger or procedure: any words */
        fx_buf_add_c(out, "the server's text is [hidden]");
    else if (!fill_any(number, text, out))
        fx_redact_text(text, out);
}
