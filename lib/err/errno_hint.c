/* SPDX-License-Identifier: Apache-2.0 */
/* What to do about an errno, for every failed call whose caller knows nothing better. */
#include "lib/err/errno_hint.h"

#include <errno.h>
#include "lib/base/str.h"
#include "lib/err/err.h"

/* '@' is the path that the message names. */
static const struct {
    int errnum;
    const char *text;
} hints[] = {
    {EACCES, "This user may not do that. See who may: id; namei -l '@'. Run it as that user, or "
             "give this user the right with chown or chmod."},
    {EPERM, "The system does not allow that to this user or on this file system. See: id; namei -l "
            "'@'; findmnt -T '@'. Run it as the owner, or use a path on another file system."},
    {ENOENT, "A part of this path does not exist. See which: namei -l '@'. Create it, or correct "
             "the path."},
    {ENOTDIR, "A part of this path should be a directory and is not. See which: namei -l '@'. "
              "Correct the path, or move that file away."},
    {EISDIR, "It is a directory, and a file is needed there. See: ls -ld '@'. Correct the path, or "
             "move the directory away."},
    {ELOOP, "A symbolic link of this path leads to itself, or is not allowed there. See which: "
            "namei -l '@'. Use a path without it."},
    {ENAMETOOLONG, "Use a shorter path."},
    {ENOSPC, "Free space on that file system. See: df -h; df -i. Then run the same command again; "
             "in a run: ficus run resume"},
    {EDQUOT, "The disk quota of this user is used up. Free space or raise it; see: quota -s. Then "
             "run the same command again; in a run: ficus run resume"},
    {EFBIG, "The limit of a file's size is reached. See: ulimit -f. Raise it, then run the same "
            "command again; in a run: ficus run resume"},
    {EEXIST, "Something else with this name is there already. See: ls -ld '@'. Move it away, or "
             "use another path."},
    {EROFS, "The file system is mounted read-only. See: findmnt -T '@'. After a disk error the "
            "kernel mounts it so: dmesg"},
    {EIO, "The disk reported an error. See the kernel's log: dmesg. Repair or replace the disk "
          "first, then run the same command again; in a run: ficus run resume"},
    {ENOLCK,
     "The file system there does not support locks, or has none left. Put the state "
     "directory (state.dir in ficus.yaml) on a local disk. Which one it is on: findmnt -T '@'"},
    {EMFILE, "The process has too many open files. Raise its limit (ulimit -n 65536, or "
             "LimitNOFILE=65536 in its systemd unit), then start it again."},
    {ENFILE, "The machine has too many open files. See: sysctl fs.file-nr. Raise fs.file-max, then "
             "start it again."},
    {ENOMEM, "There is no memory left. See: free -m; ulimit -a. Free some, then start it again."},
    {ENOBUFS, "There is no memory left. See: free -m; ulimit -a. Free some, then start it again."},
    {EADDRINUSE, "Another process uses this address. See which: ss -lntxp. Stop it, or use "
                 "another address."},
    {EADDRNOTAVAIL, "This machine does not have the address. Use one of its own: ip address"},
    {EAFNOSUPPORT, "This machine does not support addresses of this kind: IPv6 may be turned off. "
                   "Write an IPv4 address, for example 0.0.0.0:PORT."},
    {ECONNREFUSED, FX_SERVER_GONE},
    {ECONNRESET, FX_SERVER_GONE},
    {EPIPE, FX_SERVER_GONE},
    {ETIMEDOUT, FX_SERVER_GONE},
    {EHOSTUNREACH, FX_SERVER_GONE},
    {ENETUNREACH, FX_SERVER_GONE},
};

/* The last quoted text of a message, which names the object of the call; else "PATH". */
static struct fx_str named_in(const char *message)
{
    const char *end = strrchr(message, '"');
    const char *begin = end;
    while (begin != NULL && begin > message && begin[-1] != '"')
        begin--;
    if (begin == NULL || begin == message)
        return FX_STR("PATH");
    return (struct fx_str){begin, (size_t)(end - begin)};
}

static void fill(const char *text, struct fx_str path, char *out, size_t size)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        size_t add = *text == '@' ? path.len : 1;
        if (n + add >= size) {
            out[0] = '\0'; /* half a command is worse than none */
            return;
        }
        memcpy(out + n, *text == '@' ? path.ptr : text, add);
        n += add;
    }
    out[n] = '\0';
}

void fx_errno_hint(int errnum, const char *message, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; i < FX_ARRAY_LEN(hints); i++)
        if (hints[i].errnum == errnum)
            fill(hints[i].text, named_in(message), out, size);
}
