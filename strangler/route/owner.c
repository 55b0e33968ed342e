/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The readings are made by a chain of stages. Each stage either leaves the path alone or changes it
 * in one way, and is tried both ways only where the path has what it changes; so a plain path has
 * one or two readings. Work is bounded: a path that needs more is ambiguous.
 */
#include "strangler/route/owner.h"

#include <ctype.h>

#include "lib/fmt/text.h"

enum { PATH_MAX_BYTES = 8192, WORK_MAX = 256 * 1024, DECODE_MAX = 4, NO_GROUP = -1 };

struct text {
    size_t len;
    char bytes[PATH_MAX_BYTES];
};

struct reader {
    const struct fcd_rule *rules;
    size_t n;
    unsigned method;
    size_t work;
    bool is_too_long, has_dots;                   /* of the path */
    bool has_foreign, has_two_groups, is_natural; /* of its readings */
    const struct fcd_rule *first, *listed;        /* rules that own a reading */
};

/* --- segments, as loosely as servers match them ----------------------------------------------- */

static bool eq_ci(struct fx_str a, struct fx_str b)
{
    return fx_str_eq_ci(a, b);
}

/* A literal takes itself, "literal.json" and "literal;v=2". */
static bool takes_loosely(struct fx_str want, struct fx_str segment)
{
    if (segment.len < want.len || !eq_ci(want, fx_str_sub(segment, 0, want.len)))
        return false;
    return segment.len == want.len || segment.ptr[want.len] == '.' || segment.ptr[want.len] == ';';
}

/* One trailing slash is free. */
static bool matches_loosely(const struct fcd_pattern *pattern, struct fx_str path)
{
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    struct fx_str rest = fx_str_sub(path, 1, path.len);
    bool has_more = true;
    for (size_t i = 0; i < pattern->n_segments; i++) {
        if (!has_more)
            return false;
        has_more = fx_str_find(rest, '/') >= 0;
        struct fx_str segment = fx_str_cut(rest, '/', &rest), want = pattern->segments[i];
        if (want.ptr != NULL ? !takes_loosely(want, segment) : segment.len == 0)
            return false;
    }
    return pattern->has_rest || !has_more;
}

/* As for a plain path: the first rule that takes the method, else the first one. */
static const struct fcd_rule *find_loosely(const struct reader *r, struct fx_str path)
{
    const struct fcd_rule *first = NULL;
    for (size_t i = 0; i < r->n; i++) {
        const struct fcd_rule *rule = &r->rules[i];
        if (((rule->methods & r->method) == 0 && first != NULL) ||
            !matches_loosely(&rule->pattern, path))
            continue;
        if ((rule->methods & r->method) != 0)
            return rule;
        first = rule;
    }
    return first;
}

static void judge(struct reader *r, struct fx_str path, bool is_structural)
{
    const struct fcd_rule *rule = find_loosely(r, path);
    if (rule == NULL) {
        r->has_foreign = true;
        return;
    }
    if (r->first == NULL)
        r->first = rule;
    if (r->listed == NULL && (rule->methods & r->method) != 0)
        r->listed = rule;
    r->has_two_groups = r->has_two_groups || r->first->group != rule->group;
    r->is_natural = r->is_natural || !is_structural;
}

/* --- what servers do to a path ---------------------------------------------------------------- */

static void put(struct text *to, char c)
{
    if (to->len < sizeof to->bytes)
        to->bytes[to->len++] = c;
}

static bool hex(struct fx_str s, uint64_t *ret)
{
    return s.len == 2 && isxdigit((unsigned char)s.ptr[0]) && isxdigit((unsigned char)s.ptr[1]) &&
           fx_parse_hex_u64(s, 255, ret);
}

static void decode_once(struct fx_str from, struct text *to)
{
    uint64_t byte;
    to->len = 0;
    for (size_t i = 0; i < from.len; i++) {
        if (from.ptr[i] == '%' && hex(fx_str_sub(from, i + 1, 2), &byte)) {
            put(to, (char)byte);
            i += 2;
        } else {
            put(to, from.ptr[i]);
        }
    }
}

