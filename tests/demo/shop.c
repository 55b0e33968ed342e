/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers and session pool of the shop's two programs; see shop.h for the API and for what each
 * status promises about a write.
 */
#include "tests/demo/shop.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/vec.h"
#include "lib/cli/opt.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"
#include "lib/fmt/text.h"
#include "lib/http/h1_write.h"
#include "tests/harness/session.h"

struct shop {
    const struct shop_side *side;
    struct fx_db_conf conf;
    const char *break_file; /* while it exists, this side answers wrongly */
    pthread_mutex_t lock;
    FX_VEC(struct fx_db *) idle; /* under lock */
};

/* --- sessions -------------------------------------------------------------------------------- */

static struct fx_db *session_take(struct shop *shop, struct fx_err *err)
{
    struct fx_db *db = NULL;
    pthread_mutex_lock(&shop->lock);
    if (shop->idle.len > 0)
        db = shop->idle.items[--shop->idle.len];
    pthread_mutex_unlock(&shop->lock);
    if (db == NULL && !session_open(&shop->conf, &db, err))
        return NULL;
    return db;
}

/* A session that met a lost connection may not be alone: the others find out by themselves. */
static void session_give(struct shop *shop, struct fx_db *db)
{
    if (db == NULL)
        return;
    if (fx_db_is_broken(db)) {
        fx_db_close(db);
        return;
    }
    pthread_mutex_lock(&shop->lock);
    FX_VEC_PUSH(&shop->idle, db);
    pthread_mutex_unlock(&shop->lock);
}

/* --- answers --------------------------------------------------------------------------------- */

static void answer_error(struct fx_serve_reply *reply, int status, const char *text)
{
    reply->status = status;
    fx_buf_clear(&reply->body);
    struct fx_json_w w;
    fx_json_w_init(&w, &reply->body);
    fx_json_w_object(&w);
    fx_json_w_kv_text(&w, "error", text);
    fx_json_w_end(&w);
}

static void answer_refused(struct fx_serve_reply *reply, const struct fx_err *err)
{
    answer_error(reply, 503, err->message);
    fx_h1_write_field(&reply->fields, FX_STR("Retry-After"), FX_STR("1"));
}

/* A statement failed. Is it certain that nothing of the write is on disk? */
static void answer_failed(struct fx_serve_reply *reply, const struct fx_err *err,
                          bool is_outcome_known)
{
    bool is_fence = strcmp(err->sqlstate, "40001") == 0 || strcmp(err->sqlstate, "25006") == 0 ||
                    strcmp(err->sqlstate, "45000") == 0;
    if (is_outcome_known && (is_fence || err->is_retriable))
        answer_refused(reply, err);
    else
        answer_error(reply, 500, err->message);
}

static void add_cell(struct fx_json_w *w, const char *key, fx_cell cell)
{
    fx_json_w_key(w, key);
    if (cell.ptr == NULL)
        fx_json_w_null(w);
    else
        fx_json_w_str(w, cell);
}

/* --- reads ----------------------------------------------------------------------------------- */

/* The fault of the demo's BREAK=service: cents shown as euros, as real migrations have done. */
static bool is_broken_now(const struct shop *shop)
{
    return shop->break_file != NULL && access(shop->break_file, F_OK) == 0;
}

static void add_total(const struct shop *shop, struct fx_json_w *w, fx_cell total)
{
    struct fx_str cents;
    struct fx_str euros = fx_str_cut(total, '.', &cents);
    char wrong[64];
    if (!is_broken_now(shop) || total.ptr == NULL) {
        add_cell(w, "total", total);
        return;
    }
    snprintf(wrong, sizeof wrong, "%.*s%.*s.00", FX_STR_FMT(euros), FX_STR_FMT(cents));
    fx_json_w_kv_text(w, "total", wrong);
}

static void add_generated_at(struct fx_json_w *w)
{
    char now[FX_WALL_TEXT];
    fx_wall_text(fx_wall_now(), now);
    fx_json_w_kv_text(w, "generated_at", now);
}

