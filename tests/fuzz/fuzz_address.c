/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as an address, and as the URL of a database: read, or refused with a message. */
#include "lib/base/alloc.h"
#include "lib/base/arena.h"
#include "lib/base/panic.h"
#include "lib/db/db.h"
#include "lib/io/sock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FX_AUTO_STR char *text = fx_strndup((const char *)data, size);
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_err err = FX_ERR_INIT;
    struct fx_addr addr;
    struct fx_db_conf conf = {0};
    char shown[FX_ADDR_TEXT];
    fx_arena_init(&arena, 0);
    if (!fx_addr_check(text, &err))
        FX_ASSERT(err.message[0] != '\0');
    if (fx_addr_numeric(text, &addr)) {
        fx_addr_text(&addr, shown);
        FX_ASSERT(strnlen(shown, sizeof shown) < sizeof shown);
        FX_ASSERT(fx_addr_numeric(shown, &addr));
    }
    fx_err_clear(&err);
    if (!fx_db_conf_parse(text, &arena, &conf, &err)) {
        FX_ASSERT(err.message[0] != '\0');
        return 0;
    }
    FX_ASSERT(conf.port >= 0 && conf.port <= 65535);
    FX_ASSERT(conf.host != NULL || conf.socket_dir != NULL);
    return 0;
}
