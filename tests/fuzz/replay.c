/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A main for fuzz targets without a fuzzer: each file named on the command line goes through the
 * target once, whole and cut at a few places, so that every seed is a regression test under gcc as
 * well. A crash is the failure; the file that is being read has been named on stderr before.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of its own for each call, so that a read behind the end meets the sanitizer's red zone. */
static void feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = fx_alloc(size > 0 ? size : 1);
    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static bool replay(const char *path)
{
    FX_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    uint8_t *data = fx_alloc((size_t)st.st_size + 1);
    ssize_t got = read(fd, data, (size_t)st.st_size);
    bool is_whole = got == st.st_size;
    if (is_whole) {
        size_t size = (size_t)got;
        feed(data, size);
        for (size_t part = 1; part < 8; part++)
            feed(data, size * part / 8);
        if (size > 0)
            feed(data, size - 1);
    }
    free(data);
    return is_whole;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        fprintf(stderr, "%s\n", argv[i]);
        if (!replay(argv[i])) {
            fprintf(stderr, "cannot read %s\n", argv[i]);
            return 1;
        }
    }
    return 0;
}
