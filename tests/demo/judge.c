/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge of the demo: compares the ledger with both databases after everything has stopped, and
 * writes the verdict as JSON and for people.
 *
 * A created order must be there exactly once when it was acknowledged, at most once for each
 * attempt without an answer, and not at all when every attempt was refused; counters must lie
 * between the increments acknowledged and those plus the unanswered ones. That holds on the side
 * that owns the orders, as the rows of ownership in both databases say; while neither owns them, on
 * the side that owned them last. The other side is a copy: only after a whole migration, with both
 * sides compared, must it hold the same. Before, what it does not have yet is behind, not lost. A
 * direct write that the old side accepted and the owning new side never got has leaked past the
 * fence.
 *
 * Exit status: 0 when the outcome is the expected one and nothing was lost, duplicated, leaked or
 * divergent (and no request failed, unless --may-fail); 1 when something was; 3 when nothing was
 * and the run has not come where it should (held, interrupted, rolled back), or nothing was
 * compared; another one when it could not be judged.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <uthash.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/cli/opt.h"
#include "lib/db/db.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"
#include "lib/fmt/text.h"
#include "lib/io/file.h"
#include "tests/demo/ledger.h"
#include "tests/harness/session.h"

struct options {
    const char *dir, *out, *old_db, *new_db, *report, *outcome, *expect;
    int64_t steps, leaks;
    bool may_fail, may_lack_report, is_quiet;
};

/* What one database holds, for each reference and each counter. */
struct found {
    char key[48]; /* reference, or order id */
    int64_t n;    /* rows with that reference, or the counter */
    UT_hash_handle hh;
};
struct side {
    const char *name;
    struct found *refs, *hits;
    char state[16]; /* in ficus.own; "none": no row; "unknown": not to be reached */
    int64_t epoch;
};
enum { OLD, NEW };
enum { SETTLE_MS = 30000, SETTLE_EACH_MS = 200 };

/* Increments of one order, summed over the ledger. */
struct counter {
    int64_t order, acknowledged, unknown;
    UT_hash_handle hh;
};

struct verdict {
    int64_t requests, requests_failed, stale_reads, wrong_answers, writes_refused;
    int64_t acknowledged, lost, duplicated, leaked, unanswered;
    int64_t direct_writes, direct_refused;
    int64_t pause_ms_max, rows_compared, rows_divergent;
    int64_t behind; /* writes that the other side does not have yet */
    bool has_report;
};

/* Who accepts writes of the orders, as both rows of ownership say. */
struct ownership {
    int side;       /* owns the orders, or owned them last */
    bool is_nobody; /* neither side accepts writes at this moment */
    bool is_both;   /* never allowed */
};

struct judge {
    struct options opts;
    struct ledger_book book;
    struct counter *counters;
    struct side sides[2];
    struct ownership own;
    struct verdict v;
    int n_shown;
};

/* --- reading --------------------------------------------------------------------------------- */

static bool load_pairs(struct fx_db *db, const char *sql, struct found **map, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(db, sql, NULL, 0, &rows, err))
        return false;
    struct found *head = *map;
    for (size_t i = 0; i < rows.n_rows; i++) {
        struct found *item = FX_NEW(struct found);
        snprintf(item->key, sizeof item->key, "%.*s", FX_STR_FMT(fx_rows_at(&rows, i, 0)));
        if (!fx_parse_i64(fx_rows_at(&rows, i, 1), INT64_MIN, INT64_MAX, &item->n))
            return fx_fail(err, FX_E_DB, "not a number in the answer to: %s", sql);
        HASH_ADD_STR(head, key, item);
    }
    *map = head;
    return true;
}