static bool find_rows(struct fx_db *db, const char *sql, struct fx_str id, struct fx_rows *ret,
                      struct fx_err *err)
{
    return fx_db_query(db, sql, &id, 1, ret, err);
}

static void write_order(const struct shop *shop, struct fx_str id, const struct fx_rows *order,
                        const struct fx_rows *lines, struct fx_buf *out)
{
    struct fx_json_w w;
    fx_json_w_init(&w, out);
    fx_json_w_object(&w);
    fx_json_w_key(&w, "id");
    fx_json_w_raw(&w, id);
    fx_json_w_key(&w, "customer");
    fx_json_w_raw(&w, fx_rows_at(order, 0, 0));
    add_cell(&w, "ref", fx_rows_at(order, 0, 1));
    add_cell(&w, "status", fx_rows_at(order, 0, 2));
    add_total(shop, &w, fx_rows_at(order, 0, 3));
    fx_json_w_key(&w, "hits");
    fx_json_w_raw(&w, fx_rows_at(order, 0, 4));
    add_cell(&w, "message", fx_rows_at(order, 0, 5));
    add_cell(&w, "due", fx_rows_at(order, 0, 6));
    fx_json_w_key(&w, "lines");
    fx_json_w_array(&w);
    for (size_t i = 0; i < lines->n_rows; i++) {
        fx_json_w_object(&w);
        add_cell(&w, "product", fx_rows_at(lines, i, 0));
        add_cell(&w, "quantity", fx_rows_at(lines, i, 1));
        add_cell(&w, "price", fx_rows_at(lines, i, 2));
        fx_json_w_end(&w);
    }
    fx_json_w_end(&w);
    add_generated_at(&w);
    fx_json_w_end(&w);
}

static void get_order(struct shop *shop, struct fx_db *db, struct fx_str id,
                      struct fx_serve_reply *reply)
{
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_rows) struct fx_rows order = {0};
    FX_AUTO(fx_rows) struct fx_rows lines = {0};
    if (!find_rows(db, shop->side->find_order, id, &order, &err) ||
        !find_rows(db, shop->side->find_lines, id, &lines, &err)) {
        answer_failed(reply, &err, true);
        return;
    }
    if (order.n_rows == 0) {
        answer_error(reply, 404, "no such order");
        return;
    }
    write_order(shop, id, &order, &lines, &reply->body);
}

static void get_newest(struct shop *shop, struct fx_db *db, struct fx_str customer,
                       struct fx_serve_reply *reply)
{
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!find_rows(db, shop->side->find_newest, customer, &rows, &err)) {
        answer_failed(reply, &err, true);
        return;
    }
    struct fx_json_w w;
    fx_json_w_init(&w, &reply->body);
    fx_json_w_object(&w);
    fx_json_w_key(&w, "orders");
    fx_json_w_array(&w);
    for (size_t i = 0; i < rows.n_rows; i++) {
        fx_json_w_object(&w);
        fx_json_w_key(&w, "id");
        fx_json_w_raw(&w, fx_rows_at(&rows, i, 0));
        add_total(shop, &w, fx_rows_at(&rows, i, 1));
        fx_json_w_end(&w);
    }
    fx_json_w_end(&w);
    add_generated_at(&w);
    fx_json_w_end(&w);
}

/* --- writes ---------------------------------------------------------------------------------- */

static fx_cell cell_i64(int64_t n, char text[24])
{
    int len = snprintf(text, 24, "%lld", (long long)n);
    return (fx_cell){text, (size_t)len};
}

static bool insert_lines(const struct shop_side *side, struct fx_db *db, fx_cell order,
                         const struct fx_json *lines, struct fx_err *err)
{
    for (size_t i = 0; i < fx_json_len(lines); i++) {
        const struct fx_json *line = fx_json_at(lines, i);
        char product[24], quantity[24], cents[24];
        fx_cell params[] = {order, cell_i64(fx_json_get_i64(line, "product", 1), product),
                            cell_i64(fx_json_get_i64(line, "quantity", 1), quantity),
                            cell_i64(fx_json_get_i64(line, "price_cents", 0), cents)};
        if (!fx_db_exec(db, side->insert_line, params, 4, NULL, err))
            return false;
    }
    return true;
}

