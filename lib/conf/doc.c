/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events -> our tree. The event parser is used and not yaml_document_load, because events
 * carry marks and styles, and because aliases are then ours to expand under a limit ("billion
 * laughs").
 */
#include "lib/conf/doc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <yaml.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/fmt/text.h"

enum { DEPTH_MAX = 32, NODES_BYTES_MAX = 1 << 20, FILE_BYTES_MAX = 1 << 20, ANCHORS_MAX = 256 };

struct anchor {
    const char *name;
    struct fx_node *node;
};

struct loader {
    yaml_parser_t yaml;
    const char *name;   /* of the file, in the arena */
    struct fx_str text; /* of the file, without a byte order mark */
    struct fx_arena *arena;
    struct fx_problems *problems; /* what does not stop the parse: duplicate keys */
    struct fx_err *err;
    size_t bytes; /* of nodes and texts so far, aliases expanded */
    struct anchor anchors[ANCHORS_MAX];
    size_t n_anchors;
};

static bool read_node(struct loader *ld, yaml_event_t *event, int depth, struct fx_node **ret);

static const char correct_it[] = "Correct the file there, then run the same command again.";

static bool syntax(struct loader *ld, size_t line, size_t column, const char *what)
{
    return fx_fail(ld->err, FX_E_CONFIG, "%s:%zu:%zu: %s", ld->name, line + 1, column + 1, what) ||
           fx_hint(ld->err, "%s", correct_it);
}

/*
 * What libyaml finds, in words for those who wrote the file. `%zu` is the line where the thing
 * begins that is not complete. Another version of libyaml may word it differently: then its own
 * words are shown.
 */
static const struct {
    const char *theirs, *ours;
} yaml_words[] = {
    {"did not find expected ',' or '}'", "expected \",\" or \"}\": the map { that begins in line "
                                         "%zu is not closed before this place"},
    {"did not find expected ',' or ']'", "expected \",\" or \"]\": the list [ that begins in line "
                                         "%zu is not closed before this place"},
    {"could not find expected ':'", "the key in line %zu has no \":\" after it"},
    {"found unexpected end of stream", "the quotes that open in line %zu are not closed"},
    {"found character that cannot start any token",
     "a value cannot begin with this character; put the value in quotes, and indent with spaces, "
     "not with tabs"},
    {"mapping values are not allowed in this context",
     "\":\" is not allowed here; check the indentation, or put the value in quotes"},
    {"did not find expected key", "the indentation is not that of the map that begins in line %zu"},
    {"did not find expected '-' indicator",
     "the indentation is not that of the list that begins in line %zu"},
};

static bool yaml_error(struct loader *ld, const yaml_parser_t *p)
{
    const char *problem = p->problem != NULL ? p->problem : "invalid YAML";
    char text[256];
    for (size_t i = 0; i < FX_ARRAY_LEN(yaml_words); i++) {
        if (strcmp(problem, yaml_words[i].theirs) != 0)
            continue;
        const char *at = strstr(yaml_words[i].ours, "%zu");
        int before = at != NULL ? (int)(at - yaml_words[i].ours) : 0;
        if (at != NULL)
            snprintf(text, sizeof text, "%.*s%zu%s", before, yaml_words[i].ours,
                     p->context_mark.line + 1, at + 3);
        else
            snprintf(text, sizeof text, "%s", yaml_words[i].ours);
        return syntax(ld, p->problem_mark.line, p->problem_mark.column, text);
    }
    if (p->context == NULL)
        return syntax(ld, p->problem_mark.line, p->problem_mark.column, problem);
    snprintf(text, sizeof text, "%s, %s", problem, p->context);
    return syntax(ld, p->problem_mark.line, p->problem_mark.column, text);
}

/* Line and column, from 0, of a byte of the text; columns count characters, as editors do. */
static bool bad_byte(struct loader *ld, struct fx_str text, size_t offset, const char *what)
{
    size_t line = 0, begin = 0;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            line++;
            begin = i + 1;
        }
    }
    return syntax(ld, line, fx_utf8_length(fx_str_sub(text, begin, offset - begin)), what);
}

static bool next_event(struct loader *ld, yaml_event_t *event)
{
    if (yaml_parser_parse(&ld->yaml, event))
        return true;
    if (ld->yaml.error == YAML_READER_ERROR)
        return bad_byte(ld, ld->text, ld->yaml.problem_offset,
                        "this control character is not allowed in YAML; write it as \"\\xNN\" in "
                        "double quotes");
    return yaml_error(ld, &ld->yaml);
}

