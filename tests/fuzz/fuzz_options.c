/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of any text as a command line: read or refused with a message, and all words are of it. */
#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/cli/opt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct given {
    bool flag;
    const char *text;
    struct fx_opt_texts texts;
    int64_t number, ms;
    double percent;
};

static const struct fx_opt options[] = {
    FX_OPT_FLAG(struct given, flag, "flag", 'g', "a flag"),
    FX_OPT_TEXT(struct given, text, "text", 't', "T", "a text", .def = "x"),
    FX_OPT_TEXTS(struct given, texts, "key", 0, "K", "texts"),
    FX_OPT_INT(struct given, number, "number", 'n', "N", "a number", .def = "7"),
    FX_OPT_DURATION(struct given, ms, "time", 0, "TIME", "a time", .def = "1s"),
    FX_OPT_PERCENT(struct given, percent, "percent", 0, "P", "a percentage"),
    FX_OPT_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { ARGS_MAX = 32, WORDS_MAX = 8 };
    FX_AUTO_STR char *line = fx_strndup((const char *)data, size);
    char *args[ARGS_MAX];
    int n = 0;
    for (char *next = line; next != NULL && n < ARGS_MAX;)
        args[n++] = strsep(&next, "\n");
    struct given given = {0};
    const struct fx_opt_set sets[] = {{options, &given}};
    const char *words[WORDS_MAX];
    size_t n_words = 0;
    struct fx_err err = FX_ERR_INIT;
    if (!fx_opt_parse(sets, 1, n, args, words, WORDS_MAX, &n_words, &err)) {
        FX_ASSERT(err.code == FX_E_USAGE && err.message[0] != '\0');
        return 0;
    }
    FX_ASSERT(n_words <= WORDS_MAX && given.number >= 0 && given.texts.n <= FX_OPT_TEXTS_MAX);
    FX_ASSERT(given.percent >= 0 && given.percent <= 100 && given.ms >= 0);
    for (size_t i = 0; i < n_words; i++)
        FX_ASSERT(words[i] >= line && words[i] <= line + size);
    return 0;
}
