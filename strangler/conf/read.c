/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule table cannot do and every section needs. */
#include "strangler/conf/read.h"

void fcd_read_section(struct fcd_reader *r, const struct fx_node *node, const struct fx_rule *rules,
                      void *object)
{
    fx_schema_read(node, rules, object, r->arena, r->problems);
}

struct fx_node *fcd_read_children(struct fcd_reader *r, struct fx_node *node,
                                  enum fx_node_kind kind)
{
    if (node == NULL || node->kind == kind)
        return node != NULL ? node->first : NULL;
    fx_problem(r->problems, node, "%s%sexpected a %s, not %s", node->key != NULL ? node->key : "",
               node->key != NULL ? ": " : "", kind == FX_NODE_LIST ? "list" : "map",
               node->kind == FX_NODE_MAP    ? "a map"
               : node->kind == FX_NODE_LIST ? "a list"
                                            : "a single value");
    return NULL;
}

bool fcd_read_is_text(struct fcd_reader *r, const struct fx_node *node)
{
    if (node->kind == FX_NODE_SCALAR)
        return true;
    fx_problem(r->problems, node, "expected a text value, not a %s",
               node->kind == FX_NODE_MAP ? "map" : "list");
    return false;
}

bool fcd_read_is_name(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    size_t len = strlen(text);
    return len > 0 && len <= 64 && strspn(text, allowed) == len;
}

void fcd_read_address(struct fcd_reader *r, const struct fx_node *at, const char *text,
                      struct fx_addr *ret_addr)
{
    struct fx_err err = FX_ERR_INIT;
    if (strchr(text, '@') != NULL) { /* not printed: it may hold a password */
        fx_problem(r->problems, at,
                   "an address contains a user name or password: write HOST:PORT only");
        return;
    }
    if (r->is_check ? !fx_addr_check(text, &err) : !fx_addr_parse(text, ret_addr, &err))
        fx_problem(r->problems, at, "%s%s%s%s", err.message, err.hint[0] != '\0' ? " (" : "",
                   err.hint, err.hint[0] != '\0' ? ")" : "");
}