/* The row of ownership; before the first fence there is no table for it. */
static bool load_state(struct fx_db *db, struct side *side, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows there = {0}, rows = {0};
    snprintf(side->state, sizeof side->state, "none");
    if (!fx_db_query(db,
                     "select table_name from information_schema.tables"
                     " where table_schema = 'ficus' and table_name = 'own'",
                     NULL, 0, &there, err))
        return false;
    if (there.n_rows == 0)
        return true;
    if (!fx_db_query(db, "select state, epoch from ficus.own where grp = 'orders'", NULL, 0, &rows,
                     err))
        return false;
    if (rows.n_rows == 0)
        return true;
    snprintf(side->state, sizeof side->state, "%.*s", FX_STR_FMT(fx_rows_at(&rows, 0, 0)));
    return fx_parse_i64(fx_rows_at(&rows, 0, 1), 0, INT64_MAX, &side->epoch) ||
           fx_fail(err, FX_E_DB, "an epoch that is no number");
}

static bool load_side(const char *url, const char *table, struct side *side, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_db_conf conf;
    struct fx_db *db = NULL;
    if (!fx_db_conf_parse(url, &arena, &conf, err))
        return false;
    conf.name = side->name;
    if (!session_open(&conf, &db, err))
        return false;
    FX_AUTO_STR char *refs =
        fx_asprintf("select ref, count(*) from %s where ref is not null group by ref", table);
    FX_AUTO_STR char *hits = fx_asprintf("select id, hits from %s where hits <> 0", table);
    bool ok = load_state(db, side, err) && load_pairs(db, refs, &side->refs, err) &&
              load_pairs(db, hits, &side->hits, err);
    fx_db_close(db);
    return ok || fx_ctx(err, "reading the %s side", side->name);
}

static void side_done(struct side *side)
{
    struct found *item, *next;
    HASH_ITER(hh, side->refs, item, next)
    {
        HASH_DEL(side->refs, item);
        free(item);
    }
    HASH_ITER(hh, side->hits, item, next)
    {
        HASH_DEL(side->hits, item);
        free(item);
    }
}

static int64_t found_in(struct found *map, const char *key)
{
    struct found *item;
    HASH_FIND_STR(map, key, item);
    return item != NULL ? item->n : 0;
}

/* "name value" lines that customers and nightly job leave. A missing file counts nothing. */
static int64_t read_count(const char *dir, const char *file, const char *name)
{
    FX_AUTO_STR char *path = fx_asprintf("%s/%s", dir, file);
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return 0;
    char key[64];
    long long value, result = 0;
    while (fscanf(in, "%63s %lld", key, &value) == 2)
        if (strcmp(key, name) == 0)
            result = value;
    fclose(in);
    return result;
}

static bool read_report(struct judge *judge, struct fx_err *err)
{
    if (judge->opts.report == NULL || access(judge->opts.report, R_OK) != 0)
        return true;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(FX_JSON_TEXT_MAX);
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    if (!fx_file_read(judge->opts.report, FX_JSON_TEXT_MAX, &text, err) ||
        !fx_json_parse(fx_buf_str(&text), &doc, err))
        return fx_ctx(err, "reading the report of the comparison");
    const struct fx_json *root = fx_json_root(doc);
    judge->v.rows_compared = fx_json_get_i64(root, "rows_compared", 0);
    judge->v.rows_divergent = fx_json_get_i64(root, "divergent", -1);
    /* Inconclusive is not equal. */
    if (strcmp(fx_json_get_str(root, "verdict", ""), "inconclusive") == 0)
        judge->v.rows_divergent = -1;
    judge->v.has_report = true;
    return true;
}

/* --- judging --------------------------------------------------------------------------------- */

static void show(struct judge *judge, const char *what, const char *side, const char *key,
                 int64_t found, int64_t least, int64_t most)
{
    if (judge->n_shown++ < 20)
        printf("  %-10s %s on the %s side: %" PRId64 " found, %" PRId64 " to %" PRId64
               " expected\n",
               what, key, side, found, least, most);
}

static bool is_state(const struct side *side, const char *state)
{
    return strcmp(side->state, state) == 0;
}

static bool is_open(const struct side *side)
{
    return is_state(side, "HERE");
}

