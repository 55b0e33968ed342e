/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the parts of ficus.yaml that everyone shares: databases, contexts, and which tables map to which. Sections
 * that belong to one subsystem (facade, cdc, reconcile, routes) stay nodes and are read by their owner. All problems
 * of the file come out of one run.
 */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/conf/schema.h"
#include "lib/map/expr.h"
#include "lib/map/map.h"

struct root {
    const char *api_version;
    const char *kind;
    struct fx_node *state, *databases, *upstreams, *facade, *contexts, *cdc, *reconcile;
};

static const struct fx_rule root_rules[] = {
    FX_RULE_TEXT(struct root, api_version, "apiVersion", .is_required = true,
                 .help = "always ficus/v1"),
    FX_RULE_TEXT(struct root, kind, "kind", .is_required = true, .help = "always Project"),
    FX_RULE_NODE(struct root, state, "state", .help = "where journals, locks and sockets live"),
    FX_RULE_NODE(struct root, databases, "databases", .is_required = true,
                 .help = "name: {url, password}"),
    FX_RULE_NODE(struct root, upstreams, "upstreams", .help = "read by the facade"),
    FX_RULE_NODE(struct root, facade, "facade", .help = "read by the facade"),
    FX_RULE_NODE(struct root, contexts, "contexts", .is_required = true,
                 .help = "what moves together"),
    FX_RULE_NODE(struct root, cdc, "cdc", .help = "options of streams"),
    FX_RULE_NODE(struct root, reconcile, "reconcile", .help = "options of comparisons"),
    FX_RULE_END,
};

struct state {
    const char *dir;
};

static const struct fx_rule state_rules[] = {
    FX_RULE_TEXT(struct state, dir, "dir", .def = ".ficus",
                 .help = "folder for journals, locks and sockets, relative to this file"),
    FX_RULE_END,
};

struct database {
    const char *url;
    struct fx_node *password;
    int64_t connect_timeout_ms;
};

static const struct fx_rule database_rules[] = {
    FX_RULE_TEXT(struct database, url, "url", .is_required = true,
                 .help =
                     "postgresql://user@host:port/db or mysql://user@host:port/db; ?socket=PATH"),
    FX_RULE_NODE(struct database, password, "password", .help = "{env: NAME} or {file: PATH}"),
    FX_RULE_DURATION(struct database, connect_timeout_ms, "connect_timeout", .def = "5s",
                     .min = 100, .max = 60000, .help = "how long one attempt to connect may take"),
    FX_RULE_END,
};

struct context {
    struct fx_node *old_side, *new_side, *tables, *routes, *sticky, *shadow;
};

static const struct fx_rule context_rules[] = {
    FX_RULE_NODE(struct context, old_side, "old", .is_required = true,
                 .help = "{upstream, database}"),
    FX_RULE_NODE(struct context, new_side, "new", .is_required = true,
                 .help = "{upstream, database}"),
    FX_RULE_NODE(struct context, tables, "tables", .is_required = true, .help = "what is copied"),
    FX_RULE_NODE(struct context, routes, "routes", .help = "read by the facade"),
    FX_RULE_NODE(struct context, sticky, "sticky", .help = "read by the facade"),
    FX_RULE_NODE(struct context, shadow, "shadow", .help = "read by the facade"),
    FX_RULE_END,
};

struct side {
    const char *upstream;
    const char *database;
};

static const struct fx_rule side_rules[] = {
    FX_RULE_TEXT(struct side, upstream, "upstream", .help = "a name of upstreams:"),
    FX_RULE_TEXT(struct side, database, "database", .is_required = true,
                 .help = "a name of databases:"),
    FX_RULE_END,
};

struct table_entry {
    const char *from, *to;
    struct fx_node *columns;
};

static const struct fx_rule table_rules[] = {
    FX_RULE_TEXT(struct table_entry, from, "from", .is_required = true,
                 .help = "old table, schema.name"),
    FX_RULE_TEXT(struct table_entry, to, "to",
                 .help = "new table, database.name; default: the same name"),
    FX_RULE_NODE(struct table_entry, columns, "columns",
                 .help = "old: new, or old: {to, as, back}"),
    FX_RULE_END,
};

struct column_entry {
    const char *to;
    struct fx_node *as, *back;
};

static const struct fx_rule column_rules[] = {
    FX_RULE_TEXT(struct column_entry, to, "to", .is_required = true, .help = "new column"),
    FX_RULE_NODE(struct column_entry, as, "as", .help = "expression over the old column"),
    FX_RULE_NODE(struct column_entry, back, "back", .help = "its inverse, over the new column"),
    FX_RULE_END,
};

/* The reading of one file: what every function below needs. */
struct reader {
    struct fx_project *project;
    struct fx_arena *arena;
    struct fx_problems *problems;
};

