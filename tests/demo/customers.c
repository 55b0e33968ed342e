/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The customers of the demo's shop: threads that read and write through the facade until SIGTERM,
 * and keep a ledger (ledger.h) of every write and counts of everything else.
 *
 * What they check of a read: a row of their own that is older than a second must be there with at
 * least the increments acknowledged a second ago; a younger one that is missing is a stale read,
 * counted apart. The total must be the one they ordered: a wrong one is counted as a wrong answer.
 *
 * With --adapt they first ask as fast as they are answered, for two seconds, and then keep to a
 * third of what that was, if it is less than --rate: a machine that is full measures itself and not
 * the migration. While it runs they slow down when reads, which nothing ever holds, are answered
 * slowly or when SIGUSR1 asks for it, and return step by step. Rate and capacity stand in the
 * counts.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/panic.h"
#include "lib/base/rand.h"
#include "lib/cli/opt.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/text.h"
#include "tests/demo/http.h"
#include "tests/demo/ledger.h"

enum { OWN_MAX = 400, PERSONAS = 100, FAILURES_SHOWN = 200, FRESH_US = 1000000 };
enum { TICK_MS = 250, TICKS_PER_S = 4, WARM_TICKS = 2, MEASURE_TICKS = 8 };
/* The run copies, streams, compares and shadows beside the customers: each needs its share. */
enum { CAPACITY_SHARE = 3, RATE_LEAST = 5 };
enum { SLOW_US = 150000, FAST_US = 50000 }; /* an answer to a read, on average over a second */

struct options {
    const char *facade; /* host:port */
    const char *dir;
    int64_t threads, rate, seed, seed_orders, timeout_ms;
    bool adapt;
};

struct counts {
    _Atomic int64_t requests, failed, refused, stale, wrong, acknowledged;
};

struct town { /* what all threads share */
    struct options opts;
    char host[64];
    int port;
    struct ledger ledger;
    struct counts counts;
    atomic_bool is_closing, is_measuring;
    _Atomic int64_t rate; /* requests per second of all, now */
    _Atomic int64_t read_us, n_reads;
    int64_t capacity, goal, rate_least; /* the main thread's; 0: not measured */
    FILE *failures;
    pthread_mutex_t failures_lock;
    int n_failures; /* under failures_lock */
};

struct own_order {
    int64_t id, cents;
    int customer;
    struct fx_mono created;
    int64_t hits; /* acknowledged increments */
    struct fx_mono hit_at;
};

struct customer {
    struct town *town;
    int number;
    pthread_t thread;
    struct fx_rand rnd;
    struct http_client http;
    struct own_order own[OWN_MAX];
    size_t n_own, n_written;
};

static void note_failure(struct town *town, const char *what, const char *path,
                         const struct http_answer *answer)
{
    pthread_mutex_lock(&town->failures_lock);
    if (town->n_failures++ < FAILURES_SHOWN && town->failures != NULL) {
        char now[FX_WALL_TEXT];
        fx_wall_text(fx_wall_now(), now);
        fprintf(town->failures, "%s %s %s status=%d %.*s\n", now, what, path, answer->status,
                (int)FX_MIN(answer->body.len, (size_t)300),
                answer->body.len > 0 ? answer->body.ptr : "");
        fflush(town->failures);
    }
    pthread_mutex_unlock(&town->failures_lock);
}

static bool is_good(const struct http_answer *answer)
{
    return answer->status >= 200 && answer->status < 300;
}

static void count_failure(struct town *town, enum http_outcome outcome, const char *path,
                          const struct http_answer *answer)
{
    town->counts.failed++;
    switch (outcome) {
    case HTTP_ANSWERED: note_failure(town, "answered", path, answer); break;
    case HTTP_NOT_SENT: note_failure(town, "not-connected", path, answer); break;
    case HTTP_NO_ANSWER: note_failure(town, "no-answer", path, answer); break;
    }
}

