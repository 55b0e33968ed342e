/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file is written whole beside its place and then linked there: of two commands that make it at
 * once one wins, the other reads the winner's, and no crash leaves half a file.
 */
#include "lib/io/who.h"
#include "lib/ownership/controller.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "lib/fmt/form.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"
#include "lib/io/file.h"
#include "lib/io/private.h"

enum { FILE_MAX_BYTES = 4096 };

static const char *path_of(const char *state_dir, struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s/controller", state_dir);
}

void fx_controller_host(char *out, size_t size)
{
    const char *given = getenv("FICUS_HOST");
    snprintf(out, size, "?");
    if (given != NULL && given[0] != '\0')
        snprintf(out, size, "%s", given);
    else
        (void)gethostname(out, size - 1);
    out[size - 1] = '\0';
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool is_id(const char *text)
{
    return strlen(text) == FX_CONTROLLER_ID - 1 &&
           strspn(text, "0123456789abcdef") == FX_CONTROLLER_ID - 1;
}

static bool parse(struct fx_str text, char ret_id[FX_CONTROLLER_ID], int64_t *ret_version,
                  struct fx_err *err)
{
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    if (!fx_json_parse(text, &doc, err)) {
        fx_err_recode(err, FX_E_JOURNAL);
        return false;
    }
    const struct fx_json *root = fx_json_root(doc);
    const char *id = fx_json_get_str(root, "id", "");
    if (!fx_form_read(FX_FORM_CONTROLLER, fx_json_get(root, "version"), "the controller's identity",
                      ret_version, err))
        return false;
    if (!is_id(id))
        return fx_fail(err, FX_E_JOURNAL,
                       "the controller's identity has no \"id\" of 32 hexadecimal digits");
    memcpy(ret_id, id, FX_CONTROLLER_ID);
    return true;
}

/* No file: *ret_id is "" and *ret_version 0. */
static bool read_file(const char *path, char ret_id[FX_CONTROLLER_ID], int64_t *ret_version,
                      struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(FILE_MAX_BYTES);
    ret_id[0] = '\0';
    *ret_version = 0;
    if (!fx_file_exists(path))
        return true;
    if (fx_file_read(path, FILE_MAX_BYTES, &text, err) &&
        parse(fx_buf_str(&text), ret_id, ret_version, err))
        return true;
    fx_ctx(err, "reading this controller's identity \"%s\"", path);
    if (err->code == FX_E_VERSION)
        return false;
    return fx_hint(err,
                   "Restore the file from a backup. Without it: move it away, and look at "
                   "each context with the new identity: ficus run adopt CONTEXT   It prints the "
                   "command that takes it over.");
}

bool fx_controller_id(const char *state_dir, char ret_id[FX_CONTROLLER_ID], struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    int64_t version;
    fx_arena_init(&arena, 0);
    return read_file(path_of(state_dir, &arena), ret_id, &version, err);
}

bool fx_controller_version(const char *state_dir, int64_t *ret, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    char id[FX_CONTROLLER_ID];
    fx_arena_init(&arena, 0);
    return read_file(path_of(state_dir, &arena), id, ret, err);
}

/* --- making ----------------------------------------------------------------------------------- */

static void text_of(const struct fx_controller *who, struct fx_buf *out)
{
    char made[FX_WALL_TEXT];
    struct fx_json_w w;
    fx_wall_text(fx_wall_now(), made);
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    fx_json_w_kv_i64(&w, "version", fx_form_current(FX_FORM_CONTROLLER));
    fx_json_w_kv_text(&w, "id", who->id);
    fx_json_w_kv_text(&w, "host", who->host);
    fx_json_w_kv_text(&w, "login", who->login);
    fx_json_w_kv_i64(&w, "pid", getpid());
    fx_json_w_kv_text(&w, "made", made);
    fx_json_w_end(&w);
    fx_buf_add_char(out, '\n');
}

static bool write_file(const char *path, struct fx_str text, struct fx_err *err)
{
    FX_AUTO_FD int fd = fx_private_open(path, O_WRONLY | O_CREAT | O_EXCL, err);
    if (fd < 0)
        return err->hint[0] != '\0' && err->cause_number != EACCES
                   ? false
                   : fx_hint(err, "Run every command as the user who owns the state directory.");
    return fx_fd_write_all(fd, text, path, err) &&
           (fsync(fd) == 0 || fx_fail_errno(err, FX_E_IO, errno, "could not sync \"%s\"", path));
}

/* EEXIST: another command has made the identity meanwhile; the caller reads that one. */
static bool make_file(const char *path, const struct fx_controller *who, struct fx_arena *arena,
                      struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(FILE_MAX_BYTES);
    const char *beside = fx_arena_printf(arena, "%s.%016" PRIx64, path, fx_rand_system());
    text_of(who, &text);
    bool ok = write_file(beside, fx_buf_str(&text), err);
    if (ok && link(beside, path) != 0 && errno != EEXIST)
        ok = fx_fail_errno(err, FX_E_IO, errno, "could not link \"%s\" to \"%s\"", beside, path) ||
             fx_hint(err,
                     "The state directory needs a file system with hard links: set state.dir in "
                     "ficus.yaml to a directory on a local disk (ext4, xfs). Which one it is on "
                     "now: findmnt -T '%s'",
                     path);
    (void)unlink(beside);
    return ok && fx_dir_sync_of(path, err);
}

static bool read_or_make(const char *state_dir, struct fx_controller *who, struct fx_arena *arena,
                         struct fx_err *err)
{
    const char *path = path_of(state_dir, arena);
    int64_t version;
    if (!read_file(path, who->id, &version, err))
        return false;
    if (who->id[0] != '\0')
        return true;
    snprintf(who->id, sizeof who->id, "%016" PRIx64 "%016" PRIx64, fx_rand_system(),
             fx_rand_system());
    return fx_dir_make(state_dir, err) && make_file(path, who, arena, err) &&
           read_file(path, who->id, &version, err);
}

bool fx_controller_take(struct fx_project *project, const char *what, const char *plan,
                        struct fx_arena *arena, struct fx_err *err)
{
    struct fx_controller *who = FX_ARENA_NEW(arena, struct fx_controller);
    struct fx_who system;
    fx_who(&system);
    snprintf(who->login, sizeof who->login, "%s", system.login);
    fx_controller_host(who->host, sizeof who->host);
    snprintf(who->what, sizeof who->what, "%s", what);
    who->plan = fx_arena_strdup(arena, plan);
    who->state_dir = project->state_dir;
    if (!read_or_make(project->state_dir, who, arena, err))
        return fx_ctx(err, "identifying this controller");
    for (size_t i = 0; i < project->n_contexts; i++)
        project->contexts[i].controller = who;
    return true;
}
