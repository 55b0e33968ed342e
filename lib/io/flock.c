/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open file description locks (F_OFD_SETLK): unlike the classic POSIX ones they do not vanish when
 * some other part of the process opens and closes the same file, and unlike flock(2) they can be
 * asked about without being taken.
 */
#include "lib/io/flock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/fmt/text.h"
#include "lib/io/file.h"
#include "lib/io/private.h"

struct fx_flock {
    int fd;
};

void fx_flock_owner_read(struct fx_str text, struct fx_flock_owner *owner)
{
    struct fx_str rest = text;
    *owner = (struct fx_flock_owner){0};
    while (rest.len > 0) {
        struct fx_str line = fx_str_cut(rest, '\n', &rest), value;
        struct fx_str key = fx_str_cut(line, '=', &value);
        int64_t pid;
        if (fx_str_eq(key, FX_STR("pid")) && fx_parse_i64(value, 1, INT32_MAX, &pid))
            owner->pid = (int)pid;
        else if (fx_str_eq(key, FX_STR("host")))
            snprintf(owner->host, sizeof owner->host, "%.*s", FX_STR_FMT(value));
        else if (fx_str_eq(key, FX_STR("since")))
            snprintf(owner->since, sizeof owner->since, "%.*s", FX_STR_FMT(value));
        else if (fx_str_eq(key, FX_STR("what")))
            snprintf(owner->what, sizeof owner->what, "%.*s", FX_STR_FMT(value));
    }
}

/* Who has just taken the lock needs a moment to write who it is; 0: it still has not. */
static void read_owner(int fd, struct fx_flock_owner *owner)
{
    char text[512];
    for (int i = 0; i < 50; i++) {
        ssize_t n = pread(fd, text, sizeof text, 0);
        fx_flock_owner_read((struct fx_str){text, n > 0 ? (size_t)n : 0}, owner);
        if (owner->pid != 0)
            return;
        fx_sleep_ms(2);
    }
}

static bool write_owner(int fd, const char *path, const char *what, struct fx_err *err)
{
    char host[64] = "", since[FX_WALL_TEXT];
    (void)gethostname(host, sizeof host - 1);
    fx_wall_text(fx_wall_now(), since);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(512);
    fx_buf_printf(&text, "pid=%d\nhost=%s\nsince=%s\nwhat=%s\n", (int)getpid(), host, since, what);
    if (ftruncate(fd, 0) != 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not write lock \"%s\"", path);
    return fx_fd_write_all(fd, fx_buf_str(&text), path, err);
}

bool fx_flock_take(const char *path, const char *what, struct fx_flock **ret_lock,
                   struct fx_err *err)
{
    FX_AUTO_FD int fd = fx_private_open(path, O_RDWR | O_CREAT, err);
    if (fd < 0) {
        if (err->hint[0] == '\0' || err->cause_number == EACCES)
            (void)fx_hint(err, "Run every command as the user who owns the state directory.");
        return fx_ctx(err, "opening lock \"%s\"", path);
    }
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &range) != 0) {
        struct fx_flock_owner owner;
        if (errno != EAGAIN && errno != EACCES)
            return fx_fail_errno(err, FX_E_IO, errno, "could not lock \"%s\"", path);
        read_owner(fd, &owner);
        if (owner.pid == 0) /* it has the lock, and has not written yet who it is */
            return fx_fail(err, FX_E_LOCKED, "%s is locked by another process", what) ||
                   fx_hint(err,
                           "See which: fuser -v '%s'. When that process has ended, run the same "
                           "command "
                           "again.",
                           path);
        fx_fail(err, FX_E_LOCKED, "%s is locked by process %d on %s since %s", what, owner.pid,
                owner.host, owner.since);
        fx_hint(err, "When process %d has ended (see it: ps -fp %d), run the same command again.",
                owner.pid, owner.pid);
        return fx_detail(err, "The lock file is \"%s\"; its owner is: %s.", path, owner.what);
    }
    if (!write_owner(fd, path, what, err))
        return false;
    *ret_lock = FX_NEW(struct fx_flock);
    (*ret_lock)->fd = fx_fd_take(&fd);
    return true;
}

bool fx_flock_is_held(const char *path, struct fx_flock_owner *ret_owner)
{
    struct fx_err ignored = FX_ERR_INIT;
    FX_AUTO_FD int fd = fx_private_open(path, O_RDWR, &ignored);
    if (fd < 0)
        return false;
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_GETLK, &range) != 0 || range.l_type == F_UNLCK)
        return false;
    if (ret_owner != NULL)
        read_owner(fd, ret_owner);
    return true;
}

void fx_flock_release(struct fx_flock *lock)
{
    if (lock == NULL)
        return;
    close(lock->fd); /* the last descriptor of the description: the lock goes with it */
    free(lock);
}
