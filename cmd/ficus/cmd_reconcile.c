/* SPDX-License-Identifier: Apache-2.0 */
/* ficus reconcile: is the copy equal, and may CI continue because of it. */
#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

#include "cmd/ficus/json.h"
#include "cmd/ficus/project.h"
#include "lib/base/clock.h"
#include "lib/base/visible.h"
#include "lib/cli/print.h"
#include "lib/fmt/units.h"
#include "reconcile/reconcile.h"

struct run_options {
    const char *context, *report, *sign_with;
    const char *divergent, *coverage; /* NULL: not given; only with --gate */
    bool json, quiet, gate, exit_zero;
};

static const struct fx_opt run_opts[] = {
    FX_OPT_TEXT(struct run_options, context, "context", 'c', "NAME",
                "the context to compare (needed when there are several)"),
    FX_OPT_TEXT(struct run_options, report, "report", 'o', "DIR",
                "write report.json and report.txt there"),
    FX_OPT_TEXT(struct run_options, sign_with, "sign-with", 0, "FILE",
                "private key that signs the report (default: reconcile.sign_with)"),
    FX_OPT_FLAG(struct run_options, gate, "gate", 0,
                "judge the result as `reconcile gate` does; the exit status is the gate's"),
    FX_OPT_TEXT(struct run_options, divergent, "divergent", 0, "N",
                "with --gate: at most N rows may differ (default: 0)"),
    FX_OPT_TEXT(struct run_options, coverage, "coverage", 0, "P",
                "with --gate: at least this share of the tables was compared (default: 100%)"),
    FX_OPT_FLAG(struct run_options, exit_zero, "exit-zero", 0,
                "exit 0 also when rows differ: `reconcile gate` judges the report later"),
    FX_OPT_FLAG(struct run_options, json, "json", 'j', "print the report as JSON"),
    FX_OPT_FLAG(struct run_options, quiet, "quiet", 'q', "print nothing but errors"),
    FX_OPT_END};

struct gate_options {
    int64_t divergent;
    double coverage;
    const char *context, *mapping, *databases, *max_age;
    struct fx_opt_texts keys;
    bool allows_unsigned, json;
};

static const struct fx_opt gate_opts[] = {
    FX_OPT_TEXTS(struct gate_options, keys, "key", 'k', "FILE",
                 "public key whose reports are believed; may be given several times"),
    FX_OPT_FLAG(struct gate_options, allows_unsigned, "unsigned", 0,
                "believe reports that are not signed, too"),
    FX_OPT_TEXT(struct gate_options, context, "context", 'c', "NAME",
                "the report is about this context (default: the only one of the project file)"),
    FX_OPT_TEXT(struct gate_options, mapping, "mapping", 0, "DIGEST",
                "the report was made with this mapping (default: that of the project file)"),
    FX_OPT_TEXT(struct gate_options, databases, "databases", 0, "ID",
                "the report is about these databases, as a report names them (default: those of "
                "the project file); any: whichever"),
    FX_OPT_INT(struct gate_options, divergent, "divergent", 0, "N", "at most N rows may differ",
               .def = "0"),
    FX_OPT_PERCENT(struct gate_options, coverage, "coverage", 0, "P",
                   "at least this share of the context's tables was compared", .def = "100%"),
    FX_OPT_TEXT(struct gate_options, max_age, "max-age", 0, "AGE",
                "both sides were read at most this long ago (default: 24h); any: whenever"),
    CMD_OPT_JSON(struct gate_options),
    FX_OPT_END};

static bool read_options(const struct fx_project *project, struct rec_options *ret,
                         struct fx_arena *arena, struct fx_err *err)
{
    struct fx_problems problems;
    fx_problems_init(&problems);
    rec_options_read(project->root.reconcile, ret, arena, &problems);
    bool is_ok = fx_problems_ok(&problems, err);
    fx_problems_done(&problems);
    return is_ok;
}

struct live {
    struct fx_mono next;
    bool is_shown; /* a line of progress on the terminal */
};

static bool show_progress(void *arg, const char *table, int64_t rows)
{
    struct live *live = arg;
    struct fx_mono now = fx_mono_now();
    if (live->is_shown && table[0] != '\0' && fx_mono_reached(live->next, now)) {
        fprintf(stderr, "\r%s: %" PRId64 " rows compared ", table, rows);
        live->next = fx_mono_add_ms(now, 200);
    }
    return true;
}

