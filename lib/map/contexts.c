/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the section `contexts` of ficus.yaml: which tables move together, between which databases,
 * and how their columns map. `routes`, `sticky` and `shadow` of a context are the facade's and stay
 * nodes.
 */
#include "lib/base/hash.h"
#include "lib/db/engine.h"
#include "lib/map/expr.h"
#include "lib/map/project_priv.h"

struct context {
    struct fx_node *old_side, *new_side, *tables, *routes, *sticky, *shadow;
};

static const struct fx_rule context_rules[] = {
    FX_RULE_NODE(struct context, old_side, "old", .is_required = true,
                 .help = "{upstream, database}"),
    FX_RULE_NODE(struct context, new_side, "new", .is_required = true,
                 .help = "{upstream, database}"),
    FX_RULE_NODE(struct context, tables, "tables", .is_required = true,
                 .help = "the tables that move together"),
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
    FX_RULE_TEXT(struct side, upstream, "upstream", .help = "a name from `upstreams`"),
    FX_RULE_TEXT(struct side, database, "database", .is_required = true,
                 .help = "a name from `databases`"),
    FX_RULE_END,
};

struct table_entry {
    const char *from, *to;
    struct fx_node *columns;
    int dropped;
};

enum { DROPPED_STOP, DROPPED_KEEP_ROWS };
static const char *const dropped_names[] = {"stop", "keep_rows", NULL};

static const struct fx_rule table_rules[] = {
    FX_RULE_TEXT(struct table_entry, from, "from", .is_required = true,
                 .help = "old table, schema.name"),
    FX_RULE_TEXT(struct table_entry, to, "to",
                 .help = "new table, database.name; default: the same name"),
    FX_RULE_NODE(struct table_entry, columns, "columns",
                 .help = "renamed or converted columns: `old: new` or `old: {to, as, back}`"),
    FX_RULE_ENUM(struct table_entry, dropped, FX_MAP_DROPPED_KEY, .names = dropped_names,
                 .def = "stop",
                 .help = "when a partition is dropped, detached or truncated on the side that owns "
                         "the table: `stop` the stream, or `keep_rows` of it on the other side and "
                         "go on; a row in ficus.leak says so"),
    FX_RULE_END,
};

struct column_entry {
    const char *to;
    struct fx_node *as, *back;
};

static const struct fx_rule column_rules[] = {
    FX_RULE_TEXT(struct column_entry, to, "to", .is_required = true, .help = "new column"),
    FX_RULE_NODE(struct column_entry, as, "as", .help = "expression over the old column"),
    FX_RULE_NODE(struct column_entry, back, "back",
                 .help = "the inverse expression over the new column; required with `as`"),
    FX_RULE_END,
};

static const struct fx_db_conf *find_database(struct fx_project_reader *r,
                                              const struct fx_node *side, const char *name)
{
    const struct fx_project *project = r->project;
    const char **names = fx_arena_array(r->arena, project->n_databases + 1, sizeof *names);
    for (size_t i = 0; i < project->n_databases; i++) {
        names[i] = project->databases[i].name;
        if (strcmp(names[i], name) == 0)
            return &project->databases[i];
    }
    FX_AUTO(fx_buf) struct fx_buf known = FX_BUF(4096);
    fx_problem(r->problems, fx_node_get(side, "database"), "there is no database \"%s\"%s", name,
               fx_suggest_end(name, names, &known));
    return NULL;
}

static void check_upstream(struct fx_project_reader *r, const struct fx_node *side,
                           const char *name)
{
    const struct fx_node *section = fx_node_get(r->project->root.doc, "upstreams");
    if (name == NULL || fx_node_get(section, name) != NULL)
        return;
    size_t n = 0;
    const char **names =
        fx_arena_array(r->arena, (section != NULL ? section->len : 0) + 1, sizeof *names);
    for (const struct fx_node *up = section != NULL ? section->first : NULL; up != NULL;
         up = up->next)
        if (up->key != NULL)
            names[n++] = up->key;
    FX_AUTO(fx_buf) struct fx_buf known = FX_BUF(4096);
    fx_problem(r->problems, fx_node_get(side, "upstream"), "there is no upstream \"%s\"%s", name,
               fx_suggest_end(name, names, &known));
}

