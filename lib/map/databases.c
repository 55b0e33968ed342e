/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the section `databases` of ficus.yaml. Secrets
 * stay unread: they may not exist where a plan is linted.
 */
#include "lib/map/project_priv.h"

struct database {
    const char *url;
    struct fx_node *password;
    const char *apply_user;
    struct fx_node *apply_password;
    int64_t connect_timeout_ms;
};

#define NO_TLS                                                                                  \
    "connections to databases are not encrypted; use a Unix socket (?socket=PATH) or a tunnel " \
    "such as ssh -L"

static const struct fx_rule database_rules[] = {
    FX_RULE_TEXT(struct database, url, "url", .is_required = true,
                 .help =
                     "postgresql://user@host:port/db or mysql://user@host:port/db; ?socket=PATH"),
    FX_RULE_NODE(struct database, password, "password",
                 .help = "where the password is: {env: NAME} or {file: PATH}"),
    FX_RULE_TEXT(struct database, apply_user, "apply_user",
                 .help = "another user of the same server, who only applies rows: code that "
                         "somebody attaches to a table then runs with the rights of this user"),
    FX_RULE_NODE(struct database, apply_password, "apply_password",
                 .help = "the password of apply_user: {env: NAME} or {file: PATH}"),
    FX_RULE_DURATION(struct database, connect_timeout_ms, "connect_timeout", .def = "5s",
                     .min = 100, .max = 60000, .help = "how long one attempt to connect may take"),
    FX_RULE_NOT_SUPPORTED("tls", NO_TLS),
    FX_RULE_NOT_SUPPORTED("ssl", NO_TLS),
    FX_RULE_NOT_SUPPORTED("sslmode", NO_TLS),
    FX_RULE_END,
};

/* Only the form is checked: the secret itself is read when a session
 * opens, and may not exist where a plan is linted. */
static void check_secret(struct fx_project_reader *r, const struct fx_node *node)
{
    if (node == NULL)
        return;
    const struct fx_node *env = fx_node_get(node, "env"), *file = fx_node_get(node, "file");
    const struct fx_node *one = env != NULL ? env : file;
    if (node->kind != FX_NODE_MAP || node->len != 1 || one == NULL || one->kind != FX_NODE_SCALAR ||
        one->text.len == 0)
        fx_problem(r->problems, node,
                   "write where the password is, not the password: {env: NAME} or {file: PATH}");
}

/* The same server and database, another user. */
static void read_applier(struct fx_project_reader *r, const struct fx_node *node,
                         const struct database *raw, struct fx_db_conf *conf)
{
    const struct fx_node *name = fx_node_get(node, "apply_user");
    check_secret(r, raw->apply_password);
    if (raw->apply_user == NULL) {
        if (raw->apply_password != NULL)
            fx_problem(r->problems, raw->apply_password, "apply_password needs apply_user");
        return;
    }
    if (raw->apply_user[0] == '\0' || strcmp(raw->apply_user, conf->user) == 0) {
        fx_problem(r->problems, name,
                   "apply_user must be another user than the one in url: remove the key, or name "
                   "a user with the rights that docs/guide/database-rights.md lists");
        return;
    }
    struct fx_db_conf *applier = FX_ARENA_NEW(r->arena, struct fx_db_conf);
    *applier = *conf;
    applier->user = raw->apply_user;
    applier->secret = raw->apply_password;
    applier->is_applier = true;
    conf->applier = applier;
}

static void read_database(struct fx_project_reader *r, const struct fx_node *node,
                          struct fx_db_conf *conf)
{
    struct database raw = {0};
    fx_schema_read(node, database_rules, &raw, r->arena, r->problems);
    conf->name = node->key;
    if (raw.url == NULL)
        return;
    struct fx_err err = FX_ERR_INIT;
    if (!fx_db_conf_parse(raw.url, r->arena, conf, &err)) {
        fx_problem(r->problems, fx_node_get(node, "url"), "%s%s%s%s", err.message,
                   err.hint[0] != '\0' ? " (" : "", err.hint, err.hint[0] != '\0' ? ")" : "");
        return;
    }
    check_secret(r, raw.password);
    conf->name = node->key;
    conf->secret = raw.password;
    conf->connect_timeout_ms = raw.connect_timeout_ms;
    read_applier(r, node, &raw, conf);
}

void fx_project_read_databases(struct fx_project_reader *r, const struct fx_node *section)
{
    if (!fx_project_expect_map(r, section, "databases"))
        return;
    struct fx_project *project = r->project;
    project->databases = fx_arena_array(r->arena, section->len, sizeof *project->databases);
    for (const struct fx_node *node = section->first; node != NULL; node = node->next)
        read_database(r, node, &project->databases[project->n_databases++]);
}

void fx_project_databases_markdown(struct fx_buf *out)
{
    fx_schema_markdown("databases.NAME", database_rules, out);
}