/* No row on the old side: nothing was ever fenced there. */
static struct ownership find_owner(const struct side sides[2])
{
    const struct side *old = &sides[OLD], *new = &sides[NEW];
    bool is_old = is_open(old) || is_state(old, "none"), is_new = is_open(new);
    if (is_old != is_new)
        return (struct ownership){.side = is_new ? NEW : OLD};
    if (is_old)
        return (struct ownership){.side = NEW, .is_both = is_open(old)};
    /* A fenced side owned the orders last; of two that gave them up, the one that did so later. */
    bool is_new_last = is_state(new, "FENCED") ||
                       (is_state(new, "AWAY") && is_state(old, "AWAY") && new->epoch > old->epoch);
    return (struct ownership){.side = is_new_last ? NEW : OLD, .is_nobody = true};
}

/* Both sides must hold everything only after a whole migration. */
static bool must_hold(const struct judge *judge, int side)
{
    return side == judge->own.side || strcmp(judge->opts.outcome, "migrated") == 0;
}

static void judge_entry(struct judge *judge, const struct ledger_entry *entry, size_t n_sides)
{
    struct side *sides = judge->sides;
    bool is_lost = false, is_duplicated = false, is_leaked = false;
    int64_t least = entry->acknowledged, most = entry->acknowledged + entry->unknown;
    for (size_t i = 0; i < n_sides; i++) {
        int64_t n = found_in(sides[i].refs, entry->ref);
        bool is_missing = n<least, is_extra = n> most;
        if (!must_hold(judge, (int)i)) {
            judge->v.behind += is_missing;
        } else if (is_missing && entry->is_direct && i == NEW &&
                   found_in(sides[OLD].refs, entry->ref) >= least) {
            is_leaked = true;
            show(judge, "leaked", sides[i].name, entry->ref, n, least, most);
        } else if (is_missing) {
            is_lost = true;
            show(judge, "lost", sides[i].name, entry->ref, n, least, most);
        } else if (is_extra) {
            is_duplicated = true;
            show(judge, "duplicated", sides[i].name, entry->ref, n, least, most);
        }
    }
    judge->v.lost += is_lost;
    judge->v.duplicated += is_duplicated;
    judge->v.leaked += is_leaked;
}

static void judge_counter(struct judge *judge, const struct counter *counter, size_t n_sides)
{
    char key[24];
    snprintf(key, sizeof key, "%" PRId64, counter->order);
    int64_t least = counter->acknowledged, most = least + counter->unknown;
    bool is_lost = false, is_duplicated = false;
    for (size_t i = 0; i < n_sides; i++) {
        const struct side *side = &judge->sides[i];
        int64_t n = found_in(side->hits, key);
        if (!must_hold(judge, (int)i)) {
            judge->v.behind += n < least;
            continue;
        }
        is_lost |= n < least;
        is_duplicated |= n > most;
        if (n < least || n > most)
            show(judge, n < least ? "lost" : "duplicated", side->name, key, n, least, most);
    }
    judge->v.lost += is_lost;
    judge->v.duplicated += is_duplicated;
}

static void judge_counters(struct judge *judge, size_t n_sides)
{
    struct counter *counter, *next;
    HASH_ITER(hh, judge->counters, counter, next)
    {
        judge_counter(judge, counter, n_sides);
        HASH_DEL(judge->counters, counter);
        free(counter);
    }
}