static void decode(struct fx_str from, int times, struct text *to)
{
    struct text other;
    decode_once(from, to);
    for (; times > 1; times--) {
        memcpy(other.bytes, to->bytes, to->len);
        decode_once((struct fx_str){other.bytes, to->len}, to);
    }
}

/* Each segment to its ";", or everything from the first one. */
static void cut_parameters(struct fx_str from, bool is_all, struct text *to)
{
    bool is_cut = false;
    to->len = 0;
    for (size_t i = 0; i < from.len; i++) {
        is_cut = from.ptr[i] == ';' || (is_cut && (is_all || from.ptr[i] != '/'));
        if (!is_cut)
            put(to, from.ptr[i]);
    }
}

/* The characters that have look-alikes which libraries fold to ASCII: full-width forms, long s,
 * Kelvin, dotless and dotted i, small letters and digits, and other slashes. 0: none. */
static char ascii_of(uint32_t code)
{
    if (code >= 0xFF01 && code <= 0xFF5E)
        return (char)(code - 0xFF01 + '!');
    switch (code) {
    case 0xAA: return 'a';
    case 0xBA: return 'o';
    case 0xB2: return '2';
    case 0xB3: return '3';
    case 0xB9: return '1';
    case 0x17F: return 's';
    case 0x212A: return 'k';
    case 0x130:
    case 0x131: return 'i';
    case 0x2044:
    case 0x2215: return '/';
    case 0x2216: return '\\';
    default: return code < 0x80 ? (char)code : '\0';
    }
}

/* One UTF-8 sequence, also an overlong one. Returns its length; 0: none. */
static size_t sequence(struct fx_str s, uint32_t *ret_code)
{
    unsigned char first = (unsigned char)s.ptr[0];
    size_t len = first >= 0xF0 && first < 0xF8 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
    if (len == 0 || s.len < len || first >= 0xF8)
        return 0;
    uint32_t code = first & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (((unsigned char)s.ptr[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | ((unsigned char)s.ptr[i] & 0x3F);
    }
    *ret_code = code;
    return len;
}

/* A byte that begins no sequence is taken for Latin-1. */
static void fold(struct fx_str from, struct text *to)
{
    to->len = 0;
    for (size_t i = 0; i < from.len;) {
        uint32_t code = (unsigned char)from.ptr[i];
        size_t len = sequence(fx_str_sub(from, i, from.len), &code);
        char c = ascii_of(code);
        put(to, c != '\0' ? c : from.ptr[i]);
        i += c != '\0' && len > 0 ? len : 1;
    }
}

/* Ends of segments lose dots, spaces and controls; NUL ends the path; TAB, CR and LF vanish. */
static void trim(struct fx_str from, struct text *to)
{
    to->len = 0;
    for (size_t i = 0; i <= from.len; i++) {
        bool is_end = i == from.len || from.ptr[i] == '\0' || from.ptr[i] == '/';
        while (is_end && to->len > 1 && to->bytes[to->len - 1] != '/' &&
               ((unsigned char)to->bytes[to->len - 1] <= ' ' || to->bytes[to->len - 1] == '.' ||
                to->bytes[to->len - 1] == 0x7F))
            to->len--;
        if (i == from.len || from.ptr[i] == '\0')
            return;
        if (from.ptr[i] != '\t' && from.ptr[i] != '\r' && from.ptr[i] != '\n')
            put(to, from.ptr[i]);
    }
}

static void to_slashes(struct fx_str from, struct text *to)
{
    to->len = 0;
    for (size_t i = 0; i < from.len; i++)
        put(to, from.ptr[i] == '\\' ? '/' : from.ptr[i]);
}

static void merge(struct fx_str from, struct text *to)
{
    to->len = 0;
    for (size_t i = 0; i < from.len; i++)
        if (from.ptr[i] != '/' || to->len == 0 || to->bytes[to->len - 1] != '/')
            put(to, from.ptr[i]);
}

static void resolve_dots(struct fx_str from, struct text *to)
{
    struct fx_str rest = fx_str_sub(from, 1, from.len);
    bool is_last = false;
    to->len = 0;
    while (!is_last) {
        is_last = fx_str_find(rest, '/') < 0;
        struct fx_str segment = fx_str_cut(rest, '/', &rest);
        bool is_up = fx_str_eq_c(segment, ".."), is_dot = is_up || fx_str_eq_c(segment, ".");
        while (is_up && to->len > 0 && to->bytes[--to->len] != '/')
            ;
        if (is_dot && !is_last)
            continue;
        put(to, '/');
        for (size_t i = 0; !is_dot && i < segment.len; i++)
            put(to, segment.ptr[i]);
    }
}

/* "/x/index.php/orders" is /orders for what runs behind the script; "/(S(abc))/orders" too. */
static bool is_script(struct fx_str segment)
{
    static const char *const ends[] = {".php", ".php4", ".php5", ".php7", ".php8", ".phtml",
                                       ".cgi", ".pl",   ".py",   ".fcgi", ".dll",  ".exe",
                                       ".asp", ".aspx", ".ashx", ".do"};
    for (size_t i = 0; i < FX_ARRAY_LEN(ends); i++) {
        struct fx_str end = fx_str_from(ends[i]);
        if (segment.len > end.len &&
            eq_ci(end, fx_str_sub(segment, segment.len - end.len, end.len)))
            return true;
    }
    return false;
}

static bool is_cookieless(struct fx_str segment)
{
    return segment.len > 4 && segment.ptr[0] == '(' && segment.ptr[segment.len - 1] == ')' &&
           fx_str_find(segment, '(') >= 0 && isalpha((unsigned char)segment.ptr[1]) &&
           segment.ptr[2] == '(';
}

static void drop_prefix(struct fx_str from, struct text *to)
{
    struct fx_str rest = fx_str_sub(from, 1, from.len);
    bool is_last = false, has_script = false;
    to->len = 0;
    while (!is_last) {
        is_last = fx_str_find(rest, '/') < 0;
        struct fx_str segment = fx_str_cut(rest, '/', &rest);
        if (is_cookieless(segment))
            continue;
        if (!is_last && !has_script && is_script(segment)) {
            has_script = true;
            to->len = 0;
            continue;
        }
        put(to, '/');
        for (size_t i = 0; i < segment.len; i++)
            put(to, segment.ptr[i]);
    }
    if (to->len == 0)
        put(to, '/');
}

/* --- the chain -------------------------------------------------------------------------------- */

static bool has(struct fx_str s, char c)
{
    return fx_str_find(s, c) >= 0;
}

static bool has_high(struct fx_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] >= 0x80)
            return true;
    return false;
}

