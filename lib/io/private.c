/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is checked is always the object that was opened or looked at by its last name, never a path
 * that is looked up twice. Within a directory that has passed fx_dir_secure nobody else can act.
 */
#include "lib/io/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/io/file.h"
#include "lib/log/log.h"

enum { OTHERS = 077, OTHERS_WRITE = 022, DEPTH_MAX = 8, USER_TEXT = 64 };

void fx_private_memory(void)
{
#ifndef FX_FAILPOINTS
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none); /* both or either: a core pattern may be a program */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

void fx_private_umask(void)
{
    (void)umask(OTHERS);
}

/* "ficus (uid 998)" */
static const char *user_text(uid_t uid, char out[USER_TEXT])
{
    struct passwd entry, *found = NULL;
    char strings[4096];
    if (getpwuid_r(uid, &entry, strings, sizeof strings, &found) == 0 && found != NULL)
        (void)snprintf(out, USER_TEXT, "%.40s (uid %d)", entry.pw_name, (int)uid);
    else
        (void)snprintf(out, USER_TEXT, "uid %d", (int)uid);
    return out;
}

static bool fail_owner(const char *kind, const char *path, uid_t owner, struct fx_err *err)
{
    char theirs[USER_TEXT], ours[USER_TEXT];
    return fx_fail(err, FX_E_IO, "%s \"%s\" belongs to user %s, and this command runs as %s", kind,
                   path, user_text(owner, theirs), user_text(geteuid(), ours)) ||
           fx_hint(err,
                   "Run the command as that user: sudo -u '#%d' ficus ...   Or, when you know who "
                   "made it and what is in it, give it to this user: sudo chown -R %d '%s'",
                   (int)owner, (int)geteuid(), path);
}

static bool fail_link(const char *path, struct fx_err *err)
{
    return fx_fail(err, FX_E_IO, "\"%s\" is a symbolic link, which Ficus does not follow here",
                   path) ||
           fx_hint(
               err,
               "See where it leads: ls -ld '%s'. If you made it: for a directory, set state.dir in "
               "ficus.yaml to its target; for a file, put the file itself there. Else remove it.",
               path);
}

/* Called where errno is that of the chmod. */
static bool fail_mode(const char *mode, const char *path, struct fx_err *err)
{
    return fx_fail_errno(err, FX_E_IO, errno, "could not change the mode of \"%s\" to %s", path,
                         mode) ||
           fx_hint(err,
                   "Other users have access to it, and Ficus uses only what is private. As its "
                   "owner run: chmod %s '%s'. Or set state.dir in ficus.yaml to a directory on "
                   "another file system.",
                   mode, path);
}

/* --- files ------------------------------------------------------------------------------------ */

static bool is_private_file(int fd, const char *path, struct fx_err *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not read the attributes of \"%s\"", path);
    if (!S_ISREG(info.st_mode))
        return fx_fail(err, FX_E_IO, "\"%s\" is not a regular file", path) ||
               fx_hint(
                   err,
                   "Ficus needs a file there. See who made this: ls -l '%s'. Move it away, then "
                   "run the same command again.",
                   path);
    if (info.st_uid != geteuid())
        return fail_owner("file", path, info.st_uid, err);
    if (info.st_nlink > 1)
        return fx_fail(err, FX_E_IO, "file \"%s\" has %d names (hard links)", path,
                       (int)info.st_nlink) ||
               fx_hint(err,
                       "Another name of the same file is elsewhere. Replace this one by a copy: cp "
                       "'%s' '%s.new' && mv '%s.new' '%s'",
                       path, path, path, path);
    if ((info.st_mode & OTHERS) == 0)
        return true;
    if (fchmod(fd, FX_PRIVATE_FILE) != 0)
        return fail_mode("0600", path, err);
    fx_log(FX_LOG_INFO, "io", NULL, "others lost their access to a file", "file=%s mode=%o", path,
           (unsigned)info.st_mode & 07777);
    return true;
}

int fx_private_open(const char *path, int flags, struct fx_err *err)
{
    /* O_NONBLOCK: a FIFO that somebody put there does not make us wait. */
    FX_AUTO_FD int fd =
        open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, FX_PRIVATE_FILE);
    if (fd < 0) {
        int failed_with = errno;
        if (failed_with == ELOOP)
            (void)fail_link(path, err);
        else
            (void)fx_fail_errno(err, FX_E_IO, failed_with, "could not open \"%s\"", path);
        errno = failed_with;
        return -1;
    }
    if (!is_private_file(fd, path, err)) {
        errno = EPERM;
        return -1;
    }
    return fx_fd_take(&fd);
}

