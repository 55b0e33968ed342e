/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who runs this process, from the kernel and the user database: what the environment says is never
 * believed, only added where the system itself wrote it (sudo) and marked as such. Thread: any.
 */
#ifndef FX_IO_WHO_H
#define FX_IO_WHO_H

#include "lib/base/fx.h"

enum { FX_WHO_TEXT = 160 };

struct fx_who {
    int uid;         /* real */
    char login[40];  /* of that uid; "uid 1000" when the user database has no name */
    char via[56];    /* "via sudo from anna", when sudo says so; else "" */
    char host[64];   /* of the machine */
    char origin[96]; /* terminal, and where an SSH session says that it came from; may be "" */
};

void fx_who(struct fx_who *ret);
/* "anna@host pid 812", "root@host via sudo from anna pid 812" */
void fx_who_text(char out[FX_WHO_TEXT]);

#endif