static void add_increment(struct judge *judge, const struct ledger_entry *entry)
{
    struct counter *counter;
    HASH_FIND(hh, judge->counters, &entry->order, sizeof entry->order, counter);
    if (counter == NULL) {
        counter = FX_NEW(struct counter);
        counter->order = entry->order;
        HASH_ADD(hh, judge->counters, order, sizeof counter->order, counter);
    }
    counter->acknowledged += entry->by * entry->acknowledged;
    counter->unknown += entry->by * entry->unknown;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The longest that one write waited, or that nobody's
 * write was acknowledged, whichever is longer. */
static int64_t longest_pause_ms(const struct ledger_book *book)
{
    int64_t *at = fx_alloc_array(book->len + 1, sizeof *at), pause = 0;
    size_t n = 0;
    for (size_t i = 0; i < book->len; i++) {
        const struct ledger_entry *entry = &book->entries[i];
        if (entry->is_direct || entry->acknowledged == 0)
            continue;
        at[n++] = entry->acknowledged_at_ms;
        pause = FX_MAX(pause, entry->ms_max);
    }
    qsort(at, n, sizeof *at, by_time);
    for (size_t i = 1; i < n; i++)
        pause = FX_MAX(pause, at[i] - at[i - 1]);
    free(at);
    return pause;
}

/*
 * The new side may be gone or be given up: then the old side's own row must say that it owns.
 * Otherwise nobody knows where the writes are, and no verdict is better than a wrong one.
 */
static bool load_sides(struct judge *judge, size_t *ret_n, struct fx_err *err)
{
    const struct options *opts = &judge->opts;
    struct side *old = &judge->sides[OLD], *new = &judge->sides[NEW];
    *old = (struct side){.name = "old"};
    *new = (struct side){.name = "new", .state = "unknown"};
    *ret_n = 1;
    if (!load_side(opts->old_db, "orders", old, err))
        return false;
    bool may_lack_new =
        strcmp(opts->outcome, "migrated") != 0 && (is_open(old) || is_state(old, "none"));
    if (opts->new_db == NULL)
        return may_lack_new || fx_fail(err, FX_E_USAGE, "--new is needed to judge this outcome");
    if (load_side(opts->new_db, "customer_orders", new, err)) {
        *ret_n = 2;
        return true;
    }
    if (!may_lack_new)
        return false;
    fx_err_clear(err);
    snprintf(new->state, sizeof new->state, "unknown");
    return true;
}

/* Holds b all that a holds? */
static bool has_all(struct found *a, struct found *b)
{
    struct found *item, *next;
    HASH_ITER(hh, a, item, next)
    if (found_in(b, item->key) < item->n)
        return false;
    return true;
}

/*
 * After a whole migration both sides are judged. One of them gets the last writes from a stream: it
 * is given time, and what is missing then is lost.
 */
static bool load_settled(struct judge *judge, size_t *ret_n, struct fx_err *err)
{
    const struct side *old = &judge->sides[OLD], *new = &judge->sides[NEW];
    for (int i = 0; i < SETTLE_MS / SETTLE_EACH_MS; i++) {
        if (!load_sides(judge, ret_n, err))
            return false;
        if (*ret_n < 2 || strcmp(judge->opts.outcome, "migrated") != 0)
            return true;
        judge->own = find_owner(judge->sides);
        const struct side *owner = &judge->sides[judge->own.side];
        const struct side *copy = owner == old ? new : old;
        if (has_all(owner->refs, copy->refs) && has_all(owner->hits, copy->hits))
            return true;
        side_done(&judge->sides[OLD]);
        side_done(&judge->sides[NEW]);
        fx_sleep_ms(SETTLE_EACH_MS);
    }
    return load_sides(judge, ret_n, err);
}

static bool judge_all(struct judge *judge, struct fx_err *err)
{
    const struct options *opts = &judge->opts;
    FX_AUTO_STR char *customers = fx_asprintf("%s/customers.ledger", opts->dir);
    FX_AUTO_STR char *nightly = fx_asprintf("%s/nightly.ledger", opts->dir);
    size_t n_sides = 0;
    if (!ledger_read(&judge->book, customers, false, err))
        return false;
    judge->v.pause_ms_max = longest_pause_ms(&judge->book);
    if (access(nightly, F_OK) == 0 && !ledger_read(&judge->book, nightly, true, err))
        return false;
    if (!load_settled(judge, &n_sides, err))
        return false;
    judge->own = find_owner(judge->sides);
    for (size_t i = 0; i < judge->book.len; i++) {
        const struct ledger_entry *entry = &judge->book.entries[i];
        judge->v.acknowledged += entry->acknowledged;
        judge->v.unanswered += entry->unknown;
        switch (entry->kind) {
        case LEDGER_CREATE: judge_entry(judge, entry, n_sides); break;
        case LEDGER_INCREMENT: add_increment(judge, entry); break;
        }
    }
    judge_counters(judge, n_sides);
    return true;
}

/* --- the verdict ----------------------------------------------------------------------------- */

/* The form that makes the service lie counts the lies; anywhere else one is too many. */
static bool is_lying_allowed(const struct judge *judge)
{
    return strcmp(judge->opts.expect, "rolled_back") == 0;
}

/* Something is wrong with the rows or with the answers, wherever the run has come to. */
static bool is_wrong(const struct judge *judge)
{
    const struct verdict *v = &judge->v;
    return judge->own.is_both || v->lost > 0 || v->duplicated > 0 || v->leaked > 0 ||
           v->rows_divergent > 0 || (v->wrong_answers > 0 && !is_lying_allowed(judge)) ||
           (v->requests_failed > 0 && !judge->opts.may_fail);
}

static bool is_where_expected(const struct judge *judge)
{
    const struct options *opts = &judge->opts;
    bool is_taken_back = strcmp(opts->outcome, "rolled_back") == 0;
    return strcmp(opts->outcome, opts->expect) == 0 &&
           !(is_taken_back && (judge->own.side == NEW || judge->own.is_nobody));
}

static bool is_passed(const struct judge *judge)
{
    const struct verdict *v = &judge->v;
    return !is_wrong(judge) && is_where_expected(judge) && v->rows_divergent == 0 &&
           (v->has_report || judge->opts.may_lack_report) && v->acknowledged > 0;
}

static int exit_status(const struct judge *judge)
{
    if (is_wrong(judge))
        return 1;
    return is_passed(judge) ? 0 : 3;
}

static const char *owner_name(const struct judge *judge)
{
    if (judge->own.is_both)
        return "both";
    return judge->own.is_nobody ? "nobody" : judge->sides[judge->own.side].name;
}

static bool write_verdict(const struct judge *judge, struct fx_err *err)
{
    const struct verdict *v = &judge->v;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 16);
    struct fx_json_w w;
    fx_json_w_init(&w, &out);
    fx_json_w_object(&w);
    fx_json_w_kv_i64(&w, "requests", v->requests);
    fx_json_w_kv_i64(&w, "requests_failed", v->requests_failed);
    fx_json_w_kv_i64(&w, "stale_reads", v->stale_reads);
    fx_json_w_kv_i64(&w, "wrong_answers", v->wrong_answers);
    fx_json_w_kv_i64(&w, "writes_acknowledged", v->acknowledged);
    fx_json_w_kv_i64(&w, "writes_unanswered", v->unanswered);
    fx_json_w_kv_i64(&w, "writes_lost", v->lost);
    fx_json_w_kv_i64(&w, "writes_duplicated", v->duplicated);
    fx_json_w_kv_i64(&w, "writes_leaked", v->leaked);
    fx_json_w_kv_i64(&w, "direct_writes", v->direct_writes);
    fx_json_w_kv_i64(&w, "direct_writes_refused", v->direct_refused);
    fx_json_w_kv_i64(&w, "write_pause_ms_max", v->pause_ms_max);
    fx_json_w_kv_i64(&w, "rows_compared", v->rows_compared);
    fx_json_w_kv_i64(&w, "rows_divergent", v->rows_divergent);
    fx_json_w_kv_i64(&w, "steps", judge->opts.steps);
    fx_json_w_kv_text(&w, "owner", owner_name(judge));
    fx_json_w_kv_text(&w, "judged_side", judge->sides[judge->own.side].name);
    fx_json_w_kv_text(&w, "old_state", judge->sides[OLD].state);
    fx_json_w_kv_text(&w, "new_state", judge->sides[NEW].state);
    fx_json_w_kv_i64(&w, "writes_behind", v->behind);
    fx_json_w_kv_text(&w, "outcome", judge->opts.outcome);
    fx_json_w_kv_text(&w, "expected", judge->opts.expect);
    fx_json_w_kv_bool(&w, "passed", is_passed(judge));
    fx_json_w_end(&w);
    fx_buf_add_char(&out, '\n');
    return judge->opts.out == NULL ||
           fx_file_write_atomic(judge->opts.out, fx_buf_str(&out), 0644, err);
}