/* --- writes ---------------------------------------------------------------------------------- */

/* One write with its ledger lines; true when it was acknowledged. */
static bool write_once(struct customer *me, const char *path, const char *body, int persona,
                       const char *ref, struct http_answer *answer)
{
    struct town *town = me->town;
    struct fx_mono start = fx_mono_now();
    enum http_outcome outcome = http_call(&me->http, path, persona, body, answer);
    int64_t ms = fx_mono_since_us(start, fx_mono_now()) / 1000;
    town->counts.requests++;
    if (outcome == HTTP_ANSWERED && is_good(answer)) {
        int64_t id = 0;
        struct fx_err err = FX_ERR_INIT;
        FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
        if (fx_json_parse(answer->body, &doc, &err))
            id = fx_json_get_i64(fx_json_root(doc), "id", 0);
        ledger_acknowledged(&town->ledger, ref, id, ms);
        town->counts.acknowledged++;
        return true;
    }
    count_failure(town, outcome, path, answer);
    bool is_refused =
        outcome == HTTP_NOT_SENT ||
        (outcome == HTTP_ANSWERED && answer->status == 503 && answer->has_retry_after) ||
        (outcome == HTTP_ANSWERED && answer->status >= 400 && answer->status < 500);
    if (is_refused) {
        town->counts.refused++;
        ledger_refused(&town->ledger, ref);
    } else {
        ledger_no_answer(&town->ledger, ref);
    }
    return false;
}

static const char *const notes[] = {"", "gift wrap, please", "Grüße 🌿", "二つの無花果", "🎁🎁"};

static void create_order(struct customer *me, int persona)
{
    char ref[48], body[512];
    snprintf(ref, sizeof ref, "c%d-%zu", me->number, ++me->n_written);
    int64_t cents = 1 + (int64_t)fx_rand_below(&me->rnd, 99999);
    int quantity = 1 + (int)fx_rand_below(&me->rnd, 5);
    snprintf(body, sizeof body,
             "{\"customer\":%d,\"ref\":\"%s\",\"note\":\"%s\",\"lines\":[{\"product\":%d,"
             "\"quantity\":%d,\"price_cents\":%" PRId64 "},{\"product\":1,\"quantity\":1,"
             "\"price_cents\":99}]}",
             persona, ref, notes[fx_rand_below(&me->rnd, FX_ARRAY_LEN(notes))],
             1 + (int)fx_rand_below(&me->rnd, 40), quantity, cents);
    ledger_intent(&me->town->ledger, LEDGER_CREATE, ref, 0, 0);
    struct http_answer answer;
    if (!write_once(me, "/orders", body, persona, ref, &answer))
        return;
    int64_t id = 0;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    if (!fx_json_parse(answer.body, &doc, &err) ||
        !fx_json_i64(fx_json_get(fx_json_root(doc), "id"), &id))
        return;
    me->own[me->n_own++ % OWN_MAX] = (struct own_order){
        .id = id, .cents = cents * quantity + 99, .customer = persona, .created = fx_mono_now()};
}

static struct own_order *any_own(struct customer *me)
{
    size_t n = FX_MIN(me->n_own, (size_t)OWN_MAX);
    return n > 0 ? &me->own[fx_rand_below(&me->rnd, n)] : NULL;
}

/* Half on the customer's own orders, half on a few that everybody wants. */
static void increment(struct customer *me, int persona)
{
    struct own_order *own = fx_rand_below(&me->rnd, 2) == 0 ? any_own(me) : NULL;
    int64_t id = own != NULL ? own->id : 1 + (int64_t)fx_rand_below(&me->rnd, 20);
    int64_t by = 1 + (int64_t)fx_rand_below(&me->rnd, 3);
    char ref[48], path[64], body[64];
    snprintf(ref, sizeof ref, "c%d-%zu", me->number, ++me->n_written);
    snprintf(path, sizeof path, "/orders/%" PRId64 "/increment", id);
    snprintf(body, sizeof body, "{\"by\":%" PRId64 "}", by);
    ledger_intent(&me->town->ledger, LEDGER_INCREMENT, ref, id, by);
    struct http_answer answer;
    if (!write_once(me, path, body, own != NULL ? own->customer : persona, ref, &answer) ||
        own == NULL)
        return;
    own->hits += by;
    own->hit_at = fx_mono_now();
}

