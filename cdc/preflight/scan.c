/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See scan.h. Each worker has a session of its own and takes piece after piece; the calling thread
 * keeps the file and says how far it is.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "cdc/preflight/pieces.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/io/failpoint.h"
#include "lib/io/file.h"

enum { TICK_MS = 200, SAVE_MS = 1000, SAVE_TEXT_MAX = 64 << 20, COUNT_EVERY = 1000 };

struct scan {
    const struct cdc_scan_spec *spec;
    size_t text_max;
    int64_t total_rows; /* as the server estimates */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* Below: under the mutex. */
    struct cdc_pieces pieces;
    int64_t n_rows; /* judged now; those of an earlier scan are apart */
    size_t n_running;
    bool has_failed, is_unsaved;
    struct fx_err err; /* of the first that failed */
};

/* --- a worker --------------------------------------------------------------------------------- */

static void fail(struct scan *scan, const struct fx_err *err)
{
    pthread_mutex_lock(&scan->mutex);
    if (!scan->has_failed)
        scan->err = *err;
    scan->has_failed = true;
    pthread_mutex_unlock(&scan->mutex);
}

static bool take(struct scan *scan, struct fx_db *db, struct cdc_piece **ret, struct fx_err *err)
{
    pthread_mutex_lock(&scan->mutex);
    *ret = NULL;
    bool is_ok = scan->has_failed || cdc_pieces_take(&scan->pieces, db, ret, err);
    pthread_mutex_unlock(&scan->mutex);
    return is_ok;
}

static void count(struct scan *scan, int64_t n)
{
    pthread_mutex_lock(&scan->mutex);
    scan->n_rows += n;
    pthread_mutex_unlock(&scan->mutex);
}

static bool open_piece(const struct scan *scan, const struct cdc_piece *piece,
                       const struct cdc_judge *judge, struct fx_db *db, struct fx_scan **ret,
                       struct fx_err *err)
{
    const struct fx_table *table = cdc_source_table(scan->spec->binding, piece->table);
    FX_AUTO(fx_buf) struct fx_buf where = FX_BUF(4096), key = FX_BUF(1024);
    fx_cell bounds[2];
    size_t n = 0;
    fx_db_ident(fx_db_engine(db), table->columns[table->key[0]].name, &key);
    if (piece->low != NULL) {
        fx_buf_printf(&where, "%s > ?", fx_buf_cstr(&key));
        bounds[n++] = fx_str_from(piece->low);
    }
    if (piece->high != NULL) {
        fx_buf_printf(&where, "%s%s <= ?", n > 0 ? " and " : "", fx_buf_cstr(&key));
        bounds[n++] = fx_str_from(piece->high);
    }
    return fx_scan_open(db,
                        &(struct fx_scan_spec){.table = table,
                                               .columns = judge->columns,
                                               .n_columns = judge->n_columns,
                                               .where = n > 0 ? fx_buf_cstr(&where) : NULL,
                                               .params = bounds,
                                               .n_params = n},
                        ret, err);
}

static bool judge_rows(struct scan *scan, struct cdc_judge *judge, struct fx_scan *rows,
                       int64_t *ret_n, struct fx_err *err)
{
    struct fx_value *row = NULL;
    bool is_ok;
    int64_t n = 0;
    while ((is_ok = fx_scan_next(rows, &row, err)) && row != NULL) {
        cdc_judge_row(judge, row);
        if (++n % COUNT_EVERY == 0)
            count(scan, COUNT_EVERY);
    }
    count(scan, n % COUNT_EVERY);
    *ret_n = n;
    return is_ok;
}

static bool read_piece(struct scan *scan, struct fx_db *db, struct cdc_piece *piece,
                       struct fx_err *err)
{
    struct cdc_judge judge;
    struct fx_scan *rows = NULL;
    int64_t n = 0;
    cdc_judge_init(&judge, scan->spec, piece->table, scan->text_max);
    bool is_ok = open_piece(scan, piece, &judge, db, &rows, err);
    if (is_ok) {
        is_ok = judge_rows(scan, &judge, rows, &n, err);
        fx_scan_close(rows);
    }
    pthread_mutex_lock(&scan->mutex);
    piece->n_rows = n;
    piece->is_read = is_ok;
    piece->found = is_ok ? cdc_judge_take(&judge) : NULL;
    piece->is_clean = is_ok && piece->found == NULL;
    scan->is_unsaved |= piece->is_clean;
    pthread_mutex_unlock(&scan->mutex);
    cdc_judge_done(&judge);
    if (!is_ok)
        return fx_ctx(err, "scanning table \"%s\"",
                      scan->spec->binding->ctx.tables[piece->table].old_name);
    FX_FAILPOINT("preflight.piece.after");
    return true;
}

static void work_in(struct scan *scan, struct fx_db *db)
{
    struct fx_err why = FX_ERR_INIT;
    struct cdc_piece *piece = NULL;
    bool is_ok;
    while ((is_ok = take(scan, db, &piece, &why)) && piece != NULL && is_ok)
        is_ok = read_piece(scan, db, piece, &why);
    if (fx_err_is(&why))
        fail(scan, &why);
}

static void *work(void *arg)
{
    struct scan *scan = arg;
    struct fx_db *db = NULL;
    struct fx_err why = FX_ERR_INIT;
    if (fx_db_open(scan->spec->sides->old_side.conf, &db, &why)) {
        work_in(scan, db);
        fx_db_close(db);
    }
    pthread_mutex_lock(&scan->mutex);
    scan->n_running--;
    pthread_cond_broadcast(&scan->changed);
    pthread_mutex_unlock(&scan->mutex);
    return NULL; /* a server that gives us fewer sessions is read by fewer */
}