/*
 * Cuts the byte order mark that some editors write, and finds bytes that are not UTF-8 before
 * libyaml does, which knows their offset only.
 */
static bool check_text(struct loader *ld, struct fx_err *err)
{
    struct fx_str text = ld->text;
    if (fx_str_starts(text, FX_STR("\xFE\xFF")) || fx_str_starts(text, FX_STR("\xFF\xFE"))) {
        fx_fail(err, FX_E_CONFIG, "%s: the file is in UTF-16; it must be in UTF-8", ld->name);
        return fx_hint(err, "Run: iconv -f UTF-16 -t UTF-8 '%s' > NEW_FILE", ld->name);
    }
    if (fx_str_starts(text, FX_STR("\xEF\xBB\xBF")))
        ld->text = text = fx_str_sub(text, 3, text.len - 3);
    size_t good = fx_utf8_prefix(text);
    if (good == text.len)
        return true;
    char what[96];
    snprintf(what, sizeof what, "byte 0x%02X is not UTF-8", (unsigned char)text.ptr[good]);
    (void)bad_byte(ld, text, good, what);
    return fx_hint(err,
                   "Save the file as UTF-8. If it is in Latin-1: iconv -f ISO-8859-1 -t "
                   "UTF-8 '%s' > NEW_FILE",
                   ld->name);
}

static struct fx_node *new_node(struct loader *ld, enum fx_node_kind kind, const yaml_event_t *ev)
{
    struct fx_node *node = FX_ARENA_NEW(ld->arena, struct fx_node);
    node->kind = kind;
    node->file = ld->name;
    node->line = (int)ev->start_mark.line + 1;
    node->column = (int)ev->start_mark.column + 1;
    return node;
}

static bool charge(struct loader *ld, const yaml_event_t *ev, size_t text_len)
{
    ld->bytes += sizeof(struct fx_node) + text_len;
    if (ld->bytes <= NODES_BYTES_MAX)
        return true;
    return syntax(ld, ev->start_mark.line, ev->start_mark.column,
                  "the document is too large (limit: 1 MiB with aliases expanded)");
}

static void remember(struct loader *ld, const yaml_char_t *anchor, struct fx_node *node)
{
    if (anchor == NULL || ld->n_anchors == ANCHORS_MAX)
        return;
    ld->anchors[ld->n_anchors++] =
        (struct anchor){fx_arena_strdup(ld->arena, (const char *)anchor), node};
}

static struct fx_node *copy_tree(struct loader *ld, const struct fx_node *from,
                                 const yaml_event_t *ev)
{
    if (!charge(ld, ev, from->text.len))
        return NULL;
    struct fx_node *node = FX_ARENA_NEW(ld->arena, struct fx_node);
    *node = *from;
    node->next = NULL;
    struct fx_node **tail = &node->first;
    for (const struct fx_node *child = from->first; child != NULL; child = child->next) {
        *tail = copy_tree(ld, child, ev);
        if (*tail == NULL)
            return NULL;
        tail = &(*tail)->next;
    }
    return node;
}

static bool read_alias(struct loader *ld, const yaml_event_t *ev, struct fx_node **ret)
{
    const char *name = (const char *)ev->data.alias.anchor;
    for (size_t i = ld->n_anchors; i > 0; i--) {
        if (strcmp(ld->anchors[i - 1].name, name) == 0) {
            *ret = copy_tree(ld, ld->anchors[i - 1].node, ev);
            return *ret != NULL;
        }
    }
    return syntax(ld, ev->start_mark.line, ev->start_mark.column,
                  "the alias (*NAME) has no anchor (&NAME) whose value ends before it");
}

static bool read_scalar(struct loader *ld, const yaml_event_t *ev, struct fx_node **ret)
{
    size_t len = ev->data.scalar.length;
    if (!charge(ld, ev, len))
        return false;
    if (memchr(ev->data.scalar.value, '\0', len) != NULL)
        return syntax(ld, ev->start_mark.line, ev->start_mark.column,
                      "a NUL character is not allowed");
    *ret = new_node(ld, FX_NODE_SCALAR, ev);
    (*ret)->text =
        fx_arena_str(ld->arena, (struct fx_str){(const char *)ev->data.scalar.value, len});
    (*ret)->is_quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    remember(ld, ev->data.scalar.anchor, *ret);
    return true;
}