/* Was the escape of a '%' in it? Decoding it again is then another reading. */
static bool has_double(struct fx_str s)
{
    return memmem(s.ptr, s.len, "%25", 3) != NULL;
}

enum stage {
    PARAMETERS_FIRST,
    DECODE,
    PARAMETERS_THEN,
    FOLD,
    SLASHES,
    TRIM,
    MERGE,
    DOTS,
    PREFIX,
    N_STAGES
};
enum { VARIANTS_MAX = 3 };

/* The path as variant 1, 2 … of the stage reads it; variant 0 is the path itself. False: there is
 * no such variant. */
static bool read_as(enum stage stage, int variant, struct fx_str in, struct text *out)
{
    out->len = 0;
    switch (stage) {
    case PARAMETERS_FIRST:
    case PARAMETERS_THEN:
        if (has(in, ';'))
            cut_parameters(in, variant == 2, out);
        return has(in, ';');
    case DECODE:
        if (!has(in, '%') || (variant == 2 && !has_double(in)))
            return false;
        decode(in, variant == 2 ? DECODE_MAX : 1, out);
        return true;
    case FOLD:
        if (variant == 1 && has_high(in))
            fold(in, out);
        return variant == 1 && has_high(in);
    case SLASHES: to_slashes(in, out); return variant == 1 && has(in, '\\');
    case TRIM: trim(in, out); break;
    case MERGE: merge(in, out); break;
    case DOTS: resolve_dots(in, out); break;
    case PREFIX: drop_prefix(in, out); break;
    case N_STAGES: break;
    }
    return variant == 1 && (out->len != in.len || memcmp(out->bytes, in.ptr, in.len) != 0);
}

static bool is_structural(enum stage stage, int variant)
{
    switch (stage) {
    case DECODE: return variant == 2;
    case FOLD:
    case SLASHES:
    case TRIM:
    case DOTS: return true;
    default: return false;
    }
}

