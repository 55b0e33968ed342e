/* SPDX-License-Identifier: Apache-2.0 */
/*
 * getopt_long is not used: it prints by itself,
 * permutes argv and knows neither types nor near names.
 */
#include "lib/cli/opt.h"

#include "lib/base/panic.h"
#include "lib/fmt/suggest.h"
#include "lib/fmt/units.h"

enum { NAMES_MAX = 64, HELP_COLUMN = 26 };

struct found {
    const struct fx_opt *option;
    void *object;
};

static struct found find(const struct fx_opt_set *sets, size_t n_sets, struct fx_str name,
                         char letter)
{
    for (size_t i = 0; i < n_sets; i++) {
        for (const struct fx_opt *o = sets[i].options; o != NULL && o->kind != FX_O_END; o++) {
            if (letter != 0 ? o->letter == letter : fx_str_eq_c(name, o->name))
                return (struct found){o, sets[i].object};
        }
    }
    return (struct found){0};
}

static bool unknown(const struct fx_opt_set *sets, size_t n_sets, struct fx_str name,
                    struct fx_err *err)
{
    const char *names[NAMES_MAX + 1] = {0};
    size_t n = 0;
    for (size_t i = 0; i < n_sets; i++) {
        for (const struct fx_opt *o = sets[i].options; o != NULL && o->kind != FX_O_END; o++) {
            if (n < NAMES_MAX)
                names[n++] = o->name;
        }
    }
    char word[64];
    snprintf(word, sizeof word, "%.*s", FX_STR_FMT(name));
    fx_fail(err, FX_E_USAGE, "unknown option \"%s%s\"", name.len > 1 ? "--" : "-", word);
    const char *near = fx_suggest(word, names);
    if (near != NULL)
        return fx_hint(err, "Did you mean --%s?", near);
    return false; /* the program names the command whose --help lists them */
}

static bool bad_value(const struct fx_opt *o, const char *value, const char *wanted,
                      struct fx_err *err)
{
    return fx_fail(err, FX_E_USAGE, "--%s: \"%s\" is not %s", o->name, value, wanted);
}

static bool add_text(const struct fx_opt *o, struct fx_opt_texts *texts, const char *value,
                     struct fx_err *err)
{
    if (texts->n == FX_OPT_TEXTS_MAX)
        return fx_fail(err, FX_E_USAGE, "--%s was given more than %d times", o->name,
                       FX_OPT_TEXTS_MAX);
    texts->items[texts->n++] = value;
    return true;
}

static bool store(const struct fx_opt *o, void *object, const char *value, struct fx_err *err)
{
    void *field = (char *)object + o->offset;
    struct fx_str text = fx_str_from(value);
    switch (o->kind) {
    case FX_O_FLAG: *(bool *)field = true; return true;
    case FX_O_TEXT: *(const char **)field = value; return true;
    case FX_O_TEXTS: return add_text(o, field, value, err);
    case FX_O_INT:
        if (fx_units_int(text, field) && *(int64_t *)field >= 0)
            return true;
        return bad_value(o, value, "a whole number", err);
    case FX_O_DURATION:
        if (fx_units_duration(text, field))
            return true;
        return bad_value(o, value, "a duration such as 250ms, 15s or 10m", err);
    case FX_O_PERCENT:
        if (fx_units_percent(text, field))
            return true;
        return bad_value(o, value, "a percentage from 0% to 100%", err);
    case FX_O_END: break;
    }
    FX_BUG("option --%s has no kind", o->name);
}

static void set_defaults(const struct fx_opt_set *sets, size_t n_sets)
{
    for (size_t i = 0; i < n_sets; i++) {
        for (const struct fx_opt *o = sets[i].options; o != NULL && o->kind != FX_O_END; o++) {
            struct fx_err err = FX_ERR_INIT;
            if (o->def != NULL && !store(o, sets[i].object, o->def, &err))
                FX_BUG("default of --%s: %s", o->name, err.message);
        }
    }
}

/* Reads the option at argv[i]; *ret_used: how many arguments it took. */
static bool read_option(const struct fx_opt_set *sets, size_t n_sets, int left, char *const *argv,
                        int *ret_used, struct fx_err *err)
{
    bool is_long = argv[0][1] == '-';
    struct fx_str value = {0};
    struct fx_str name = fx_str_from(argv[0] + (is_long ? 2 : 1));
    bool has_value = is_long && fx_str_find(name, '=') >= 0;
    if (has_value)
        name = fx_str_cut(name, '=', &value);
    struct found f = {0};
    if (is_long)
        f = find(sets, n_sets, name, 0);
    else if (name.len == 1)
        f = find(sets, n_sets, name, name.ptr[0]);
    if (f.option == NULL)
        return unknown(sets, n_sets, name, err);
    *ret_used = 1;
    if (f.option->kind == FX_O_FLAG) {
        if (has_value)
            return fx_fail(err, FX_E_USAGE, "--%s takes no value", f.option->name);
        return store(f.option, f.object, "", err);
    }
    if (has_value)
        return store(f.option, f.object, value.ptr != NULL ? value.ptr : "", err);
    if (left < 2)
        return fx_fail(err, FX_E_USAGE, "--%s needs a value (%s)", f.option->name, f.option->arg);
    *ret_used = 2;
    return store(f.option, f.object, argv[1], err);
}

bool fx_opt_parse(const struct fx_opt_set *sets, size_t n_sets, int argc, char *const *argv,
                  const char **words, size_t words_max, size_t *ret_n_words, struct fx_err *err)
{
    set_defaults(sets, n_sets);
    size_t n = 0;
    bool only_words = false;
    for (int i = 0; i < argc;) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
            i++;
            continue;
        }
        if (!only_words && argv[i][0] == '-' && argv[i][1] != '\0') {
            int used = 0;
            if (!read_option(sets, n_sets, argc - i, argv + i, &used, err))
                return false;
            i += used;
            continue;
        }
        if (n == words_max)
            return fx_fail(err, FX_E_USAGE, "unexpected argument \"%s\"", argv[i]);
        words[n++] = argv[i++];
    }
    *ret_n_words = n;
    return true;
}

static void option_text(const struct fx_opt *o, char *out, size_t size)
{
    char letter[8] = "";
    if (o->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(out, size, "%s--%s%s%s", letter, o->name, o->arg != NULL ? " " : "",
             o->arg != NULL ? o->arg : "");
}

void fx_opt_help(const struct fx_opt *options, struct fx_buf *out)
{
    for (const struct fx_opt *o = options; o != NULL && o->kind != FX_O_END; o++) {
        char text[128];
        option_text(o, text, sizeof text);
        fx_buf_printf(out, "  %-*s  %s", HELP_COLUMN, text, o->help);
        if (o->def != NULL)
            fx_buf_printf(out, " (default: %s)", o->def);
        fx_buf_add_char(out, '\n');
    }
}

void fx_opt_markdown(const struct fx_opt *options, struct fx_buf *out)
{
    if (options == NULL || options->kind == FX_O_END)
        return;
    fx_buf_add_c(out, "| option | default | meaning |\n|---|---|---|\n");
    for (const struct fx_opt *o = options; o->kind != FX_O_END; o++) {
        char text[128];
        option_text(o, text, sizeof text);
        fx_buf_printf(out, "| `%s` | %s%s%s | %s |\n", text, o->def != NULL ? "`" : "",
                      o->def != NULL ? o->def : "", o->def != NULL ? "`" : "", o->help);
    }
    fx_buf_add_char(out, '\n');
}