static bool expect_map(struct reader *r, const struct fx_node *node, const char *what)
{
    if (node == NULL)
        return false; /* the rule table has complained */
    if (node->kind == FX_NODE_MAP)
        return true;
    fx_problem(r->problems, node, "%s must be a map", what);
    return false;
}

/* Only the shape: the secret itself is read when a session opens, and may not exist where a plan is linted. */
static void check_secret(struct reader *r, const struct fx_node *node)
{
    if (node == NULL)
        return;
    const struct fx_node *env = fx_node_get(node, "env"), *file = fx_node_get(node, "file");
    const struct fx_node *one = env != NULL ? env : file;
    if (node->kind != FX_NODE_MAP || node->len != 1 || one == NULL || one->kind != FX_NODE_SCALAR ||
        one->text.len == 0)
        fx_problem(r->problems, node,
                   "a password is named, not written: {env: NAME} or {file: PATH}");
}

static void read_database(struct reader *r, const struct fx_node *node, struct fx_db_conf *conf)
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
}

static void read_databases(struct reader *r, const struct fx_node *section)
{
    if (!expect_map(r, section, "databases"))
        return;
    struct fx_project *project = r->project;
    project->databases = fx_arena_array(r->arena, section->len, sizeof *project->databases);
    for (const struct fx_node *node = section->first; node != NULL; node = node->next)
        read_database(r, node, &project->databases[project->n_databases++]);
}

static const struct fx_db_conf *find_database(struct reader *r, const struct fx_node *side,
                                              const char *name)
{
    const struct fx_project *project = r->project;
    const char **names = fx_arena_array(r->arena, project->n_databases + 1, sizeof *names);
    for (size_t i = 0; i < project->n_databases; i++) {
        names[i] = project->databases[i].name;
        if (strcmp(names[i], name) == 0)
            return &project->databases[i];
    }
    const char *near = fx_suggest(name, names);
    fx_problem(r->problems, fx_node_get(side, "database"), "there is no database \"%s\"%s%s%s",
               name, near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
               near != NULL ? "\"?" : "");
    return NULL;
}

static void check_upstream(struct reader *r, const struct fx_node *side, const char *name)
{
    const struct fx_node *section = fx_node_get(r->project->root, "upstreams");
    if (name == NULL || fx_node_get(section, name) != NULL)
        return;
    size_t n = 0;
    const char **names =
        fx_arena_array(r->arena, (section != NULL ? section->len : 0) + 1, sizeof *names);
    for (const struct fx_node *up = section != NULL ? section->first : NULL; up != NULL;
         up = up->next)
        if (up->key != NULL)
            names[n++] = up->key;
    const char *near = fx_suggest(name, names);
    fx_problem(r->problems, fx_node_get(side, "upstream"), "there is no upstream \"%s\"%s%s%s",
               name, near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
               near != NULL ? "\"?" : "");
}

static void read_side(struct reader *r, const struct fx_node *node, enum fx_engine engine,
                      const struct fx_db_conf **ret_db, const char **ret_upstream)
{
    struct side raw = {0};
    fx_schema_read(node, side_rules, &raw, r->arena, r->problems);
    *ret_upstream = raw.upstream;
    if (raw.database == NULL)
        return;
    *ret_db = find_database(r, node, raw.database);
    check_upstream(r, node, raw.upstream);
    bool has_url =
        *ret_db != NULL && (*ret_db)->dbname != NULL; /* else its URL was complained about */
    if (has_url && (*ret_db)->engine != engine)
        fx_problem(r->problems, fx_node_get(node, "database"),
                   "this release moves from PostgreSQL to MariaDB only; \"%s\" is %s", raw.database,
                   (*ret_db)->engine == FX_PG ? "PostgreSQL" : "MySQL or MariaDB");
}

/* "schema.name"; without a dot the schema is `fallback`. */
static void split_name(struct reader *r, const struct fx_node *at, const char *text,
                       const char *fallback, const char **ret_schema, const char **ret_name)
{
    struct fx_str rest;
    struct fx_str first = fx_str_cut(fx_str_from(text), '.', &rest);
    if (rest.ptr == NULL) {
        rest = first;
        first = fx_str_from(fallback);
    }
    if (first.len == 0 || rest.len == 0 || fx_str_find(rest, '.') >= 0)
        fx_problem(r->problems, at, "\"%s\" is no table name: expected schema.name", text);
    *ret_schema = fx_arena_str(r->arena, first).ptr;
    *ret_name = fx_arena_str(r->arena, rest).ptr;
}

