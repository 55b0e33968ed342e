/* SPDX-License-Identifier: Apache-2.0 */
/* The section `facade.admin`. A mistake here is a stranger's way in, so each refusal says what to
 * write instead. */
#include "strangler/conf/admin.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/map/root.h"
#include "strangler/conf/read.h"

struct admin_section {
    const char *address;
    struct fx_node *token, *hosts;
    bool is_insecure;
};
static const struct fx_rule admin_rules[] = {
    FX_RULE_TEXT(struct admin_section, address, "address",
                 .help = "unix:PATH, or host:port with a token; default: unix:admin.sock in the "
                         "state directory"),
    FX_RULE_NODE(struct admin_section, token, "token",
                 .help = "{file: PATH} or {env: NAME}: at least 32 bytes. The file must belong to "
                         "the user and have mode 0600"),
    FX_RULE_BOOL(struct admin_section, is_insecure, "insecure", .def = "false",
                 .help = "allows an address that other machines can reach, although token and "
                         "answers travel unencrypted"),
    FX_RULE_NODE(struct admin_section, hosts, "hosts",
                 .help = "list of names by which the API is called, besides its address, "
                         "localhost and numeric addresses"),
    FX_RULE_END};

static bool is_unix(const char *address)
{
    return strncmp(address, "unix:", 5) == 0;
}

static const char *socket_path(const struct fx_root *root, const char *address,
                               struct fx_arena *arena)
{
    const char *path = address != NULL ? address + 5 : NULL, *slash = strrchr(root->path, '/');
    if (path == NULL)
        return fx_arena_printf(arena, "%s/admin.sock", root->state_dir);
    if (path[0] == '/' || path[0] == '\0' || slash == NULL)
        return path;
    return fx_arena_printf(arena, "%.*s/%s", (int)(slash - root->path), root->path, path);
}

const char *fcd_admin_address(const struct fx_root *root, struct fx_arena *arena)
{
    const struct fx_node *node = fx_node_get(fx_node_get(root->facade, "admin"), "address");
    const char *text = node != NULL && node->kind == FX_NODE_SCALAR ? node->text.ptr : NULL;
    if (text != NULL && !is_unix(text))
        return text;
    return fx_arena_printf(arena, "unix:%s", socket_path(root, text, arena));
}

/* --- the token -------------------------------------------------------------------------------- */

/* Root may read everybody's; what others may write or read is not a secret. */
static bool check_file(const struct fx_node *file, struct fx_arena *arena, struct fx_err *err)
{
    struct stat st;
    const char *path = fx_scalar_beside(file, arena);
    if (stat(path, &st) != 0)
        return true; /* reading it fails, and says why */
    if ((st.st_mode & 077) != 0)
        return fx_fail(err, FX_E_SECRET,
                       "other users have access to the admin token file \"%s\" (mode %04o)", path,
                       (unsigned)st.st_mode & 07777) ||
               fx_hint(err,
                       "Run: chmod 600 '%s'. If another user may have read it, write a new token: "
                       "head -c 32 /dev/urandom | base64 >'%s'",
                       path, path);
    uid_t me = geteuid();
    if (st.st_uid != me && st.st_uid != 0 && me != 0)
        return fx_fail(err, FX_E_SECRET,
                       "the admin token file \"%s\" belongs to another user (uid %u); this program "
                       "runs as uid %u",
                       path, (unsigned)st.st_uid, (unsigned)me) ||
               fx_hint(err,
                       "Run the program as that user, or make the file this user's: sudo chown %u "
                       "'%s'",
                       (unsigned)me, path);
    return true;
}

