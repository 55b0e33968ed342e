/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion for bash, zsh and fish, from the command and option tables. Options follow the
 * command, so the words before the first option name it. Nothing is asked of the program while
 * somebody types.
 */
#include "cmd/ficus/pages.h"
#include "cmd/ficusd/options.h"

#define SPDX "# SPDX-License-Identifier: Apache-2.0\n"
#define NOTE "Written by `make docs` from the command table; do not edit."

enum kind { KIND_TEXT, KIND_FILE, KIND_DIR };

/* What a value is, by the word that help shows for it. */
static enum kind kind_of(const char *arg)
{
    static const char *const files[] = {"FILE", "PLAN", "REPORT"};
    for (size_t i = 0; i < FX_ARRAY_LEN(files); i++) {
        if (arg != NULL && strcmp(arg, files[i]) == 0)
            return KIND_FILE;
    }
    return arg != NULL && strcmp(arg, "DIR") == 0 ? KIND_DIR : KIND_TEXT;
}

typedef void (*command_fn)(const struct cmd *c, struct fx_buf *out);

static void each_command(command_fn fn, struct fx_buf *out)
{
    for (const struct cmd *const *t = cmd_tables; *t != NULL; t++) {
        for (const struct cmd *c = *t; c->noun != NULL; c++) {
            if (!c->is_hidden)
                fn(c, out);
        }
    }
}

typedef void (*option_fn)(const struct fx_opt *o, struct fx_buf *out);

static void each_option(const struct fx_opt *options, option_fn fn, struct fx_buf *out)
{
    for (const struct fx_opt *o = options; o != NULL && o->kind != FX_O_END; o++)
        fn(o, out);
}

static const char *space(const struct cmd *c)
{
    return c->verb != NULL ? " " : "";
}

static const char *verb(const struct cmd *c)
{
    return c->verb != NULL ? c->verb : "";
}

/* Text inside '…' of a shell; zsh also needs `special` characters after a backslash. */
static void quoted(const char *text, const char *special, struct fx_buf *out)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\'')
            fx_buf_add_c(out, "'\\''");
        else if (strchr(special, *p) != NULL)
            fx_buf_printf(out, "\\%c", *p);
        else
            fx_buf_add_char(out, *p);
    }
}

/* --- bash: one line a command, "ficus run start|f|--execute
 * --plain --project=f": see the reader below ------------ */

static const char *bash_kind(const char *arg)
{
    enum kind kind = kind_of(arg);
    return kind == KIND_FILE ? "f" : kind == KIND_DIR ? "d" : "t";
}

static void bash_option(const struct fx_opt *o, struct fx_buf *out)
{
    const char *value = o->kind == FX_O_FLAG ? "" : "=";
    const char *kind = o->kind == FX_O_FLAG ? "" : bash_kind(o->arg);
    if (o->letter != 0)
        fx_buf_printf(out, " -%c%s%s", o->letter, value, kind);
    fx_buf_printf(out, " --%s%s%s", o->name, value, kind);
}

static void bash_command(const struct cmd *c, struct fx_buf *out)
{
    fx_buf_printf(out, "ficus %s%s%s|%s|", c->noun, space(c), verb(c),
                  c->words != NULL ? bash_kind(c->words) : "");
    each_option(c->options, bash_option, out);
    each_option(cmd_common_options, bash_option, out);
    fx_buf_add_char(out, '\n');
}

static const char bash_reader[] =
    "_ficus() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local typed=${1##*/} i line name words options= found= next= kind= o\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in -*) break ;; esac\n"
    "        typed+=\" ${COMP_WORDS[i]}\"\n"
    "    done\n"
    "    while IFS= read -r line; do\n"
    "        name=${line%%|*}\n"
    "        line=${line#*|}\n"
    "        case \"$typed \" in\n"
    "        \"$name \"*) found=$name words=${line%%|*} options=${line#*|} ;;\n"
    "        *)\n"
    "            [[ $name == \"$typed \"* ]] || continue\n"
    "            o=${name#\"$typed \"} o=${o%% *}\n"
    "            [[ \" $next \" == *\" $o \"* ]] || next+=\" $o\"\n"
    "            ;;\n"
    "        esac\n"
    "    done <<<\"$_ficus_table\"\n"
    "    if [ -z \"$found\" ]; then\n"
    "        [ \"$COMP_CWORD\" != 1 ] || next+=' --help --version'\n"
    "        COMPREPLY=($(compgen -W \"$next\" -- \"$cur\"))\n"
    "        return\n"
    "    fi\n"
    "    # bash hands on --name=value as three words\n"
    "    if [ \"$cur\" = = ]; then\n"
    "        cur=\n"
    "    elif [ \"$prev\" = = ]; then\n"
    "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    kind=${words:-n}\n"
    "    for o in $options; do\n"
    "        case $o in \"$prev=\"?) kind=${o#\"$prev=\"} ;; esac\n"
    "    done\n"
    "    case $cur,$kind in\n"
    "    -*) COMPREPLY=($(compgen -W \"$(printf '%s\\n' $options | sed 's/=.$//')\" -- \"$cur\")) "
    ";;\n"
    "    *,f) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") "
    ";;\n"
    "    *,d) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") "
    ";;\n"
    "    *,n) COMPREPLY=($(compgen -W \"$(printf '%s\\n' $options | sed 's/=.$//')\" -- \"$cur\")) "
    ";;\n"
    "    *) COMPREPLY=() ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _ficus ficus ficusd\n";

