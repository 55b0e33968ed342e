/* SPDX-License-Identifier: Apache-2.0 */
/* See redact.h. Source: "PostgreSQL Error Codes", appendix A of its manual. */
#include "lib/pg/redact.h"

#include "lib/err/redact.h"

enum holds {
    HOLDS_NAMES, /* of objects and settings only */
    HOLDS_KEY,   /* the detail may name a key's columns, then its values */
    HOLDS_ROW,   /* the detail may be a whole row; the message has names only */
    HOLDS_TEXT,  /* the message quotes a value */
    HOLDS_ANYTHING
};

/* The first that fits counts: five characters are a state, two are a class. */
static const struct {
    const char *state;
    enum holds holds;
} states[] = {
    {"22001", HOLDS_ROW}, /* "value too long for type character varying(5)" */
    {"22", HOLDS_TEXT},   {"23505", HOLDS_KEY},  {"23503", HOLDS_KEY}, {"23P01", HOLDS_KEY},
    {"23", HOLDS_ROW},    {"42601", HOLDS_TEXT}, /* "syntax error at or near …" */
    {"44", HOLDS_ROW},    {"08", HOLDS_NAMES},   {"0A", HOLDS_NAMES},  {"25", HOLDS_NAMES},
    {"26", HOLDS_NAMES},  {"28", HOLDS_NAMES},   {"2B", HOLDS_NAMES},  {"2D", HOLDS_NAMES},
    {"3B", HOLDS_NAMES},  {"3D", HOLDS_NAMES},   {"3F", HOLDS_NAMES},  {"40", HOLDS_NAMES},
    {"42", HOLDS_NAMES},  {"53", HOLDS_NAMES},   {"54", HOLDS_NAMES},  {"55", HOLDS_NAMES},
    {"57", HOLDS_NAMES},  {"58", HOLDS_NAMES},   {"72", HOLDS_NAMES},  {"F0", HOLDS_NAMES},
};

/* What our own functions raise (lib/ownership/sql). */
static bool is_ours(const char *primary)
{
    static const char *const starts[] = {"writes of group \"", "ficus: "};
    for (size_t i = 0; i < FX_ARRAY_LEN(starts); i++)
        if (strncmp(primary, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

/* A function may raise any text under any state. */
static enum holds holds_of(const struct fx_pg_texts *t, const char *primary)
{
    bool is_raised = t->function != NULL && strcmp(t->function, "exec_stmt_raise") == 0;
    if (fx_values_are_shown() || is_ours(primary))
        return HOLDS_NAMES;
    if (is_raised || t->sqlstate == NULL)
        return HOLDS_ANYTHING;
    for (size_t i = 0; i < FX_ARRAY_LEN(states); i++)
        if (strncmp(t->sqlstate, states[i].state, strlen(states[i].state)) == 0)
            return states[i].holds;
    return HOLDS_ANYTHING;
}

static void add_detail(enum holds holds, const char *detail, struct fx_buf *out)
{
    bool is_key = holds == HOLDS_KEY && strncmp(detail, "Key (", 5) == 0;
    if (holds == HOLDS_NAMES || detail[0] == '\0')
        fx_buf_add_c(out, detail);
    else if (is_key)
        fx_redact_key(fx_str_from(detail), out);
    else
        fx_buf_add_c(out, holds == HOLDS_ROW ? "the row: [hidden]" : "[hidden]");
}

void fx_pg_redact(const struct fx_pg_texts *texts, struct fx_buf *ret_message,
                  struct fx_buf *ret_detail, struct fx_buf *ret_hint)
{
    const char *primary = texts->primary != NULL ? texts->primary : "";
    enum holds holds = holds_of(texts, primary);
    fx_buf_clear(ret_message);
    fx_buf_clear(ret_detail);
    fx_buf_clear(ret_hint);
    if (holds == HOLDS_ANYTHING && primary[0] != '\0')
        fx_buf_add_c(ret_message, "the server's text is [hidden]");
    else if (holds == HOLDS_TEXT)
        fx_redact_text(fx_str_from(primary), ret_message);
    else
        fx_buf_add_c(ret_message, primary);
    add_detail(holds, texts->detail != NULL ? texts->detail : "", ret_detail);
    if (holds == HOLDS_NAMES && texts->hint != NULL)
        fx_buf_add_c(ret_hint, texts->hint);
}
