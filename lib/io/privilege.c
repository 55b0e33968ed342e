/* SPDX-License-Identifier: Apache-2.0 */
/* By system calls: three of them do not justify a library. */
#include "lib/io/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/log/log.h"

void fx_privilege_warn(const char *what, const char *object)
{
    if (geteuid() == 0)
        fx_log(FX_LOG_WARN, "privilege", object,
               "running as root: a user of its own is enough (docs/deploy/systemd.md)", "what=%s",
               what);
}

static void drop_bounding(uint64_t kept)
{
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
        if ((kept >> cap & 1) == 0)
            (void)prctl(PR_CAPBSET_DROP,
                        cap); /* refused without CAP_SETPCAP: nothing to drop then */
}

void fx_privilege_drop(enum fx_keep keep)
{
    uint64_t kept = keep == FX_KEEP_READ ? UINT64_C(1) << CAP_DAC_READ_SEARCH : 0;
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    if (syscall(SYS_capget, &head, data) != 0)
        return;
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    drop_bounding(kept);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (size_t i = 0; i < FX_ARRAY_LEN(data); i++) {
        uint32_t mask = (uint32_t)(kept >> (32 * i));
        data[i].permitted &= mask;
        data[i].effective &= mask;
        data[i].inheritable &= mask;
    }
    if (syscall(SYS_capset, &head, data) != 0)
        fx_log(FX_LOG_WARN, "io", NULL, "capabilities could not be given up", "errno=%d", errno);
}
