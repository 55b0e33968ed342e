/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line options as tables: one table parses, prints --help and writes docs/reference, so an
 * option exists in all of them or in none.
 *
 *     struct gate_opts { int64_t divergent; double coverage; bool json; };
 *     static const struct fx_opt gate_options[] = {
 *         FX_OPT_INT(struct gate_opts, divergent, "divergent", 0, "N", "at most N rows may differ",
 *                    .def = "0"),
 *         FX_OPT_FLAG(struct gate_opts, json, "json", 'j', "print JSON"),
 *         FX_OPT_END
 *     };
 *
 * Forms: --name VALUE, --name=VALUE, -n VALUE; flags take no value; `--` ends the options; options
 * and words mix. An unknown option is a USAGE error with "did you mean". Owns: nothing; texts are
 * borrowed from argv.
 */
#ifndef FX_CLI_OPT_H
#define FX_CLI_OPT_H

#include "lib/base/buf.h"
#include "lib/err/err.h"

enum fx_opt_kind {
    FX_O_END,
    FX_O_FLAG,     /* bool */
    FX_O_TEXT,     /* const char * */
    FX_O_TEXTS,    /* struct fx_opt_texts: may be given several times */
    FX_O_INT,      /* int64_t, not negative */
    FX_O_DURATION, /* int64_t milliseconds: "15s" */
    FX_O_PERCENT,  /* double: "0.1%" */
};

enum { FX_OPT_TEXTS_MAX = 16 };
struct fx_opt_texts {
    const char *items[FX_OPT_TEXTS_MAX];
    size_t n;
};

struct fx_opt {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    enum fx_opt_kind kind;
    size_t offset;
    const char *arg; /* shown for the value: "FILE" */
    const char *help;
    const char *def; /* as typed; NULL: the field keeps its zero */
};

#define FX_OPT_(kind_, type, field, name_, letter_, arg_, help_, ...)                          \
    {                                                                                          \
        .name = (name_), .letter = (letter_), .kind = (kind_), .arg = (arg_), .help = (help_), \
        .offset = offsetof(type, field), __VA_ARGS__                                           \
    }
#define FX_OPT_FLAG(type, field, name, letter, help) \
    FX_OPT_(FX_O_FLAG, type, field, name, letter, NULL, help, )
#define FX_OPT_TEXT(type, field, name, letter, arg, help, ...) \
    FX_OPT_(FX_O_TEXT, type, field, name, letter, arg, help, __VA_ARGS__)
#define FX_OPT_TEXTS(type, field, name, letter, arg, help, ...) \
    FX_OPT_(FX_O_TEXTS, type, field, name, letter, arg, help, __VA_ARGS__)
#define FX_OPT_INT(type, field, name, letter, arg, help, ...) \
    FX_OPT_(FX_O_INT, type, field, name, letter, arg, help, __VA_ARGS__)
#define FX_OPT_DURATION(type, field, name, letter, arg, help, ...) \
    FX_OPT_(FX_O_DURATION, type, field, name, letter, arg, help, __VA_ARGS__)
#define FX_OPT_PERCENT(type, field, name, letter, arg, help, ...) \
    FX_OPT_(FX_O_PERCENT, type, field, name, letter, arg, help, __VA_ARGS__)
#define FX_OPT_END       \
    {                    \
        .kind = FX_O_END \
    }

/* A table and the object that it fills; several are searched in order. */
struct fx_opt_set {
    const struct fx_opt *options; /* NULL: an empty table */
    void *object;
};

/* Sets defaults, then reads argv[0..argc). Arguments
 * that are not options go to words[] in order. */
bool fx_opt_parse(const struct fx_opt_set *sets, size_t n_sets, int argc, char *const *argv,
                  const char **words, size_t words_max, size_t *ret_n_words,
                  struct fx_err *err) FX_MUST_CHECK;

void fx_opt_help(const struct fx_opt *options, struct fx_buf *out);     /* for a terminal */
void fx_opt_markdown(const struct fx_opt *options, struct fx_buf *out); /* a table */

#endif
