/* SPDX-License-Identifier: Apache-2.0 */
/* See error_file.h. */
#include "cdc/process/error_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/io/file.h"
#include "lib/io/private.h"

enum { ERROR_FILE_MAX = 64 << 10 };

#define ERROR_MEMORY "ficus-stream-error"

static bool has_error_memory(void)
{
    char name[64];
    ssize_t n = readlink("/proc/self/fd/0", name, sizeof name - 1);
    name[FX_MAX(n, 0)] = '\0';
    return strncmp(name, "/memfd:" ERROR_MEMORY, strlen("/memfd:" ERROR_MEMORY)) == 0;
}

void cdc_error_memory_read(int fd, struct cdc_status *ret)
{
    ssize_t n = fd >= 0 ? pread(fd, ret->error, sizeof ret->error - 1, 0) : 0;
    ret->error[FX_MAX(n, 0)] = '\0';
}

int cdc_error_memory_make(void)
{
    return memfd_create(ERROR_MEMORY, MFD_CLOEXEC);
}

void cdc_error_read(const char *path, struct cdc_status *ret)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(ERROR_FILE_MAX);
    struct fx_err ignored = FX_ERR_INIT;
    if (fx_file_read(path, ERROR_FILE_MAX, &text, &ignored))
        (void)snprintf(ret->error, sizeof ret->error, "%s", fx_buf_cstr(&text));
}

void cdc_error_leave(const char *path, const struct fx_err *why)
{
    struct fx_err ignored = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf json = FX_BUF(ERROR_FILE_MAX);
    fx_err_render_json(why, &json);
    if (has_error_memory())
        (void)!pwrite(0, json.ptr, json.len, 0);
    (void)!fx_file_write_atomic(path, fx_buf_str(&json), FX_PRIVATE_FILE, &ignored);
}
