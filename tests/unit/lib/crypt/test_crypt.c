/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/crypt against published vectors (FIPS 180-4, RFC 4231, RFC 8032), and what it refuses in key
 * files.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/alloc.h"
#include "lib/crypt/sign.h"
#include "lib/io/file.h"
#include "tests/unit/tmp.h"

static void check_hex(const uint8_t *bytes, size_t len, const char *expected)
{
    char text[2 * 128 + 1];
    assert_true(len <= 128);
    fx_hex_write(bytes, len, text);
    assert_string_equal(text, expected);
}

/* --- digests ---------------------------------------------------------------------------------- */

static void digests_are_those_of_the_standard(void **state)
{
    static const char *const rows[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}};
    char hex[FX_SHA256_HEX];
    (void)state;
    for (size_t i = 0; i < FX_ARRAY_LEN(rows); i++) {
        fx_sha256_hex(fx_str_from(rows[i][0]), hex);
        assert_string_equal(hex, rows[i][1]);
    }
    fx_sha256_hex((struct fx_str){NULL, 0}, hex);
    assert_string_equal(hex, rows[0][1]);
}

static void a_digest_in_parts_is_that_of_the_whole(void **state)
{
    char thousand[1000];
    uint8_t out[FX_SHA256_BYTES];
    (void)state;
    memset(thousand, 'a', sizeof thousand);
    struct fx_sha256 *digest = fx_sha256_new();
    for (int i = 0; i < 1000; i++)
        fx_sha256_add(digest, (struct fx_str){thousand, sizeof thousand});
    fx_sha256_add(digest, (struct fx_str){NULL, 0});
    fx_sha256_end(digest, out);
    check_hex(out, sizeof out, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    FX_AUTO_FREE(fx_sha256) struct fx_sha256 *unused = fx_sha256_new();
    fx_sha256_add(unused, FX_STR("x"));
}

static void macs_are_those_of_rfc_4231(void **state)
{
    static const struct {
        int key_byte, key_len;
        const char *key, *data, *mac;
    } rows[] = {
        {0x0b, 20, NULL, "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {0, 4, "Jefe", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {0xaa, 131, NULL, "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {0xaa, 131, NULL,
         "This is a test using a larger than block-size key and a larger than block-size data. The "
         "key needs to be hashed before being used by the HMAC algorithm.",
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"}};
    (void)state;
    for (size_t i = 0; i < FX_ARRAY_LEN(rows); i++) {
        char key[131];
        uint8_t out[FX_SHA256_BYTES];
        memset(key, rows[i].key_byte, sizeof key);
        struct fx_str key_str = {rows[i].key != NULL ? rows[i].key : key, (size_t)rows[i].key_len};
        fx_hmac_sha256(key_str, fx_str_from(rows[i].data), out);
        check_hex(out, sizeof out, rows[i].mac);
    }
}

/* An address of NULL means "the key of the call before" to libcrypto. */
static void an_empty_key_is_an_empty_key(void **state)
{
    uint8_t out[FX_SHA256_BYTES];
    (void)state;
    fx_hmac_sha256(FX_STR("Jefe"), FX_STR("x"), out);
    fx_hmac_sha256((struct fx_str){NULL, 0}, FX_STR(""), out);
    check_hex(out, sizeof out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void secrets_are_compared_whole(void **state)
{
    uint8_t a[32] = {0}, b[32] = {0};
    (void)state;
    assert_true(fx_secret_eq(FX_STR("token"), FX_STR("token")));
    assert_false(fx_secret_eq(FX_STR("token"), FX_STR("tokem")));
    assert_false(fx_secret_eq(FX_STR("token"), FX_STR("toke")));
    assert_true(fx_secret_eq((struct fx_str){NULL, 0}, FX_STR("")));
    fx_random_bytes(a, sizeof a);
    fx_random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    fx_secret_wipe(a, sizeof a);
    memset(b, 0, sizeof b);
    assert_memory_equal(a, b, sizeof a);
}

static void a_byte_string_has_one_text(void **state)
{
    uint8_t out[2];
    (void)state;
    assert_true(fx_hex_read(FX_STR("0fa0"), out, 2));
    assert_int_equal(out[0], 0x0f);
    assert_int_equal(out[1], 0xa0);
    assert_false(fx_hex_read(FX_STR("0FA0"), out, 2));
    assert_false(fx_hex_read(FX_STR("0fa"), out, 2));
    assert_false(fx_hex_read(FX_STR("0fa00"), out, 2));
    assert_false(fx_hex_read(FX_STR("0fg0"), out, 2));
    assert_false(fx_hex_read(FX_STR(" fa0"), out, 2));
}

/* --- signatures ------------------------------------------------------------------------------- */

static void signatures_are_those_of_rfc_8032(void **state)
{
    static const struct {
        const char *seed, *public_key, *message, *signature;
    } rows[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
         "1cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "\x72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
         "d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "\xaf\x82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760"
         "984dc6594a7c15e9716ed28dc027beceea1ec40a"}};
    (void)state;
    for (size_t i = 0; i < FX_ARRAY_LEN(rows); i++) {
        uint8_t seed[32], signature[FX_SIGNATURE_BYTES];
        struct fx_public_key public_key;
        assert_true(fx_hex_read(fx_str_from(rows[i].seed), seed, sizeof seed));
        FX_AUTO_FREE(fx_private_key) struct fx_private_key *key = fx_private_key_from_seed(seed);
        fx_private_key_public(key, &public_key);
        check_hex(public_key.raw, sizeof public_key.raw, rows[i].public_key);
        fx_sign(key, fx_str_from(rows[i].message), signature);
        check_hex(signature, sizeof signature, rows[i].signature);
        assert_true(fx_verify(&public_key, fx_str_from(rows[i].message), signature));
    }
}

static void every_changed_bit_is_noticed(void **state)
{
    char message[] = "a report";
    uint8_t signature[FX_SIGNATURE_BYTES];
    struct fx_public_key public_key, other_key;
    FX_AUTO_FREE(fx_private_key) struct fx_private_key *key = fx_private_key_new();
    FX_AUTO_FREE(fx_private_key) struct fx_private_key *other = fx_private_key_new();
    struct fx_str text = {message, sizeof message - 1};
    (void)state;
    fx_private_key_public(key, &public_key);
    fx_private_key_public(other, &other_key);
    fx_sign(key, text, signature);
    assert_true(fx_verify(&public_key, text, signature));
    assert_false(fx_verify(&other_key, text, signature));
    assert_false(fx_verify(&public_key, fx_str_sub(text, 0, 7), signature));
    for (size_t bit = 0; bit < 8 * sizeof signature; bit++) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(fx_verify(&public_key, text, signature));
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * text.len; bit++) {
        message[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(fx_verify(&public_key, text, signature));
        message[bit / 8] ^= (char)(1 << bit % 8);
    }
    assert_true(fx_verify(&public_key, text, signature));
}

/* --- key files -------------------------------------------------------------------------------- */

/* A path whose file goes with the scope. */
static void unlink_and_free(char **path)
{
    unlink(*path);
    fx_free_str(path);
}
#define AUTO_PATH __attribute__((cleanup(unlink_and_free)))

static char *path_of(const char *name)
{
    char *path = fx_asprintf("%s/crypt-%s", test_tmp(), name);
    unlink(path);
    return path;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    struct fx_err err = FX_ERR_INIT;
    assert_true(fx_file_write_atomic(path, fx_str_from(text), 0600, &err));
    assert_int_equal(chmod(path, mode), 0);
}

static void a_saved_pair_is_read_back(void **state)
{
    AUTO_PATH char *path = path_of("pair"), *pub_path = path_of("pair.pub");
    FX_AUTO_FREE(fx_private_key) struct fx_private_key *key = fx_private_key_new(), *loaded = NULL;
    struct fx_public_key made, from_private, from_file;
    struct fx_err err = FX_ERR_INIT;
    struct stat info;
    (void)state;
    fx_private_key_public(key, &made);
    assert_true(fx_private_key_save(key, path, &err));
    assert_true(fx_public_key_save(&made, pub_path, &err));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_true(fx_private_key_load(path, &loaded, &err));
    fx_private_key_public(loaded, &from_private);
    assert_true(fx_public_key_load(pub_path, &from_file, &err));
    assert_memory_equal(&made, &from_private, sizeof made);
    assert_memory_equal(&made, &from_file, sizeof made);
}

static void an_existing_file_stays_as_it_is(void **state)
{
    AUTO_PATH char *path = path_of("there");
    FX_AUTO_FREE(fx_private_key) struct fx_private_key *key = fx_private_key_new();
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf content = FX_BUF(100);
    (void)state;
    write_file(path, "mine", 0600);
    assert_false(fx_private_key_save(key, path, &err));
    assert_int_equal(err.code, FX_E_IO);
    assert_true(fx_file_read(path, 100, &content, &err));
    assert_string_equal(fx_buf_cstr(&content), "mine");
    /* Nor is a link followed. */
    unlink(path);
    assert_int_equal(symlink("crypt-nowhere", path), 0);
    assert_false(fx_private_key_save(key, path, &err));
    unlink(path);
}

static const char rfc8410_private[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
    "-----END PRIVATE KEY-----\n";
static const char rfc8410_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
    "-----END PUBLIC KEY-----\n";

static void the_files_are_those_of_rfc_8410(void **state)
{
    AUTO_PATH char *path = path_of("rfc"), *pub_path = path_of("rfc.pub");
    FX_AUTO_FREE(fx_private_key) struct fx_private_key *key = NULL;
    struct fx_public_key of_private, of_file;
    struct fx_err err = FX_ERR_INIT;
    char fingerprint[FX_SHA256_HEX];
    (void)state;
    write_file(path, rfc8410_private, 0600);
    write_file(pub_path, rfc8410_public, 0644);
    assert_true(fx_private_key_load(path, &key, &err));
    assert_true(fx_public_key_load(pub_path, &of_file, &err));
    fx_private_key_public(key, &of_private);
    assert_memory_equal(&of_private, &of_file, sizeof of_file);
    check_hex(of_file.raw, sizeof of_file.raw,
              "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
    fx_public_key_fingerprint(&of_file, fingerprint);
    assert_string_equal(fingerprint,
                        "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f");
}

static void check_private_refused(const char *path, const char *says)
{
    struct fx_private_key *key = NULL;
    struct fx_err err = FX_ERR_INIT;
    assert_false(fx_private_key_load(path, &key, &err));
    assert_int_equal(err.code, FX_E_SECRET);
    assert_non_null(strstr(err.message, says));
    assert_null(key);
}

static void check_public_refused(const char *path, const char *says)
{
    struct fx_public_key key;
    struct fx_err err = FX_ERR_INIT;
    assert_false(fx_public_key_load(path, &key, &err));
    assert_int_equal(err.code, FX_E_SECRET);
    assert_non_null(strstr(err.message, says));
}

static void a_private_key_that_others_read_is_refused(void **state)
{
    AUTO_PATH char *path = path_of("open");
    (void)state;
    write_file(path, rfc8410_private, 0644);
    check_private_refused(path, "has mode 0644");
    assert_int_equal(chmod(path, 0606), 0);
    check_private_refused(path, "has mode 0606");
    assert_int_equal(chmod(path, 0660), 0);
    check_private_refused(path, "has mode 0660");
}

static void what_is_not_a_key_is_refused_by_its_name(void **state)
{
    AUTO_PATH char *path = path_of("odd");
    FX_AUTO_STR char *twice = fx_asprintf("%s%s", rfc8410_public, rfc8410_public);
    FX_AUTO_STR char *both = fx_asprintf("%s%s", rfc8410_public, rfc8410_private);
    FX_AUTO_STR char *huge = fx_asprintf("%*s", 20000, "x");
    (void)state;
    check_private_refused(path, "could not open private key");
    check_public_refused(path, "could not open public key");
    check_private_refused(test_tmp(), "is not a regular file");
    check_public_refused(test_tmp(), "could not read public key");
    write_file(path, "", 0600);
    check_private_refused(path, "is not an Ed25519 private key");
    check_public_refused(path, "is not one Ed25519 public key");
    write_file(path, rfc8410_private, 0600);
    check_public_refused(path, "is a private key");
    write_file(path, both, 0600);
    check_public_refused(path, "is a private key");
    write_file(path, twice, 0600);
    check_public_refused(path, "is not one Ed25519 public key");
    write_file(path, rfc8410_public, 0600);
    check_private_refused(path, "is not an Ed25519 private key");
    write_file(path, huge, 0600);
    check_private_refused(path, "bytes or more");
    check_public_refused(path, "bytes or more");
    /* X25519: the same length, another algorithm. */
    write_file(path,
               "-----BEGIN PUBLIC KEY-----\n"
               "MCowBQYDK2VuAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
               "-----END PUBLIC KEY-----\n",
               0600);
    check_public_refused(path, "is not one Ed25519 public key");
}

/* libcrypto would ask at the terminal, in CI for ever. */
static void a_passphrase_is_not_asked_for(void **state)
{
    AUTO_PATH char *path = path_of("locked");
    (void)state;
    write_file(path,
               "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
               "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjq+6W4LOwGHAICCAAw\n"
               "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEOx5Ct9rPJSI2lHESt5bTg8EQHwi\n"
               "6pYaytCtQkJbwZ+IDrBxWMzjDV11w6YaJ5IPIegqO8p3L9xkx5xLIl5XKR2QFdqL\n"
               "gYioyBiqXiVP3YEIJLw=\n"
               "-----END ENCRYPTED PRIVATE KEY-----\n",
               0600);
    check_private_refused(path, "is protected by a passphrase");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_standard),
        cmocka_unit_test(a_digest_in_parts_is_that_of_the_whole),
        cmocka_unit_test(macs_are_those_of_rfc_4231),
        cmocka_unit_test(an_empty_key_is_an_empty_key),
        cmocka_unit_test(secrets_are_compared_whole),
        cmocka_unit_test(a_byte_string_has_one_text),
        cmocka_unit_test(signatures_are_those_of_rfc_8032),
        cmocka_unit_test(every_changed_bit_is_noticed),
        cmocka_unit_test(a_saved_pair_is_read_back),
        cmocka_unit_test(an_existing_file_stays_as_it_is),
        cmocka_unit_test(the_files_are_those_of_rfc_8410),
        cmocka_unit_test(a_private_key_that_others_read_is_refused),
        cmocka_unit_test(what_is_not_a_key_is_refused_by_its_name),
        cmocka_unit_test(a_passphrase_is_not_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
