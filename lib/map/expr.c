/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recursive-descent parser that folds as it goes: every node of the grammar is the linear form
 * a*x + b with rational a and b, so no tree is kept and evaluation is one multiplication and one
 * addition. What would leave the linear forms (x * x, 1 / x) is refused, with its place in the
 * text.
 */
#include "lib/map/expr.h"

#include "lib/err/redact.h"
#include "lib/value/decimal.h"

enum { DEPTH_MAX = 32 };

struct fx_expr {
    const char *text;
    const char *column;
    struct fx_rat *a, *b; /* a*x + b */
};

struct linear {
    struct fx_rat *a, *b;
};

struct parser {
    struct fx_str text;
    size_t at;
    int depth;
    const char *column;
    const struct fx_node *node;
    struct fx_arena *arena;
    struct fx_problems *problems;
    bool has_failed;
};

static bool parse_expr(struct parser *p, struct linear *ret);

static bool complain(struct parser *p, const char *what)
{
    if (!p->has_failed)
        fx_problem(p->problems, p->node, "expression \"%.*s\": at character %zu: %s",
                   FX_STR_FMT(p->text), p->at + 1, what);
    p->has_failed = true;
    return false;
}

static char peek(struct parser *p)
{
    while (p->at < p->text.len && (p->text.ptr[p->at] == ' ' || p->text.ptr[p->at] == '\t'))
        p->at++;
    return p->at < p->text.len ? p->text.ptr[p->at] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static struct fx_rat *number(struct parser *p, const char *literal)
{
    return fx_rat_from(fx_str_from(literal), p->arena);
}

static bool parse_number(struct parser *p, struct linear *ret)
{
    size_t from = p->at;
    while (p->at < p->text.len && (is_digit(p->text.ptr[p->at]) || p->text.ptr[p->at] == '.'))
        p->at++;
    struct fx_str canon;
    if (!fx_decimal_canon(fx_str_sub(p->text, from, p->at - from), p->arena, &canon))
        return complain(p, "this is not a number");
    *ret = (struct linear){number(p, "0"), fx_rat_from(canon, p->arena)};
    return true;
}

static bool parse_column(struct parser *p, struct linear *ret)
{
    size_t from = p->at;
    while (p->at < p->text.len && (is_name(p->text.ptr[p->at]) || is_digit(p->text.ptr[p->at])))
        p->at++;
    struct fx_str name = fx_str_sub(p->text, from, p->at - from);
    if (p->column != NULL && !fx_str_eq_c(name, p->column)) {
        p->at = from;
        return complain(
            p, "an expression may use only one column; otherwise its inverse cannot be verified");
    }
    p->column = fx_arena_str(p->arena, name).ptr;
    *ret = (struct linear){number(p, "1"), number(p, "0")};
    return true;
}

static bool parse_factor(struct parser *p, struct linear *ret)
{
    char c = peek(p);
    if (p->depth >= DEPTH_MAX)
        return complain(p, "nested too deeply");
    if (is_digit(c) || c == '.')
        return parse_number(p, ret);
    if (is_name(c))
        return parse_column(p, ret);
    if (c != '-' && c != '(')
        return complain(p, c == '\0' ? "the expression is incomplete"
                                     : "expected a number, a column or '('");
    p->at++;
    p->depth++;
    if (c == '-') {
        if (!parse_factor(p, ret))
            return false;
        ret->a = fx_rat_sub(number(p, "0"), ret->a, p->arena);
        ret->b = fx_rat_sub(number(p, "0"), ret->b, p->arena);
    } else {
        if (!parse_expr(p, ret))
            return false;
        if (peek(p) != ')')
            return complain(p, "expected ')'");
        p->at++;
    }
    p->depth--;
    return true;
}

static bool multiply(struct parser *p, struct linear *left, const struct linear *right)
{
    const struct linear *factor = right;
    struct linear form = *left;
    if (!fx_rat_is_zero(right->a)) {
        if (!fx_rat_is_zero(left->a))
            return complain(p, "the column multiplied by itself has no inverse");
        form = *right;
        factor = left;
    }
    struct fx_rat *k = factor->b;
    *left = (struct linear){fx_rat_mul(form.a, k, p->arena), fx_rat_mul(form.b, k, p->arena)};
    return true;
}

static bool divide(struct parser *p, struct linear *left, const struct linear *right)
{
    if (!fx_rat_is_zero(right->a))
        return complain(p, "division by the column has no inverse");
    if (fx_rat_is_zero(right->b))
        return complain(p, "division by zero");
    left->a = fx_rat_div(left->a, right->b, p->arena);
    left->b = fx_rat_div(left->b, right->b, p->arena);
    return true;
}

static bool parse_term(struct parser *p, struct linear *ret)
{
    if (!parse_factor(p, ret))
        return false;
    for (char c = peek(p); c == '*' || c == '/'; c = peek(p)) {
        p->at++;
        struct linear right;
        if (!parse_factor(p, &right))
            return false;
        if (!(c == '*' ? multiply(p, ret, &right) : divide(p, ret, &right)))
            return false;
    }
    return true;
}

static bool parse_expr(struct parser *p, struct linear *ret)
{
    if (!parse_term(p, ret))
        return false;
    for (char c = peek(p); c == '+' || c == '-'; c = peek(p)) {
        p->at++;
        struct linear right;
        if (!parse_term(p, &right))
            return false;
        if (c == '+')
            *ret = (struct linear){fx_rat_add(ret->a, right.a, p->arena),
                                   fx_rat_add(ret->b, right.b, p->arena)};
        else
            *ret = (struct linear){fx_rat_sub(ret->a, right.a, p->arena),
                                   fx_rat_sub(ret->b, right.b, p->arena)};
    }
    return true;
}

struct fx_expr *fx_expr_compile(const struct fx_node *at, struct fx_arena *arena,
                                struct fx_problems *problems)
{
    if (at->kind != FX_NODE_SCALAR) {
        fx_problem(problems, at, "an expression is text, such as \"total * 100\"");
        return NULL;
    }
    struct parser p = {.text = at->text, .node = at, .arena = arena, .problems = problems};
    struct linear form;
    if (!parse_expr(&p, &form))
        return NULL;
    if (peek(&p) != '\0') {
        complain(&p, "expected the end of the expression");
        return NULL;
    }
    if (p.column == NULL || fx_rat_is_zero(form.a)) {
        p.at = 0;
        complain(&p, "the result does not depend on a column, so it has no inverse");
        return NULL;
    }
    struct fx_expr *expr = FX_ARENA_NEW(arena, struct fx_expr);
    *expr = (struct fx_expr){fx_arena_str(arena, at->text).ptr, p.column, form.a, form.b};
    return expr;
}

const char *fx_expr_text(const struct fx_expr *expr)
{
    return expr->text;
}

const char *fx_expr_column(const struct fx_expr *expr)
{
    return expr->column;
}

struct fx_rat *fx_expr_apply(const struct fx_expr *expr, const struct fx_rat *x,
                             struct fx_arena *arena)
{
    return fx_rat_add(fx_rat_mul(expr->a, x, arena), expr->b, arena);
}

bool fx_expr_inverts(const struct fx_expr *forward, const struct fx_expr *back,
                     struct fx_arena *arena, const char **ret_example)
{
    /* Two linear functions that agree at two points agree everywhere. */
    static const char *const points[] = {"0", "1"};
    for (size_t i = 0; i < FX_ARRAY_LEN(points); i++) {
        struct fx_rat *x = fx_rat_from(fx_str_from(points[i]), arena);
        struct fx_rat *again = fx_expr_apply(back, fx_expr_apply(forward, x, arena), arena);
        if (fx_rat_cmp(x, again) != 0) {
            *ret_example =
                fx_arena_printf(arena, "%s comes back as %s", points[i], fx_rat_show(again, arena));
            return false;
        }
    }
    return true;
}

static bool fail_inexact(const struct fx_expr *expr, const struct fx_value *column,
                         const char *result, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf shown = FX_BUF(4096);
    fx_value_show(column, &shown);
    return fx_fail(err, FX_E_SOURCE_DATA,
                   "expression \"%s\" of value %.120s is %s, which no column can hold exactly",
                   expr->text, fx_buf_cstr(&shown), fx_values_are_shown() ? result : "[hidden]") ||
           fx_hint(err, "Correct the expression in the mapping (ficus.yaml), or the value. If "
                        "a stream stopped here, " FX_CMD_NEW_COPY ".");
}

bool fx_expr_eval(const struct fx_expr *expr, const struct fx_value *column, struct fx_arena *arena,
                  struct fx_value *ret, struct fx_err *err)
{
    if (column->kind == FX_V_NULL || column->kind == FX_V_UNCHANGED ||
        column->kind == FX_V_UNREADABLE) {
        *ret = *column;
        return true;
    }
    struct fx_str text;
    if (column->kind == FX_V_INT)
        text = fx_decimal_from_int(column->i, arena);
    else if (column->kind == FX_V_DECIMAL && fx_decimal_is_finite(column->s))
        text = column->s;
    else
        return fx_fail(err, FX_E_SOURCE_DATA,
                       "expression \"%s\" of the mapping cannot be applied to a value that is not "
                       "a number (NaN or Infinity)",
                       expr->text) ||
               fx_hint(err, "Correct the value on the side it comes from. If a stream stopped "
                            "here, it cannot pass this change: " FX_CMD_NEW_COPY ".");
    struct fx_rat *result = fx_expr_apply(expr, fx_rat_from(text, arena), arena);
    struct fx_value out = {.kind = FX_V_DECIMAL};
    if (!fx_rat_to_decimal(result, arena, &out.s))
        return fail_inexact(expr, column, fx_rat_show(result, arena), err);
    *ret = out;
    return true;
}