static void show_wait(void *arg, const char *who)
{
    (void)arg;
    fprintf(stderr, "waiting: the context is being compared by %s\n", who);
}

static int verdict_exit(enum rec_verdict verdict, bool is_zero)
{
    switch (verdict) {
    case REC_EQUAL: return 0;
    case REC_DIVERGENT: return is_zero ? 0 : fx_code_exit(FX_E_DIVERGED);
    case REC_INCONCLUSIVE: break;
    }
    return fx_code_exit(FX_E_INCONCLUSIVE);
}

static int gate_exit(enum rec_gate answer)
{
    switch (answer) {
    case REC_GATE_PASS: return 0;
    case REC_GATE_FAIL: return fx_code_exit(FX_E_GATE_CLOSED);
    case REC_GATE_UNKNOWN: break;
    }
    return fx_code_exit(FX_E_INCONCLUSIVE);
}

static const char *gate_word(enum rec_gate answer)
{
    switch (answer) {
    case REC_GATE_PASS: return "pass";
    case REC_GATE_FAIL: return "fail";
    case REC_GATE_UNKNOWN: break;
    }
    return "unknown";
}

static bool fail_bad(const char *option, const char *value, const char *wanted, struct fx_err *err)
{
    return fx_fail(err, FX_E_USAGE, "--%s: \"%s\" is not %s", option, value, wanted);
}

/* The limits of --gate; without it they would be ignored in silence, so they are refused. */
static bool read_limits(const struct run_options *options, const struct fx_context *ctx,
                        struct rec_limits *ret, struct fx_err *err)
{
    *ret = (struct rec_limits){.coverage_min_percent = 100, .ctx = ctx, .max_age_ms = REC_AGE_ANY};
    if (!options->gate && (options->divergent != NULL || options->coverage != NULL))
        return fx_fail(err, FX_E_USAGE, "--divergent and --coverage need --gate") ||
               fx_hint(err, "Run: ficus reconcile run --gate --divergent N. To judge a report "
                            "later: ficus reconcile gate --help");
    if (options->gate && options->exit_zero)
        return fx_fail(err, FX_E_USAGE, "--gate and --exit-zero cannot be given together") ||
               fx_hint(err, "With --gate the exit status is the gate's answer. Leave one out.");
    if (options->divergent != NULL &&
        (!fx_units_int(fx_str_from(options->divergent), &ret->divergent_max) ||
         ret->divergent_max < 0))
        return fail_bad("divergent", options->divergent, "a whole number", err);
    return options->coverage == NULL ||
           fx_units_percent(fx_str_from(options->coverage), &ret->coverage_min_percent) ||
           fail_bad("coverage", options->coverage, "a percentage from 0% to 100%", err);
}

/* What one call of `reconcile run` needs. */
struct comparison {
    const struct run_options *options;
    struct fx_context *ctx;
    struct cdc_ref ref;
    struct rec_options rec;
    struct rec_limits limits;
    struct fx_private_key *key;
    struct rec_report *report;
};

static bool compare(struct comparison *c, struct fx_arena *arena, struct fx_err *err)
{
    struct live live = {.next = fx_mono_now(),
                        .is_shown = !c->options->quiet && isatty(STDERR_FILENO)};
    struct rec_progress progress = {
        .on_progress = show_progress, .on_wait = show_wait, .arg = &live};
    static const struct rec_asker nobody = {"", "", ""};
    bool is_ok = rec_owner(c->ctx, &c->ref.direction, err) &&
                 rec_check(c->ctx, &c->ref, &c->rec, &nobody, &progress, arena, &c->report, err);
    if (live.is_shown)
        fputs("\r\033[K", stderr);
    return is_ok;
}

/* An older report gives way before anything can fail: a gate never finds it after a failure. */
static bool compare_and_write(struct comparison *c, struct fx_arena *arena, struct fx_err *err)
{
    const char *dir = c->options->report;
    if (dir != NULL && !rec_report_begin(c->ctx, c->key, dir, err))
        return false;
    if (!compare(c, arena, err)) {
        if (dir != NULL)
            rec_report_failed(c->ctx, c->key, dir, err);
        return false;
    }
    return dir == NULL || rec_report_write(c->report, c->key, dir, err);
}

