/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule is a function that says no or nothing; the first no counts. */
#include "strangler/admin/guard.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "lib/log/log.h"

enum { CREDIT_MAX = 5, WAIT_MS = 1000, WAITING_MAX = 16, LOG_US = 1000000 };

void fcd_guard_init(struct fcd_guard *guard, struct fcd_local *local)
{
    *guard = (struct fcd_guard){
        .local = local, .credit = CREDIT_MAX, .credited_at = fcd_local_now(local)};
}

/* Constant time: it does not depend on how much of the token was right. */
static bool is_token(const char *token, struct fx_str given)
{
    size_t len = strlen(token);
    unsigned difference = given.len != len;
    for (size_t i = 0; i < len; i++)
        difference |= (unsigned)(unsigned char)token[i] ^
                      (i < given.len ? (unsigned)(unsigned char)given.ptr[i] : 0x100u);
    return difference == 0;
}

static bool has_token(const struct fcd_conf_admin *conf, const struct fx_head *head)
{
    struct fx_str given, scheme = fx_str_cut(fx_head_value(head, "Authorization"), ' ', &given);
    return conf->token == NULL ||
           (fx_str_eq_ci(scheme, FX_STR("Bearer")) && is_token(conf->token, given));
}

/* The socket's mode keeps others out already; root gets in everywhere. */
static bool is_own_user(const struct fcd_conn *conn)
{
    return !conn->is_unix || conn->uid == geteuid() || conn->uid == 0;
}

static struct fx_str without_port(struct fx_str host)
{
    if (host.len > 0 && host.ptr[0] == '[') {
        ptrdiff_t end = fx_str_find(host, ']');
        return end > 0 ? fx_str_sub(host, 1, (size_t)end - 1) : host;
    }
    struct fx_str port;
    return fx_str_cut(host, ':', &port);
}

static bool is_numeric(struct fx_str host)
{
    char text[64];
    unsigned char ignored[16];
    if (host.len >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", FX_STR_FMT(host));
    return inet_pton(AF_INET, text, ignored) == 1 || inet_pton(AF_INET6, text, ignored) == 1;
}

/* A browser sends the name that it was given; a page can make only a name of its own point here. */
static bool is_our_host(const struct fcd_conf_admin *conf, struct fx_str field)
{
    struct fx_str host = without_port(field);
    if (conf->unix_path != NULL || host.len == 0 || fx_str_eq_ci(host, FX_STR("localhost")) ||
        is_numeric(host))
        return true;
    for (size_t i = 0; i < conf->n_hosts; i++)
        if (fx_str_eq_ci(host, fx_str_from(conf->hosts[i])))
            return true;
    return false;
}

bool fcd_guard_allows(const struct fcd_guard *guard, const struct fcd_call *call,
                      struct fcd_refusal *ret)
{
    const struct fcd_conf_admin *conf = &guard->local->conf->admin;
    const struct fx_head *head = &call->head;
    bool is_change = fcd_method_bit(head->method) == FCD_M_POST;
    if (!has_token(conf, head))
        *ret = (struct fcd_refusal){
            401, "token",
            "the admin API needs the bearer token that facade.admin.token in ficus.yaml names"};
    else if (!is_own_user(call->conn))
        *ret = (struct fcd_refusal){403, "user",
                                    "the admin API of this socket is for the facade's own user"};
    else if (!is_our_host(conf, head->host))
        *ret = (struct fcd_refusal){403, "host",
                                    "the admin API is not called by this host name; names are "
                                    "listed in facade.admin.hosts"};
    else if (is_change && fx_head_find(head, "Origin") != NULL)
        *ret = (struct fcd_refusal){
            403, "origin",
            "the admin API refuses calls from web pages; send the call without an Origin field"};
    else
        return true;
    return false;
}

static void log_refusal(struct fcd_guard *guard, const struct fcd_call *call,
                        const struct fcd_refusal *refusal)
{
    struct fx_mono now = fcd_local_now(guard->local);
    if (guard->has_logged && fx_mono_since_us(guard->logged_at, now) < LOG_US) {
        guard->n_unlogged++;
        return;
    }
    fx_log(FX_LOG_WARN, "strangler", "admin", "admin call refused",
           "peer=\"%s\" reason=%s status=%d not_logged_before=%lld", call->conn->peer,
           refusal->label, refusal->status, (long long)guard->n_unlogged);
    guard->has_logged = true;
    guard->logged_at = now;
    guard->n_unlogged = 0;
}

int64_t fcd_guard_refuse(struct fcd_guard *guard, const struct fcd_call *call,
                         const struct fcd_refusal *refusal)
{
    struct fx_mono now = fcd_local_now(guard->local);
    log_refusal(guard, call, refusal);
    fx_series_add(fx_metric(guard->local->shared->metrics, FCD_MT_ADMIN_REFUSED, refusal->label),
                  1);
    guard->credit += (double)fx_mono_since_us(guard->credited_at, now) / (WAIT_MS * 1000.0);
    guard->credit = FX_MIN(guard->credit, (double)CREDIT_MAX);
    guard->credited_at = now;
    if (guard->credit >= 1) {
        guard->credit -= 1;
        return 0;
    }
    if (guard->n_waiting >= WAITING_MAX)
        return -1;
    guard->n_waiting++;
    return WAIT_MS;
}

void fcd_guard_waited(struct fcd_guard *guard)
{
    guard->n_waiting--;
}
