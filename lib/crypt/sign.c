/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and signatures through libcrypto's EVP interface; PEM is read and written by libcrypto too,
 * so no byte of a key file is parsed here.
 */
/* libcrypto's headers first: they use names that lib/base/banned.h poisons. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/crypt/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/panic.h"
#include "lib/io/file.h"

enum { KEY_FILE_MAX = 16384 };

struct fx_private_key; /* an EVP_PKEY; never defined */

static EVP_PKEY *from_key(const struct fx_private_key *key)
{
    /* EVP_PKEY counts its users, so its interface is not const. */
    return (EVP_PKEY *)(uintptr_t)key;
}

static struct fx_private_key *to_key(EVP_PKEY *pkey)
{
    return (struct fx_private_key *)(void *)pkey;
}

static EVP_PKEY *from_public(const struct fx_public_key *key)
{
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->raw, sizeof key->raw);
}

/* --- keys in memory --------------------------------------------------------------------------- */

struct fx_private_key *fx_private_key_from_seed(const uint8_t seed[FX_PUBLIC_KEY_BYTES])
{
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, FX_PUBLIC_KEY_BYTES);
    if (pkey == NULL)
        FX_BUG("libcrypto made no Ed25519 key");
    return to_key(pkey);
}

struct fx_private_key *fx_private_key_new(void)
{
    uint8_t seed[FX_PUBLIC_KEY_BYTES];
    fx_random_bytes(seed, sizeof seed);
    struct fx_private_key *key = fx_private_key_from_seed(seed);
    fx_secret_wipe(seed, sizeof seed);
    return key;
}

void fx_private_key_free(struct fx_private_key *key)
{
    EVP_PKEY_free(from_key(key));
}

static bool get_public(const EVP_PKEY *pkey, struct fx_public_key *ret)
{
    size_t len = sizeof ret->raw;
    return EVP_PKEY_get_raw_public_key(pkey, ret->raw, &len) == 1 && len == sizeof ret->raw;
}

void fx_private_key_public(const struct fx_private_key *key, struct fx_public_key *ret)
{
    if (!get_public(from_key(key), ret))
        FX_BUG("an Ed25519 key has no public key");
}

void fx_public_key_fingerprint(const struct fx_public_key *key, char out[FX_SHA256_HEX])
{
    unsigned char *der = NULL;
    EVP_PKEY *pkey = from_public(key);
    int len = pkey != NULL ? i2d_PUBKEY(pkey, &der) : -1;
    if (len <= 0)
        FX_BUG("libcrypto encoded no public key");
    fx_sha256_hex((struct fx_str){(const char *)der, (size_t)len}, out);
    OPENSSL_free(der);
    EVP_PKEY_free(pkey);
}

/* --- signatures ------------------------------------------------------------------------------- */

void fx_sign(const struct fx_private_key *key, struct fx_str bytes, uint8_t out[FX_SIGNATURE_BYTES])
{
    size_t len = FX_SIGNATURE_BYTES;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, NULL, NULL, from_key(key)) != 1 ||
        EVP_DigestSign(ctx, out, &len, (const unsigned char *)bytes.ptr, bytes.len) != 1 ||
        len != FX_SIGNATURE_BYTES)
        FX_BUG("libcrypto signed no %zu bytes", bytes.len);
    EVP_MD_CTX_free(ctx);
}