static void read_on(struct reader *r, enum stage stage, struct fx_str path, bool structural)
{
    r->work += path.len + 1;
    if (r->work > WORK_MAX)
        r->is_too_long = true;
    if (r->is_too_long || path.len == 0 || path.ptr[0] != '/')
        return;
    if (stage == N_STAGES) {
        judge(r, path, structural);
        return;
    }
    read_on(r, stage + 1, path, structural);
    for (int variant = 1; variant < VARIANTS_MAX; variant++) {
        struct text other;
        if (!read_as(stage, variant, path, &other))
            continue;
        r->has_dots = r->has_dots || stage == DOTS;
        read_on(r, stage + 1, (struct fx_str){other.bytes, other.len},
                structural || is_structural(stage, variant));
    }
}

/* --- which paths need all that ---------------------------------------------------------------- */

/* Letters and digits only, decoded and folded to the end: whatever a stage does, it deletes or
 * splits these, so a path that lacks a literal's letters is nobody's in every reading. */
static void project(struct fx_str path, struct text *out)
{
    struct text decoded, folded;
    decode(path, DECODE_MAX, &decoded);
    fold((struct fx_str){decoded.bytes, decoded.len}, &folded);
    out->len = 0;
    for (size_t i = 0; i < folded.len; i++)
        if (isalnum((unsigned char)folded.bytes[i]))
            put(out, (char)tolower((unsigned char)folded.bytes[i]));
}

static bool may_match(const struct fcd_pattern *pattern, const struct text *projected)
{
    for (size_t i = 0; i < pattern->n_segments; i++) {
        struct text literal;
        if (pattern->segments[i].ptr == NULL)
            continue;
        project(pattern->segments[i], &literal);
        if (memmem(projected->bytes, projected->len, literal.bytes, literal.len) == NULL)
            return false;
    }
    return true;
}

static bool may_be_owned(const struct fcd_rule *rules, size_t n, struct fx_str path)
{
    struct text projected;
    project(path, &projected);
    for (size_t i = 0; i < n; i++)
        if (may_match(&rules[i].pattern, &projected))
            return true;
    return false;
}

/* Everything reads it in the same way, but for case, extension, trailing slash and prefix. */
static bool is_plain(struct fx_str path)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        if (!isalnum((unsigned char)c) && c != '/' && c != '_' && c != '~' && c != '-')
            return false;
    }
    return true;
}

static struct fcd_found ambiguous(const char *why)
{
    return (struct fcd_found){.verdict = FCD_AMBIGUOUS, .why = why};
}

static struct fcd_found conclude(const struct reader *r)
{
    if (r->is_too_long)
        return ambiguous("a path that can be read in too many ways");
    if (r->first == NULL)
        return (struct fcd_found){.verdict = FCD_FOREIGN};
    if (r->has_two_groups)
        return ambiguous("a path that two groups could own");
    if (!r->is_natural)
        return ambiguous("a path that some servers read as another one, which is a group's");
    if (r->has_foreign && r->has_dots)
        return ambiguous("a dot segment in the path");
    const struct fcd_rule *rule = r->listed != NULL ? r->listed : r->first;
    return (struct fcd_found){
        .verdict = FCD_OWNED, .route = rule->route, .is_listed = r->listed != NULL};
}

struct fcd_found fcd_route_owner(const struct fcd_rule *rules, size_t n, struct fx_str raw,
                                 struct fx_str normal, unsigned method)
{
    size_t route = fcd_rules_find(rules, n, normal, method);
    if (is_plain(raw) && route != SIZE_MAX)
        return (struct fcd_found){
            .verdict = FCD_OWNED, .route = route, .is_listed = true, .is_plain = true};
    if (raw.len >= PATH_MAX_BYTES)
        return ambiguous("a path that is too long");
    if (!is_plain(raw) && !may_be_owned(rules, n, raw))
        return (struct fcd_found){.verdict = FCD_FOREIGN};
    struct reader reader = {.rules = rules, .n = n, .method = method};
    read_on(&reader, PARAMETERS_FIRST, raw, false);
    struct fcd_found found = conclude(&reader);
    found.is_plain = found.verdict == FCD_OWNED && route == found.route;
    return found;
}
