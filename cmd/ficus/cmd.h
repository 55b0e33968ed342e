/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command table of `ficus`. To add commands of a noun:
 *
 *   1. write cmd/ficus/cmd_<noun>.c; a function a command: options -> one call -> print -> exit
 *      status
 *   2. define there  const struct cmd cmd_<noun>[] = { {.noun = …}, …, CMD_END };
 *   3. add the line  X(<noun>)  to cmd/ficus/commands.def
 *
 * Help, "did you mean", docs/reference/commands.md come from the table. A command returns false
 * with *err filled; main prints it and exits with the code's status. A command that changes
 * something acts only with --execute; `run resume` continues a run that was started with it.
 */
#ifndef FICUS_CMD_H
#define FICUS_CMD_H

#include "lib/base/arena.h"
#include "lib/cli/opt.h"
#include "lib/cli/term.h"
#include "lib/err/err.h"

enum { CMD_WORDS_MAX = 8 };

struct cmd;

/* One call of a command. Everything in it lives until the process ends. */
struct cmd_call {
    const struct cmd *cmd;
    const char *argv0;        /* path of the ficus executable, for child processes */
    const char *project_path; /* -f; "ficus.yaml" by default */
    bool no_color;
    const char *words[CMD_WORDS_MAX]; /* the arguments that are not options */
    size_t n_words;
    void *options; /* cmd->options_size bytes, filled through cmd->options */
    struct fx_arena *arena;
    const char *context; /* that the command works on, for hints; NULL: none */
    int exit_status;     /* of a success; 0 unless the command says otherwise */
};

struct cmd {
    const char *noun;
    const char *verb;  /* NULL: the noun alone is the command */
    const char *words; /* what --help shows for the arguments: "PLAN"; NULL: none */
    size_t words_min, words_max;
    const char *summary; /* one line */
    const char *more;    /* further text for --help, or NULL */
    const struct fx_opt *options;
    size_t options_size;
    bool is_hidden; /* for child processes, not for people */
    bool (*run)(struct cmd_call *call, struct fx_err *err);
};
#define CMD_END      \
    {                \
        .noun = NULL \
    }

#define X(noun) extern const struct cmd cmd_##noun[];
#include "cmd/ficus/commands.def"
#undef X

/* All tables, NULL-terminated; for help. */
extern const struct cmd *const cmd_tables[];

/* The options that every command takes. */
extern const struct fx_opt cmd_common_options[];

#endif
