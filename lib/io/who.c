/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/io/who.h"

#include <ctype.h>
#include <pwd.h>
#include <unistd.h>

/* A name that came by the environment: short, and letters that no log can misread. */
static void take_word(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (; text != NULL && text[n] != '\0' && n + 1 < size; n++)
        out[n] =
            isalnum((unsigned char)text[n]) || strchr("._-:@ ", text[n]) != NULL ? text[n] : '?';
    out[n] = '\0';
}

static void read_login(uid_t uid, char *out, size_t size)
{
    struct passwd entry, *found = NULL;
    char strings[4096];
    if (getpwuid_r(uid, &entry, strings, sizeof strings, &found) == 0 && found != NULL)
        take_word(entry.pw_name, out, size);
    else
        (void)snprintf(out, size, "uid %d", (int)uid);
}

/* SSH_CONNECTION is the session's own word: it helps an honest reader, and proves nothing. */
static void read_origin(char *out, size_t size)
{
    char tty[48] = "", ssh[40];
    const char *session = getenv("SSH_CONNECTION");
    if (ttyname_r(STDIN_FILENO, tty, sizeof tty) != 0 &&
        ttyname_r(STDERR_FILENO, tty, sizeof tty) != 0)
        tty[0] = '\0';
    take_word(session, ssh, sizeof ssh);
    (void)snprintf(out, size, "%s%s%s", tty, ssh[0] != '\0' ? " says ssh from " : "", ssh);
}

void fx_who(struct fx_who *ret)
{
    char sudo_user[32];
    *ret = (struct fx_who){.uid = (int)getuid()};
    read_login(getuid(), ret->login, sizeof ret->login);
    take_word(getenv("SUDO_USER"), sudo_user, sizeof sudo_user);
    if (getuid() == 0 && sudo_user[0] != '\0') /* nobody else is what sudo made him */
        (void)snprintf(ret->via, sizeof ret->via, "via sudo from %s", sudo_user);
    if (gethostname(ret->host, sizeof ret->host - 1) != 0)
        (void)snprintf(ret->host, sizeof ret->host, "?");
    read_origin(ret->origin, sizeof ret->origin);
}

void fx_who_text(char out[FX_WHO_TEXT])
{
    struct fx_who who;
    fx_who(&who);
    (void)snprintf(out, FX_WHO_TEXT, "%.39s@%.40s%s%.50s pid %d", who.login, who.host,
                   who.via[0] != '\0' ? " " : "", who.via, (int)getpid());
}
