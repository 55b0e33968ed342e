/* SPDX-License-Identifier: Apache-2.0 */
/* Database URLs, and the secret that belongs to one. */
#include "lib/db/conf.h"

#include "lib/conf/schema.h"
#include "lib/db/engine.h"

enum { CONNECT_TIMEOUT_MS = 10000 };

static bool take_prefix(struct fx_str *s, struct fx_str prefix)
{
    if (!fx_str_starts(*s, prefix))
        return false;
    *s = fx_str_sub(*s, prefix.len, s->len - prefix.len);
    return true;
}

static bool parse_port(struct fx_str s, int *ret_port)
{
    int port = 0;
    if (s.len == 0 || s.len > 5)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        port = port * 10 + (s.ptr[i] - '0');
    }
    *ret_port = port;
    return port >= 1 && port <= 65535;
}

/* "host", "host:port", "[::1]:port" or nothing. */
static bool parse_host(struct fx_str s, struct fx_arena *arena, struct fx_db_conf *conf)
{
    struct fx_str host = s;
    struct fx_str port = {0};
    if (s.len > 0 && s.ptr[0] == '[') {
        ptrdiff_t end = fx_str_find(s, ']');
        if (end < 0)
            return false;
        host = fx_str_sub(s, 1, (size_t)end - 1);
        port = fx_str_sub(s, (size_t)end + 1, s.len - (size_t)end - 1);
        if (port.len > 0 && !take_prefix(&port, FX_STR(":")))
            return false;
        if (port.len == 0)
            port.ptr = NULL;
    } else if (fx_str_find(s, ':') >= 0) {
        host = fx_str_cut(s, ':', &port);
    }
    if (port.ptr != NULL && !parse_port(port, &conf->port))
        return false;
    if (host.len > 0)
        conf->host = fx_arena_str(arena, host).ptr;
    return true;
}

static bool parse_query(struct fx_str query, struct fx_arena *arena, struct fx_db_conf *conf,
                        struct fx_err *err)
{
    while (query.len > 0) {
        struct fx_str pair = fx_str_cut(query, '&', &query);
        struct fx_str value;
        struct fx_str key = fx_str_cut(pair, '=', &value);
        if (!fx_str_eq(key, FX_STR("socket")))
            return fx_fail(err, FX_E_CONFIG, "unknown parameter \"%.*s\" in a database URL",
                           FX_STR_FMT(key)) ||
                   fx_hint(err, "The only one is socket=/path.");
        if (value.len == 0 || value.ptr[0] != '/')
            return fx_fail(err, FX_E_CONFIG,
                           "socket=\"%.*s\" in a database URL is not an absolute path",
                           FX_STR_FMT(value)) ||
                   fx_hint(err, "Name the directory of the socket: ?socket=/path.");
        conf->socket_dir = fx_arena_str(arena, value).ptr;
    }
    return true;
}

static bool parse_user(struct fx_str user, struct fx_arena *arena, struct fx_db_conf *conf,
                       struct fx_err *err)
{
    if (fx_str_find(user, ':') >= 0)
        return fx_fail(err, FX_E_CONFIG, "a database URL must not hold a password") ||
               fx_hint(err, "Use password: {env: NAME} or password: {file: PATH} beside the url.");
    if (user.len == 0)
        return fx_fail(err, FX_E_CONFIG, "the database URL has no user") ||
               fx_hint(err, "Write postgresql://user@host:port/database or "
                            "mysql://user@host:port/database.");
    conf->user = fx_arena_str(arena, user).ptr;
    return true;
}

bool fx_db_conf_parse(const char *url, struct fx_arena *arena, struct fx_db_conf *ret_conf,
                      struct fx_err *err)
{
    struct fx_db_conf conf = {.connect_timeout_ms = CONNECT_TIMEOUT_MS};
    struct fx_str rest;
    if (!fx_engine_of_url(fx_str_from(url), &conf.engine, &rest))
        return fx_fail(err, FX_E_CONFIG,
                       "a database URL must begin with postgresql:// or mysql://") ||
               fx_hint(err, "Write postgresql://user@host:port/database or "
                            "mysql://user@host:port/database.");
    struct fx_str query, path;
    rest = fx_str_cut(rest, '?', &query);
    rest = fx_str_cut(rest, '/', &path);
    struct fx_str host = {0};
    struct fx_str user = fx_str_cut(rest, '@', &host);
    if (!parse_user(user, arena, &conf, err) || !parse_query(query, arena, &conf, err))
        return false;
    if (!parse_host(host, arena, &conf))
        return fx_fail(err, FX_E_CONFIG, "the database URL has an invalid host or port: \"%.*s\"",
                       FX_STR_FMT(host)) ||
               fx_hint(err, "Write HOST or HOST:PORT, and an IPv6 address in brackets.");
    if (path.len == 0 || fx_str_find(path, '/') >= 0)
        return fx_fail(
                   err, FX_E_CONFIG,
                   "the database URL must end in one database name without \"/\", not in \"/%.*s\"",
                   FX_STR_FMT(path)) ||
               fx_hint(err, "Write it after the host: ...@host:port/database.");
    conf.dbname = fx_arena_str(arena, path).ptr;
    if (conf.socket_dir != NULL)
        conf.host = NULL;
    else if (conf.host == NULL)
        return fx_fail(err, FX_E_CONFIG, "the database URL has no host") ||
               fx_hint(err, "Name a host, or ?socket=/path.");
    *ret_conf = conf;
    return true;
}

bool fx_db_conf_resolve(const struct fx_db_conf *conf, struct fx_arena *arena,
                        struct fx_db_conf *ret_conf, struct fx_err *err)
{
    struct fx_db_conf resolved = *conf;
    if (conf->password == NULL && conf->secret != NULL &&
        !fx_secret_read(conf->secret, arena, &resolved.password, err))
        return fx_ctx(err, "reading the password of database \"%s\"", conf->name);
    *ret_conf = resolved;
    return true;
}

const char *fx_db_conf_where(const struct fx_db_conf *conf, struct fx_arena *arena)
{
    if (conf->socket_dir != NULL)
        return fx_arena_strdup(arena, conf->socket_dir);
    if (conf->port != 0)
        return fx_arena_printf(arena, "%s:%d", conf->host, conf->port);
    return fx_arena_strdup(arena, conf->host);
}

const char *fx_db_conf_address(const struct fx_db_conf *conf, struct fx_arena *arena)
{
    const struct fx_engine_row *row = fx_engine_row(conf->engine);
    return fx_arena_printf(arena, "%s%s:%d/%s", row->schemes[0],
                           conf->socket_dir != NULL ? conf->socket_dir : conf->host,
                           conf->port != 0 ? conf->port : row->default_port, conf->dbname);
}