static void read_column(struct reader *r, const struct fx_node *node, struct fx_map_column *column)
{
    column->old_name = node->key;
    column->node = node;
    if (node->kind == FX_NODE_SCALAR) {
        column->new_name = node->text.ptr;
        return;
    }
    struct column_entry raw = {0};
    fx_schema_read(node, column_rules, &raw, r->arena, r->problems);
    column->new_name = raw.to != NULL ? raw.to : node->key;
    if (raw.as != NULL)
        column->forward = fx_expr_compile(raw.as, r->arena, r->problems);
    if (raw.back != NULL)
        column->back = fx_expr_compile(raw.back, r->arena, r->problems);
    if (raw.as != NULL && raw.back == NULL)
        fx_problem(r->problems, raw.as,
                   "the expression has no inverse: without `back:` there is no way back");
    if (raw.as == NULL && raw.back != NULL)
        fx_problem(r->problems, raw.back, "`back:` undoes an `as:`, and there is none");
    if (column->forward != NULL && strcmp(fx_expr_column(column->forward), column->old_name) != 0)
        fx_problem(r->problems, raw.as, "the expression must be over column \"%s\"",
                   column->old_name);
    if (column->back != NULL && strcmp(fx_expr_column(column->back), column->new_name) != 0)
        fx_problem(r->problems, raw.back, "the expression must be over column \"%s\"",
                   column->new_name);
    const char *example;
    if (column->forward != NULL && column->back != NULL &&
        !fx_expr_inverts(column->forward, column->back, r->arena, &example))
        fx_problem(r->problems, raw.back, "\"%s\" does not undo \"%s\": %s",
                   fx_expr_text(column->back), fx_expr_text(column->forward), example);
}

static void read_table(struct reader *r, const struct fx_context *ctx, const struct fx_node *node,
                       struct fx_map_table *map)
{
    struct table_entry raw = {0};
    map->node = node;
    if (node->kind == FX_NODE_SCALAR)
        raw.from = node->text.ptr;
    else
        fx_schema_read(node, table_rules, &raw, r->arena, r->problems);
    if (raw.from == NULL)
        return;
    const char *new_db =
        ctx->new_db != NULL && ctx->new_db->dbname != NULL ? ctx->new_db->dbname : "";
    split_name(r, node, raw.from, "public", &map->old_schema, &map->old_name);
    if (raw.to != NULL)
        split_name(r, node, raw.to, new_db, &map->new_schema, &map->new_name);
    else {
        map->new_schema = new_db;
        map->new_name = map->old_name;
    }
    if (raw.columns == NULL || !expect_map(r, raw.columns, "columns"))
        return;
    map->renames = fx_arena_array(r->arena, raw.columns->len, sizeof *map->renames);
    for (const struct fx_node *c = raw.columns->first; c != NULL; c = c->next)
        read_column(r, c, &map->renames[map->n_renames++]);
}

static void check_table_is_new(struct reader *r, const struct fx_context *ctx,
                               const struct fx_map_table *map)
{
    for (size_t i = 0; i + 1 < ctx->n_tables; i++) {
        const struct fx_map_table *other = &ctx->tables[i];
        if (other->old_name == NULL || map->old_name == NULL)
            continue;
        if (strcmp(other->old_schema, map->old_schema) == 0 &&
            strcmp(other->old_name, map->old_name) == 0)
            fx_problem(r->problems, map->node, "table %s.%s stands here twice", map->old_schema,
                       map->old_name);
        else if (strcmp(other->new_schema, map->new_schema) == 0 &&
                 strcmp(other->new_name, map->new_name) == 0)
            fx_problem(r->problems, map->node, "two tables cannot go to %s.%s", map->new_schema,
                       map->new_name);
    }
}

static bool is_group_name(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > 40)
        return false;
    for (const char *p = name; *p != '\0'; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_'))
            return false;
    return true;
}

/* The shape of a section as text: position-free, so that a comment changes no digest. */
static void describe(const struct fx_node *node, struct fx_buf *out)
{
    if (node == NULL)
        return;
    if (node->key != NULL)
        fx_buf_printf(out, "%zu:%s=", strlen(node->key), node->key);
    if (node->kind == FX_NODE_SCALAR) {
        fx_buf_printf(out, "%zu:", node->text.len);
        fx_buf_add(out, node->text);
        return;
    }
    fx_buf_add_char(out, node->kind == FX_NODE_LIST ? '[' : '{');
    for (const struct fx_node *child = node->first; child != NULL; child = child->next)
        describe(child, out);
    fx_buf_add_char(out, '}');
}