/* --- reads ----------------------------------------------------------------------------------- */

static bool read_once(struct customer *me, const char *path, int persona,
                      struct http_answer *answer)
{
    struct town *town = me->town;
    struct fx_mono start = fx_mono_now();
    enum http_outcome outcome = http_call(&me->http, path, persona, NULL, answer);
    town->read_us += fx_mono_since_us(start, fx_mono_now());
    town->n_reads++;
    town->counts.requests++;
    if (outcome == HTTP_ANSWERED && (is_good(answer) || answer->status == 404))
        return true;
    count_failure(town, outcome, path, answer);
    return false;
}

static void read_seed(struct customer *me, int persona)
{
    char path[64], want[64];
    int64_t id = 1 + (int64_t)fx_rand_below(&me->rnd, (uint64_t)me->town->opts.seed_orders);
    snprintf(path, sizeof path, "/orders/%" PRId64, id);
    snprintf(want, sizeof want, "{\"id\":%" PRId64 ",", id);
    struct http_answer answer;
    if (!read_once(me, path, persona, &answer))
        return;
    if (answer.status == 404 || !fx_str_starts(answer.body, fx_str_from(want))) {
        me->town->counts.failed++;
        note_failure(me->town, "seed-missing", path, &answer);
    }
}

/* What the answer says about one of our own orders, against what we know. */
static void judge_own(struct customer *me, const struct own_order *own, struct fx_mono asked,
                      const char *path, const struct http_answer *answer)
{
    struct counts *counts = &me->town->counts;
    bool is_fresh = fx_mono_since_us(own->created, asked) < FRESH_US;
    if (answer->status == 404) {
        if (is_fresh) {
            counts->stale++;
        } else {
            counts->failed++;
            note_failure(me->town, "own-missing", path, answer);
        }
        return;
    }
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    char total[32];
    snprintf(total, sizeof total, "%" PRId64 ".%02d", own->cents / 100, (int)(own->cents % 100));
    if (!fx_json_parse(answer->body, &doc, &err) ||
        strcmp(fx_json_get_str(fx_json_root(doc), "total", ""), total) != 0) {
        counts->wrong++;
        note_failure(me->town, "wrong-total", path, answer);
        return;
    }
    int64_t hits = fx_json_get_i64(fx_json_root(doc), "hits", -1);
    bool is_hit_fresh = fx_mono_since_us(own->hit_at, asked) < FRESH_US;
    if (hits >= own->hits)
        return;
    if (is_hit_fresh) {
        counts->stale++;
    } else {
        counts->failed++;
        note_failure(me->town, "own-behind", path, answer);
    }
}

static void read_own(struct customer *me, const struct own_order *own)
{
    char path[64];
    snprintf(path, sizeof path, "/orders/%" PRId64, own->id);
    struct http_answer answer;
    struct fx_mono asked = fx_mono_now();
    if (read_once(me, path, own->customer, &answer))
        judge_own(me, own, asked, path, &answer);
}

static void read_list(struct customer *me, int persona)
{
    char path[64];
    snprintf(path, sizeof path, "/orders?customer=%d", persona);
    struct http_answer answer;
    (void)read_once(me, path, persona, &answer);
}

/* --- a customer's day ------------------------------------------------------------------------ */

