/* SPDX-License-Identifier: Apache-2.0 */
/* audit: who changed what with which command, and whether the log is as it was written. */
#include <inttypes.h>

#include "cmd/ficus/project.h"
#include "lib/base/clock.h"
#include "lib/cli/print.h"
#include "lib/crypt/chain.h"
#include "lib/fmt/json_doc.h"
#include "lib/io/file.h"
#include "lib/io/recordlog.h"

struct audit_options {
    bool json;
    const char *anchor;
};

static const struct fx_opt audit_options[] = {
    FX_OPT_FLAG(struct audit_options, json, "json", 0, "print the records as JSON, one per line"),
    FX_OPT_TEXT(struct audit_options, anchor, "anchor", 0, "N:MAC",
                "the log must still have this record, which an earlier call printed"),
    FX_OPT_END,
};

struct reading {
    const struct audit_options *options;
    struct fx_chain chain;
    bool has_anchor;
};

static void print_record(const struct fx_json *root)
{
    char at[FX_WALL_TEXT];
    fx_wall_text((struct fx_wall){fx_json_get_i64(root, "at_us", 0)}, at);
    const char *via = fx_json_get_str(root, "via", ""),
               *origin = fx_json_get_str(root, "origin", "");
    fx_print("%.19sZ  %-5s  %s (uid %" PRId64 ")@%s%s%s%s%s  pid %" PRId64 "  ficus %s", at,
             fx_json_get_str(root, "t", "?"), fx_json_get_str(root, "login", "?"),
             fx_json_get_i64(root, "uid", -1), fx_json_get_str(root, "host", "?"),
             via[0] != '\0' ? " " : "", via, origin[0] != '\0' ? " on " : "", origin,
             fx_json_get_i64(root, "pid", 0), fx_json_get_str(root, "command", "?"));
    int64_t exit_status = fx_json_get_i64(root, "exit", -1);
    const char *code = fx_json_get_str(root, "code", "");
    if (exit_status >= 0)
        fx_print("  -> %" PRId64 "%s%s", exit_status, code[0] != '\0' ? " " : "", code);
    fx_print("\n");
}

static bool on_record(void *arg, uint64_t seq, struct fx_str payload, struct fx_err *err)
{
    struct reading *reading = arg;
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    char anchor[FX_CHAIN_ANCHOR];
    (void)seq;
    if (!fx_chain_take(&reading->chain, payload, err) || !fx_json_parse(payload, &doc, err))
        return false;
    fx_chain_anchor(&reading->chain, anchor);
    if (reading->options->anchor != NULL && strcmp(anchor, reading->options->anchor) == 0)
        reading->has_anchor = true;
    if (reading->options->json)
        fx_print("%.*s\n", FX_STR_FMT(payload));
    else
        print_record(fx_json_root(doc));
    return true;
}

static bool fail_reading(const char *path, struct fx_err *err)
{
    fx_ctx(err, "reading the audit log \"%s\"", path);
    if (err->code == FX_E_PROTOCOL) /* a record that is no JSON */
        fx_err_recode(err, FX_E_JOURNAL);
    if (err->code != FX_E_JOURNAL)
        return false;
    return fx_hint(
        err,
        "Somebody edited the log or its key, or the disk damaged them; runs and owners do "
        "not depend on it. Restore '%s' and '%s.key' from one backup of the state "
        "directory, or move both away, and Ficus begins a new log. Then run: ficus audit",
        path, path);
}

static bool run(struct cmd_call *call, struct fx_err *err)
{
    struct fx_project *project = NULL;
    struct reading reading = {.options = call->options};
    if (!cmd_project_load(call, &project, err))
        return false;
    const char *path = fx_arena_printf(call->arena, "%s/audit", project->state_dir);
    if (!fx_file_exists(path) && reading.options->anchor == NULL) {
        fx_print("no command has changed anything from this state directory yet\n");
        return true;
    }
    if (!fx_chain_load(path, false, &reading.chain, err) ||
        !fx_recordlog_read(path, on_record, &reading, err))
        return fail_reading(path, err);
    if (reading.options->anchor != NULL && !reading.has_anchor)
        return fx_fail(err, FX_E_JOURNAL, "the audit log \"%s\" does not have record %s", path,
                       reading.options->anchor) ||
               fx_hint(err,
                       "If the anchor is copied correctly, the log was cut or replaced after that "
                       "record was written: compare '%s' with a backup. The present anchor, in "
                       "the last line: ficus audit",
                       path);
    char anchor[FX_CHAIN_ANCHOR];
    fx_chain_anchor(&reading.chain, anchor);
    if (!reading.options->json)
        fx_print("%" PRIu64 " records, chain intact, anchor %s\n", reading.chain.n_keyed, anchor);
    return true;
}

const struct cmd cmd_audit[] = {
    {.noun = "audit",
     .summary = "list the commands that changed something: who, where, when, result",
     .more =
         "The log is chained with a key that stays in the state directory: an edited, removed or "
         "inserted record is an error. Keep the anchor that is printed last in another place "
         "(a ticket, a log server): with --anchor it proves later that nothing was cut off or "
         "replaced, also by somebody who has the key.",
     .options = audit_options,
     .options_size = sizeof(struct audit_options),
     .run = run},
    CMD_END,
};