static bool read_list(struct loader *ld, yaml_event_t *start, int depth, struct fx_node **ret)
{
    if (!charge(ld, start, 0))
        return false;
    struct fx_node *list = new_node(ld, FX_NODE_LIST, start);
    struct fx_node **tail = &list->first;
    for (;;) {
        yaml_event_t ev;
        if (!next_event(ld, &ev))
            return false;
        bool is_end = ev.type == YAML_SEQUENCE_END_EVENT;
        bool ok = is_end || read_node(ld, &ev, depth + 1, tail);
        yaml_event_delete(&ev);
        if (!ok)
            return false;
        if (is_end)
            break;
        tail = &(*tail)->next;
        list->len++;
    }
    remember(ld, start->data.sequence_start.anchor, list);
    *ret = list;
    return true;
}

/* The key of a pair, already in `ev`. Only plain words make keys: no lists, maps or aliases. */
static bool read_key(struct loader *ld, const yaml_event_t *ev, const char **ret_key)
{
    if (ev->type != YAML_SCALAR_EVENT)
        return syntax(ld, ev->start_mark.line, ev->start_mark.column, "a key must be plain text");
    struct fx_node *key = NULL;
    if (!read_scalar(ld, ev, &key))
        return false;
    *ret_key = key->text.ptr;
    return true;
}

static void check_duplicate(struct loader *ld, const struct fx_node *map,
                            const struct fx_node *pair)
{
    for (const struct fx_node *other = map->first; other != NULL && other != pair;
         other = other->next) {
        if (strcmp(other->key, pair->key) == 0) {
            fx_problem_key(ld->problems, pair, "duplicate key \"%s\", first used in line %d",
                           pair->key, other->key_line);
            return;
        }
    }
}

static bool read_pair(struct loader *ld, const yaml_event_t *key_event, int depth,
                      struct fx_node **ret)
{
    const char *key = NULL;
    if (!read_key(ld, key_event, &key))
        return false;
    yaml_event_t ev;
    if (!next_event(ld, &ev))
        return false;
    bool ok = read_node(ld, &ev, depth + 1, ret);
    yaml_event_delete(&ev);
    if (!ok)
        return false;
    (*ret)->key = key;
    (*ret)->key_line = (int)key_event->start_mark.line + 1;
    (*ret)->key_column = (int)key_event->start_mark.column + 1;
    return true;
}

static bool read_map(struct loader *ld, yaml_event_t *start, int depth, struct fx_node **ret)
{
    if (!charge(ld, start, 0))
        return false;
    struct fx_node *map = new_node(ld, FX_NODE_MAP, start);
    struct fx_node **tail = &map->first;
    for (;;) {
        yaml_event_t ev;
        if (!next_event(ld, &ev))
            return false;
        bool is_end = ev.type == YAML_MAPPING_END_EVENT;
        bool ok = is_end || read_pair(ld, &ev, depth, tail);
        yaml_event_delete(&ev);
        if (!ok)
            return false;
        if (is_end)
            break;
        check_duplicate(ld, map, *tail);
        tail = &(*tail)->next;
        map->len++;
    }
    remember(ld, start->data.mapping_start.anchor, map);
    *ret = map;
    return true;
}

static bool has_tag(const yaml_event_t *ev)
{
    if (ev->type == YAML_SCALAR_EVENT)
        return ev->data.scalar.tag != NULL;
    if (ev->type == YAML_SEQUENCE_START_EVENT)
        return ev->data.sequence_start.tag != NULL;
    return ev->type == YAML_MAPPING_START_EVENT && ev->data.mapping_start.tag != NULL;
}

static bool read_node(struct loader *ld, yaml_event_t *ev, int depth, struct fx_node **ret)
{
    if (depth > DEPTH_MAX)
        return syntax(ld, ev->start_mark.line, ev->start_mark.column,
                      "nested too deeply (limit: 32 levels)");
    if (has_tag(ev))
        return syntax(ld, ev->start_mark.line, ev->start_mark.column,
                      "YAML tags are not supported");
    if (ev->type == YAML_SCALAR_EVENT)
        return read_scalar(ld, ev, ret);
    if (ev->type == YAML_SEQUENCE_START_EVENT)
        return read_list(ld, ev, depth, ret);
    if (ev->type == YAML_MAPPING_START_EVENT)
        return read_map(ld, ev, depth, ret);
    if (ev->type == YAML_ALIAS_EVENT)
        return read_alias(ld, ev, ret);
    return syntax(ld, ev->start_mark.line, ev->start_mark.column, "expected a value");
}

