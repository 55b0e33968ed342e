/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manual pages: a frame of prose around the tables that the program works with. All of it is
 * Markdown until the last step (lib/fmt/roff.h).
 */
#include "cmd/ficus/pages.h"
#include "cmd/ficusd/options.h"
#include "cmd/version.h"
#include "lib/fmt/roff.h"

enum { PAGE_MAX = 1 << 20 };

/* What a page of docs/reference says below its title
 * and its first paragraph, which speaks of `make docs`. */
static void add_body(struct fx_buf *markdown, void (*write)(struct fx_buf *out))
{
    FX_AUTO(fx_buf) struct fx_buf page = FX_BUF(PAGE_MAX);
    write(&page);
    const char *body = fx_buf_cstr(&page);
    for (int i = 0; i < 2; i++) {
        const char *end = strstr(body, "\n\n");
        body = end != NULL ? end + 2 : body;
    }
    fx_buf_add_c(markdown, body);
}

static void finish(const char *name, int section, const struct fx_buf *markdown, struct fx_buf *out)
{
    fx_buf_printf(out,
                  ".\\\" SPDX-License-Identifier: Apache-2.0\n"
                  ".\\\" Written by `make docs` from the program's tables; do not edit.\n"
                  ".TH %s %d \"%s\" \"Ficus %s\" \"Ficus manual\"\n",
                  name, section, FICUS_VERSION_DATE, FICUS_VERSION);
    fx_roff_from_markdown(fx_buf_str(markdown), out);
}

void cmd_page_ficus_1(struct fx_buf *out)
{
    FX_AUTO(fx_buf) struct fx_buf md = FX_BUF(PAGE_MAX);
    fx_buf_add_c(
        &md,
        "# Name\nficus - move one part of a monolith into a service of its own, and back\n\n"
        "# Synopsis\n**ficus** *COMMAND* [*options*]\n\n**ficus help** [*NOUN*]\n\n"
        "# Description\n"
        "`ficus` carries out a migration while customers write: it copies tables from an old "
        "database to a new one and keeps them equal in both directions, compares them exactly, "
        "moves reads in steps and writes in one short pause, and goes back. `ficusd` (8) is the "
        "facade in front of both sides.\n\n"
        "A command that changes something acts only with `--execute`; without it, it says what it "
        "would do. `ficus run resume` acts at once: it continues what was started with "
        "`--execute`. Options follow the command.\n\n"
        "An error says what happened, to what, and what to do next, and ends with its code in "
        "brackets. `ficus explain` *CODE* says more.\n\n"
        "# Commands\n");
    add_body(&md, cmd_page_commands);
    fx_buf_add_c(&md, "# Options of every command\n");
    fx_opt_markdown(cmd_common_options, &md);
    fx_buf_add_c(&md, "# Exit status\n");
    add_body(&md, cmd_page_exits);
    fx_buf_add_c(
        &md,
        "\n# Environment\n"
        "| variable | meaning |\n|---|---|\n"
        "| `NO_COLOR` | no colours, as with `--no-color` |\n"
        "| `SUDO_USER` | added to the operator's login name in journal and audit log, as \"via "
        "sudo from\" |\n"
        "| `PGSSLMODE` and others of libpq | apply to connections to PostgreSQL |\n\n"
        "Passwords come from the variables or files that the project file names.\n\n"
        "# Files\n"
        "| file | meaning |\n|---|---|\n"
        "| `ficus.yaml` | the project file, see ficus.yaml(5) |\n"
        "| `.ficus/` | the state directory (`state.dir`): journals of runs, locks, sockets and "
        "logs of the streams, reports. It must survive a restart of the machine |\n\n"
        "# Examples\n"
        "Check a plan, look at it, carry it out, and watch it from another terminal:\n\n"
        "    ficus plan lint plan.yaml\n"
        "    ficus plan show plan.yaml\n"
        "    ficus run start plan.yaml --execute\n"
        "    ficus status --watch\n\n"
        "After an interruption, and to take everything back:\n\n"
        "    ficus run resume\n"
        "    ficus run rollback --execute\n\n"
        "Compare both sides in CI:\n\n"
        "    ficus reconcile run --context orders --report out/ --gate\n\n"
        "Judge a signed report on another machine:\n\n"
        "    ficus reconcile gate out/report.json --key ci.key.pub --max-age 30m\n\n"
        "# See also\nficusd(8), ficus.yaml(5)\n");
    finish("FICUS", 1, &md, out);
}

