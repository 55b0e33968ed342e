/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a message of PostgreSQL's replication stream, and any text as a place in its log. */
#include "lib/base/panic.h"
#include "lib/pg/pgoutput.h"
#include "lib/pg/repl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(const uint8_t *data, size_t size)
{
    char text[40];
    uint64_t lsn;
    snprintf(text, sizeof text, "%.*s", (int)FX_MIN(size, sizeof text - 1), (const char *)data);
    if (fx_pg_lsn_parse(text, &lsn))
        FX_ASSERT(strspn(text, "0123456789abcdefABCDEF/") == strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fx_str bytes = {(const char *)data, size};
    struct fx_pg_repl_msg msg;
    if (size == 0)
        return 0;
    check_place(data, size);
    if (!fx_pg_repl_frame(bytes, &msg))
        return 0;
    FX_ASSERT(msg.kind == FX_PG_REPL_DATA || msg.kind == FX_PG_REPL_KEEPALIVE);
    FX_ASSERT(msg.kind == FX_PG_REPL_DATA || (size == 18 && msg.payload.len == 0));
    FX_ASSERT(msg.kind == FX_PG_REPL_KEEPALIVE || msg.payload.len == size - 25);
    FX_ASSERT(msg.payload.len == 0 || msg.payload.ptr + msg.payload.len == bytes.ptr + size);
    return 0;
}
