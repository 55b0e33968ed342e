/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/crypt/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/io/file.h"
#include "lib/io/private.h"

#define LABEL "ficus-record/1\n"
#define OPENS ",\"mac\":\""
enum { TAIL_BYTES = sizeof OPENS - 1 + 64 + 2 }; /* ,"mac":"<64 digits>"} */

static bool make_key(const char *path, struct fx_chain *chain, struct fx_err *err)
{
    char hex[2 * FX_SHA256_BYTES + 2];
    fx_random_bytes(chain->key, sizeof chain->key);
    fx_hex_write(chain->key, sizeof chain->key, hex);
    hex[2 * FX_SHA256_BYTES] = '\n';
    chain->has_key = fx_file_write_atomic(path, (struct fx_str){hex, 2 * FX_SHA256_BYTES + 1},
                                          FX_PRIVATE_FILE, err);
    fx_secret_wipe(hex, sizeof hex);
    return chain->has_key;
}

static bool read_key(const char *path, struct fx_chain *chain, struct fx_err *err)
{
    char text[2 * FX_SHA256_BYTES + 2];
    FX_AUTO_FD int fd = fx_private_open(path, O_RDONLY, err);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text);
    chain->has_key =
        n == 2 * FX_SHA256_BYTES + 1 && text[n - 1] == '\n' &&
        fx_hex_read((struct fx_str){text, 2 * FX_SHA256_BYTES}, chain->key, sizeof chain->key);
    fx_secret_wipe(text, sizeof text);
    return chain->has_key ||
           fx_fail(err, FX_E_JOURNAL, "\"%s\" is not the key of a journal: 64 digits in one line",
                   path) ||
           fx_hint(err,
                   "Restore it and the file of the same name without \".key\" from one backup of "
                   "the state directory, then run the same command again.");
}

bool fx_chain_load(const char *log_path, bool is_writer, struct fx_chain *ret, struct fx_err *err)
{
    FX_AUTO_STR char *path = fx_asprintf("%s.key", log_path);
    *ret = (struct fx_chain){0};
    if (read_key(path, ret, err))
        return true;
    if (err->cause_kind != FX_CAUSE_ERRNO || err->cause_number != ENOENT)
        return false;
    fx_err_clear(err);
    return !is_writer || make_key(path, ret, err);
}

/* The record as it was before it was sealed is `body` and "}". False: it has no mac. */
static bool split(struct fx_str record, struct fx_str *ret_body, uint8_t mac[FX_SHA256_BYTES])
{
    if (record.len < TAIL_BYTES)
        return false;
    struct fx_str tail = fx_str_sub(record, record.len - TAIL_BYTES, TAIL_BYTES);
    *ret_body = fx_str_sub(record, 0, record.len - TAIL_BYTES);
    return fx_str_starts(tail, FX_STR(OPENS)) && fx_str_ends(tail, FX_STR("\"}")) &&
           fx_hex_read(fx_str_sub(tail, sizeof OPENS - 1, 64), mac, FX_SHA256_BYTES);
}

static void mac_of(const struct fx_chain *chain, struct fx_str body, uint8_t out[FX_SHA256_BYTES])
{
    FX_AUTO(fx_buf) struct fx_buf all = FX_BUF((size_t)4 << 20);
    fx_buf_add(&all, FX_STR(LABEL));
    fx_buf_add_bytes(&all, (const char *)chain->mac, sizeof chain->mac);
    fx_buf_add(&all, body);
    FX_ASSERT(!all.has_failed);
    if (chain->has_key)
        fx_hmac_sha256((struct fx_str){(const char *)chain->key, sizeof chain->key},
                       fx_buf_str(&all), out);
    else
        fx_sha256(fx_buf_str(&all), out);
}

void fx_chain_seal(const struct fx_chain *chain, struct fx_str record, struct fx_buf *out)
{
    uint8_t mac[FX_SHA256_BYTES];
    char hex[FX_SHA256_HEX];
    FX_ASSERT(chain->has_key && fx_str_ends(record, FX_STR("}")));
    struct fx_str body = fx_str_sub(record, 0, record.len - 1);
    mac_of(chain, body, mac);
    fx_hex_write(mac, sizeof mac, hex);
    fx_buf_add(out, body);
    fx_buf_printf(out, OPENS "%s\"}", hex);
}

static bool fail_changed(const struct fx_chain *chain, struct fx_err *err)
{
    return fx_fail(err, FX_E_JOURNAL,
                   "record %" PRIu64 " does not continue the chain: it, or one before it, was "
                   "changed after it was written",
                   chain->n_keyed + chain->n_unkeyed + 1) ||
           fx_hint(err,
                   "Somebody edited the file, or its key (the file beside it whose name ends in "
                   "\".key\") is another log's. Move both aside and restore both from one "
                   "backup of the state directory, then check: ficus run journal verify, or ficus "
                   "audit for the audit log. Who owns a context: ficus status");
}

bool fx_chain_take(struct fx_chain *chain, struct fx_str record, struct fx_err *err)
{
    struct fx_str body = record;
    uint8_t mac[FX_SHA256_BYTES], wanted[FX_SHA256_BYTES];
    bool is_keyed = split(record, &body, mac);
    if (is_keyed && !chain->has_key)
        return fx_fail(err, FX_E_JOURNAL,
                       "its key is missing, the file of the same name with \".key\"") ||
               fx_hint(err, "Restore that key file from a backup of the state directory, then run "
                            "the same command again.");
    if (!is_keyed && chain->n_keyed > 0)
        return fail_changed(chain, err);
    if (!is_keyed) { /* of an older build: the first mac covers it, with no key of its own */
        struct fx_chain open = *chain;
        open.has_key = false;
        mac_of(&open, record, chain->mac);
        chain->n_unkeyed++;
        return true;
    }
    mac_of(chain, body, wanted);
    if (!fx_secret_eq((struct fx_str){(const char *)mac, sizeof mac},
                      (struct fx_str){(const char *)wanted, sizeof wanted}))
        return fail_changed(chain, err);
    memcpy(chain->mac, mac, sizeof mac);
    chain->n_keyed++;
    return true;
}

void fx_chain_anchor(const struct fx_chain *chain, char out[FX_CHAIN_ANCHOR])
{
    int n = snprintf(out, FX_CHAIN_ANCHOR, "%" PRIu64 ":", chain->n_keyed + chain->n_unkeyed);
    fx_hex_write(chain->mac, sizeof chain->mac, out + n);
}