/* Everything up to the commit: a failure here means that nothing is written. */
static bool insert_order(const struct shop_side *side, struct fx_db *db,
                         const struct fx_json *order, char ret_id[24], struct fx_err *err)
{
    const struct fx_json *lines = fx_json_get(order, "lines");
    int64_t total = 0;
    for (size_t i = 0; i < fx_json_len(lines); i++) {
        const struct fx_json *line = fx_json_at(lines, i);
        total += fx_json_get_i64(line, "quantity", 1) * fx_json_get_i64(line, "price_cents", 0);
    }
    char customer[24], cents[24];
    fx_cell params[] = {cell_i64(fx_json_get_i64(order, "customer", 0), customer),
                        fx_str_from(fx_json_get_str(order, "ref", NULL)), cell_i64(total, cents)};
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_exec(db, "begin", NULL, 0, NULL, err) ||
        !fx_db_query(db, side->insert_order, params, 3, &rows, err))
        return false;
    fx_cell id = fx_rows_at(&rows, 0, 0);
    snprintf(ret_id, 24, "%.*s", FX_STR_FMT(id));
    fx_cell facts[] = {fx_str_from(ret_id), fx_str_from(fx_json_get_str(order, "note", ""))};
    return insert_lines(side, db, facts[0], lines, err) &&
           fx_db_exec(db, side->insert_facts, facts, 2, NULL, err);
}

static void post_order(struct shop *shop, struct fx_db *db, const struct fx_json *order,
                       struct fx_serve_reply *reply)
{
    struct fx_err err = FX_ERR_INIT;
    char id[24] = "";
    if (!insert_order(shop->side, db, order, id, &err)) {
        struct fx_err ignored = FX_ERR_INIT;
        if (!fx_db_is_broken(db))
            (void)!fx_db_exec(db, "rollback", NULL, 0, NULL, &ignored);
        answer_failed(reply, &err, true);
        return;
    }
    if (!fx_db_exec(db, "commit", NULL, 0, NULL, &err)) {
        answer_failed(reply, &err, !fx_db_is_broken(db));
        return;
    }
    reply->status = 201;
    fx_buf_printf(&reply->body, "{\"id\":%s}", id);
}

static void post_increment(struct shop *shop, struct fx_db *db, struct fx_str id,
                           const struct fx_json *body, struct fx_serve_reply *reply)
{
    struct fx_err err = FX_ERR_INIT;
    char by[24];
    int64_t rows = 0;
    fx_cell params[] = {cell_i64(fx_json_get_i64(body, "by", 1), by), id};
    if (!fx_db_exec(db, shop->side->increment, params, 2, &rows, &err))
        answer_failed(reply, &err, !fx_db_is_broken(db));
    else if (rows == 0)
        answer_error(reply, 404, "no such order");
    else
        fx_buf_add_c(&reply->body, "{\"incremented\":true}");
}

/* --- routing --------------------------------------------------------------------------------- */

static bool is_number(struct fx_str s)
{
    int64_t n;
    return fx_parse_i64(s, 1, INT64_MAX, &n);
}

static void route_write(struct shop *shop, struct fx_db *db, const struct fx_serve_request *request,
                        struct fx_str rest, struct fx_serve_reply *reply)
{
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    if (!fx_json_parse(request->body, &doc, &err)) {
        answer_error(reply, 400, err.message);
        return;
    }
    struct fx_str action;
    struct fx_str id = fx_str_cut(rest, '/', &action);
    if (rest.len == 0)
        post_order(shop, db, fx_json_root(doc), reply);
    else if (is_number(id) && fx_str_eq_c(action, "increment"))
        post_increment(shop, db, id, fx_json_root(doc), reply);
    else
        answer_error(reply, 404, "no such route");
}

