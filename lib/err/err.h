/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error object: one value on the caller's stack, filled where something fails, completed on the
 * way up, rendered once at the top (cmd/, the executor, the daemon's edge). It allocates nothing.
 *
 *     bool read_row(…, struct fx_err *err)
 *     {
 *         if (…)
 *             return fx_fail(err, FX_E_SOURCE_DATA, "numeric NaN in column \"%s\"", name);
 *         if (!decode(…, err))
 *             return fx_ctx(err, "reading row %zu of table \"%s\"", n, table);
 *     }
 *
 * fx_fail and fx_ctx return false so that they can be returned. Library code never logs an error.
 * The wording follows the PostgreSQL guide: lower case, no full stop in the message, "could not"
 * when it may work later, "cannot" when it never will; the hint is a sentence with the command to
 * run.
 */
#ifndef FX_ERR_ERR_H
#define FX_ERR_ERR_H

#include "lib/base/buf.h"
#include "lib/base/fx.h"

enum fx_code {
    FX_E_NONE,
#define X(name, exit_status, retriable, meaning) FX_E_##name,
#include "lib/err/codes.def"
#undef X
    FX_E_COUNT
};

enum fx_cause_kind {
    FX_CAUSE_NONE,
    FX_CAUSE_ERRNO,
    FX_CAUSE_SQLSTATE,
    FX_CAUSE_MYSQL,
    FX_CAUSE_HTTP
};

struct fx_err {
    enum fx_code code;
    enum fx_cause_kind cause_kind;
    int cause_number;  /* errno, MySQL error number or HTTP status */
    char sqlstate[6];  /* of PostgreSQL or MySQL, else "" */
    bool is_retriable; /* from the table of codes, unless the caller of fx_fail sets it */
    const char *file;  /* where it was raised, for a debugger */
    int line;
    char message[384];
    char detail[2048]; /* may hold several lines: all problems of a file at once */
    char hint[640];
    char context[640]; /* frames, innermost first, each ended by '\n' */
};

#define FX_ERR_INIT ((struct fx_err){0})

/* Raises an error; what *err held before is replaced. */
#define fx_fail(err, code, ...) fx_fail_at((err), (code), __FILE__, __LINE__, __VA_ARGS__)
bool fx_fail_at(struct fx_err *err, enum fx_code code, const char *file, int line, const char *fmt,
                ...) FX_PRINTF(5, 6);
/* As fx_fail, and adds ": strerror(errnum)", the cause, and the hint for that errno if there is
 * one (lib/err/errno_hint.h): its commands take the last name that the message quotes as a path. */
#define fx_fail_errno(err, code, errnum, ...) \
    fx_fail_errno_at((err), (code), (errnum), __FILE__, __LINE__, __VA_ARGS__)
bool fx_fail_errno_at(struct fx_err *err, enum fx_code code, int errnum, const char *file, int line,
                      const char *fmt, ...) FX_PRINTF(6, 7);

/*
 * A failure that gets another meaning on its way up ("cut-over aborted at step …"): the code
 * becomes `code` with that code's retriable flag, the message becomes "NEW: OLD". Detail, hint,
 * context and cause stay as they are. The arguments may point into *err.
 */
#define fx_err_wrap(err, code, ...) fx_err_wrap_at((err), (code), __FILE__, __LINE__, __VA_ARGS__)
bool fx_err_wrap_at(struct fx_err *err, enum fx_code code, const char *file, int line,
                    const char *fmt, ...) FX_PRINTF(5, 6);
/* The message and the first line of the detail, as one line of at most `size` - 1 bytes. */
void fx_err_brief(const struct fx_err *err, char *out, size_t size);

/* Adds one frame ("applying change 17 of transaction 9182"); keeps what was raised. */
bool fx_ctx(struct fx_err *err, const char *fmt, ...) FX_PRINTF(2, 3);
/*
 * Commands for the hint of a function that does not know the context. Whoever knows it puts its
 * name in the place of NAME with fx_err_name_context: the stream, the run, the command.
 */
#define FX_CMD_DROP      "ficus cdc drop --context NAME --execute --confirm=NAME"
#define FX_CMD_PREFLIGHT "ficus cdc preflight --context NAME"
#define FX_CMD_START     "ficus cdc start --context NAME --execute"
#define FX_CMD_STOP      "ficus cdc stop --context NAME --execute"
/* The hint of a lost connection, for a stream as well as for a command. */
#define FX_SERVER_GONE                                                                             \
    "Check that the server runs and can be reached from here. A stream connects again by itself; " \
    "any other command: run it again, in a run: ficus run resume"
/*
 * After a change that the stream cannot apply. The drop is refused while a run is unfinished; the
 * preflight says what must be emptied first.
 */
#define FX_CMD_NEW_COPY                                                                        \
    "roll back the context's run if one is unfinished (ficus run rollback), drop the streams " \
    "with " FX_CMD_DROP ", then run " FX_CMD_PREFLIGHT ": it says what a new copy needs"
/* Replaces NAME after "--context " and "--confirm=" in the hint; if it does not fit, nothing. */
bool fx_err_name_context(struct fx_err *err, const char *context);
/* Each replaces the field; they return false so that they can end a chain. */
bool fx_detail(struct fx_err *err, const char *fmt, ...) FX_PRINTF(2, 3);
bool fx_hint(struct fx_err *err, const char *fmt, ...) FX_PRINTF(2, 3);
/* No error leaves a program without a next step: where no hint is, the command that explains the
 * code, and for a wrong command line `help` ("ficusd --help"). */
void fx_err_need_hint(struct fx_err *err, const char *help);
void fx_err_set_sqlstate(struct fx_err *err, const char *sqlstate);
void fx_err_set_mysql(struct fx_err *err, int number, const char *sqlstate);
void fx_err_set_http(struct fx_err *err, int status);
/* The same failure seen from a caller who knows
 * more: DB becomes SOURCE or TARGET, with its flags. */
void fx_err_recode(struct fx_err *err, enum fx_code code);
/* Generic database codes (DB, DB_CONNECT) become SOURCE* or TARGET*; others stay. */
void fx_err_as_source(struct fx_err *err);
void fx_err_as_target(struct fx_err *err);
void fx_err_clear(struct fx_err *err);

static inline bool fx_err_is(const struct fx_err *err)
{
    return err->code != FX_E_NONE;
}

const char *fx_code_name(enum fx_code code); /* "SOURCE_DATA" */
const char *fx_code_meaning(enum fx_code code);
int fx_code_exit(enum fx_code code);
bool fx_code_from_name(const char *name, enum fx_code *ret_code);

/* The terminal form: "ficus: error: …  [CODE/cause]", then detail, context and hint lines. */
void fx_err_render(const struct fx_err *err, const char *program, struct fx_buf *out);
/* One JSON object:
 * {"code":…,"message":…,"detail":…,"context":[…],"hint":…,"cause":…,"exit":…,"retriable":…} */
void fx_err_render_json(const struct fx_err *err, struct fx_buf *out);
/* The same in at most `max` bytes: first the context is left out, then the detail shortened, then
 * left out. A message and a hint that are longer than that alone (escaped, at most 6 KiB) stay. */
void fx_err_render_json_within(const struct fx_err *err, size_t max, struct fx_buf *out);
/* Renders to stderr and returns the exit status: the last act of a command. */
int fx_err_report(const struct fx_err *err, const char *program);

#endif