bool fx_verify(const struct fx_public_key *key, struct fx_str bytes,
               const uint8_t signature[FX_SIGNATURE_BYTES])
{
    EVP_PKEY *pkey = from_public(key);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_good = pkey != NULL && ctx != NULL &&
                   EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                   EVP_DigestVerify(ctx, signature, FX_SIGNATURE_BYTES,
                                    (const unsigned char *)bytes.ptr, bytes.len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return is_good;
}

/* --- files ------------------------------------------------------------------------------------ */

/* libcrypto would ask at the terminal. */
static int no_passphrase(char *out, int size, int is_writing, void *arg)
{
    (void)out, (void)size, (void)is_writing, (void)arg;
    return -1;
}

static bool check_private_mode(int fd, const char *path, struct fx_err *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return fx_fail_errno(err, FX_E_SECRET, errno, "could not read private key \"%s\"", path);
    if (!S_ISREG(info.st_mode))
        return fx_fail(err, FX_E_SECRET, "private key \"%s\" is not a regular file", path) ||
               fx_hint(err, "Name the file itself. What it is: ls -ld '%s'", path);
    mode_t forbidden = info.st_uid == 0 ? 037 : 077;
    if ((info.st_mode & forbidden) == 0)
        return true;
    (void)fx_fail(err, FX_E_SECRET, "private key \"%s\" has mode %04o: other users can read it",
                  path, (unsigned)(info.st_mode & 07777));
    return fx_hint(err,
                   "Run: chmod 600 '%s'. If others may have copied it, make a new key: ficus "
                   "reconcile key new FILE",
                   path);
}

static bool read_key_file(const char *path, bool is_private, struct fx_buf *out, struct fx_err *err)
{
    const char *kind = is_private ? "private" : "public";
    FX_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fx_fail_errno(err, FX_E_SECRET, errno, "could not open %s key \"%s\"", kind, path);
    if (is_private && !check_private_mode(fd, path, err))
        return false;
    if (!fx_buf_reserve(out, KEY_FILE_MAX))
        return fx_fail(err, FX_E_SECRET, "no memory to read %s key \"%s\"", kind, path) ||
               fx_hint(err, "See: free -m; ulimit -v. Free some, then run the same command again.");
    /* A key is a few hundred bytes: one read; a file that fills the buffer is none. */
    ssize_t n = read(fd, out->ptr, KEY_FILE_MAX);
    if (n < 0)
        return fx_fail_errno(err, FX_E_SECRET, errno, "could not read %s key \"%s\"", kind, path);
    out->len = (size_t)n;
    if (n == KEY_FILE_MAX)
        return fx_fail(err, FX_E_SECRET, "%s key \"%s\" has %d bytes or more: it is no key", kind,
                       path, KEY_FILE_MAX) ||
               fx_hint(err,
                       "An Ed25519 key in PEM has a few hundred. Make a pair: ficus reconcile key "
                       "new FILE");
    return true;
}

static bool holds(const struct fx_buf *file, const char *word)
{
    return memmem(file->ptr, file->len, word, strlen(word)) != NULL;
}

bool fx_private_key_load(const char *path, struct fx_private_key **ret_key, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf file = FX_BUF(KEY_FILE_MAX);
    bool is_ok = read_key_file(path, true, &file, err);
    if (!is_ok)
        return false;
    BIO *bio = BIO_new_mem_buf(file.ptr, (int)file.len);
    EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    is_ok = pkey != NULL && EVP_PKEY_get_id(pkey) == EVP_PKEY_ED25519;
    bool is_encrypted = holds(&file, "ENCRYPTED");
    BIO_free(bio);
    ERR_clear_error();
    fx_secret_wipe(file.ptr, file.len);
    if (is_ok) {
        *ret_key = to_key(pkey);
        return true;
    }
    EVP_PKEY_free(pkey);
    if (is_encrypted)
        return fx_fail(err, FX_E_SECRET, "private key \"%s\" is protected by a passphrase", path) ||
               fx_hint(err, "Write it without one: openssl pkey -in '%s' -out FILE; chmod 600 FILE",
                       path);
    return fx_fail(err, FX_E_SECRET, "\"%s\" is not an Ed25519 private key in PEM", path) ||
           fx_hint(err, "Make one: ficus reconcile key new FILE");
}

static bool fail_public(const char *path, const struct fx_buf *file, struct fx_err *err)
{
    if (holds(file, "PRIVATE KEY"))
        return fx_fail(err, FX_E_SECRET, "\"%s\" is a private key, expected a public one", path) ||
               fx_hint(err,
                       "The public key is the file whose name ends in .pub; to get it again: "
                       "openssl pkey -in '%s' -pubout",
                       path);
    return fx_fail(err, FX_E_SECRET, "\"%s\" is not one Ed25519 public key in PEM", path) ||
           fx_hint(
               err,
               "Give the file whose name ends in .pub of the pair that reconcile.sign_with names; "
               "it holds one key. To look at a key file: ficus reconcile key show FILE");
}

bool fx_public_key_load(const char *path, struct fx_public_key *ret, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf file = FX_BUF(KEY_FILE_MAX);
    if (!read_key_file(path, false, &file, err))
        return false;
    BIO *bio = BIO_new_mem_buf(file.ptr, (int)file.len);
    EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL) : NULL;
    EVP_PKEY *second = pkey != NULL ? PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL) : NULL;
    bool is_ok = pkey != NULL && second == NULL && !holds(&file, "PRIVATE KEY") &&
                 EVP_PKEY_get_id(pkey) == EVP_PKEY_ED25519 && get_public(pkey, ret);
    EVP_PKEY_free(second);
    EVP_PKEY_free(pkey);
    BIO_free(bio);
    ERR_clear_error();
    return is_ok || fail_public(path, &file, err);
}

static bool save_new(const char *path, struct fx_str content, mode_t mode, struct fx_err *err)
{
    FX_AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0 && errno == EEXIST)
        return fx_fail(err, FX_E_IO, "\"%s\" exists already; a key file is never overwritten",
                       path) ||
               fx_hint(err,
                       "Choose another name. To replace a key, make a new pair and let the gate "
                       "trust both until no report of the old one is needed.");
    if (fd < 0)
        return fx_fail_errno(err, FX_E_IO, errno, "could not create \"%s\"", path) ||
               fx_hint(err,
                       "Its directory must exist, and this user must be able to write in it. "
                       "Create it, "
                       "or choose another. See: ls -ld \"$(dirname '%s')\"",
                       path);
    if (fx_fd_write_all(fd, content, path, err)) {
        if (fsync(fd) == 0)
            return fx_dir_sync_of(path, err);
        (void)fx_fail_errno(err, FX_E_IO, errno, "could not sync \"%s\"", path);
    }
    unlink(path);
    return false;
}

static bool save_pem(BIO *bio, bool is_written, const char *path, mode_t mode, struct fx_err *err)
{
    char *text = NULL;
    long len = is_written ? BIO_get_mem_data(bio, &text) : 0;
    if (len <= 0)
        FX_BUG("libcrypto wrote no PEM");
    bool is_ok = save_new(path, (struct fx_str){text, (size_t)len}, mode, err);
    fx_secret_wipe(text, (size_t)len);
    BIO_free(bio);
    return is_ok;
}

bool fx_private_key_save(const struct fx_private_key *key, const char *path, struct fx_err *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool is_written = bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, from_key(key), NULL, NULL,
                                                                   0, NULL, NULL) == 1;
    return save_pem(bio, is_written, path, 0600, err);
}

bool fx_public_key_save(const struct fx_public_key *key, const char *path, struct fx_err *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    EVP_PKEY *pkey = from_public(key);
    bool is_written = bio != NULL && pkey != NULL && PEM_write_bio_PUBKEY(bio, pkey) == 1;
    EVP_PKEY_free(pkey);
    return save_pem(bio, is_written, path, 0644, err);
}