static void act(struct customer *me)
{
    int persona = me->number * PERSONAS + (int)fx_rand_below(&me->rnd, PERSONAS);
    uint64_t dice = fx_rand_below(&me->rnd, 100);
    struct own_order *own = any_own(me);
    if (dice < 18)
        create_order(me, persona);
    else if (dice < 32)
        increment(me, persona);
    else if (dice < 60 && own != NULL)
        read_own(me, own);
    else if (dice < 66 && me->n_own > 0)
        read_own(me, &me->own[(me->n_own - 1) % OWN_MAX]);
    else if (dice < 92)
        read_seed(me, persona);
    else
        read_list(me, persona);
}

static void *customer_day(void *arg)
{
    struct customer *me = arg;
    struct town *town = me->town;
    while (!town->is_closing) {
        act(me);
        int64_t pause_ms = town->is_measuring ? 0 : 2000 * town->opts.threads / town->rate;
        fx_sleep_ms((int64_t)fx_rand_below(&me->rnd, (uint64_t)pause_ms + 1));
    }
    http_client_done(&me->http);
    return NULL;
}

/* Whole or not at all, so that a reader never sees half a file. */
static void write_counts(struct town *town)
{
    FX_AUTO_STR char *path = fx_asprintf("%s/customers.counts", town->opts.dir);
    FX_AUTO_STR char *part = fx_asprintf("%s.part", path);
    FILE *file = fopen(part, "we");
    if (file == NULL)
        return;
    struct counts *c = &town->counts;
    fprintf(file, "requests %" PRId64 "\nrequests_failed %" PRId64 "\nstale_reads %" PRId64 "\n",
            (int64_t)c->requests, (int64_t)c->failed, (int64_t)c->stale);
    fprintf(file, "wrong_answers %" PRId64 "\nwrites_refused %" PRId64 "\n", (int64_t)c->wrong,
            (int64_t)c->refused);
    fprintf(file, "writes_acknowledged %" PRId64 "\n", (int64_t)c->acknowledged);
    fprintf(file, "rate %" PRId64 "\nrate_least %" PRId64 "\n", (int64_t)town->rate,
            town->rate_least);
    if (town->capacity > 0)
        fprintf(file, "capacity %" PRId64 "\n", town->capacity);
    if (fclose(file) == 0)
        (void)!rename(part, path);
}

static const struct fx_opt option_table[] = {
    FX_OPT_TEXT(struct options, facade, "facade", 0, "HOST:PORT", "where the shop answers"),
    FX_OPT_TEXT(struct options, dir, "dir", 0, "DIR", "ledger and counts"),
    FX_OPT_INT(struct options, threads, "customers", 0, "N", "customers at once", .def = "12"),
    FX_OPT_INT(struct options, rate, "rate", 0, "N", "requests per second of all", .def = "300"),
    FX_OPT_INT(struct options, seed, "seed", 0, "N", "of all randomness", .def = "1"),
    FX_OPT_INT(struct options, seed_orders, "orders", 0, "N", "orders 1 to N exist", .def = "100"),
    FX_OPT_INT(struct options, timeout_ms, "timeout-ms", 0, "N", "a customer's patience",
               .def = "40000"),
    FX_OPT_FLAG(struct options, adapt, "adapt", 0, "measure first, and keep to what is possible"),
    FX_OPT_END,
};

static bool town_open(struct town *town, int argc, char **argv, struct fx_err *err)
{
    struct options *opts = &town->opts;
    struct fx_opt_set set = {option_table, opts};
    size_t n_words;
    if (!fx_opt_parse(&set, 1, argc - 1, argv + 1, NULL, 0, &n_words, err))
        return false;
    if (opts->facade == NULL || opts->dir == NULL || opts->rate == 0 || opts->threads == 0 ||
        opts->seed_orders == 0)
        return fx_fail(err, FX_E_USAGE, "--facade and --dir are needed, numbers above zero");
    struct fx_str port, host = fx_str_cut(fx_str_from(opts->facade), ':', &port);
    int64_t number;
    if (!fx_parse_i64(port, 1, 65535, &number))
        return fx_fail(err, FX_E_USAGE, "--facade wants HOST:PORT");
    snprintf(town->host, sizeof town->host, "%.*s", FX_STR_FMT(host));
    town->port = (int)number;
    FX_AUTO_STR char *path = fx_asprintf("%s/failures.log", opts->dir);
    town->failures = fopen(path, "ae");
    return ledger_open(&town->ledger, opts->dir, "customers", err);
}

