/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files: read with a cap, written so that a crash leaves the old content or the new, never a
 * mixture.
 * Errors: IO (errno as cause), LIMIT (file larger than the cap).   Thread: any.
 */
#ifndef FX_IO_FILE_H
#define FX_IO_FILE_H

#include "lib/base/buf.h"
#include "lib/err/err.h"

/* Appends the content to `out`; at most `max_bytes`. */
bool fx_file_read(const char *path, size_t max_bytes, struct fx_buf *out,
                  struct fx_err *err) FX_MUST_CHECK;
/* Temporary file beside it, fsync, rename, fsync of the directory: durable when it returns.
 * `mode`: FX_PRIVATE_FILE (private.h), unless somebody else must read the file. */
bool fx_file_write_atomic(const char *path, struct fx_str content, unsigned mode,
                          struct fx_err *err) FX_MUST_CHECK;
bool fx_file_exists(const char *path);
/* Removes; a file that is not there is fine. */
bool fx_file_remove(const char *path, struct fx_err *err) FX_MUST_CHECK;
/* Makes the directory and its parents (mode 0700); existing ones are fine. */
bool fx_dir_make(const char *path, struct fx_err *err) FX_MUST_CHECK;
/* Makes the entries of the directory that holds `path` durable. */
bool fx_dir_sync_of(const char *path, struct fx_err *err) FX_MUST_CHECK;
/* Writes all of it, retrying short writes and EINTR. */
bool fx_fd_write_all(int fd, struct fx_str bytes, const char *what,
                     struct fx_err *err) FX_MUST_CHECK;

#endif
