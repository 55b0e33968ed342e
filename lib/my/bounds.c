/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much and how long a server may answer. libmariadb keeps a whole answer, and all that
 * describes its columns, in memory, and waits for the rest as long as it takes; a server that is
 * not what it should be must exhaust neither. What arrives is counted where libmariadb reads it;
 * past the bound the socket is shut down, which libmariadb reports as a lost connection.
 */
#include "lib/my/my_priv.h"

#include <ma_pvio.h>
#include <pthread.h>
#include <sys/socket.h>

/*
 * Of libmariadb, exported for its own plugins and in no header: calls `fn` after each read (mode 0,
 * length as recv returned it) and write (mode 1). Source: ma_pvio.c of MariaDB Connector/C 3.1 and
 * later.
 */
extern int ma_pvio_register_callback(my_bool is_on,
                                     void (*fn)(int mode, MYSQL *mysql, const unsigned char *bytes,
                                                size_t length));

static char key[] = "ficus";

static void note_read(int mode, MYSQL *mysql, const unsigned char *bytes FX_UNUSED, size_t length)
{
    void *data = NULL;
    bool is_empty = length == 0 || length > (size_t)PTRDIFF_MAX;
    if (mode != 0 || is_empty || mysql_get_optionv(mysql, MARIADB_OPT_USERDATA, key, &data) != 0 ||
        data == NULL)
        return;
    struct my_db *my = data;
    my->answer.got += length;
    my->answer.is_over |= !my->is_scanning && my->answer.got > my->answer.max;
    my->answer.is_late |= my->answer.has_until && fx_mono_reached(my->answer.until, fx_mono_now());
    if (my->answer.is_over || my->answer.is_late)
        (void)shutdown((int)mysql_get_socket(mysql), SHUT_RDWR);
}

void fx_my_bounds_init(void)
{
    (void)ma_pvio_register_callback(1, note_read);
}

bool fx_my_bounds_connect(struct my_db *my, int64_t timeout_ms)
{
    unsigned int seconds = (unsigned int)((timeout_ms + 999) / 1000);
    my->answer.max = FX_MY_HELLO_MAX;
    my->answer.has_until = true;
    my->answer.until = fx_mono_add_ms(fx_mono_now(), timeout_ms);
    return mysql_optionsv(my->mysql, MARIADB_OPT_USERDATA, key, my) == 0 &&
           mysql_options(my->mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds) == 0 &&
           mysql_options(my->mysql, MYSQL_OPT_READ_TIMEOUT, &seconds) == 0;
}

void fx_my_bounds_session(struct my_db *my)
{
    my->answer.max = FX_MY_ANSWER_MAX;
    my->answer.has_until = false;
}

/* No server of ours answers like that. */
static bool hint_who(const struct my_db *my, struct fx_err *err)
{
    return fx_hint(err,
                   "Check that the url of databases.%s in ficus.yaml names the server that it "
                   "should, and that no proxy changes its answers, then run the same command "
                   "again; in a run: ficus run resume",
                   my->base.conf->name);
}

bool fx_my_bounds_nonsense(struct my_db *my, struct fx_err *err)
{
    my->is_broken = true;
    return fx_fail(err, FX_E_PROTOCOL,
                   "database \"%s\" sent an answer that does not follow its protocol",
                   my->base.conf->name) ||
           hint_who(my, err);
}

void fx_my_bounds_ask(struct my_db *my, struct fx_str sql)
{
    my->answer.got = 0;
    my->answer.results = sql.len;
}

bool fx_my_bounds_result(struct my_db *my, struct fx_err *err)
{
    if (my->answer.results-- > 0)
        return true;
    my->is_broken = true;
    return fx_fail(err, FX_E_PROTOCOL,
                   "database \"%s\" sent more results than the text has statements",
                   my->base.conf->name) ||
           hint_who(my, err);
}

void fx_my_silence(struct my_db *my, int64_t silence_ms)
{
    my->silence_ms = silence_ms;
    if (my->mysql->net.pvio != NULL) /* MYSQL_OPT_READ_TIMEOUT counts at connecting only */
        my->mysql->net.pvio->timeout[PVIO_READ_TIMEOUT] =
            silence_ms > 0 ? (int)FX_MIN(silence_ms, (int64_t)INT32_MAX) : -1;
}

bool fx_my_bounds_fail(struct my_db *my, struct fx_err *err)
{
    const char *name = my->base.conf->name;
    if (my->answer.is_late)
        return fx_fail(err, FX_E_DB_CONNECT,
                       "database \"%s\" did not finish its part of connecting in time", name) ||
               fx_hint(err,
                       "Check that the url of databases.%s in ficus.yaml names a MariaDB server "
                       "and that the network is not congested, then run the same command again.",
                       name);
    return fx_fail(err, FX_E_PROTOCOL, "database \"%s\" sent more than %zu MiB %s", name,
                   my->answer.max >> 20,
                   my->answer.has_until ? "before the session was open"
                                        : "in answer to one statement") ||
           hint_who(my, err);
}