/* --- how fast -------------------------------------------------------------------------------- */

static void set_rate(struct town *town, int64_t rate)
{
    int64_t least = FX_MIN((int64_t)RATE_LEAST, town->goal);
    rate = FX_MIN(rate, town->goal);
    town->rate = FX_MAX(rate, least);
    town->rate_least = FX_MIN(town->rate_least, (int64_t)town->rate);
}

static void measured(struct town *town, int64_t n_requests)
{
    town->capacity = FX_MAX(n_requests * TICKS_PER_S / MEASURE_TICKS, (int64_t)1);
    int64_t share = FX_MAX(town->capacity / CAPACITY_SHARE, (int64_t)1);
    town->goal = FX_MIN(town->goal, share);
    town->rate = town->rate_least = town->goal;
    town->is_measuring = false;
}

/* Once a second. */
static void adapt(struct town *town, bool is_asked)
{
    int64_t n = atomic_exchange(&town->n_reads, 0), us = atomic_exchange(&town->read_us, 0);
    int64_t mean_us = n > 0 ? us / n : 0;
    if (is_asked || mean_us > SLOW_US)
        set_rate(town, town->rate * 3 / 4);
    else if (mean_us < FAST_US)
        set_rate(town, town->rate + town->rate / 20 + 1);
}

static void follow(struct town *town, const sigset_t *signals)
{
    struct timespec tick = {.tv_nsec = TICK_MS * 1000 * 1000L};
    int64_t before = 0;
    bool is_asked = false;
    for (int64_t n = 1;; n++) {
        int number = sigtimedwait(signals, NULL, &tick);
        if (number == SIGUSR1)
            is_asked = true;
        else if (number > 0)
            return;
        if (town->is_measuring && n == WARM_TICKS)
            before = town->counts.requests;
        if (town->is_measuring && n == WARM_TICKS + MEASURE_TICKS)
            measured(town, town->counts.requests - before);
        if (town->opts.adapt && !town->is_measuring && n % TICKS_PER_S == 0) {
            adapt(town, is_asked);
            is_asked = false;
        }
        write_counts(town);
    }
}

static void end_signals(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
    sigaddset(ret, SIGUSR1);
}

static void town_run(struct town *town)
{
    size_t n = (size_t)town->opts.threads;
    struct customer *all = fx_alloc_array(n, sizeof *all);
    town->rate = town->goal = town->rate_least = town->opts.rate;
    town->is_measuring = town->opts.adapt;
    for (size_t i = 0; i < n; i++) {
        all[i].town = town;
        all[i].number = (int)i;
        fx_rand_init(&all[i].rnd, (uint64_t)town->opts.seed * 1000 + i);
        http_client_init(&all[i].http, town->host, town->port, (int)town->opts.timeout_ms);
        FX_ASSERT(pthread_create(&all[i].thread, NULL, customer_day, &all[i]) == 0);
    }
    sigset_t signals;
    end_signals(&signals);
    follow(town, &signals);
    town->is_closing = true;
    for (size_t i = 0; i < n; i++)
        pthread_join(all[i].thread, NULL);
    write_counts(town);
    free(all);
}

int main(int argc, char **argv)
{
    static struct town town = {.failures_lock = PTHREAD_MUTEX_INITIALIZER};
    struct fx_err err = FX_ERR_INIT;
    sigset_t signals;
    end_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (!town_open(&town, argc, argv, &err))
        return fx_err_report(&err, "customers");
    town_run(&town);
    return 0;
}