static void print_owner(const struct judge *judge)
{
    const struct side *old = &judge->sides[OLD], *new = &judge->sides[NEW];
    const char *name = judge->sides[judge->own.side].name;
    printf("  owner      %8s", owner_name(judge));
    if (judge->own.is_nobody)
        printf("   accepts orders; the %s side owned them last and is judged", name);
    printf("   (old %s at epoch %" PRId64 ", new %s at epoch %" PRId64 ")\n", old->state,
           old->epoch, new->state, new->epoch);
    if (judge->v.behind > 0)
        printf("                        the other side is a copy, and %" PRId64
               " writes behind: nothing is lost by that\n",
               judge->v.behind);
}

static void add_finding(struct fx_buf *out, int64_t n, const char *what)
{
    if (n > 0)
        fx_buf_printf(out, "%s%" PRId64 " %s", out->len > 0 ? ", " : "", n, what);
}

static void print_failed(const struct judge *judge)
{
    const struct verdict *v = &judge->v;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    if (judge->own.is_both)
        fx_buf_add_c(&out, "both sides accept writes");
    add_finding(&out, v->lost, "lost");
    add_finding(&out, v->duplicated, "duplicated");
    add_finding(&out, v->leaked, "leaked past the fence");
    add_finding(&out, v->rows_divergent, "rows divergent");
    add_finding(&out, is_lying_allowed(judge) ? 0 : v->wrong_answers, "wrong answers");
    add_finding(&out, judge->opts.may_fail ? 0 : v->requests_failed, "requests failed");
    printf("FAILED: %s.\n", fx_buf_cstr(&out));
}