/* With --json standard output is for the report alone. */
static void show_answer(FILE *to, enum rec_gate answer, const char *why)
{
    FX_AUTO(fx_buf) struct fx_buf line = FX_BUF(8192);
    fx_visible_add(&line, fx_str_from(why), FX_VISIBLE_LINE);
    fprintf(to, "%s: %s\n", gate_word(answer), fx_buf_cstr(&line));
}

static int show_result(const struct comparison *c)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF((size_t)64 << 20), why = FX_BUF(1024);
    if (c->options->json)
        rec_report_json(c->report, c->key, &out);
    else if (!c->options->quiet)
        rec_report_text(c->report, &out);
    fx_print_text(fx_buf_str(&out));
    if (!c->options->gate)
        return verdict_exit(c->report->verdict, c->options->exit_zero);
    enum rec_gate answer = rec_gate(c->report, &c->limits, fx_wall_now(), &why);
    if (!c->options->quiet)
        show_answer(c->options->json ? stderr : stdout, answer, fx_buf_cstr(&why));
    return gate_exit(answer);
}

static bool run(struct cmd_call *call, struct fx_err *err)
{
    struct comparison c = {.options = call->options};
    struct fx_project *project;
    char path[PATH_MAX];
    if (!cmd_project_load(call, &project, err) ||
        !cmd_context(call, project, c.options->context, &c.ctx, err) ||
        !read_limits(c.options, c.ctx, &c.limits, err) ||
        !read_options(project, &c.rec, call->arena, err))
        return false;
    if (c.options->sign_with != NULL)
        c.rec.sign_with = c.options->sign_with;
    if (!rec_signer_load(&c.rec, &c.key, err))
        return false;
    c.ref = (struct cdc_ref){.project_path = realpath(call->project_path, path),
                             .state_dir = project->state_dir,
                             .context = c.ctx->name};
    bool is_ok = compare_and_write(&c, call->arena, err);
    if (is_ok)
        call->exit_status = show_result(&c);
    fx_private_key_free(c.key);
    return is_ok;
}

/* --- gate ------------------------------------------------------------------------------------- */

static bool read_keys(const struct gate_options *options, struct fx_arena *arena,
                      struct rec_trust *ret, struct fx_err *err)
{
    struct fx_public_key *keys = fx_arena_array(arena, options->keys.n + 1, sizeof *keys);
    *ret = (struct rec_trust){
        .keys = keys, .n_keys = options->keys.n, .allows_unsigned = options->allows_unsigned};
    for (size_t i = 0; i < options->keys.n; i++)
        if (!fx_public_key_load(options->keys.items[i], &keys[i], err))
            return false;
    return options->keys.n > 0 || options->allows_unsigned ||
           fx_fail(err, FX_E_USAGE,
                   "no public key was given to check the report's signature with") ||
           fx_hint(err, "Give the public key (.pub) of reconcile.sign_with: --key FILE. To make a "
                        "pair: ficus reconcile key new FILE. To accept reports without a "
                        "signature: --unsigned");
}

static bool is_databases_id(const char *text)
{
    return strlen(text) == REC_DATABASES_ID - 1 &&
           strspn(text, "0123456789abcdef") == REC_DATABASES_ID - 1;
}

static bool read_databases(const char *text, struct rec_limits *limits, struct fx_err *err)
{
    limits->any_databases = text != NULL && strcmp(text, "any") == 0;
    if (text == NULL || limits->any_databases)
        return true;
    limits->databases_id = text;
    return is_databases_id(text) ||
           fail_bad("databases", text, "32 hexadecimal digits, or the word \"any\"", err) ||
           fx_hint(err, "Take the id from report.txt, or from the output of this command.");
}

static bool read_age(const char *text, struct rec_limits *limits, struct fx_err *err)
{
    limits->max_age_ms = text != NULL ? REC_AGE_ANY : REC_AGE_DEFAULT;
    limits->age_option = text != NULL ? NULL : "--max-age";
    if (text == NULL || strcmp(text, "any") == 0)
        return true;
    return (fx_units_duration(fx_str_from(text), &limits->max_age_ms) && limits->max_age_ms > 0) ||
           fail_bad("max-age", text, "a time above 0, or the word \"any\"", err) ||
           fx_hint(err, "Write 30m, 12h or 7d. To accept a report of any age: --max-age any");
}

