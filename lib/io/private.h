/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are ours alone, among other users of the machine. The only place that opens a file for
 * writing, so that no link or file that somebody else put there is ever followed or overwritten.
 *
 *     if (!fx_dir_secure(project->state_dir, err))   once, before anything in it is believed
 *         return false;
 *     int fd = fx_private_open(path, O_RDWR | O_CREAT, err);
 *
 * "Ours": a regular file with one name (no hard link) that belongs to the effective user; nobody
 * else may read or write it, a file of an older build loses those rights when it is opened.
 *
 * Errors: IO; when it is not ours the hint is the command that mends it.   Thread: any.
 */
#ifndef FX_IO_PRIVATE_H
#define FX_IO_PRIVATE_H

#include "lib/err/err.h"

enum { FX_PRIVATE_FILE = 0600, FX_PRIVATE_DIR = 0700 };

/* At the start of a program: what it creates, also
 * by way of a library, is for its user alone. */
void fx_private_umask(void);
/* What is in memory, passwords and rows, is in no core dump, and in no debugger of another process
 * of our user. Builds with failpoints keep both: their crashes are looked at. */
void fx_private_memory(void);
/*
 * open(2) with `flags` (one of O_RDONLY, O_WRONLY, O_RDWR; O_CREAT, O_EXCL, O_APPEND):
 * close-on-exec, 0600, links are not followed. -1: *err is filled, errno is that of open(2), or
 * EPERM for a file that is not ours.
 */
int fx_private_open(const char *path, int flags, struct fx_err *err) FX_MUST_CHECK;
/*
 * The state directory. Makes it (0700) when it is missing. Refused: one of another user, one in
 * which others may write, a symbolic link, or a path that another user could lead elsewhere. One
 * that others may only read is from an older build: its mode and that of all in it is mended, with
 * a line in the log.
 */
bool fx_dir_secure(const char *path, struct fx_err *err) FX_MUST_CHECK;
/* The same, but nothing is made or changed; one that is missing is fine. */
bool fx_dir_is_secure(const char *path, struct fx_err *err) FX_MUST_CHECK;
/* May the process at the other end of a Unix socket talk to us? Only our user and root may. */
bool fx_peer_is_ours(int fd, int *ret_uid);

#endif
