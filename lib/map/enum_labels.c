/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See enum_labels.h. The labels are part of the declared type as information_schema gives it:
 * quotes doubled, and a backslash before NUL, line ends and itself.
 */
#include "lib/map/enum_labels.h"

#include <string.h>

#include "lib/base/buf.h"

enum { LABEL_MAX = 64 << 10 };

static struct fx_str declared_of(const struct fx_type *type)
{
    return fx_str_from(type->declared != NULL ? type->declared : "");
}

static bool is_set(const struct fx_type *type)
{
    return fx_str_starts(declared_of(type), FX_STR("set('"));
}

bool fx_type_has_enum_labels(const struct fx_type *type)
{
    return is_set(type) || fx_str_starts(declared_of(type), FX_STR("enum('"));
}

static char unescaped(char c)
{
    return c == '0' ? '\0' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
}

/* Reads "'label'" off `rest` and the comma after it; false at the end of the list. */
static bool take_label(struct fx_str *rest, struct fx_buf *label)
{
    fx_buf_clear(label);
    if (rest->len == 0 || rest->ptr[0] != '\'')
        return false;
    size_t i = 1;
    for (; i < rest->len; i++) {
        bool is_escape = rest->ptr[i] == '\\' && i + 1 < rest->len;
        if (rest->ptr[i] == '\'') {
            if (i + 1 == rest->len || rest->ptr[i + 1] != '\'')
                break;
            i++;
        }
        fx_buf_add_char(label, is_escape ? unescaped(rest->ptr[++i]) : rest->ptr[i]);
    }
    i++;
    if (i < rest->len && rest->ptr[i] == ',')
        i++;
    *rest = fx_str_sub(*rest, i, rest->len);
    return !label->has_failed;
}

/* A label at the beginning of what is left of a SET's text, and the comma after it. */
static void take_member(struct fx_str *text, struct fx_str label)
{
    if (!fx_str_starts(*text, label))
        return;
    if (text->len == label.len)
        *text = fx_str_sub(*text, text->len, text->len);
    else if (text->ptr[label.len] == ',' && text->len > label.len + 1)
        *text = fx_str_sub(*text, label.len + 1, text->len);
}

bool fx_enum_labels_check(const struct fx_type *type, struct fx_str text)
{
    struct fx_str rest = declared_of(type);
    rest = fx_str_sub(rest, (size_t)fx_str_find(rest, '(') + 1, rest.len);
    FX_AUTO(fx_buf) struct fx_buf label = FX_BUF(LABEL_MAX);
    bool is_found = false;
    while (take_label(&rest, &label) && !is_found) {
        if (is_set(type))
            take_member(&text, fx_buf_str(&label));
        else
            is_found = fx_str_eq(text, fx_buf_str(&label));
    }
    return is_found || (is_set(type) && text.len == 0);
}