/* Skips to the first node; *ret stays NULL when the stream is empty. */
static bool read_document(struct loader *ld, struct fx_node **ret)
{
    for (;;) {
        yaml_event_t ev;
        if (!next_event(ld, &ev))
            return false;
        bool is_end = ev.type == YAML_STREAM_END_EVENT;
        bool is_second = ev.type == YAML_DOCUMENT_START_EVENT && *ret != NULL;
        bool is_frame = ev.type == YAML_STREAM_START_EVENT ||
                        ev.type == YAML_DOCUMENT_START_EVENT || ev.type == YAML_DOCUMENT_END_EVENT;
        bool ok = true;
        if (is_second)
            ok = syntax(ld, ev.start_mark.line, ev.start_mark.column,
                        "a file can contain only one YAML document");
        else if (!is_end && !is_frame)
            ok = read_node(ld, &ev, 1, ret);
        yaml_event_delete(&ev);
        if (!ok || is_end)
            return ok;
    }
}

bool fx_doc_parse(const char *name, struct fx_str text, struct fx_arena *arena,
                  struct fx_node **ret_root, struct fx_err *err)
{
    struct fx_problems problems;
    struct loader *ld = FX_ARENA_NEW(arena, struct loader);
    ld->name = fx_arena_strdup(arena, name);
    ld->arena = arena;
    ld->problems = &problems;
    ld->err = err;
    ld->text = text;
    if (!check_text(ld, err))
        return false;
    if (!yaml_parser_initialize(&ld->yaml))
        FX_BUG("libyaml is out of memory");
    fx_problems_init(&problems);
    yaml_parser_set_encoding(&ld->yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        &ld->yaml, (const unsigned char *)(ld->text.len > 0 ? ld->text.ptr : ""), ld->text.len);
    struct fx_node *root = NULL;
    bool ok = read_document(ld, &root);
    yaml_parser_delete(&ld->yaml);
    ok = ok && fx_problems_ok(&problems, err);
    fx_problems_done(&problems);
    if (!ok)
        return false;
    if (root == NULL)
        return fx_fail(err, FX_E_CONFIG, "%s: the file is empty", name) ||
               fx_hint(err, "%s", correct_it);
    *ret_root = root;
    return true;
}

bool fx_doc_load(const char *path, struct fx_arena *arena, struct fx_node **ret_root,
                 struct fx_err *err)
{
    FX_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return fx_fail_errno(err, FX_E_CONFIG, errno, "could not open \"%s\"", path);
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
        return fx_fail(err, FX_E_CONFIG, "\"%s\" is not a regular file", path) ||
               fx_hint(err, "Name a YAML file. What it is: ls -ld '%s'", path);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(FILE_BYTES_MAX);
    char chunk[16384];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        fx_buf_add_bytes(&text, chunk, (size_t)n);
    if (n < 0)
        return fx_fail_errno(err, FX_E_CONFIG, errno, "could not read \"%s\"", path);
    if (text.has_failed)
        return fx_fail(err, FX_E_CONFIG, "\"%s\" is larger than 1 MiB", path) ||
               fx_hint(err, "No project file or plan is that large: check the path.");
    return fx_doc_parse(path, fx_buf_str(&text), arena, ret_root, err);
}

struct fx_node *fx_node_get(const struct fx_node *map, const char *key)
{
    if (map == NULL || map->kind != FX_NODE_MAP)
        return NULL;
    for (struct fx_node *child = map->first; child != NULL; child = child->next) {
        if (strcmp(child->key, key) == 0)
            return child;
    }
    return NULL;
}

void fx_problems_init(struct fx_problems *problems)
{
    *problems = (struct fx_problems){.text = FX_BUF(1 << 18)};
}

void fx_problems_done(struct fx_problems *problems)
{
    fx_buf_done(&problems->text);
}

static void add_problem(struct fx_problems *problems, const char *file, int line, int column,
                        const char *fmt, va_list ap) FX_PRINTF(5, 0);