static void read_context(struct reader *r, const struct fx_node *node, struct fx_context *ctx)
{
    ctx->name = node->key;
    ctx->node = node;
    if (!is_group_name(node->key))
        fx_problem_key(r->problems, node,
                       "\"%s\" cannot name a context: 1 to 40 of a-z, 0-9 and _ (it becomes part "
                       "of slot names)",
                       node->key);
    struct context raw = {0};
    fx_schema_read(node, context_rules, &raw, r->arena, r->problems);
    if (expect_map(r, raw.old_side, "old"))
        read_side(r, raw.old_side, FX_PG, &ctx->old_db, &ctx->old_upstream);
    if (expect_map(r, raw.new_side, "new"))
        read_side(r, raw.new_side, FX_MY, &ctx->new_db, &ctx->new_upstream);
    if (raw.tables == NULL)
        return;
    if (raw.tables->kind != FX_NODE_LIST || raw.tables->len == 0) {
        fx_problem(r->problems, raw.tables, "tables must be a list of at least one table");
        return;
    }
    ctx->tables = fx_arena_array(r->arena, raw.tables->len, sizeof *ctx->tables);
    for (const struct fx_node *t = raw.tables->first; t != NULL; t = t->next) {
        struct fx_map_table *map = &ctx->tables[ctx->n_tables++];
        read_table(r, ctx, t, map);
        check_table_is_new(r, ctx, map);
    }
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    describe(raw.tables, &text);
    char *digest = fx_arena_alloc(r->arena, FX_HASH_HEX);
    fx_hash128_hex(fx_buf_str(&text), digest);
    ctx->digest = digest;
}

static void read_contexts(struct reader *r, const struct fx_node *section)
{
    if (!expect_map(r, section, "contexts"))
        return;
    struct fx_project *project = r->project;
    project->contexts = fx_arena_array(r->arena, section->len, sizeof *project->contexts);
    for (const struct fx_node *node = section->first; node != NULL; node = node->next)
        if (expect_map(r, node, "a context"))
            read_context(r, node, &project->contexts[project->n_contexts++]);
}

static void expect_text(struct reader *r, const char *key, const char *is, const char *want)
{
    if (is != NULL && strcmp(is, want) != 0)
        fx_problem(r->problems, fx_node_get(r->project->root, key), "%s must be %s", key, want);
}

static bool absolute_path(const char *path, struct fx_arena *arena, const char **ret,
                          struct fx_err *err)
{
    char resolved[PATH_MAX];
    if (realpath(path, resolved) == NULL) {
        fx_fail_errno(err, FX_E_CONFIG, errno, "could not read project file \"%s\"", path);
        return fx_hint(err, "Name it with -f FILE, or run the command where ficus.yaml is.");
    }
    *ret = fx_arena_strdup(arena, resolved);
    return true;
}

static const char *state_dir(const char *project_path, const char *dir, struct fx_arena *arena)
{
    if (dir[0] == '/')
        return dir;
    const char *slash = strrchr(project_path, '/');
    return fx_arena_printf(arena, "%.*s/%s", (int)(slash - project_path), project_path, dir);
}

bool fx_project_read(const char *path, struct fx_arena *arena, struct fx_problems *problems,
                     struct fx_project **ret_project, struct fx_err *err)
{
    struct fx_project *project = FX_ARENA_NEW(arena, struct fx_project);
    if (!absolute_path(path, arena, &project->path, err))
        return false;
    if (!fx_doc_load(path, arena, &project->root, err))
        return false;
    struct reader r = {project, arena, problems};
    struct root root = {0};
    struct state state = {0};
    if (expect_map(&r, project->root, "a project file")) {
        fx_schema_read(project->root, root_rules, &root, arena, problems);
        expect_text(&r, "apiVersion", root.api_version, "ficus/v1");
        expect_text(&r, "kind", root.kind, "Project");
        read_databases(&r, root.databases);
        read_contexts(&r, root.contexts);
        fx_schema_read(root.state, state_rules, &state, arena, problems);
    }
    if (state.dir != NULL)
        project->state_dir = state_dir(project->path, state.dir, arena);
    *ret_project = project;
    return true;
}

bool fx_project_load(const char *path, struct fx_arena *arena, struct fx_project **ret_project,
                     struct fx_err *err)
{
    FX_AUTO(fx_problems) struct fx_problems problems;
    fx_problems_init(&problems);
    return fx_project_read(path, arena, &problems, ret_project, err) &&
           fx_problems_ok(&problems, err);
}

struct fx_context *fx_project_context(struct fx_project *project, const char *name)
{
    for (size_t i = 0; i < project->n_contexts; i++)
        if (strcmp(project->contexts[i].name, name) == 0)
            return &project->contexts[i];
    return NULL;
}

void fx_project_markdown(struct fx_buf *out)
{
    fx_schema_markdown("The project file, ficus.yaml", root_rules, out);
    fx_schema_markdown("state", state_rules, out);
    fx_schema_markdown("databases.NAME", database_rules, out);
    fx_schema_markdown("contexts.NAME", context_rules, out);
    fx_schema_markdown("contexts.NAME.old, contexts.NAME.new", side_rules, out);
    fx_schema_markdown("contexts.NAME.tables[]", table_rules, out);
    fx_schema_markdown("contexts.NAME.tables[].columns.OLD", column_rules, out);
}