/* --- the calling thread ----------------------------------------------------------------------- */

static void save(struct scan *scan)
{
    struct fx_err ignored = FX_ERR_INIT; /* without the file the scan cannot be resumed: no more */
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(SAVE_TEXT_MAX);
    pthread_mutex_lock(&scan->mutex);
    bool is_due = scan->spec->file != NULL && scan->is_unsaved;
    scan->is_unsaved = false;
    if (is_due)
        cdc_pieces_write(&scan->pieces, &text);
    pthread_mutex_unlock(&scan->mutex);
    if (is_due && !text.has_failed &&
        !fx_file_write_atomic(scan->spec->file, fx_buf_str(&text), 0600, &ignored))
        fx_err_clear(&ignored);
}

static void tell(struct scan *scan)
{
    pthread_mutex_lock(&scan->mutex);
    struct cdc_scan_at at = {.rows = scan->n_rows + scan->pieces.resumed_rows,
                             .resumed_rows = scan->pieces.resumed_rows,
                             .total_rows = scan->total_rows};
    pthread_mutex_unlock(&scan->mutex);
    if (scan->spec->on_progress != NULL)
        scan->spec->on_progress(scan->spec->arg, &at);
}

/* True when a worker has ended. */
static bool wait_tick(struct scan *scan)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&scan->mutex);
    if (scan->n_running > 0)
        (void)pthread_cond_timedwait(&scan->changed, &scan->mutex, &until);
    bool is_over = scan->n_running == 0;
    pthread_mutex_unlock(&scan->mutex);
    return is_over;
}

static void wait_workers(struct scan *scan)
{
    struct fx_mono saved = fx_mono_now();
    tell(scan);
    while (!wait_tick(scan)) {
        tell(scan);
        if (fx_mono_since_us(saved, fx_mono_now()) < SAVE_MS * INT64_C(1000))
            continue;
        save(scan);
        saved = fx_mono_now();
    }
    save(scan);
    tell(scan);
}

/* The session of the preflight itself reads, too, when no other could be had. */
static void run_workers(struct scan *scan)
{
    size_t n = scan->spec->n_sessions, n_started = 0;
    pthread_t *threads = fx_alloc_array(n + 1, sizeof *threads);
    scan->n_running = n;
    for (size_t i = 0; i < n; i++) {
        if (pthread_create(&threads[n_started], NULL, work, scan) == 0) {
            n_started++;
            continue;
        }
        pthread_mutex_lock(&scan->mutex);
        scan->n_running--;
        pthread_mutex_unlock(&scan->mutex);
    }
    wait_workers(scan);
    for (size_t i = 0; i < n_started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    if (!scan->has_failed)
        work_in(scan, scan->spec->sides->old_side.db);
}

static void report(const struct scan *scan, struct fx_findings *f)
{
    FX_VEC(struct cdc_bad_values *) bad = {0};
    for (size_t t = 0; t < scan->spec->binding->ctx.n_tables; t++) {
        FX_VEC_CLEAR(&bad);
        for (size_t i = 0; i < scan->pieces.all.len; i++)
            if (scan->pieces.all.items[i]->table == t && scan->pieces.all.items[i]->found != NULL)
                FX_VEC_PUSH(&bad, scan->pieces.all.items[i]->found);
        if (bad.len > 0)
            cdc_bad_values_report(scan->spec, t, bad.items, bad.len, f);
    }
    FX_VEC_DONE(&bad);
}

static bool estimate(struct scan *scan, struct fx_err *err)
{
    const struct cdc_side *side = &scan->spec->sides->old_side;
    const struct cdc_binding *binding = scan->spec->binding;
    for (size_t t = 0; t < binding->ctx.n_tables; t++) {
        int64_t n = 0;
        if (!binding->ctx.tables[t].is_bound)
            continue;
        if (!side->engine->source.estimate_rows(side->db, cdc_source_table(binding, t), &n, err))
            return cdc_side_err(side, err);
        scan->total_rows += n;
    }
    return true;
}

/* How long a statement may be is asked where a limit of the server is the first to be reached. */
static bool ask_text_max(struct scan *scan, struct fx_err *err)
{
    const struct cdc_side *side = &scan->spec->sides->new_side;
    return side->engine->target.fail_too_long == NULL ||
           side->engine->target.prepare(scan->spec->binding, side->db, &scan->text_max, err) ||
           cdc_side_err(side, err);
}

bool cdc_scan_values(const struct cdc_scan_spec *spec, struct fx_findings *f, struct fx_err *err)
{
    struct scan scan = {.spec = spec};
    if (!estimate(&scan, err) || !ask_text_max(&scan, err))
        return false;
    pthread_mutex_init(&scan.mutex, NULL);
    pthread_cond_init(&scan.changed, NULL);
    cdc_pieces_init(&scan.pieces, spec);
    run_workers(&scan);
    bool is_ok = !scan.has_failed;
    if (is_ok) {
        report(&scan, f);
        is_ok = spec->file == NULL || fx_file_remove(spec->file, err);
    } else {
        *err = scan.err;
        fx_err_as_source(err);
    }
    cdc_pieces_done(&scan.pieces);
    pthread_cond_destroy(&scan.changed);
    pthread_mutex_destroy(&scan.mutex);
    return is_ok;
}