/* What the report must be about: from the project file, or from --context where there is none. */
static bool read_subject(struct cmd_call *call, struct rec_limits *limits, struct fx_err *err)
{
    const struct gate_options *options = call->options;
    struct fx_project *project;
    struct fx_context *ctx = NULL;
    limits->context = options->context;
    limits->mapping_digest = options->mapping;
    bool is_default = strcmp(call->project_path, "ficus.yaml") == 0;
    if (is_default && access(call->project_path, F_OK) != 0)
        return (options->context != NULL && options->databases != NULL) ||
               fx_fail(err, FX_E_USAGE,
                       "there is no project file \"ficus.yaml\" here, and no %s was given",
                       options->context == NULL ? "--context" : "--databases") ||
               fx_hint(err, "Give the project file, whose tables and databases the report must "
                            "have: -f FILE. Without it: --context NAME --databases ID (report.txt "
                            "names the id), and --mapping DIGEST if you know it.");
    if (!cmd_project_load(call, &project, err) ||
        !cmd_context(call, project, options->context, &ctx, err))
        return false;
    limits->ctx = ctx;
    return true;
}

/* Whatever the answer: a person sees which databases it is about. */
static void add_databases(const struct rec_report *report, struct fx_buf *why)
{
    char id[REC_DATABASES_ID];
    const struct rec_databases *databases = &report->databases;
    if (databases->old_side.address == NULL || databases->new_side.address == NULL)
        return;
    rec_databases_id(databases, id);
    fx_buf_printf(why, ", databases %s (%s at %s, %s at %s)", id, databases->old_side.name,
                  databases->old_side.address, databases->new_side.name,
                  databases->new_side.address);
}

static void add_signer(const struct rec_report *report, struct fx_buf *why)
{
    if (report->seal == REC_SEAL_SIGNED)
        fx_buf_printf(why, ", signed by key %.16s", report->signed_by);
    else
        fx_buf_add_c(why, ", not signed");
}

static void print_gate_json(const struct rec_report *report, enum rec_gate answer, const char *why)
{
    struct cmd_json json;
    char cut[FX_WALL_TEXT];
    fx_wall_text(report->cut, cut);
    char id[REC_DATABASES_ID];
    bool is_named =
        report->databases.old_side.address != NULL && report->databases.new_side.address != NULL;
    if (is_named)
        rec_databases_id(&report->databases, id);
    cmd_json_begin(&json);
    fx_json_w_kv_text(&json.w, "answer", gate_word(answer));
    fx_json_w_kv_bool(&json.w, "passed", answer == REC_GATE_PASS);
    fx_json_w_kv_text(&json.w, "why", why);
    fx_json_w_kv_text(&json.w, "context", report->context);
    fx_json_w_kv_text(&json.w, "compared_at", report->cut.us > 0 ? cut : NULL);
    fx_json_w_kv_text(&json.w, "databases", is_named ? id : NULL);
    fx_json_w_kv_i64(&json.w, "rows_compared", report->rows_compared);
    fx_json_w_kv_i64(&json.w, "divergent", report->divergent);
    fx_json_w_kv_double(&json.w, "coverage_percent", report->coverage_percent);
    fx_json_w_kv_text(&json.w, "signed_by",
                      report->seal == REC_SEAL_SIGNED ? report->signed_by : NULL);
    cmd_json_print(&json);
}

static bool gate(struct cmd_call *call, struct fx_err *err)
{
    const struct gate_options *options = call->options;
    struct rec_limits limits = {.divergent_max = options->divergent,
                                .coverage_min_percent = options->coverage};
    struct rec_trust trust;
    struct rec_report *report;
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(8192);
    if (!read_keys(options, call->arena, &trust, err) ||
        !read_databases(options->databases, &limits, err) ||
        !read_age(options->max_age, &limits, err) || !read_subject(call, &limits, err))
        return false;
    if (!rec_report_load(call->words[0], &trust, call->arena, &report, err))
        return false;
    enum rec_gate answer = rec_gate(report, &limits, fx_wall_now(), &why);
    add_databases(report, &why);
    add_signer(report, &why);
    if (options->json)
        print_gate_json(report, answer, fx_buf_cstr(&why));
    else
        fx_print("%s: %s\n", gate_word(answer), fx_buf_cstr(&why));
    call->exit_status = gate_exit(answer);
    return true;
}

