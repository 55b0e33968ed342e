/* SPDX-License-Identifier: Apache-2.0 */
/* One command a process, so what it is lives in the process's own variables. */
#include "cmd/ficus/audit.h"

#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/crypt/chain.h"
#include "lib/fmt/json_write.h"
#include "lib/io/private.h"
#include "lib/io/privilege.h"
#include "lib/io/recordlog.h"
#include "lib/io/who.h"
#include "lib/log/log.h"

enum { LOCK_TRIES = 100, LOCK_PAUSE_MS = 20, LINE_MAX_BYTES = 4096 };

static struct {
    struct fx_buf line;
    char path[4096]; /* "": nothing is audited */
} audit = {.line = FX_BUF(LINE_MAX_BYTES)};

/* What stands between ':' and '@' of a URL, and the value of an option that names a secret. */
static void add_masked(struct fx_str word, bool is_secret)
{
    const char *scheme = memmem(word.ptr, word.len, "://", 3);
    const char *at = scheme != NULL ? memrchr(word.ptr, '@', word.len) : NULL;
    const char *colon = at != NULL ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;
    if (is_secret) {
        fx_buf_add_c(&audit.line, "***");
    } else if (colon != NULL) {
        fx_buf_add_bytes(&audit.line, word.ptr, (size_t)(colon + 1 - word.ptr));
        fx_buf_add_c(&audit.line, "***");
        fx_buf_add_bytes(&audit.line, at, (size_t)(word.ptr + word.len - at));
    } else {
        fx_buf_add(&audit.line, word);
    }
}

static bool names_secret(struct fx_str option)
{
    static const char *const words[] = {"password", "secret", "token"};
    for (size_t i = 0; option.len > 2 && option.ptr[0] == '-' && i < FX_ARRAY_LEN(words); i++)
        if (memmem(option.ptr, option.len, words[i], strlen(words[i])) != NULL)
            return true;
    return false;
}

void cmd_audit_line(int argc, char *const *argv)
{
    bool is_secret = false;
    for (int i = 0; i < argc; i++) {
        struct fx_str value, word = fx_str_from(argv[i]);
        fx_buf_add_c(&audit.line, i > 0 ? " " : "");
        struct fx_str name = fx_str_cut(word, '=', &value);
        if (!is_secret && names_secret(name) && name.len < word.len) {
            fx_buf_add(&audit.line, name);
            fx_buf_add_c(&audit.line, "=***");
            continue;
        }
        add_masked(word, is_secret);
        is_secret = names_secret(name);
    }
}

/* With --execute, and what continues a run that was started with it. */
static bool is_changing(const struct cmd_call *call)
{
    if (call->cmd->is_hidden)
        return false;
    for (const struct fx_opt *o = call->cmd->options; o != NULL && o->kind != FX_O_END; o++)
        if (o->kind == FX_O_FLAG && strcmp(o->name, "execute") == 0 &&
            *((const bool *)((const char *)call->options + o->offset)))
            return true;
    return strcmp(call->cmd->noun, "run") == 0 && call->cmd->verb != NULL &&
           strcmp(call->cmd->verb, "resume") == 0;
}

static bool take_record(void *arg, uint64_t seq, struct fx_str payload, struct fx_err *err)
{
    (void)seq;
    return fx_chain_take(arg, payload, err);
}

static bool append(struct fx_str record, struct fx_err *err)
{
    struct fx_chain chain;
    struct fx_recordlog *log = NULL;
    FX_AUTO(fx_buf) struct fx_buf sealed = FX_BUF(64 << 10);
    bool is_ok = false;
    for (int i = 0; i < LOCK_TRIES; i++) {
        fx_err_clear(err);
        is_ok = fx_chain_load(audit.path, true, &chain, err) &&
                fx_recordlog_open(audit.path, take_record, &chain, &log, err);
        if (is_ok || err->code != FX_E_LOCKED)
            break;
        fx_sleep_ms(LOCK_PAUSE_MS);
    }
    if (is_ok) {
        fx_chain_seal(&chain, record, &sealed);
        is_ok = fx_recordlog_append(log, fx_buf_str(&sealed), err);
    }
    fx_recordlog_close(log);
    return is_ok;
}

static void write_record(const char *what, int exit_status, const struct fx_err *failure)
{
    FX_AUTO(fx_buf) struct fx_buf record = FX_BUF(32 << 10);
    struct fx_err err = FX_ERR_INIT;
    struct fx_json_w w;
    struct fx_who who;
    fx_who(&who);
    fx_json_w_init(&w, &record);
    fx_json_w_object(&w);
    fx_json_w_kv_i64(&w, "v", 1);
    fx_json_w_kv_text(&w, "t", what);
    fx_json_w_kv_i64(&w, "at_us", fx_wall_now().us);
    fx_json_w_kv_i64(&w, "pid", getpid());
    fx_json_w_kv_i64(&w, "uid", who.uid);
    fx_json_w_kv_text(&w, "login", who.login);
    fx_json_w_kv_text(&w, "via", who.via);
    fx_json_w_kv_text(&w, "host", who.host);
    fx_json_w_kv_text(&w, "origin", who.origin);
    fx_json_w_kv_text(&w, "command", fx_buf_cstr(&audit.line));
    if (exit_status >= 0)
        fx_json_w_kv_i64(&w, "exit", exit_status);
    if (failure != NULL) /* not its message, which may repeat what was masked */
        fx_json_w_kv_text(&w, "code", fx_code_name(failure->code));
    fx_json_w_end(&w);
    if (!append(fx_buf_str(&record), &err))
        fx_log_err(FX_LOG_WARN, "audit", NULL, "the audit log could not be written", &err);
}

void cmd_audit_begin(const struct cmd_call *call, const char *state_dir)
{
    struct fx_err err = FX_ERR_INIT;
    if (state_dir == NULL || audit.path[0] != '\0' || !is_changing(call))
        return;
    fx_privilege_warn("command", NULL);
    if (!fx_dir_secure(state_dir, &err)) {
        fx_log_err(FX_LOG_WARN, "audit", NULL, "the audit log could not be written", &err);
        return;
    }
    (void)snprintf(audit.path, sizeof audit.path, "%s/audit", state_dir);
    write_record("begin", -1, NULL);
}

void cmd_audit_end(int exit_status, const struct fx_err *err)
{
    if (audit.path[0] != '\0')
        write_record("end", exit_status, err);
}