void cmd_page_bash(struct fx_buf *out)
{
    fx_buf_add_c(out, SPDX
                 "# shellcheck shell=bash disable=SC2207,SC2086\n"
                 "# Completion of ficus and ficusd for bash. " NOTE "\n"
                 "# A line is COMMAND|WORDS|OPTIONS; f is a file, d a directory, t other text.\n"
                 "_ficus_table='");
    each_command(bash_command, out);
    fx_buf_add_c(out, "ficusd||");
    each_option(ficusd_options, bash_option, out);
    fx_buf_add_c(out, "'\n");
    fx_buf_add_c(out, bash_reader);
}

/* --- zsh: _describe for the words of a command, _arguments for its options --- */

static void zsh_value(const char *arg, struct fx_buf *out)
{
    static const char *const actions[] = {
        [KIND_TEXT] = " ", [KIND_FILE] = "_files", [KIND_DIR] = "_files -/"};
    fx_buf_add_char(out, ':');
    quoted(arg, ":[]\\", out);
    fx_buf_printf(out, ":%s", actions[kind_of(arg)]);
}

static void zsh_option(const struct fx_opt *o, struct fx_buf *out)
{
    char name[80];
    const char *equals = o->kind == FX_O_FLAG ? "" : "=";
    snprintf(name, sizeof name, "'--%s%s", o->name, equals);
    if (o->letter != 0)
        snprintf(name, sizeof name, "'(-%c --%s)'{-%c,--%s%s}'", o->letter, o->name, o->letter,
                 o->name, equals);
    fx_buf_printf(out, " \\\n            %s[", name);
    quoted(o->help, "[]\\", out);
    fx_buf_add_char(out, ']');
    if (o->kind != FX_O_FLAG)
        zsh_value(o->arg, out);
    fx_buf_add_char(out, '\'');
}

static void zsh_options(const struct fx_opt *options, const char *words, struct fx_buf *out)
{
    fx_buf_add_c(out, "        _arguments -s");
    each_option(options, zsh_option, out);
    if (words != NULL) {
        fx_buf_add_c(out, " \\\n            '*");
        zsh_value(words, out);
        fx_buf_add_char(out, '\'');
    }
}

static void zsh_name(const struct cmd *c, struct fx_buf *out)
{
    fx_buf_printf(out, "    '%s%s%s:", c->noun, space(c), verb(c));
    quoted(c->summary, ":\\", out);
    fx_buf_add_c(out, "'\n");
}

static void zsh_command(const struct cmd *c, struct fx_buf *out)
{
    int n_words = 1 + (c->verb != NULL) + (c->verb != NULL && strchr(c->verb, ' ') != NULL);
    fx_buf_printf(out, "    '%s%s%s '*)\n        shift %d words; ((CURRENT -= %d))\n", c->noun,
                  space(c), verb(c), n_words, n_words);
    zsh_options(c->options, c->words, out);
    each_option(cmd_common_options, zsh_option, out);
    fx_buf_add_c(out, "\n        ;;\n");
}

static const char zsh_next[] =
    "    *)\n"
    "        # the words that may follow, each once\n"
    "        local -a next\n"
    "        local name rest\n"
    "        for name in $_ficus_names; do\n"
    "            [[ $name == \"$typed\"* ]] || continue\n"
    "            rest=${name#\"$typed\"}\n"
    "            if [[ ${rest%%:*} == *' '* ]]; then rest=${rest%% *}; fi\n"
    "            next+=(\"$rest\")\n"
    "        done\n"
    "        _describe command next\n"
    "        ;;\n";

