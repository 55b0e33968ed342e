/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nightly job: a program that nobody moved behind the facade. It writes straight to the
 * monolith's database, as such jobs do: new orders, increments, a status, a row that it deletes.
 *
 * Refused by the fence (40001 and 25006), it keeps the work and tries again later under the same
 * reference; each refusal is counted. Every attempt stands in the ledger. After the cut-over, a
 * write of its that the monolith's database still *accepts* is a leak; the judge finds it.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "lib/cli/opt.h"
#include "lib/db/db.h"
#include "lib/fmt/text.h"
#include "tests/demo/ledger.h"
#include "tests/harness/session.h"

struct options {
    const char *db;
    const char *dir;
    int64_t seed, seed_orders, pause_ms;
};

struct job {
    struct options opts;
    struct fx_db_conf conf;
    struct fx_db *db;
    struct ledger ledger;
    struct fx_rand rnd;
    int64_t refused, acknowledged, unknown;
};

/* One piece of work; it stays the same from attempt to attempt. */
struct work {
    enum ledger_kind kind;
    char ref[48];
    int64_t order, by, cents;
};

static fx_cell cell(int64_t n, char text[24])
{
    int len = snprintf(text, 24, "%" PRId64, n);
    return (fx_cell){text, (size_t)len};
}

static bool write_create(struct job *job, const struct work *work, int64_t *ret_id,
                         struct fx_err *err)
{
    char cents[24];
    fx_cell params[] = {fx_str_from(work->ref), cell(work->cents, cents)};
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(job->db,
                     "insert into orders (customer_id, ref, status, total)"
                     " values (9999, ?, 'nightly', cast(? as bigint) / 100.0) returning id",
                     params, 2, &rows, err))
        return false;
    return fx_parse_i64(fx_rows_at(&rows, 0, 0), 1, INT64_MAX, ret_id);
}

/* The increment, and with it what the ledger does not judge but the comparison does. */
static bool write_increment(struct job *job, const struct work *work, struct fx_err *err)
{
    char by[24], order[24];
    fx_cell params[] = {cell(work->by, by), cell(work->order, order)};
    return fx_db_exec(job->db, "update orders set hits = hits + cast(? as bigint) where id = ?",
                      params, 2, NULL, err) &&
           fx_db_exec(job->db, "update order_lines set quantity = quantity + 1 where order_id = ?",
                      params + 1, 1, NULL, err) &&
           fx_db_exec(job->db, "delete from order_facts where order_id = cast(? as bigint) + 1",
                      params + 1, 1, NULL, err);
}

/* false: not done for certain, or not known (ret_is_known). */
static bool attempt(struct job *job, const struct work *work, int64_t *ret_id, bool *ret_is_known,
                    struct fx_err *err)
{
    *ret_is_known = true;
    *ret_id = work->order;
    if (job->db == NULL && !session_open(&job->conf, &job->db, err))
        return false;
    bool ok = fx_db_exec(job->db, "begin", NULL, 0, NULL, err) &&
              (work->kind == LEDGER_CREATE ? write_create(job, work, ret_id, err)
                                           : write_increment(job, work, err));
    if (ok) {
        ok = fx_db_exec(job->db, "commit", NULL, 0, NULL, err);
        *ret_is_known = ok || !fx_db_is_broken(job->db);
    } else if (!fx_db_is_broken(job->db)) {
        struct fx_err ignored = FX_ERR_INIT;
        (void)!fx_db_exec(job->db, "rollback", NULL, 0, NULL, &ignored);
    }
    if (fx_db_is_broken(job->db)) {
        fx_db_close(job->db);
        job->db = NULL;
    }
    return ok;
}

static void write_counts(const struct job *job)
{
    FX_AUTO_STR char *path = fx_asprintf("%s/nightly.counts", job->opts.dir);
    FX_AUTO_STR char *part = fx_asprintf("%s.part", path);
    FILE *file = fopen(part, "we");
    if (file == NULL)
        return;
    fprintf(file, "direct_writes %" PRId64 "\ndirect_writes_refused %" PRId64 "\n",
            job->acknowledged, job->refused);
    if (fclose(file) == 0)
        (void)!rename(part, path);
}

/* true: this piece is settled, go on to the next. */
static bool settle(struct job *job, const struct work *work)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_mono start = fx_mono_now();
    int64_t id;
    bool is_known;
    ledger_intent(&job->ledger, work->kind, work->ref, work->order, work->by);
    if (attempt(job, work, &id, &is_known, &err)) {
        ledger_acknowledged(&job->ledger, work->ref, id,
                            fx_mono_since_us(start, fx_mono_now()) / 1000);
        job->acknowledged++;
        return true;
    }
    if (!is_known) {
        ledger_no_answer(&job->ledger, work->ref);
        job->unknown++;
        return true;
    }
    ledger_refused(&job->ledger, work->ref);
    job->refused++;
    return false;
}

static void next_work(struct job *job, int64_t n, struct work *work)
{
    *work =
        (struct work){.kind = fx_rand_below(&job->rnd, 2) == 0 ? LEDGER_CREATE : LEDGER_INCREMENT};
    snprintf(work->ref, sizeof work->ref, "night-%" PRId64, n);
    work->cents = 100 + (int64_t)fx_rand_below(&job->rnd, 10000);
    work->by = 1;
    if (work->kind == LEDGER_INCREMENT)
        work->order = 1 + (int64_t)fx_rand_below(&job->rnd, (uint64_t)job->opts.seed_orders);
}

static void job_run(struct job *job)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    struct timespec pause = {.tv_sec = job->opts.pause_ms / 1000,
                             .tv_nsec = job->opts.pause_ms % 1000 * 1000000};
    struct work work;
    int64_t n = 0;
    next_work(job, ++n, &work);
    do {
        if (settle(job, &work))
            next_work(job, ++n, &work);
        write_counts(job);
    } while (sigtimedwait(&ends, NULL, &pause) < 0);
}

static const struct fx_opt option_table[] = {
    FX_OPT_TEXT(struct options, db, "db", 0, "URL", "the monolith's database"),
    FX_OPT_TEXT(struct options, dir, "dir", 0, "DIR", "ledger and counts"),
    FX_OPT_INT(struct options, seed, "seed", 0, "N", "of all randomness", .def = "1"),
    FX_OPT_INT(struct options, seed_orders, "orders", 0, "N", "orders 1 to N exist", .def = "100"),
    FX_OPT_INT(struct options, pause_ms, "pause-ms", 0, "N", "between two attempts", .def = "100"),
    FX_OPT_END,
};

static bool job_open(struct job *job, int argc, char **argv, struct fx_arena *arena,
                     struct fx_err *err)
{
    struct fx_opt_set set = {option_table, &job->opts};
    size_t n_words;
    if (!fx_opt_parse(&set, 1, argc - 1, argv + 1, NULL, 0, &n_words, err))
        return false;
    if (job->opts.db == NULL || job->opts.dir == NULL || job->opts.seed_orders == 0)
        return fx_fail(err, FX_E_USAGE, "--db and --dir are needed");
    job->conf.name = "nightly";
    fx_rand_init(&job->rnd, (uint64_t)job->opts.seed);
    return fx_db_conf_parse(job->opts.db, arena, &job->conf, err) &&
           ledger_open(&job->ledger, job->opts.dir, "nightly", err);
}

int main(int argc, char **argv)
{
    struct job job = {0};
    struct fx_err err = FX_ERR_INIT;
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    if (!job_open(&job, argc, argv, &arena, &err))
        return fx_err_report(&err, "nightly");
    job_run(&job);
    fx_db_close(job.db);
    return 0;
}
