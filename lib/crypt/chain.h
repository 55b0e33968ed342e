/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain over records that only the holder of a key can continue or change: each sealed record (a
 * JSON object) ends in a member "mac", HMAC-SHA-256 over the mac before it and the record's other
 * bytes. Records of older builds have none; they are covered by the first one that has (ADR 0103).
 *
 *     struct fx_chain chain;
 *     fx_chain_load("…/journal", true, &chain, err)     the key is in "…/journal.key", 0600
 *     fx_chain_take(&chain, record, err)                for each record that is read, in order
 *     fx_chain_seal(&chain, record, &out); … fx_chain_take(&chain, out)   for one that is written
 *
 * Errors: JOURNAL (a record that was not sealed with this key, or after another one), IO.
 * Thread: one.
 */
#ifndef FX_CRYPT_CHAIN_H
#define FX_CRYPT_CHAIN_H

#include "lib/crypt/digest.h"
#include "lib/err/err.h"

struct fx_chain {
    bool has_key;
    uint8_t key[FX_SHA256_BYTES];
    uint8_t mac[FX_SHA256_BYTES]; /* of the last record */
    uint64_t n_keyed, n_unkeyed;
};

/* `is_writer`: a key that is missing is made. A reader
 * without one can read a log whose records have no mac. */
bool fx_chain_load(const char *log_path, bool is_writer, struct fx_chain *ret,
                   struct fx_err *err) FX_MUST_CHECK;
void fx_chain_seal(const struct fx_chain *chain, struct fx_str record, struct fx_buf *out);
bool fx_chain_take(struct fx_chain *chain, struct fx_str record, struct fx_err *err) FX_MUST_CHECK;
/* "24:8f3a…": number and mac of the last record; whoever keeps it elsewhere can prove the log. */
enum { FX_CHAIN_ANCHOR = 21 + FX_SHA256_HEX };
void fx_chain_anchor(const struct fx_chain *chain, char out[FX_CHAIN_ANCHOR]);

#endif
