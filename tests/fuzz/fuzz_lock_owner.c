/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a lock file: what is said of its owner are texts that end, and a pid or none. */
#include "lib/base/panic.h"
#include "lib/io/flock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fx_flock_owner owner;
    memset(&owner, 0xff, sizeof owner);
    fx_flock_owner_read((struct fx_str){(const char *)data, size}, &owner);
    FX_ASSERT(owner.pid >= 0);
    FX_ASSERT(strnlen(owner.host, sizeof owner.host) < sizeof owner.host);
    FX_ASSERT(strnlen(owner.since, sizeof owner.since) < sizeof owner.since);
    FX_ASSERT(strnlen(owner.what, sizeof owner.what) < sizeof owner.what);
    return 0;
}
