/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests that nobody can aim at, and secrets: SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104),
 * random bytes, comparison in constant time. For what an attacker may write: signatures, chains,
 * tokens. Fast hashes for splits and fingerprints are in lib/base/hash.h.
 *
 * lib/crypt is the only door to libcrypto. What fails here is a defect of the machine (no memory,
 * no random bytes): the process stops, so no caller can go on with an empty digest. Thread: any.
 */
#ifndef FX_CRYPT_DIGEST_H
#define FX_CRYPT_DIGEST_H

#include "lib/base/str.h"

enum { FX_SHA256_BYTES = 32, FX_SHA256_HEX = 65 };

void fx_sha256(struct fx_str bytes, uint8_t out[FX_SHA256_BYTES]);
/* 64 lower-case hexadecimal digits and a NUL, as sha256sum prints them. */
void fx_sha256_hex(struct fx_str bytes, char out[FX_SHA256_HEX]);

/* In parts: new, add …, then end, which frees it. */
struct fx_sha256;
struct fx_sha256 *fx_sha256_new(void);
void fx_sha256_add(struct fx_sha256 *digest, struct fx_str bytes);
void fx_sha256_end(struct fx_sha256 *digest, uint8_t out[FX_SHA256_BYTES]);
void fx_sha256_free(struct fx_sha256 *digest); /* instead of end; NULL is fine */
FX_AUTO_FREE_DEFINE(fx_sha256)

void fx_hmac_sha256(struct fx_str key, struct fx_str bytes, uint8_t out[FX_SHA256_BYTES]);

/* From the kernel's generator through libcrypto; for keys, tokens and identifiers. */
void fx_random_bytes(void *out, size_t len);
/* Are they equal? The time depends on the lengths only. Use it for every secret and every MAC. */
bool fx_secret_eq(struct fx_str a, struct fx_str b);
/* Overwrites a secret that is no longer needed; the compiler cannot leave it out. */
void fx_secret_wipe(void *secret, size_t len);

/* Bytes as lower-case hexadecimal digits: 2 * len digits and a NUL. */
void fx_hex_write(const uint8_t *bytes, size_t len, char *out);
/* Strict: exactly 2 * len lower-case digits, else false. One byte string has one text. */
bool fx_hex_read(struct fx_str text, uint8_t *out, size_t len) FX_MUST_CHECK;

#endif