static const char *why_unfinished(const struct judge *judge)
{
    static const struct {
        const char *outcome, *why;
    } all[] = {
        {"held", "the run is held"},
        {"interrupted", "the run was interrupted"},
        {"rolled_back", "the plan was rolled back"},
        {"stuck", "the run is stuck"},
        {"failed", "the run ended with an error"},
    };
    if (judge->v.acknowledged == 0)
        return "no write was acknowledged, so there is nothing to judge";
    if (is_where_expected(judge))
        return judge->v.has_report ? "the comparison was inconclusive" : "nothing was compared";
    for (size_t i = 0; i < FX_ARRAY_LEN(all); i++)
        if (strcmp(all[i].outcome, judge->opts.outcome) == 0)
            return all[i].why;
    return "the run did not end as expected";
}

static void print_result(const struct judge *judge)
{
    if (is_wrong(judge))
        print_failed(judge);
    else if (is_passed(judge))
        printf("PASSED: nothing lost, nothing twice, nothing apart.\n");
    else
        printf("NOT FINISHED: %s. Nothing is lost: every acknowledged write is on the %s side%s.\n",
               why_unfinished(judge), judge->sides[judge->own.side].name,
               judge->own.is_nobody ? "" : ", which owns the orders");
}

static void print_verdict(const struct judge *judge)
{
    const struct verdict *v = &judge->v;
    const char *compared = v->rows_divergent < 0 ? " (inconclusive)" : "";
    printf("\nVerdict: %s (expected: %s)\n", judge->opts.outcome, judge->opts.expect);
    printf("  requests   %8" PRId64 "   failed %" PRId64 ", stale reads %" PRId64
           ", wrong answers %" PRId64 "\n",
           v->requests, v->requests_failed, v->stale_reads, v->wrong_answers);
    if (v->stale_reads > 0) /* the copy's lag: nothing was lost, and the stream brought it */
        printf("                        stale: a read missed a write younger than one second\n");
    printf("  writes     %8" PRId64 "   acknowledged; lost %" PRId64 ", duplicated %" PRId64
           ", leaked %" PRId64 ", without an answer %" PRId64 "\n",
           v->acknowledged, v->lost, v->duplicated, v->leaked, v->unanswered);
    printf("  nightly    %8" PRId64 "   direct writes; %" PRId64
           " refused while the new side owned the orders, tried again later\n",
           v->direct_writes, v->direct_refused);
    print_owner(judge);
    printf("  pause      %8" PRId64 "   ms, the longest that writes waited\n", v->pause_ms_max);
    if (v->has_report)
        printf("  rows       %8" PRId64 "   compared; divergent %" PRId64 "%s\n", v->rows_compared,
               v->rows_divergent, compared);
    else
        printf("  rows              -   never compared\n");
    printf("  steps      %8" PRId64 "   done\n", judge->opts.steps);
    print_result(judge);
}