void cmd_page_ficusd_8(struct fx_buf *out)
{
    FX_AUTO(fx_buf) struct fx_buf md = FX_BUF(PAGE_MAX);
    fx_buf_add_c(
        &md,
        "# Name\nficusd - the facade in front of a monolith and its successors\n\n"
        "# Synopsis\n**ficusd** [`-f` *FILE*] [`--check`] [`--log` *LEVELS*]\n\n"
        "# Description\n"
        "`ficusd` forwards HTTP/1.1 requests to the side that owns them: by path and method, by "
        "weight, by the owner of a group of tables. It sends copies of reads to the other side, "
        "and lets writes wait while a cut-over moves their owner. Until a plan changes something "
        "it forwards everything to the old side.\n\n"
        "It stays in the foreground and logs to standard error. It reads the sections `upstreams`, "
        "`facade` and `contexts` of the project file, once, when it starts: there is no reload. "
        "It has no database client and reads no database password.\n\n"
        "Owner, epoch, weights and holds are kept in `facade.json` in the state directory and are "
        "on disk before a change is acknowledged, so a facade that was killed goes on with them. "
        "Two daemons cannot share a state directory.\n\n"
        "# Options\n");
    fx_opt_markdown(ficusd_options, &md);
    fx_buf_add_c(
        &md,
        "# Signals\n"
        "| signal | effect |\n|---|---|\n"
        "| `SIGTERM`, `SIGINT` | drain: the listeners close, held writes are answered 503, "
        "running requests get `facade.timeouts.drain` to end. A second signal does not wait |\n"
        "| `SIGHUP` | says in the log that nothing is reloaded; `ficus.yaml` is read at the start. "
        "The log is standard error, so there is no file to open again |\n"
        "| `SIGUSR1`, `SIGUSR2`, `SIGPIPE` | nothing |\n\n"
        "# Admin API\n"
        "JSON and Prometheus metrics. Whoever reaches it can change where requests go. It is a "
        "Unix "
        "socket of mode 0600, `admin.sock` in the state directory, unless `facade.admin.address` "
        "names another one or host:port; then a token of 32 bytes or more is needed, also on "
        "127.0.0.1, and for an address that other machines can reach `insecure: true` as well, "
        "because nothing is encrypted.\n\n"
        "    curl --unix-socket /var/lib/ficus/admin.sock http://facade/v1/status\n"
        "    curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:9090/metrics\n\n"
        "# Exit status\n"
        "0 after a drain or a good `--check`; otherwise the status of the error, as listed in "
        "ficus(1).\n\n"
        "# Files\n"
        "| file | meaning |\n|---|---|\n"
        "| `ficus.yaml` | the project file, see ficus.yaml(5) |\n"
        "| `facade.json` | in the state directory: owner, epoch, weights and holds |\n"
        "| `facade.lock` | in the state directory: which process runs |\n\n"
        "# See also\nficus(1), ficus.yaml(5)\n");
    finish("FICUSD", 8, &md, out);
}

void cmd_page_ficus_yaml_5(struct fx_buf *out)
{
    FX_AUTO(fx_buf) struct fx_buf md = FX_BUF(PAGE_MAX);
    fx_buf_add_c(
        &md,
        "# Name\nficus.yaml - the project file of Ficus, and its plans\n\n"
        "# Description\n"
        "One file in YAML describes what exists: two databases, two upstreams, and for each "
        "bounded context its tables, routes and mappings. `ficus` and `ficusd` read the same file. "
        "A plan is a file of its own and names a context of the project file.\n\n"
        "A key that is not listed here is an error with line and column. Durations are written as "
        "250ms, 15s, 10m, 72h or 14d, sizes as 64KiB or 10MB, percentages as 0.1%. Paths are "
        "relative to the file. The file never contains secrets: `{file: PATH}` or `{env: NAME}` "
        "says where to read them.\n\n"
        "`ficusd --check` and `ficus plan lint` report everything that is wrong with a file.\n\n"
        "# Example\n"
        "    apiVersion: ficus/v1\n"
        "    kind: Project\n"
        "    state: {dir: /var/lib/ficus}\n"
        "    databases:\n"
        "      mono:   {url: \"postgresql://migrator@localhost/shop\", password: {env: "
        "MONO_PASSWORD}}\n"
        "      orders: {url: \"mysql://migrator@localhost/orders\", password: {env: "
        "ORDERS_PASSWORD}}\n"
        "    upstreams:\n"
        "      monolith: {endpoints: [\"http://127.0.0.1:8081\"], health: {path: /healthz}}\n"
        "      orders:   {endpoints: [\"http://127.0.0.1:8082\"], health: {path: /healthz}}\n"
        "    facade:\n"
        "      listen: [{address: \"0.0.0.0:8080\"}]\n"
        "      admin: {address: \"127.0.0.1:9090\", token: {env: FICUS_TOKEN}}\n"
        "    contexts:\n"
        "      orders:\n"
        "        old: {upstream: monolith, database: mono}\n"
        "        new: {upstream: orders, database: orders}\n"
        "        tables: [public.orders, public.order_lines]\n"
        "        routes:\n"
        "          - id: orders-read\n"
        "            kind: read\n"
        "            match: {path: \"/orders/**\", methods: [GET, HEAD]}\n"
        "          - id: orders-write\n"
        "            kind: write\n"
        "            match: {path: \"/orders/**\", methods: [POST, PUT, PATCH, DELETE]}\n\n"
        "# Keys\n");
    add_body(&md, cmd_page_config);
    fx_buf_add_c(&md, "# See also\nficus(1), ficusd(8)\n");
    finish("FICUS.YAML", 5, &md, out);
}