static void route_orders(struct shop *shop, const struct fx_serve_request *request,
                         struct fx_str rest, struct fx_serve_reply *reply)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = session_take(shop, &err);
    if (db == NULL) {
        answer_refused(reply, &err);
        return;
    }
    struct fx_str customer;
    bool is_list = fx_str_eq_c(fx_str_cut(request->query, '=', &customer), "customer");
    if (fx_str_eq_c(request->method, "POST"))
        route_write(shop, db, request, rest, reply);
    else if (!fx_str_eq_c(request->method, "GET"))
        answer_error(reply, 405, "GET and POST only");
    else if (rest.len == 0 && is_list && is_number(customer))
        get_newest(shop, db, customer, reply);
    else if (is_number(rest))
        get_order(shop, db, rest, reply);
    else
        answer_error(reply, 404, "no such route");
    session_give(shop, db);
}

static void shop_answer(void *arg, const struct fx_serve_request *request,
                        struct fx_serve_reply *reply)
{
    struct shop *shop = arg;
    struct fx_str path = request->path;
    if (fx_str_eq_c(path, "/healthz"))
        fx_buf_add_c(&reply->body, "{\"ok\":true}");
    else if (fx_str_eq_c(path, "/orders"))
        route_orders(shop, request, FX_STR(""), reply);
    else if (fx_str_starts(path, FX_STR("/orders/")))
        route_orders(shop, request, fx_str_sub(path, 8, path.len), reply);
    else if (shop->side->extra == NULL || !shop->side->extra(request, reply))
        answer_error(reply, 404, "no such route");
}

/* --- life ------------------------------------------------------------------------------------ */

struct shop_options {
    const char *db;
    const char *listen;
    const char *break_file;
    int64_t threads;
};
static const struct fx_opt shop_option_table[] = {
    FX_OPT_TEXT(struct shop_options, db, "db", 0, "URL", "database of this side"),
    FX_OPT_TEXT(struct shop_options, listen, "listen", 0, "ADDRESS", "host:port"),
    FX_OPT_TEXT(struct shop_options, break_file, "break-file", 0, "FILE",
                "answer wrongly while it exists"),
    FX_OPT_INT(struct shop_options, threads, "threads", 0, "N", "connections served at once",
               .def = "48"),
    FX_OPT_END,
};

static bool shop_run(struct shop *shop, int argc, char **argv, struct fx_arena *arena,
                     struct fx_err *err)
{
    struct shop_options opts = {0};
    struct fx_opt_set set = {shop_option_table, &opts};
    size_t n_words = 0;
    if (!fx_opt_parse(&set, 1, argc - 1, argv + 1, NULL, 0, &n_words, err))
        return false;
    if (opts.db == NULL || opts.listen == NULL)
        return fx_fail(err, FX_E_USAGE, "--db and --listen are needed");
    shop->break_file = opts.break_file;
    if (!fx_db_conf_parse(opts.db, arena, &shop->conf, err))
        return false;
    shop->conf.name = shop->side->name;

    /* Blocked before the threads start, so that only sigwait below sees them. */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);

    /* Longer than the facade keeps an idle connection,
     * so that it is never the shop that closes first. */
    struct fx_serve_options serving = {
        .address = opts.listen, .n_threads = (int)opts.threads, .idle_ms = 600000};
    struct fx_serve *serve;
    if (!fx_serve_start(&serving, shop_answer, shop, &serve, err))
        return false;
    int sig;
    sigwait(&ends, &sig);
    fx_serve_stop(serve);
    return true;
}

int shop_main(const struct shop_side *side, int argc, char **argv)
{
    struct shop shop = {.side = side, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    bool ok = shop_run(&shop, argc, argv, &arena, &err);
    for (size_t i = 0; i < shop.idle.len; i++)
        fx_db_close(shop.idle.items[i]);
    FX_VEC_DONE(&shop.idle);
    return ok ? 0 : fx_err_report(&err, side->name);
}