static const struct fx_opt option_table[] = {
    FX_OPT_TEXT(struct options, dir, "dir", 0, "DIR", "where the ledgers are"),
    FX_OPT_TEXT(struct options, out, "out", 0, "FILE", "verdict.json"),
    FX_OPT_TEXT(struct options, old_db, "old", 0, "URL", "the monolith's database"),
    FX_OPT_TEXT(struct options, new_db, "new", 0, "URL",
                "the service's database; may be missing while the old side owns"),
    FX_OPT_TEXT(struct options, report, "report", 0, "FILE", "report.json of the last comparison"),
    FX_OPT_TEXT(struct options, outcome, "outcome", 0, "WORD",
                "migrated, rolled_back, held, interrupted, stuck or failed", .def = "failed"),
    FX_OPT_TEXT(struct options, expect, "expect", 0, "WORD", "outcome of this form",
                .def = "migrated"),
    FX_OPT_INT(struct options, steps, "steps", 0, "N", "steps that were done", .def = "0"),
    FX_OPT_INT(struct options, leaks, "leaks", 0, "N", "leaks that the streams saw", .def = "0"),
    FX_OPT_FLAG(struct options, may_fail, "may-fail", 0, "requests in flight may have failed"),
    FX_OPT_FLAG(struct options, may_lack_report, "may-lack-report", 0,
                "the run was taken back before it compared anything"),
    FX_OPT_FLAG(struct options, is_quiet, "quiet", 'q', "findings only"),
    FX_OPT_END,
};

static bool judge_run(struct judge *judge, int argc, char **argv, struct fx_err *err)
{
    struct options *opts = &judge->opts;
    struct fx_opt_set set = {option_table, opts};
    size_t n_words;
    if (!fx_opt_parse(&set, 1, argc - 1, argv + 1, NULL, 0, &n_words, err))
        return false;
    if (opts->dir == NULL || opts->old_db == NULL)
        return fx_fail(err, FX_E_USAGE, "--dir and --old are needed");
    struct verdict *v = &judge->v;
    v->requests = read_count(opts->dir, "customers.counts", "requests");
    v->requests_failed = read_count(opts->dir, "customers.counts", "requests_failed");
    v->stale_reads = read_count(opts->dir, "customers.counts", "stale_reads");
    v->wrong_answers = read_count(opts->dir, "customers.counts", "wrong_answers");
    v->direct_writes = read_count(opts->dir, "nightly.counts", "direct_writes");
    v->direct_refused = read_count(opts->dir, "nightly.counts", "direct_writes_refused");
    v->leaked = opts->leaks;
    return read_report(judge, err) && judge_all(judge, err) && write_verdict(judge, err);
}

int main(int argc, char **argv)
{
    struct judge judge = {0};
    struct fx_err err = FX_ERR_INIT;
    bool ok = judge_run(&judge, argc, argv, &err);
    ledger_book_done(&judge.book);
    side_done(&judge.sides[OLD]);
    side_done(&judge.sides[NEW]);
    if (!ok)
        return fx_err_report(&err, "judge");
    if (!judge.opts.is_quiet || !is_passed(&judge))
        print_verdict(&judge);
    return exit_status(&judge);
}
