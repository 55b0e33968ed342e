/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable means: the data is on the disk before the name points to it, and the name is on the disk
 * before the function returns. Hence two fsyncs, one of the file and one of its directory.
 */
#include "lib/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/io/private.h"

bool fx_file_read(const char *path, size_t max_bytes, struct fx_buf *out, struct fx_err *err)
{
    FX_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not open \"%s\"", path);
    size_t total = 0;
    for (;;) {
        char chunk[16384];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fx_fail_errno(err, FX_E_IO, errno, "could not read \"%s\"", path);
        if (n == 0)
            return true;
        total += (size_t)n;
        fx_buf_add_bytes(out, chunk, (size_t)n);
        if (total > max_bytes || out->has_failed)
            return fx_fail(err, FX_E_LIMIT,
                           "\"%s\" is larger than %zu bytes, the most that Ficus "
                           "reads of such a file",
                           path, max_bytes) ||
                   fx_hint(err,
                           "Check that it is the right file. See: ls -l '%s'. A file that Ficus "
                           "writes can be restored from a backup.",
                           path);
    }
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return fx_strdup(".");
    return slash == path ? fx_strdup("/") : fx_strndup(path, (size_t)(slash - path));
}

static bool fail_write(int errnum, const char *doing, const char *what, struct fx_err *err)
{
    (void)fx_fail_errno(err, FX_E_IO, errnum, "could not %s \"%s\"", doing, what);
    FX_AUTO_STR char *directory = directory_of(what);
    if (errnum == ENOSPC || errnum == EDQUOT)
        return fx_hint(err,
                       "Free space in \"%s\" (see: df -h; df -i), then run the same command again; "
                       "in a run: ficus run resume",
                       directory);
    if (errnum == EACCES || errnum == EROFS)
        return fx_hint(
            err,
            "This user needs write access to \"%s\" (see: ls -ld '%s'; id). Give it with "
            "chown or chmod, or run the command as the owner.",
            directory, directory);
    return false;
}

bool fx_fd_write_all(int fd, struct fx_str bytes, const char *what, struct fx_err *err)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t n = write(fd, bytes.ptr + done, bytes.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_write(errno, "write", what, err);
        done += (size_t)n;
    }
    return true;
}

bool fx_dir_sync_of(const char *path, struct fx_err *err)
{
    FX_AUTO_STR char *directory = directory_of(path);
    FX_AUTO_FD int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not sync directory \"%s\"", directory);
    return true;
}

static bool write_temporary(const char *path, struct fx_str content, unsigned mode,
                            struct fx_err *err)
{
    FX_AUTO_FD int fd = fx_private_open(path, O_WRONLY | O_CREAT | O_EXCL, err);
    if (fd < 0)
        return err->hint[0] != '\0' ? false : fail_write(errno, "create", path, err);
    if (mode != FX_PRIVATE_FILE && fchmod(fd, mode) != 0)
        return fail_write(errno, "set the mode of", path, err);
    if (!fx_fd_write_all(fd, content, path, err))
        return false;
    if (fsync(fd) != 0)
        return fail_write(errno, "sync", path, err);
    return true;
}

bool fx_file_write_atomic(const char *path, struct fx_str content, unsigned mode,
                          struct fx_err *err)
{
    /* The pid keeps two writers apart; a file that a killed writer with our pid left is stale. */
    FX_AUTO_STR char *temporary = fx_asprintf("%s.%d.tmp", path, (int)getpid());
    unlink(temporary);
    if (!write_temporary(temporary, content, mode, err)) {
        unlink(temporary);
        return false;
    }
    if (rename(temporary, path) != 0) {
        fail_write(errno, "replace", path, err);
        unlink(temporary);
        return false;
    }
    return fx_dir_sync_of(path, err);
}

bool fx_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool fx_file_remove(const char *path, struct fx_err *err)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return fail_write(errno, "remove", path, err);
    return true;
}

bool fx_dir_make(const char *path, struct fx_err *err)
{
    FX_AUTO_STR char *partial = fx_strdup(path);
    for (char *p = partial + 1;; p++) {
        char old = *p;
        if (old != '/' && old != '\0')
            continue;
        *p = '\0';
        struct stat info;
        if (mkdir(partial, FX_PRIVATE_DIR) != 0 &&
            (errno != EEXIST || stat(partial, &info) != 0 || !S_ISDIR(info.st_mode)))
            return fail_write(errno, "create directory", partial, err);
        if (old == '\0')
            return true;
        *p = old;
    }
}
