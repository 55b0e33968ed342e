/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last member of a report: a checksum, or a signature with the fingerprint of its key. It has a
 * fixed length and stands at the end of the file, so that what it covers is all bytes before it:
 *
 *   BODY,"checksum":{"sha256":"<64 hex>"}}\n
 *   BODY,"signature":{"key":"<64 hex>","ed25519":"<128 hex>"}}\n
 *
 * BODY is the JSON object without its closing brace. The checksum is SHA-256 of BODY; signed is
 * "ficus-reconcile-report\n" and then BODY.
 */
#ifndef REC_REPORT_SEAL_H
#define REC_REPORT_SEAL_H

#include "reconcile/reconcile.h"

/* `out` holds BODY; the rest is appended. `key` NULL: a checksum. */
void rec_seal_add(const struct fx_private_key *key, struct fx_buf *out);
/*
 * Finds the seal at the end of `file` and checks it. *ret_body: what it covers. Errors: PROTOCOL
 * (no seal, another form, a checksum or signature that does not fit, a key that is not trusted).
 */
bool rec_seal_check(struct fx_str file, const struct rec_trust *trust, struct fx_str *ret_body,
                    struct rec_report *report, struct fx_err *err) FX_MUST_CHECK;

#endif