void cmd_page_zsh(struct fx_buf *out)
{
    fx_buf_add_c(out, "#compdef ficus ficusd\n" SPDX
                      "# Completion of ficus and ficusd for zsh. " NOTE "\n"
                      "local -aU _ficus_names=(\n");
    each_command(zsh_name, out);
    fx_buf_add_c(out, ")\n"
                      "_ficus() {\n"
                      "    local typed=\n"
                      "    ((CURRENT > 2)) && typed=\"${(j: :)words[2,CURRENT-1]} \"\n"
                      "    if [[ $service == ficusd ]]; then\n");
    zsh_options(ficusd_options, NULL, out);
    fx_buf_add_c(out, "\n        return\n    fi\n    case $typed in\n");
    each_command(zsh_command, out);
    fx_buf_add_c(out, zsh_next);
    fx_buf_add_c(out, "    esac\n}\n_ficus \"$@\"\n");
}

/* --- fish: one `complete` for each word and option --- */

static void fish_flags(const struct fx_opt *o, struct fx_buf *out)
{
    enum kind kind = kind_of(o->arg);
    if (o->letter != 0)
        fx_buf_printf(out, " -s %c", o->letter);
    fx_buf_printf(out, " -l %s", o->name);
    if (o->kind != FX_O_FLAG)
        fx_buf_add_c(out, kind == KIND_FILE  ? " -r -F"
                          : kind == KIND_DIR ? " -x -a '(__fish_complete_directories)'"
                                             : " -x");
    fx_buf_add_c(out, " -d '");
    quoted(o->help, "\\", out);
    fx_buf_add_c(out, "'\n");
}

static void fish_common(const struct fx_opt *o, struct fx_buf *out)
{
    fx_buf_add_c(out, "complete -c ficus -n 'not __ficus_next'");
    fish_flags(o, out);
}

static void fish_daemon(const struct fx_opt *o, struct fx_buf *out)
{
    fx_buf_add_c(out, "complete -c ficusd");
    fish_flags(o, out);
}

/* Whether an earlier command begins with the same `len` bytes: then fish has that word already. */
static bool is_offered(const struct cmd *c, const char *name, size_t len)
{
    for (const struct cmd *const *t = cmd_tables; *t != NULL; t++) {
        for (const struct cmd *before = *t; before->noun != NULL; before++) {
            char other[96];
            if (before == c)
                return false;
            snprintf(other, sizeof other, "%s%s%s ", before->noun, space(before), verb(before));
            if (!before->is_hidden && strncmp(other, name, len) == 0 && other[len] == ' ')
                return true;
        }
    }
    return false;
}

/* "run journal show" is offered word by word, and only its last word is explained. */
static void fish_words(const struct cmd *c, struct fx_buf *out)
{
    char name[96];
    snprintf(name, sizeof name, "%s%s%s", c->noun, space(c), verb(c));
    for (size_t from = 0, to; name[from] != '\0'; from = to + (name[to] == ' ')) {
        to = from + strcspn(name + from, " ");
        if (is_offered(c, name, to))
            continue;
        fx_buf_printf(out, "complete -c ficus -f -n '__ficus_next%s%.*s' -a %.*s",
                      from > 0 ? " " : "", from > 0 ? (int)from - 1 : 0, name, (int)(to - from),
                      name + from);
        if (name[to] == '\0') {
            fx_buf_add_c(out, " -d '");
            quoted(c->summary, "\\", out);
            fx_buf_add_char(out, '\'');
        }
        fx_buf_add_char(out, '\n');
    }
}

static void fish_command(const struct cmd *c, struct fx_buf *out)
{
    fish_words(c, out);
    if (kind_of(c->words) == KIND_FILE)
        fx_buf_printf(out, "complete -c ficus -n '__ficus_is %s%s%s' -F\n", c->noun, space(c),
                      verb(c));
    for (const struct fx_opt *o = c->options; o != NULL && o->kind != FX_O_END; o++) {
        fx_buf_printf(out, "complete -c ficus -n '__ficus_is %s%s%s'", c->noun, space(c), verb(c));
        fish_flags(o, out);
    }
}

static const char fish_head[] =
    SPDX "# Completion of ficus and ficusd for fish. " NOTE "\n"
         "# The words typed so far are exactly these, or begin with these.\n"
         "function __ficus_next\n"
         "    set -l typed (commandline -opc)\n"
         "    set -e typed[1]\n"
         "    test \"$typed\" = \"$argv\"\n"
         "end\n"
         "function __ficus_is\n"
         "    set -l typed (commandline -opc)\n"
         "    set -e typed[1]\n"
         "    set -l n (count $argv)\n"
         "    test (count $typed) -ge $n; and test \"$typed[1..$n]\" = \"$argv\"\n"
         "end\n"
         "complete -c ficus -f\n"
         "complete -c ficusd -f\n"
         "complete -c ficus -n __ficus_next -l version -d 'print version, commit and compiler'\n";

void cmd_page_fish(struct fx_buf *out)
{
    fx_buf_add_c(out, fish_head);
    each_command(fish_command, out);
    each_option(cmd_common_options, fish_common, out);
    each_option(ficusd_options, fish_daemon, out);
}
