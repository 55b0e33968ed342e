/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 signatures (RFC 8032, the pure form) and their keys in PEM files: the private one as
 * PKCS#8 ("PRIVATE KEY"), the public one as SubjectPublicKeyInfo ("PUBLIC KEY"), as `openssl
 * genpkey -algorithm ed25519` and `openssl pkey -pubout` write them.
 *
 * What is signed should begin with a text that says what it is ("ficus-reconcile-report/1\n"), so
 * that a signature of one kind of thing never counts for another.
 *
 * Errors: SECRET (a key file that is missing, unreadable, not ours alone, or not an Ed25519 key),
 * IO when writing.   Thread: any; a private key may be used by several threads.
 */
#ifndef FX_CRYPT_SIGN_H
#define FX_CRYPT_SIGN_H

#include "lib/crypt/digest.h"
#include "lib/err/err.h"

enum { FX_PUBLIC_KEY_BYTES = 32, FX_SIGNATURE_BYTES = 64 };

struct fx_public_key {
    uint8_t raw[FX_PUBLIC_KEY_BYTES];
};
struct fx_private_key; /* heap object; wiped when freed */

/* A new key from the system's random bytes. Owned by the caller. */
struct fx_private_key *fx_private_key_new(void);
/* The key whose 32 secret bytes (RFC 8032: the private key) are `seed`. */
struct fx_private_key *fx_private_key_from_seed(const uint8_t seed[FX_PUBLIC_KEY_BYTES]);
void fx_private_key_free(struct fx_private_key *key); /* NULL is fine */
FX_AUTO_FREE_DEFINE(fx_private_key)
void fx_private_key_public(const struct fx_private_key *key, struct fx_public_key *ret);

/*
 * The file must be a regular one that nobody but its owner may read or write (0600); one that root
 * owns may be read by its group (0640), as mounted secrets are. A key under a passphrase is
 * refused, nobody is asked for it.
 */
bool fx_private_key_load(const char *path, struct fx_private_key **ret_key,
                         struct fx_err *err) FX_MUST_CHECK;
/* Makes a new file, 0600, durable when it returns; one that exists is an error and stays. */
bool fx_private_key_save(const struct fx_private_key *key, const char *path,
                         struct fx_err *err) FX_MUST_CHECK;
/* Exactly one public key; a file with a private key in it is refused by that name. */
bool fx_public_key_load(const char *path, struct fx_public_key *ret,
                        struct fx_err *err) FX_MUST_CHECK;
/* As for the private key, but 0644. */
bool fx_public_key_save(const struct fx_public_key *key, const char *path,
                        struct fx_err *err) FX_MUST_CHECK;
/*
 * 64 hexadecimal digits: SHA-256 of the key's SubjectPublicKeyInfo, which is what
 * `openssl pkey -pubin -in FILE -outform DER | sha256sum` prints.
 */
void fx_public_key_fingerprint(const struct fx_public_key *key, char out[FX_SHA256_HEX]);

void fx_sign(const struct fx_private_key *key, struct fx_str bytes,
             uint8_t out[FX_SIGNATURE_BYTES]);
/* False: not made by this key over exactly these bytes, or the key is not a point of the curve. */
bool fx_verify(const struct fx_public_key *key, struct fx_str bytes,
               const uint8_t signature[FX_SIGNATURE_BYTES]) FX_MUST_CHECK;

#endif
