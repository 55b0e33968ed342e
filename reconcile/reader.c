/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of batches between two threads: the reader fills the one after the `n_ready` oldest, the
 * merge drains the oldest. A batch is an arena: values are copied into it once and it is cleared as
 * a whole.
 */
#include "reconcile/reader.h"

#include <errno.h>
#include <pthread.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/io/failpoint.h"

struct batch {
    struct fx_arena arena;
    struct fx_value *rows[REC_BATCH_ROWS];
    size_t n_rows;
};

struct rec_reader {
    struct rec_reader_spec spec;
    pthread_t thread;
    bool has_thread;
    size_t at_row; /* of the merge, in the oldest batch */
    bool is_draining;
    struct fx_err err; /* valid once has_failed */
    struct {           /* under the mutex */
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        struct batch batches[REC_BATCHES];
        size_t first, n_ready;
        bool is_finished, has_failed, is_stopping;
    } shared;
};

static const struct fx_table *own_table(const struct rec_reader_spec *spec)
{
    bool is_old = (spec->direction == FX_FORWARD) == spec->is_source;
    return is_old ? spec->map->old_table : spec->map->new_table;
}

static const int *own_index(const struct rec_reader_spec *spec)
{
    bool is_old = (spec->direction == FX_FORWARD) == spec->is_source;
    return is_old ? spec->map->old_index : spec->map->new_index;
}

/* Mapping wants the whole source row; of the target only the mapped columns are read. */
static bool open_scan(const struct rec_reader_spec *spec, struct fx_scan **ret_scan,
                      struct fx_err *err)
{
    const struct fx_table *table = own_table(spec);
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    size_t n = spec->is_source ? table->n_columns : spec->map->n_columns;
    int *columns = fx_arena_array(&arena, n, sizeof *columns);
    for (size_t i = 0; i < n; i++)
        columns[i] = spec->is_source ? (int)i : own_index(spec)[i];
    struct fx_scan_spec scan = {.table = table,
                                .columns = columns,
                                .n_columns = n,
                                .is_ordered = true,
                                .where = spec->where,
                                .keeps_unreadable = true};
    return fx_scan_open(spec->db, &scan, ret_scan, err);
}

/* A value that the target's type cannot express differs
 * from whatever is there; only a key must be what it is. */
static bool map_row(const struct rec_reader_spec *spec, const struct fx_value *row,
                    struct fx_value *values, struct fx_arena *arena, struct fx_err *err)
{
    const struct fx_table *table = own_table(spec);
    for (size_t i = 0; i < spec->map->n_columns; i++) {
        const struct fx_column *column = &table->columns[own_index(spec)[i]];
        const struct fx_value *value = &row[own_index(spec)[i]];
        if (fx_map_pair(spec->map, i, spec->direction, value, &values[i], arena, err))
            continue;
        if (err->code != FX_E_SOURCE_DATA || column->key_index >= 0)
            return fx_ctx(err, "mapping column \"%s\" of table \"%s.%s\"", column->name,
                          table->schema, table->name);
        FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096);
        fx_value_show_whole(value, &text); /* a value still: what is printed of it is hidden */
        fx_err_clear(err);
        values[i] =
            (struct fx_value){.kind = FX_V_UNREADABLE, .s = fx_arena_str(arena, fx_buf_str(&text))};
    }
    return true;
}

static bool add_row(const struct rec_reader_spec *spec, struct batch *batch,
                    const struct fx_value *row, struct fx_err *err)
{
    size_t n = spec->map->n_columns;
    struct fx_value *values = fx_arena_array(&batch->arena, n, sizeof *values);
    if (spec->is_source && !map_row(spec, row, values, &batch->arena, err))
        return false;
    for (size_t i = 0; i < n; i++)
        values[i] = fx_value_copy(spec->is_source ? &values[i] : &row[i], &batch->arena);
    batch->rows[batch->n_rows++] = values;
    return true;
}

/* Fills one batch; *ret_more false at the end of the table. */
static bool fill(struct rec_reader *reader, struct fx_scan *scan, struct batch *batch,
                 bool *ret_more, struct fx_err *err)
{
    fx_arena_clear(&batch->arena);
    batch->n_rows = 0;
    while (batch->n_rows < REC_BATCH_ROWS && batch->arena.used_bytes < REC_BATCH_BYTES) {
        struct fx_value *row;
        if (!fx_scan_next(scan, &row, err))
            return false;
        if (row == NULL) {
            *ret_more = false;
            return true;
        }
        if (!add_row(&reader->spec, batch, row, err))
            return false;
    }
    *ret_more = true;
    return true;
}

/* The next batch to fill, or NULL when the merge wants no more. */
static struct batch *wait_for_room(struct rec_reader *reader)
{
    struct batch *batch = NULL;
    pthread_mutex_lock(&reader->shared.mutex);
    while (reader->shared.n_ready == REC_BATCHES && !reader->shared.is_stopping)
        pthread_cond_wait(&reader->shared.changed, &reader->shared.mutex);
    if (!reader->shared.is_stopping)
        batch =
            &reader->shared.batches[(reader->shared.first + reader->shared.n_ready) % REC_BATCHES];
    pthread_mutex_unlock(&reader->shared.mutex);
    return batch;
}