/* --- the state directory ---------------------------------------------------------------------- */

/* Takes the access of others from all that is ours below; returns how many objects had it. */
static size_t tighten(int dir_fd, int depth)
{
    size_t n = 0;
    DIR *dir = fdopendir(dir_fd);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        struct stat info;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            fstatat(dirfd(dir), e->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            info.st_uid != geteuid() || S_ISLNK(info.st_mode))
            continue;
        if ((info.st_mode & OTHERS) != 0)
            n += fchmodat(dirfd(dir), e->d_name, info.st_mode & 07700, 0) == 0;
        int child =
            S_ISDIR(info.st_mode) && depth < DEPTH_MAX
                ? openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                : -1;
        if (child >= 0)
            n += tighten(child, depth + 1);
    }
    if (dir != NULL)
        (void)closedir(dir);
    else
        close(dir_fd);
    return n;
}

/* A component of the path: could another user lead it elsewhere? */
static bool check_component(const char *path, struct fx_err *err)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ||
               fx_fail_errno(err, FX_E_IO, errno, "could not read the attributes of \"%s\"", path);
    if (S_ISLNK(info.st_mode) && info.st_uid != 0 && info.st_uid != geteuid())
        return fail_link(path, err);
    if (S_ISDIR(info.st_mode) && (info.st_mode & S_IWOTH) != 0 && (info.st_mode & S_ISVTX) == 0)
        return fx_fail(
                   err, FX_E_IO,
                   "everybody may write in \"%s\", a directory on the path of the state directory",
                   path) ||
               fx_hint(err, "Run: chmod o-w '%s'   or set state.dir in ficus.yaml to another path",
                       path);
    return true;
}

static bool check_ancestors(const char *path, struct fx_err *err)
{
    FX_AUTO_STR char *partial = fx_strdup(path);
    for (char *p = partial + 1; *p != '\0'; p++) {
        if (*p != '/' || p[1] == '\0')
            continue;
        *p = '\0';
        if (!check_component(partial, err))
            return false;
        *p = '/';
    }
    return true;
}

/* *ret_mode: 0 when there is no directory yet. */
static bool check_dir(const char *path, mode_t *ret_mode, struct fx_err *err)
{
    struct stat info;
    *ret_mode = 0;
    if (!check_ancestors(path, err))
        return false;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ||
               fx_fail_errno(err, FX_E_IO, errno,
                             "could not read the attributes of the state directory \"%s\"", path);
    if (S_ISLNK(info.st_mode))
        return fail_link(path, err);
    if (!S_ISDIR(info.st_mode))
        return fx_fail(err, FX_E_IO, "the state directory \"%s\" is not a directory", path) ||
               fx_hint(err, "Set state.dir in ficus.yaml to a directory of this user.");
    if (info.st_uid != geteuid())
        return fail_owner("the state directory", path, info.st_uid, err);
    if ((info.st_mode & OTHERS_WRITE) != 0)
        return fx_fail(err, FX_E_IO,
                       "other users may write in the state directory \"%s\" (mode %04o)", path,
                       (unsigned)info.st_mode & 07777) ||
               fx_hint(err,
                       "Look whether everything in it is yours: find '%s' ! -user %d   Then run: "
                       "chmod 700 '%s'",
                       path, (int)geteuid(), path);
    *ret_mode = info.st_mode;
    return true;
}

bool fx_dir_is_secure(const char *path, struct fx_err *err)
{
    mode_t ignored;
    return check_dir(path, &ignored, err);
}

bool fx_dir_secure(const char *path, struct fx_err *err)
{
    mode_t mode;
    if (!check_dir(path, &mode, err))
        return false;
    if (mode == 0) /* made by us, or by somebody in between: then it is looked at again */
        return fx_dir_make(path, err) && check_dir(path, &mode, err);
    if ((mode & OTHERS) == 0)
        return true;
    FX_AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, FX_PRIVATE_DIR) != 0)
        return fail_mode("0700", path, err);
    size_t n = 1 + tighten(fx_fd_take(&fd), 0);
    fx_log(FX_LOG_WARN, "io", NULL, "others lost their access to the state directory",
           "dir=%s mode=%04o objects=%zu", path, (unsigned)mode & 07777, n);
    return true;
}

bool fx_peer_is_ours(int fd, int *ret_uid)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    *ret_uid = -1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    *ret_uid = (int)peer.uid;
    return peer.uid == geteuid() || peer.uid == 0;
}