static void read_side(struct fx_project_reader *r, const struct fx_node *node, enum fx_side side,
                      const struct fx_db_conf **ret_db, const char **ret_upstream)
{
    struct side raw = {0};
    fx_schema_read(node, side_rules, &raw, r->arena, r->problems);
    *ret_upstream = raw.upstream;
    if (raw.database == NULL)
        return;
    *ret_db = find_database(r, node, raw.database);
    check_upstream(r, node, raw.upstream);
    if (*ret_db == NULL || (*ret_db)->dbname == NULL) /* its URL was complained about */
        return;
    const struct fx_engine_row *row = fx_engine_row((*ret_db)->engine);
    if (row->side != side)
        fx_problem(r->problems, fx_node_get(node, "database"),
                   "this release migrates from %s to %s only; database \"%s\" is %s",
                   fx_engine_of_side(FX_SIDE_OLD)->title, fx_engine_of_side(FX_SIDE_NEW)->title,
                   raw.database, row->family);
}

/* Of tables without a schema in their name; "" when it is
 * the database's name and the database's URL is wrong. */
static const char *default_schema(const struct fx_db_conf *db, enum fx_side side)
{
    bool is_known = db != NULL && db->dbname != NULL;
    const struct fx_engine_row *row =
        is_known ? fx_engine_row(db->engine) : fx_engine_of_side(side);
    if (row->default_schema != NULL)
        return row->default_schema;
    return is_known ? db->dbname : "";
}

/* "schema.name"; without a dot the schema is `fallback`. */
static void split_name(struct fx_project_reader *r, const struct fx_node *at, const char *text,
                       const char *fallback, const char **ret_schema, const char **ret_name)
{
    struct fx_str rest;
    struct fx_str first = fx_str_cut(fx_str_from(text), '.', &rest);
    if (rest.ptr == NULL) {
        rest = first;
        first = fx_str_from(fallback);
    }
    if (first.len == 0 || rest.len == 0 || fx_str_find(rest, '.') >= 0)
        fx_problem(r->problems, at, "\"%s\" is not a table name: expected schema.name", text);
    *ret_schema = fx_arena_str(r->arena, first).ptr;
    *ret_name = fx_arena_str(r->arena, rest).ptr;
}

static void read_column(struct fx_project_reader *r, const struct fx_node *node,
                        struct fx_map_column *column)
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
                   "`back:` is missing: the reverse stream needs the inverse of the expression");
    if (raw.as == NULL && raw.back != NULL)
        fx_problem(r->problems, raw.back,
                   "`back:` without `as:`: there is no expression to invert");
    if (column->forward != NULL && strcmp(fx_expr_column(column->forward), column->old_name) != 0)
        fx_problem(r->problems, raw.as, "the expression must use column \"%s\"", column->old_name);
    if (column->back != NULL && strcmp(fx_expr_column(column->back), column->new_name) != 0)
        fx_problem(r->problems, raw.back, "the expression must use column \"%s\"",
                   column->new_name);
    const char *example;
    if (column->forward != NULL && column->back != NULL &&
        !fx_expr_inverts(column->forward, column->back, r->arena, &example))
        fx_problem(r->problems, raw.back, "\"%s\" is not the inverse of \"%s\": %s",
                   fx_expr_text(column->back), fx_expr_text(column->forward), example);
}

static void read_table(struct fx_project_reader *r, const struct fx_context *ctx,
                       const struct fx_node *node, struct fx_map_table *map)
{
    struct table_entry raw = {0};
    map->node = node;
    if (node->kind == FX_NODE_SCALAR)
        raw.from = node->text.ptr;
    else
        fx_schema_read(node, table_rules, &raw, r->arena, r->problems);
    if (raw.from == NULL)
        return;
    const char *old_schema = default_schema(ctx->old_db, FX_SIDE_OLD);
    const char *new_schema = default_schema(ctx->new_db, FX_SIDE_NEW);
    map->keeps_dropped = raw.dropped == DROPPED_KEEP_ROWS;
    split_name(r, node, raw.from, old_schema, &map->old_schema, &map->old_name);
    if (raw.to != NULL)
        split_name(r, node, raw.to, new_schema, &map->new_schema, &map->new_name);
    else {
        map->new_schema = new_schema;
        map->new_name = map->old_name;
    }
    if (raw.columns == NULL || !fx_project_expect_map(r, raw.columns, "columns"))
        return;
    map->renames = fx_arena_array(r->arena, raw.columns->len, sizeof *map->renames);
    for (const struct fx_node *c = raw.columns->first; c != NULL; c = c->next)
        read_column(r, c, &map->renames[map->n_renames++]);
}

