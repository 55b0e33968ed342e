/* SPDX-License-Identifier: Apache-2.0 */
/* Each text of a seal has one form only: fixed words, lower-case digits, fixed lengths. */
#include "reconcile/report/seal.h"

#define SIGNED_FIRST   ",\"signature\":{\"key\":\""
#define SIGNED_MIDDLE  "\",\"ed25519\":\""
#define CHECKSUM_FIRST ",\"checksum\":{\"sha256\":\""
#define LAST           "\"}}\n"
#define DOMAIN         "ficus-reconcile-report\n"

enum {
    KEY_DIGITS = FX_SHA256_HEX - 1,
    SIGNATURE_DIGITS = 2 * FX_SIGNATURE_BYTES,
    CHECKSUM_LENGTH = sizeof CHECKSUM_FIRST - 1 + KEY_DIGITS + sizeof LAST - 1,
    SIGNED_LENGTH = sizeof SIGNED_FIRST - 1 + KEY_DIGITS + sizeof SIGNED_MIDDLE - 1 +
                    SIGNATURE_DIGITS + sizeof LAST - 1,
};

/* What is signed: the domain first, so that the key's signature of something else never fits. */
static void add_signed_bytes(struct fx_str body, struct fx_buf *out)
{
    fx_buf_add(out, FX_STR(DOMAIN));
    fx_buf_add(out, body);
}

void rec_seal_add(const struct fx_private_key *key, struct fx_buf *out)
{
    char digits[SIGNATURE_DIGITS + 1];
    if (key == NULL) {
        fx_sha256_hex(fx_buf_str(out), digits);
        fx_buf_printf(out, CHECKSUM_FIRST "%s" LAST, digits);
        return;
    }
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(out->len + sizeof DOMAIN);
    uint8_t signature[FX_SIGNATURE_BYTES];
    struct fx_public_key public_key;
    char fingerprint[FX_SHA256_HEX];
    add_signed_bytes(fx_buf_str(out), &bytes);
    fx_sign(key, fx_buf_str(&bytes), signature);
    fx_private_key_public(key, &public_key);
    fx_public_key_fingerprint(&public_key, fingerprint);
    fx_hex_write(signature, sizeof signature, digits);
    fx_buf_printf(out, SIGNED_FIRST "%s" SIGNED_MIDDLE "%s" LAST, fingerprint, digits);
}

/* Takes `word` from the front of *rest; false when it is not there. */
static bool take_word(struct fx_str *rest, struct fx_str word)
{
    if (!fx_str_starts(*rest, word))
        return false;
    *rest = fx_str_sub(*rest, word.len, rest->len);
    return true;
}

static bool take_hex(struct fx_str *rest, uint8_t *out, size_t len)
{
    if (!fx_hex_read(fx_str_sub(*rest, 0, 2 * len), out, len))
        return false;
    *rest = fx_str_sub(*rest, 2 * len, rest->len);
    return true;
}

/* The last `length` bytes; what is before them goes to *ret_body. */
static struct fx_str tail(struct fx_str file, size_t length, struct fx_str *ret_body)
{
    size_t n = FX_MIN(length, file.len);
    *ret_body = fx_str_sub(file, 0, file.len - n);
    return fx_str_sub(file, file.len - n, n);
}

static bool fail_edited(struct fx_err *err)
{
    (void)fx_fail(err, FX_E_PROTOCOL, "the report was changed after it was written");
    return fx_hint(err, "Take report.json as ficus reconcile run wrote it; jq, formatters and "
                        "editors change its bytes. Or compare again: ficus reconcile run --context "
                        "NAME --report DIR");
}

static bool check_checksum(struct fx_str body, const uint8_t sum[FX_SHA256_BYTES],
                           const struct rec_trust *trust, struct rec_report *report,
                           struct fx_err *err)
{
    uint8_t actual[FX_SHA256_BYTES];
    fx_sha256(body, actual);
    if (memcmp(actual, sum, sizeof actual) != 0)
        return fail_edited(err);
    report->seal = REC_SEAL_CHECKSUM;
    if (trust->allows_unsigned)
        return true;
    (void)fx_fail(err, FX_E_PROTOCOL, "the report is not signed");
    return fx_hint(err, "Sign reports: ficus reconcile key new FILE, then reconcile: {sign_with: "
                        "FILE} in the project file. To accept this one: ficus reconcile gate "
                        "REPORT --unsigned");
}

static const struct fx_public_key *find_key(const struct rec_trust *trust, const char *fingerprint)
{
    char of_key[FX_SHA256_HEX];
    for (size_t i = 0; i < trust->n_keys; i++) {
        fx_public_key_fingerprint(&trust->keys[i], of_key);
        if (strcmp(of_key, fingerprint) == 0)
            return &trust->keys[i];
    }
    return NULL;
}

static bool check_signature(struct fx_str body, const uint8_t signature[FX_SIGNATURE_BYTES],
                            const struct rec_trust *trust, struct rec_report *report,
                            struct fx_err *err)
{
    const struct fx_public_key *key = find_key(trust, report->signed_by);
    report->seal = REC_SEAL_UNCHECKED;
    if (key == NULL && trust->is_for_show)
        return true;
    if (key == NULL) {
        (void)fx_fail(err, FX_E_PROTOCOL,
                      "the report is signed by key %.16s, which is not trusted%s",
                      report->signed_by, trust->n_keys == 0 ? ": no key was given" : "");
        return fx_hint(err, "Give the public key of whoever compares: ficus reconcile gate REPORT "
                            "--key FILE. Which key a file holds: ficus reconcile key show FILE");
    }
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(body.len + sizeof DOMAIN);
    add_signed_bytes(body, &bytes);
    if (bytes.has_failed || !fx_verify(key, fx_buf_str(&bytes), signature))
        return fail_edited(err);
    report->seal = REC_SEAL_SIGNED;
    return true;
}

bool rec_seal_check(struct fx_str file, const struct rec_trust *trust, struct fx_str *ret_body,
                    struct rec_report *report, struct fx_err *err)
{
    uint8_t key[FX_SHA256_BYTES], sum[FX_SHA256_BYTES], signature[FX_SIGNATURE_BYTES];
    struct fx_str rest = tail(file, CHECKSUM_LENGTH, ret_body);
    if (take_word(&rest, FX_STR(CHECKSUM_FIRST)) && take_hex(&rest, sum, sizeof sum) &&
        fx_str_eq(rest, FX_STR(LAST)))
        return check_checksum(*ret_body, sum, trust, report, err);
    rest = tail(file, SIGNED_LENGTH, ret_body);
    if (!take_word(&rest, FX_STR(SIGNED_FIRST)) || !take_hex(&rest, key, sizeof key) ||
        !take_word(&rest, FX_STR(SIGNED_MIDDLE)) || !take_hex(&rest, signature, sizeof signature) ||
        !fx_str_eq(rest, FX_STR(LAST)))
        return fail_edited(err);
    fx_hex_write(key, sizeof key, report->signed_by);
    return check_signature(*ret_body, signature, trust, report, err);
}
