/* SPDX-License-Identifier: Apache-2.0 */
/* libcrypto reports the lack of memory and of random bytes only; both end the process. */
/* libcrypto's headers first: they use names that lib/base/banned.h poisons. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "lib/crypt/digest.h"

#include "lib/base/panic.h"

struct fx_sha256; /* an EVP_MD_CTX; never defined */

static EVP_MD_CTX *from_digest(struct fx_sha256 *digest)
{
    return (EVP_MD_CTX *)(void *)digest;
}

void fx_sha256(struct fx_str bytes, uint8_t out[FX_SHA256_BYTES])
{
    if (EVP_Digest(bytes.ptr, bytes.len, out, NULL, EVP_sha256(), NULL) != 1)
        FX_BUG("libcrypto computed no SHA-256 of %zu bytes", bytes.len);
}

void fx_sha256_hex(struct fx_str bytes, char out[FX_SHA256_HEX])
{
    uint8_t raw[FX_SHA256_BYTES];
    fx_sha256(bytes, raw);
    fx_hex_write(raw, sizeof raw, out);
}

struct fx_sha256 *fx_sha256_new(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
        FX_BUG("libcrypto gave no SHA-256");
    return (struct fx_sha256 *)(void *)ctx;
}

void fx_sha256_add(struct fx_sha256 *digest, struct fx_str bytes)
{
    if (EVP_DigestUpdate(from_digest(digest), bytes.ptr, bytes.len) != 1)
        FX_BUG("libcrypto added no %zu bytes to a SHA-256", bytes.len);
}

void fx_sha256_end(struct fx_sha256 *digest, uint8_t out[FX_SHA256_BYTES])
{
    if (EVP_DigestFinal_ex(from_digest(digest), out, NULL) != 1)
        FX_BUG("libcrypto ended no SHA-256");
    fx_sha256_free(digest);
}

void fx_sha256_free(struct fx_sha256 *digest)
{
    EVP_MD_CTX_free(from_digest(digest));
}

void fx_hmac_sha256(struct fx_str key, struct fx_str bytes, uint8_t out[FX_SHA256_BYTES])
{
    /* A key without an address would mean "the key of the call before". */
    const char *start = key.ptr != NULL ? key.ptr : "";
    FX_ASSERT(key.len <= INT32_MAX);
    if (HMAC(EVP_sha256(), start, (int)key.len, (const unsigned char *)bytes.ptr, bytes.len, out,
             NULL) == NULL)
        FX_BUG("libcrypto computed no HMAC of %zu bytes", bytes.len);
}

void fx_random_bytes(void *out, size_t len)
{
    FX_ASSERT(len <= INT32_MAX);
    if (RAND_bytes(out, (int)len) != 1)
        FX_BUG("the system gave no %zu random bytes", len);
}

bool fx_secret_eq(struct fx_str a, struct fx_str b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void fx_secret_wipe(void *secret, size_t len)
{
    OPENSSL_cleanse(secret, len);
}

void fx_hex_write(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool fx_hex_read(struct fx_str text, uint8_t *out, size_t len)
{
    if (text.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(text.ptr[2 * i]), low = hex_value(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