static void check_table_is_new(struct fx_project_reader *r, const struct fx_context *ctx,
                               const struct fx_map_table *map)
{
    for (size_t i = 0; i + 1 < ctx->n_tables; i++) {
        const struct fx_map_table *other = &ctx->tables[i];
        if (other->old_name == NULL || map->old_name == NULL)
            continue;
        if (strcmp(other->old_schema, map->old_schema) == 0 &&
            strcmp(other->old_name, map->old_name) == 0)
            fx_problem(r->problems, map->node, "table \"%s.%s\" is listed twice", map->old_schema,
                       map->old_name);
        else if (strcmp(other->new_schema, map->new_schema) == 0 &&
                 strcmp(other->new_name, map->new_name) == 0)
            fx_problem(r->problems, map->node, "two tables are mapped to \"%s.%s\"",
                       map->new_schema, map->new_name);
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

/*
 * The content of a section as text, without positions, so that a comment does not change the
 * digest. What a stream does about dropped partitions may change while it runs; below an entry's
 * own keys a column may have that name. `depth`: 0 the list of tables, 1 an entry, 2 its keys.
 */
static void describe(const struct fx_node *node, int depth, struct fx_buf *out)
{
    if (node == NULL ||
        (depth == 2 && node->key != NULL && strcmp(node->key, FX_MAP_DROPPED_KEY) == 0))
        return;
    if (node->key != NULL)
        fx_buf_printf(out, "%zu:%s=", strlen(node->key), node->key);
    bool is_name = depth == 1 && node->kind == FX_NODE_MAP && node->len == 2 &&
                   fx_node_get(node, FX_MAP_DROPPED_KEY) != NULL;
    const struct fx_node *name = is_name ? fx_node_get(node, "from") : node;
    if (name != NULL && name->kind == FX_NODE_SCALAR) { /* a table that had no keys before */
        fx_buf_printf(out, "%zu:", name->text.len);
        fx_buf_add(out, name->text);
        return;
    }
    fx_buf_add_char(out, node->kind == FX_NODE_LIST ? '[' : '{');
    for (const struct fx_node *child = node->first; child != NULL; child = child->next)
        describe(child, depth + 1, out);
    fx_buf_add_char(out, '}');
}

static void read_context(struct fx_project_reader *r, const struct fx_node *node,
                         struct fx_context *ctx)
{
    ctx->name = node->key;
    ctx->node = node;
    if (!is_group_name(node->key))
        fx_problem_key(r->problems, node,
                       "\"%s\" is not a valid context name: use 1 to 40 characters of a-z, 0-9 and "
                       "_ (it becomes part of slot names)",
                       node->key);
    struct context raw = {0};
    fx_schema_read(node, context_rules, &raw, r->arena, r->problems);
    if (fx_project_expect_map(r, raw.old_side, "old"))
        read_side(r, raw.old_side, FX_SIDE_OLD, &ctx->old_db, &ctx->old_upstream);
    if (fx_project_expect_map(r, raw.new_side, "new"))
        read_side(r, raw.new_side, FX_SIDE_NEW, &ctx->new_db, &ctx->new_upstream);
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
    describe(raw.tables, 0, &text);
    char *digest = fx_arena_alloc(r->arena, FX_HASH_HEX);
    fx_hash128_hex(fx_buf_str(&text), digest);
    ctx->digest = digest;
}

void fx_project_read_contexts(struct fx_project_reader *r, const struct fx_node *section)
{
    if (!fx_project_expect_map(r, section, "contexts"))
        return;
    struct fx_project *project = r->project;
    project->contexts = fx_arena_array(r->arena, section->len, sizeof *project->contexts);
    for (const struct fx_node *node = section->first; node != NULL; node = node->next)
        if (fx_project_expect_map(r, node, "a context"))
            read_context(r, node, &project->contexts[project->n_contexts++]);
}

void fx_project_contexts_markdown(struct fx_buf *out)
{
    fx_schema_markdown("contexts.NAME", context_rules, out);
    fx_schema_markdown("contexts.NAME.old, contexts.NAME.new", side_rules, out);
    fx_schema_markdown("contexts.NAME.tables[]", table_rules, out);
    fx_schema_markdown("contexts.NAME.tables[].columns.OLD", column_rules, out);
}