static void publish(struct rec_reader *reader, bool is_finished, bool has_failed)
{
    pthread_mutex_lock(&reader->shared.mutex);
    if (!has_failed)
        reader->shared.n_ready++;
    reader->shared.is_finished = is_finished;
    reader->shared.has_failed = has_failed;
    pthread_cond_broadcast(&reader->shared.changed);
    pthread_mutex_unlock(&reader->shared.mutex);
}

/*
 * Which side failed is part of the error, and of its exit status: a value of the target is no
 * SOURCE_DATA. Only a key's value gets that far.
 */
static void name_side(const struct rec_reader *reader, struct fx_err *err)
{
    const struct fx_table *table = own_table(&reader->spec);
    bool is_value = err->code == FX_E_SOURCE_DATA;
    if (is_value && err->hint[0] == '\0')
        fx_hint(err,
                "Rows cannot be compared without their key. Correct that row of table \"%s.%s\" on "
                "the %s by hand, then run: ficus reconcile run --context NAME",
                table->schema, table->name, reader->spec.is_source ? "source" : "target");
    if (reader->spec.is_source)
        fx_err_as_source(err);
    else if (is_value)
        fx_err_recode(err, FX_E_TARGET);
    else
        fx_err_as_target(err);
}

static void *read_table(void *arg)
{
    struct rec_reader *reader = arg;
    struct fx_scan *scan = NULL;
    bool has_more = true;
    bool is_ok = open_scan(&reader->spec, &scan, &reader->err);
    while (is_ok && has_more) {
        struct batch *batch = wait_for_room(reader);
        if (batch == NULL)
            break;
        is_ok = fill(reader, scan, batch, &has_more, &reader->err);
        if (is_ok)
            publish(reader, !has_more, false);
    }
    if (scan != NULL)
        fx_scan_close(scan);
    if (!is_ok) {
        name_side(reader, &reader->err);
        publish(reader, true, true);
    }
    return NULL;
}

struct rec_reader *rec_reader_start(const struct rec_reader_spec *spec)
{
    struct rec_reader *reader = FX_NEW(struct rec_reader);
    reader->spec = *spec;
    pthread_mutex_init(&reader->shared.mutex, NULL);
    pthread_cond_init(&reader->shared.changed, NULL);
    for (size_t i = 0; i < REC_BATCHES; i++)
        fx_arena_init(&reader->shared.batches[i].arena, 0);
    int rc = fx_failpoint_error("reconcile.thread")
                 ? EAGAIN
                 : pthread_create(&reader->thread, NULL, read_table, reader);
    reader->has_thread = rc == 0;
    if (rc != 0) { /* told by the first rec_reader_next, like every failure of the thread */
        (void)fx_fail_errno(&reader->err, FX_E_IO, rc, "could not start a thread to compare rows");
        (void)fx_hint(&reader->err,
                      "Raise the limits of processes (ulimit -u) and memory of this "
                      "user, then run the same command again; in a run: ficus run resume");
        reader->shared.is_finished = reader->shared.has_failed = true;
    }
    return reader;
}

/* Gives back the drained batch and waits for the next one; NULL: finished or failed. */
static struct batch *next_batch(struct rec_reader *reader)
{
    struct batch *batch = NULL;
    pthread_mutex_lock(&reader->shared.mutex);
    if (reader->is_draining) {
        reader->shared.first = (reader->shared.first + 1) % REC_BATCHES;
        reader->shared.n_ready--;
        pthread_cond_broadcast(&reader->shared.changed);
    }
    while (reader->shared.n_ready == 0 && !reader->shared.is_finished)
        pthread_cond_wait(&reader->shared.changed, &reader->shared.mutex);
    reader->is_draining = reader->shared.n_ready > 0 && !reader->shared.has_failed;
    if (reader->is_draining)
        batch = &reader->shared.batches[reader->shared.first];
    pthread_mutex_unlock(&reader->shared.mutex);
    reader->at_row = 0;
    return batch;
}

bool rec_reader_next(void *arg, const struct fx_value **ret_row, struct fx_err *err)
{
    struct rec_reader *reader = arg;
    struct batch *batch =
        reader->is_draining ? &reader->shared.batches[reader->shared.first] : next_batch(reader);
    while (batch != NULL && reader->at_row == batch->n_rows)
        batch = next_batch(reader);
    if (batch == NULL) {
        *ret_row = NULL;
        if (!reader->shared.has_failed) /* is_finished was seen under the mutex: both are final */
            return true;
        *err = reader->err;
        return false;
    }
    *ret_row = batch->rows[reader->at_row++];
    return true;
}

void rec_reader_stop(struct rec_reader *reader)
{
    if (reader == NULL)
        return;
    pthread_mutex_lock(&reader->shared.mutex);
    reader->shared.is_stopping = true;
    pthread_cond_broadcast(&reader->shared.changed);
    pthread_mutex_unlock(&reader->shared.mutex);
    if (reader->has_thread)
        pthread_join(reader->thread, NULL);
    for (size_t i = 0; i < REC_BATCHES; i++)
        fx_arena_done(&reader->shared.batches[i].arena);
    pthread_mutex_destroy(&reader->shared.mutex);
    pthread_cond_destroy(&reader->shared.changed);
    free(reader);
}