bool fcd_admin_token(const struct fx_node *token, struct fx_arena *arena, const char **ret_token,
                     struct fx_err *err)
{
    const struct fx_node *file = fx_node_get(token, "file"), *env = fx_node_get(token, "env");
    if (file != NULL && file->kind == FX_NODE_SCALAR && !check_file(file, arena, err))
        return false;
    if (!fx_secret_read(token, arena, ret_token, err))
        return false;
    size_t len = strlen(*ret_token);
    if (len >= FCD_TOKEN_MIN)
        return true;
    (void)fx_fail(err, FX_E_SECRET, "the admin token has %zu bytes; it needs at least %d", len,
                  FCD_TOKEN_MIN);
    if (file != NULL)
        return fx_hint(err, "Run: (umask 077; head -c 32 /dev/urandom | base64 >'%s')",
                       fx_scalar_beside(file, arena));
    return fx_hint(err, "Run: export %s=\"$(head -c 32 /dev/urandom | base64)\"",
                   env != NULL ? env->text.ptr : "TOKEN");
}

/* --- the section ------------------------------------------------------------------------------ */

static void need_token(struct fcd_reader *r, const struct fx_node *at, const char *address)
{
    fx_problem(r->problems, at,
               "facade.admin: the TCP address \"%s\" needs a token. Run: (umask 077; head -c 32 "
               "/dev/urandom | base64 >admin.token), and write: admin: {address: \"%s\", token: "
               "{file: admin.token}}. Or leave out `address`: the API is then a Unix socket in the "
               "state directory and needs no token",
               address, address);
}

/* The token would go over the network as it is. A name that only the daemon resolves is looked at
 * there. */
static void check_reach(struct fcd_reader *r, const struct fx_node *at,
                        const struct admin_section *section, const struct fcd_conf_admin *conf)
{
    struct fx_addr addr = conf->addr;
    if (section->is_insecure || (r->is_check && !fx_addr_numeric(section->address, &addr)))
        return;
    if (addr.len > 0 && !fx_addr_is_local(&addr))
        fx_problem(r->problems, at,
                   "facade.admin.address \"%s\" can be reached from other machines, and the token "
                   "would travel unencrypted: write 127.0.0.1 and use a tunnel (ssh -L), or add "
                   "`insecure: true`",
                   section->address);
}

static void read_tcp(struct fcd_reader *r, const struct fx_node *node,
                     const struct admin_section *section, struct fcd_conf_admin *conf)
{
    const struct fx_node *at = fx_node_get(node, "address");
    fcd_read_address(r, at, section->address, &conf->addr);
    check_reach(r, at, section, conf);
    if (section->token == NULL)
        need_token(r, at, section->address);
}

static void read_unix(struct fcd_reader *r, const struct fx_root *root, const struct fx_node *at,
                      const struct admin_section *section, struct fcd_conf_admin *conf)
{
    struct fx_err err = FX_ERR_INIT;
    conf->unix_path = socket_path(root, section->address, r->arena);
    if (!fx_addr_unix(conf->unix_path, &conf->addr, &err))
        fx_problem(r->problems, at,
                   "facade.admin.address: %s; write for example: admin: {address: "
                   "\"unix:/run/ficus/admin.sock\"}",
                   err.message);
}

static void read_hosts(struct fcd_reader *r, struct fx_node *list, struct fcd_conf_admin *conf)
{
    conf->hosts = fx_arena_array(r->arena, list != NULL ? list->len : 0, sizeof *conf->hosts);
    for (struct fx_node *item = fcd_read_children(r, list, FX_NODE_LIST); item != NULL;
         item = item->next)
        if (fcd_read_is_text(r, item))
            conf->hosts[conf->n_hosts++] = item->text.ptr;
}

void fcd_read_admin(struct fcd_reader *r, const struct fx_root *root, const struct fx_node *node,
                    struct fcd_conf_admin *ret)
{
    struct admin_section section = {0};
    struct fx_err err = FX_ERR_INIT;
    if (node != NULL)
        fcd_read_section(r, node, admin_rules, &section);
    if (section.address != NULL && !is_unix(section.address))
        read_tcp(r, node, &section, ret);
    else
        read_unix(r, root, node != NULL ? node : root->facade, &section, ret);
    read_hosts(r, section.hosts, ret);
    if (section.token != NULL && !r->is_check &&
        !fcd_admin_token(section.token, r->arena, &ret->token, &err))
        r->secret_err = err;
}

void fcd_admin_table(struct fx_buf *out)
{
    fx_schema_markdown("facade.admin", admin_rules, out);
}