static void add_problem(struct fx_problems *problems, const char *file, int line, int column,
                        const char *fmt, va_list ap)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
    if (file != NULL)
        fx_buf_printf(&text, "%s:%d:%d: ", file, line, column);
    fx_buf_vprintf(&text, fmt, ap);
    fx_buf_add_char(&text, '\n');
    /* Two readers of one section find the same things. Positions make lines unique otherwise. */
    if (problems->count > 0 && strstr(fx_buf_cstr(&problems->text), fx_buf_cstr(&text)) != NULL)
        return;
    fx_buf_add_bytes(&problems->text, text.ptr, text.len);
    problems->count++;
}

void fx_problem(struct fx_problems *problems, const struct fx_node *at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_problem(problems, at != NULL ? at->file : NULL, at != NULL ? at->line : 0,
                at != NULL ? at->column : 0, fmt, ap);
    va_end(ap);
}

void fx_problem_key(struct fx_problems *problems, const struct fx_node *at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool has_key = at != NULL && at->key != NULL;
    add_problem(problems, at != NULL ? at->file : NULL,
                has_key      ? at->key_line
                : at != NULL ? at->line
                             : 0,
                has_key      ? at->key_column
                : at != NULL ? at->column
                             : 0,
                fmt, ap);
    va_end(ap);
}

/* Sections are read one after the other, people read from
 * the top: by line and column of one file, stable otherwise. */
struct problem_line {
    struct fx_str text, file;
    uint64_t line, column;
    size_t n;
};

static struct problem_line problem_line(struct fx_str text, size_t n)
{
    struct problem_line ret = {.text = text, .n = n};
    struct fx_str rest, line, column;
    ret.file = fx_str_cut(text, ':', &rest);
    line = fx_str_cut(rest, ':', &rest);
    column = fx_str_cut(rest, ':', &rest);
    if (!fx_parse_u64(line, UINT32_MAX, &ret.line) ||
        !fx_parse_u64(column, UINT32_MAX, &ret.column))
        ret.file = (struct fx_str){0}; /* without a place: in front */
    return ret;
}

static int by_place(const void *a, const void *b)
{
    const struct problem_line *x = a, *y = b;
    int order = fx_str_cmp(x->file, y->file);
    if (order != 0)
        return order;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x->n < y->n ? -1 : x->n > y->n;
}

static void sort_problems(struct fx_problems *problems)
{
    FX_AUTO(fx_buf) struct fx_buf sorted = FX_BUF(1 << 18);
    struct problem_line *lines = fx_alloc_array(problems->count + 1, sizeof *lines);
    struct fx_str rest = fx_buf_str(&problems->text);
    size_t n = 0;
    while (rest.len > 0 && n < problems->count) {
        struct fx_str text = fx_str_cut(rest, '\n', &rest);
        lines[n] = problem_line(text, n);
        n++;
    }
    if (rest.len == 0) { /* else one of them has several lines, and they stay as they are */
        qsort(lines, n, sizeof *lines, by_place);
        for (size_t i = 0; i < n; i++) {
            fx_buf_add(&sorted, lines[i].text);
            fx_buf_add_char(&sorted, '\n');
        }
        fx_buf_clear(&problems->text);
        fx_buf_add(&problems->text, fx_buf_str(&sorted));
    }
    free(lines);
}

/* As many whole lines as the detail field holds, then how many were left out. */
static void put_detail(const struct fx_problems *problems, struct fx_err *err)
{
    size_t room = sizeof err->detail - 32;
    struct fx_str text = fx_buf_str(&problems->text);
    size_t len = 0, shown = 0;
    for (size_t i = 0; i < text.len && i < room; i++) {
        if (text.ptr[i] == '\n') {
            len = i;
            shown++;
        }
    }
    if (shown == 0)
        len = FX_MIN(room, text.len);
    if (shown < problems->count && shown > 0)
        fx_detail(err, "%.*s\n(%zu more)", (int)len, text.ptr, problems->count - shown);
    else
        fx_detail(err, "%.*s", (int)len, text.ptr);
}

bool fx_problems_ok(struct fx_problems *problems, struct fx_err *err)
{
    if (problems->count == 0)
        return true;
    if (problems->count == 1) {
        struct fx_str text = fx_buf_str(&problems->text);
        return fx_fail(err, FX_E_CONFIG, "%.*s", (int)text.len - 1, text.ptr) ||
               fx_hint(err, "%s", correct_it);
    }
    fx_fail(err, FX_E_CONFIG, "the configuration has %zu problems", problems->count);
    sort_problems(problems);
    put_detail(problems, err);
    return fx_hint(err, "%s", correct_it);
}