/* --- keys ------------------------------------------------------------------------------------- */

static bool show_public(const struct fx_public_key *key)
{
    char fingerprint[FX_SHA256_HEX];
    fx_public_key_fingerprint(key, fingerprint);
    fx_print("fingerprint: %s\n", fingerprint);
    return true;
}

static bool key_new(struct cmd_call *call, struct fx_err *err)
{
    const char *path = call->words[0];
    const char *public_path = fx_arena_printf(call->arena, "%s.pub", path);
    FX_AUTO_FREE(fx_private_key) struct fx_private_key *key = fx_private_key_new();
    struct fx_public_key public_key;
    fx_private_key_public(key, &public_key);
    if (!fx_private_key_save(key, path, err))
        return false;
    if (!fx_public_key_save(&public_key, public_path, err)) {
        unlink(path); /* ours, of a moment ago: half a pair would be in the way */
        return false;
    }
    fx_print("private key: %s (only for whoever compares; reconcile: {sign_with: %s})\n"
             "public key:  %s (for every gate: ficus reconcile gate REPORT --key %s)\n",
             path, path, public_path, public_path);
    return show_public(&public_key);
}

struct key_options {
    bool json;
};

static const struct fx_opt key_opts[] = {CMD_OPT_JSON(struct key_options), FX_OPT_END};

static bool show_key(const struct cmd_call *call, const struct fx_public_key *key)
{
    const struct key_options *options = call->options;
    char fingerprint[FX_SHA256_HEX];
    struct cmd_json json;
    if (!options->json)
        return show_public(key);
    fx_public_key_fingerprint(key, fingerprint);
    cmd_json_begin(&json);
    fx_json_w_kv_text(&json.w, "fingerprint", fingerprint);
    cmd_json_print(&json);
    return true;
}

static bool key_show(struct cmd_call *call, struct fx_err *err)
{
    struct fx_private_key *key;
    struct fx_public_key public_key;
    struct fx_err ignored = FX_ERR_INIT;
    if (fx_public_key_load(call->words[0], &public_key, err))
        return show_key(call, &public_key);
    /* A private key has a public half; other files keep the first error. */
    if (!fx_private_key_load(call->words[0], &key, &ignored))
        return false;
    fx_private_key_public(key, &public_key);
    fx_private_key_free(key);
    fx_err_clear(err);
    return show_key(call, &public_key);
}

const struct cmd cmd_reconcile[] = {
    {.noun = "reconcile",
     .verb = "run",
     .summary = "compare both sides of a context exactly, while applications write",
     .more = "Reads every mapped table on both sides at one exact point of the stream and compares "
             "every value.\nThe side that owns the context now is the source. Needs a running "
             "stream. One comparison of a context runs at a time.\nBefore it begins, an older "
             "report in DIR is replaced by one that says \"inconclusive\".\n"
             "Exit status: 0 equal, 1 divergent, 3 inconclusive. With --gate: 0 pass, 1 fail, 3 "
             "unknown. With --exit-zero: 0 compared, 3 inconclusive.",
     .options = run_opts,
     .options_size = sizeof(struct run_options),
     .run = run},
    {.noun = "reconcile",
     .verb = "gate",
     .words = "REPORT",
     .words_min = 1,
     .words_max = 1,
     .summary = "check a report against limits, for CI",
     .more = "Believes reports that one of the given keys signed; others only with --unsigned.\n"
             "The report must be about the context of the project file, with its mapping, its "
             "databases and all of its tables.\n"
             "Exit status: 0 pass, 1 fail, 3 unknown (changed, not signed, too old, about other "
             "databases, incomplete or inconclusive).",
     .options = gate_opts,
     .options_size = sizeof(struct gate_options),
     .run = gate},
    {.noun = "reconcile",
     .verb = "key new",
     .words = "FILE",
     .words_min = 1,
     .words_max = 1,
     .summary = "make a pair of keys for signed reports",
     .more = "Writes the private key to FILE (mode 0600) and the public key to FILE.pub. Existing "
             "files are never overwritten.",
     .run = key_new},
    {.noun = "reconcile",
     .verb = "key show",
     .words = "FILE",
     .words_min = 1,
     .words_max = 1,
     .summary = "print the fingerprint of a key, as reports name it",
     .options = key_opts,
     .options_size = sizeof(struct key_options),
     .run = key_show},
    CMD_END};
